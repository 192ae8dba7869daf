import { chart, short } from './chart.ts';
import { section } from './detail.ts';
import { evalRows, matrixOf, MODE_NAMES, suites } from './evals.ts';

import type { EvalRow } from './evals.ts';
import { panes } from './layout.ts';
import type { Pane } from './layout.ts';
import type { AppState } from './store.ts';
import { fill, fit, inline, pad, truncate } from './text.ts';
import type { Line, Span } from './text.ts';
import type { Theme } from './theme.ts';

/** What was measured of the model, as tables for a pane of `width` columns. Pure. */

export const figure = (value: number, kind: EvalRow['kind']): string =>
  !Number.isFinite(value) ? '-' : kind === 'share' ? (value * 100).toFixed(1) : short(value);

/** `37.3 → 53.9  +16.6`; the sign says it without colour. */
export function change({ before, now, kind }: EvalRow, theme: Theme): Span[] {
  const start: Span = { text: pad(figure(before, kind), 5, 'right') };
  if (!Number.isFinite(now)) return [start, { text: '                 ' }];
  const by = kind === 'share' ? (now - before) * 100 : now - before;
  return [
    start,
    { text: pad(` ${theme.glyphs.arrow} `, 4) },
    { text: pad(figure(now, kind), 5, 'right'), tone: 'strong' },
    { text: pad(`${by < 0 ? '' : '+'}${by.toFixed(1)}`, 8, 'right'), tone: kind === 'length' ? 'muted' : by < 0 ? 'warn' : 'good' },
  ];
}

function bar(value: number, width: number, theme: Theme): Line {
  const full = Math.round(Math.max(0, Math.min(1, Number.isFinite(value) ? value : 0)) * width);
  return [
    { text: theme.glyphs.full.repeat(full), tone: 'accent' },
    { text: theme.glyphs.empty.repeat(width - full), tone: 'muted' },
  ];
}

/** Each suite as a table of types and levels, before → now. */
export function suiteLines(state: AppState, width: number): Line[] {
  const { theme, view } = state;
  return suites(view.evals).flatMap((suite) => {
    const { columns, rows } = matrixOf(view.evals, suite);
    const label = 14;
    const each = Math.floor((width - label) / Math.max(1, columns.length));
    const bars = Math.min(20, each - 25);
    const head: Line = [
      { text: pad('', label) },
      ...columns.map((mode) => ({ text: pad(`${MODE_NAMES[mode]}, %`, each), tone: 'muted' as const })),
    ];
    const lines = rows.map(({ label: name, cells }): Line => {
      const parts = cells.flatMap((cell) =>
        cell
          ? fill(
              [
                ...change(cell, theme),
                { text: '  ' },
                ...(bars >= 5 ? bar(Number.isFinite(cell.now) ? cell.now : cell.before, bars, theme) : []),
              ],
              each,
            )
          : [{ text: pad('', each) }],
      );
      return fit([{ text: pad(inline(name, theme.ascii), label), tone: name.startsWith(' ') ? 'muted' : 'strong' }, ...parts], width);
    });
    return [section(inline(suite, theme.ascii), width, theme), head, ...lines, []];
  });
}

/** Published benchmarks, the newest of each suite last: pass@1 after which step. */
export function benchmarkLines(state: AppState, width: number): Line[] {
  const { theme, view } = state;
  if (view.benchmarks.length === 0) return [];
  const suitesOf = [...new Set(view.benchmarks.map(({ suite }) => suite))];
  const lines = suitesOf.map((suite): Line => {
    const points = view.benchmarks.filter((taken) => taken.suite === suite).slice(-4);
    const list = points.map(({ step, metrics }) => `step ${step}: ${figure(metrics['pass@1'] ?? NaN, 'share')}`).join('   ');
    const name: Span = { text: pad(inline(suite, theme.ascii), 24), tone: 'strong' };
    return fit([name, { text: truncate(list, Math.max(8, width - 24), theme.glyphs.ellipsis) }], width);
  });
  return [section('benchmarks, pass@1 in %', width, theme), ...lines, []];
}

/** Columns of a tournament's table. */
const STANDING = [14, 8, 16, 8, 9, 12] as const;
const SURE = 1.96;
const points = (value: number | null): string =>
  value === null || !Number.isFinite(value) ? '-' : `${value < 0 ? '' : '+'}${value.toFixed(0)}`;

/** The newest tournament between checkpoints of the run (`kelvin tournament`), best solver first. */
export function tournamentLines({ view, theme }: AppState, width: number): Line[] {
  const last = view.tournaments.at(-1);
  if (!last) return [];
  const row = (cells: readonly string[]): string => cells.map((cell, at) => pad(cell, STANDING[at]!, at === 0 ? 'left' : 'right')).join('');
  const standings = last.steps
    .map((step, at) => {
      const { elo = NaN, error = NaN } = last.ratings[at] ?? {};
      return { step, elo, error, games: last.games[at] ?? 0, solved: last.solved[at] ?? null, difficulty: last.difficulty[at] ?? null };
    })
    .sort((a, b) => b.elo - a.elo);
  const lines = standings.map(({ step, elo, error, games, solved, difficulty }): Line => {
    const interval = Number.isFinite(error)
      ? `${points(elo - SURE * error)} ${theme.ascii ? 'to' : '…'} ${points(elo + SURE * error)}`
      : '-';
    return fit(
      [{ text: row([`step ${step}`, points(elo), interval, String(games), figure(solved ?? NaN, 'share'), points(difficulty)]) }],
      width,
    );
  });
  return [
    section('tournament, ratings in Elo', width, theme),
    fit([{ text: row(['checkpoint', 'rating', '95 % interval', 'games', 'solved %', 'its tasks']), tone: 'muted' }], width),
    ...lines,
    [],
  ];
}

/** The chosen figure over all evaluations. */
export function historyLines(row: EvalRow, width: number, height: number, theme: Theme): Line[] {
  const title = section(truncate(inline(row.path, theme.ascii), width - 6), width, theme);
  const list = row.points.map(([step, value]) => `step ${step}: ${figure(value, row.kind)}`).join('   ');
  const text: Line = [{ text: truncate(list, width, theme.glyphs.ellipsis), tone: 'muted' }];
  if (row.points.length < 2 || height < 6) return [title, text];
  const values = row.points.map(([, value]) => value);
  const format = (value: number): string => figure(value, row.kind);
  return [title, text, ...chart([{ values, tone: 'accent', label: row.path }], width, height - 2, theme, { format })];
}

/** All tables, one below the other. */
export const evalTables = (state: AppState, width: number): Line[] => [
  ...suiteLines(state, width),
  ...tournamentLines(state, width),
  ...benchmarkLines(state, width),
];

const HISTORY_ROWS = 12;

/** The tables and the chosen figure, to scroll through. */
export function evalDetail(state: AppState, width: number): Line[] {
  const chosen = evalRows(state.view.evals, state.evals.text)[state.evals.index];
  return [...evalTables(state, width), ...(chosen ? historyLines(chosen, width, HISTORY_ROWS, state.theme) : [])];
}

/** The tables stand beside or below the list; a third column belongs to them. */
export function evalPane(state: AppState): Pane {
  const { detail, side } = panes(state, state.evals.focus);
  return { width: detail.width + (side?.width ?? 0), height: detail.height };
}
