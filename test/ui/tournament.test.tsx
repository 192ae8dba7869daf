import { afterEach, describe, expect, it } from 'vitest';
import type { RunEvent } from '../../src/core/events.ts';
import { EMPTY_VIEW, fold } from '../../src/core/fold.ts';
import { TASK_TYPES } from '../../src/core/types.ts';
import { tournamentLines } from '../../ui/eval-tables.ts';
import { formatEventLine } from '../../ui/headless.ts';
import type { AppState } from '../../ui/store.ts';
import { detectTheme } from '../../ui/theme.ts';
import { sampleRun } from './fakes.ts';
import { mount } from './harness.tsx';
import type { Screen } from './harness.tsx';

const held = (step: number, elo: number): RunEvent => ({
  type: 'tournament',
  step,
  seed: 1,
  steps: [0, step],
  ratings: [
    { elo: -elo, error: 20 },
    { elo, error: 20 },
  ],
  games: [160, 160],
  solved: [0.25, 0.5],
  tasks: [10, 30],
  difficulty: [-12, null],
});

let screen: Screen | null = null;
afterEach(async () => {
  await screen?.quit();
  screen = null;
});

describe('a tournament between checkpoints', () => {
  const of = (events: readonly RunEvent[], width = 80): string[] =>
    tournamentLines({ view: events.reduce(fold, EMPTY_VIEW), theme: detectTheme({}, 'linux') } as AppState, width).map((line) =>
      line.map(({ text }) => text).join(''),
    );

  it('stands on screen 8, the best solver first; the newest one counts', () => {
    expect(of([])).toEqual([]);
    const [, head, first, second] = of([held(20, 10), held(40, 100)]);
    expect(head).toMatch(/^checkpoint +rating +95 % interval +games +solved % +its tasks$/);
    expect(first).toMatch(/^step 40 +\+100 +\+61 to \+139 +160 +50\.0 +-$/);
    expect(second).toMatch(/^step 0 +-100 +-139 to -61 +160 +25\.0 +-12$/);
    for (const line of of([held(40, 1000)], 76)) expect(line.length).toBeLessThanOrEqual(76);
  });

  it('is one line of the plain display, and goes with the steps of a rollback', () => {
    expect(formatEventLine(held(40, 100))).toBe('tournament of 2 checkpoints: step 0 -100, step 40 +100 Elo');
    const start: RunEvent = { ...({} as Extract<RunEvent, { type: 'start' }>), type: 'start', step: 30, config: {}, resumed: true };
    const view = [held(20, 10), held(40, 100), start].reduce(fold, EMPTY_VIEW);
    expect(view.tournaments.map(({ step }) => step)).toEqual([20]);
  });

  it.each([
    [80, 24],
    [120, 40],
    [200, 60],
  ] as const)('can be read whole at %i x %i', async (columns, rows) => {
    const reader = sampleRun(40);
    const paths = ['temp1', 'greedy'].flatMap((mode) =>
      TASK_TYPES.flatMap((type) => ['', '/level1', '/level2', '/level3'].map((level) => `heldout/${mode}/${type}${level}`)),
    );
    reader.append({ type: 'eval', step: 40, metrics: Object.fromEntries(paths.map((path, at) => [path, at / 100])) }, held(40, 100));
    screen = await mount({ columns, rows, reader });
    await screen.press('8');
    await screen.see('before and now');
    const sawn: string[] = [];
    await screen.press('\t');
    for (let i = 0; i < 12; i++) {
      sawn.push(...screen.lines());
      await screen.press('\x04');
    }
    for (const what of [
      'checkpoint',
      '95 % interval',
      'its tasks',
      'step 40',
      '+61 … +139',
      'all tasks',
      'deduction',
      'abduction',
      'induction',
      'level 3',
      'greedy, %',
    ])
      expect(sawn.join('\n')).toContain(what);
    // Every row ends with the border of its pane.
    for (const line of screen.lines().slice(3, -1)) expect(line).toMatch(/[│╮╯]$/);
    await screen.press('\x1b');
    await screen.see(/before and now/);
  });
});

it('a small window says where the other held-out figures are', async () => {
  screen = await mount({ columns: 80, rows: 24, reader: sampleRun(30) });
  const { text } = screen;
  expect(text()).toMatch(/held-out accuracy ─+ (?:3 of \d, key 8|step \d+) ─╮/);
});
