import { expect, test } from 'vitest';
import { run } from '../../src/loop/run.ts';
import { harness } from './harness.ts';

test.each([
  ['a whole run: before and after', null, false, { 'before/heldout/greedy': 0.1, 'after/heldout/greedy': 0.2 }],
  ['a run that is stopped: nothing was measured after', null, true, { 'before/heldout/greedy': 0.1 }],
  ['a resumed run: before is what its journal holds', 0.05, false, { 'before/heldout/greedy': 0.05, 'after/heldout/greedy': 0.1 }],
] as const)('the summary of %s', async (_name, earlier, stops, summary) => {
  const { context, events } = harness({ overrides: ['steps=2'] });
  let evaluations = 0;
  await run(context, {
    evaluate: () => Promise.resolve({ 'heldout/greedy': ++evaluations / 10 }),
    checkpoint: (step) => Promise.resolve({ dir: `step-${step}` }),
    room: () => Promise.resolve(!stops),
    firstEval: earlier === null ? null : { 'heldout/greedy': earlier },
  });
  expect(events.at(-1)).toEqual({ type: 'end', step: stops ? 0 : 2, cause: stops ? 'stopped' : 'finished', summary });
});
