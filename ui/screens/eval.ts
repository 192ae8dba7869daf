import { chart, short } from '../chart.ts';
import { above, beside, panel } from '../blocks.ts';
import type { Block } from '../blocks.ts';
import { section } from '../detail.ts';
import { evalRows, matrixOf, MODE_NAMES, suites } from '../evals.ts';
import type { EvalRow } from '../evals.ts';
import { inner, panes, sliceTop } from '../layout.ts';
import type { AppState } from '../store.ts';
import { fill, fit, inline, pad, truncate } from '../text.ts';
import type { Line, Span } from '../text.ts';
import type { Theme } from '../theme.ts';

/** Screen 8: what the model could do before, and what it can do now. */

const figure = (value: number, kind: EvalRow['kind']): string =>
  !Number.isFinite(value) ? '-' : kind === 'share' ? (value * 100).toFixed(1) : short(value);

/** `37.3 → 53.9  +16.6`; the sign says it without colour. */
function change({ before, now, kind }: EvalRow, theme: Theme): Span[] {
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

/** The path as it is, or in short where it would be cut: `greedy/abd/L2`. */
function nameOf({ path, suite }: EvalRow, room: number): string {
  if (path.length <= room) return path;
  return path
    .slice(suite.length + 1)
    .replace(/(ded|abd|ind)uction/, '$1')
    .replace('/level', '/L');
}

export function evalRow(row: EvalRow, chosen: boolean, width: number, theme: Theme): Line {
  const room = width - 24;
  const name = truncate(inline(nameOf(row, room), theme.ascii), room, theme.glyphs.ellipsis);
  return fill([{ text: `${chosen ? theme.glyphs.select : ' '} ${pad(name, room)}` }, ...change(row, theme)], width, chosen);
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

/** The chosen figure over all evaluations. */
function historyLines(row: EvalRow, width: number, height: number, theme: Theme): Line[] {
  const title = section(truncate(inline(row.path, theme.ascii), width - 6), width, theme);
  const list = row.points.map(([step, value]) => `step ${step}: ${figure(value, row.kind)}`).join('   ');
  const text: Line = [{ text: truncate(list, width, theme.glyphs.ellipsis), tone: 'muted' }];
  if (row.points.length < 2 || height < 6) return [title, text];
  const values = row.points.map(([, value]) => value);
  const format = (value: number): string => figure(value, row.kind);
  return [title, text, ...chart([{ values, tone: 'accent', label: row.path }], width, height - 2, theme, { format })];
}

export function evalScreen(state: AppState): Block {
  const { evals, theme, view } = state;
  const layout = panes(state, 'list');
  const room = inner(layout.list);
  const rows = evalRows(view.evals, evals.text);
  const index = Math.min(evals.index, Math.max(0, rows.length - 1));
  const top = sliceTop(index, rows.length, room.height);
  const list = rows.slice(top, top + room.height).map((row, at) => evalRow(row, top + at === index, room.width, theme));
  if (list.length === 0)
    list.push([
      {
        text: evals.text === '' ? 'The first evaluation comes before the first update.' : 'No figure matches. x drops the filter.',
        tone: 'muted',
      },
    ]);
  const pane = { width: layout.detail.width + (layout.side?.width ?? 0), height: layout.detail.height };
  const size = inner(pane);
  const chosen = rows[index];
  const tables = [...suiteLines(state, size.width), ...benchmarkLines(state, size.width)];
  const left = size.height - Math.min(tables.length, Math.max(0, size.height - 3));
  const history = chosen ? historyLines(chosen, size.width, Math.min(16, left), theme) : [];
  const lines = [...tables.slice(0, size.height - history.length), ...history];
  return (layout.stacked ? above : beside)(
    panel({
      title: `figures ${rows.length}`,
      note: evals.text === '' ? '' : `"${truncate(inline(evals.text, theme.ascii), 20)}"`,
      ...layout.list,
      focused: true,
      theme,
      lines: list,
    }),
    panel({
      title: 'before and now',
      note:
        view.evals.length > 0
          ? `${view.evals.length === 1 ? 'one evaluation' : `${view.evals.length} evaluations`}, last after step ${view.evals.at(-1)![0]}`
          : '',
      ...pane,
      theme,
      lines,
    }),
  );
}
