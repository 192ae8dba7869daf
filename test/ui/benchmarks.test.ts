import { describe, expect, it } from 'vitest';
import type { RunEvent } from '../../src/core/events.ts';
import { EMPTY_VIEW, fold } from '../../src/core/fold.ts';
import { formatEventLine } from '../../ui/headless.ts';
import { benchmarkLines } from '../../ui/eval-tables.ts';
import type { AppState } from '../../ui/store.ts';
import { detectTheme } from '../../ui/theme.ts';

const taken = (suite: string, step: number, score: number): RunEvent => ({
  type: 'benchmark',
  step,
  suite,
  suiteHash: 'a',
  modelHash: 'b',
  adapterHash: null,
  problems: 164,
  of: 164,
  samples: 1,
  temperature: 0,
  maxTokens: 1024,
  context: 2048,
  seed: 1,
  metrics: { 'pass@1': score, length: 100, cut: 0 },
});

describe('benchmarks of a run', () => {
  const view = [taken('humaneval', 0, 0.25), taken('gsm8k', 0, 0.1), taken('humaneval', 50, 0.305)].reduce(fold, EMPTY_VIEW);
  const lines = (state: Pick<AppState, 'view'>, width = 80): string[] =>
    benchmarkLines({ ...state, theme: detectTheme({}, 'linux') } as AppState, width).map((line) => line.map(({ text }) => text).join(''));

  it('stand on screen 8 by suite, in the order of steps', () => {
    expect(lines({ view: EMPTY_VIEW })).toEqual([]);
    const [, first, second] = lines({ view });
    expect(first).toMatch(/^humaneval +step 0: 25\.0 {3}step 50: 30\.5/);
    expect(second).toMatch(/^gsm8k +step 0: 10\.0/);
    for (const line of lines({ view }, 40)) expect(line.length).toBeLessThanOrEqual(40);
  });

  it('are one line of the plain display, and go with the steps of a rollback', () => {
    expect(formatEventLine(taken('humaneval', 50, 0.305))).toBe('benchmark after step 50: humaneval pass@1 30.5 % of 164 problems');
    const start: RunEvent = { ...({} as Extract<RunEvent, { type: 'start' }>), type: 'start', step: 10, config: {}, resumed: true };
    expect(fold(view, start).benchmarks.map(({ step }) => step)).toEqual([0, 0]);
  });
});
