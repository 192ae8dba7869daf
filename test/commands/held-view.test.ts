import { expect, test } from 'vitest';
import { heldView } from '../../src/commands/held-view.ts';
import { EMPTY_VIEW, fold } from '../../src/core/fold.ts';
import type { RunView } from '../../src/core/fold.ts';

const metrics = (step: number) => ({
  entropy: step,
  'reward/solve/deduction': -step,
  ...(step % 3 === 0 ? { 'heldout/greedy': step } : {}),
});
const run = (steps: number, best: string): RunView => {
  let view = EMPTY_VIEW;
  for (let step = 1; step <= steps; step++) view = heldView(fold(view, { type: 'step', step, metrics: metrics(step) }), best);
  return view;
};

test('a run of any length holds the metrics of few steps, and of the others only what chooses the best checkpoint', () => {
  for (const best of ['', 'heldout/greedy', 'reward/solve/deduction']) {
    const { steps } = run(400, best);
    expect(steps.map(([step]) => step)).toEqual(Array.from({ length: 400 }, (_, i) => i + 1));
    for (const [step, held] of steps) {
      const whole = metrics(step) as Record<string, number>;
      if (step <= 10 || step > 400 - 32) expect(held).toEqual(whole);
      else expect(held).toEqual(whole[best] === undefined ? {} : { [best]: whole[best] });
    }
  }
  const short = run(42, '');
  expect(short.steps.every(([step, held]) => Object.keys(held).length === Object.keys(metrics(step)).length)).toBe(true);
});

test('a view that was read whole from a journal is slimmed at once, to the same', () => {
  let view = EMPTY_VIEW;
  for (let step = 1; step <= 120; step++) view = fold(view, { type: 'step', step, metrics: metrics(step) });
  expect(heldView(view, 'heldout/greedy')).toEqual(run(120, 'heldout/greedy'));
  expect(heldView(view, '')).toEqual(run(120, ''));
});
