import { expect, test } from 'vitest';
import { collapseWarning } from '../../src/commands/collapse-alarm.ts';
import type { RunEvent } from '../../src/core/events.ts';
import { EMPTY_VIEW, fold } from '../../src/core/fold.ts';

test('a run that collapses is warned of once, when it happens, with what to do', () => {
  let view = EMPTY_VIEW;
  const warnings: RunEvent[] = [];
  const append = (event: RunEvent): void => {
    view = fold(view, event);
    const warning = collapseWarning(view, [event]);
    if (warning) warnings.push(warning);
  };
  for (let step = 1; step <= 60; step++) {
    append({ type: 'phase', step, phase: 'propose', done: 0, total: 1 });
    append({ type: 'step', step, metrics: { entropy: step < 30 ? 0.6 : 0.01, 'diversity/distinct': 0.9 } });
    append({ type: 'eval', step, metrics: {} });
  }
  expect(warnings).toHaveLength(1);
  expect(warnings[0]).toMatchObject({ type: 'warning', message: expect.stringMatching(/entropy .* fell from 0\.60 to 0\.01.*optim\.lr/) });
  expect(warnings[0]?.step).toBeGreaterThan(29);
  expect(warnings[0]?.step).toBeLessThan(36);
});
