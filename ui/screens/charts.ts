import { chart, short } from '../chart.ts';
import { above, beside, panel } from '../blocks.ts';
import type { Block } from '../blocks.ts';
import { curvesOf } from '../curves.ts';
import type { Curves } from '../curves.ts';
import { inner, panes, sliceTop } from '../layout.ts';
import { chartPaths, latest } from '../select.ts';
import type { AppState } from '../store.ts';
import { fill, fit, inline, lineWidth, pad, saying, truncate } from '../text.ts';
import type { Line, Span } from '../text.ts';

/** Screen 5: any metric of the run, with a cursor that reads values, beside the same metric of other runs. */
export function chartsScreen(state: AppState): Block {
  const { charts, theme, view } = state;
  const layout = panes(state, 'list');
  const room = inner(layout.list);
  const paths = chartPaths(state);
  const index = Math.min(charts.index, Math.max(0, paths.length - 1));
  const top = sliceTop(index, paths.length, room.height);
  const list = paths.slice(top, top + room.height).map((path, at): Line => {
    const chosen = top + at === index;
    const name = pad(`${chosen ? theme.glyphs.select : ' '} ${shortPath(inline(path, theme.ascii), room.width - 12)}`, room.width - 9);
    return fill([{ text: name }, { text: pad(short(latest(view.steps, path)), 9, 'right'), tone: 'accent' }], room.width, chosen);
  });
  if (list.length === 0)
    list.push(
      ...saying(charts.text === '' ? 'Metrics appear after the first step.' : 'No metric matches. x drops the filter.', room.width),
    );
  const path = paths[index];
  const curves = path ? curvesOf(state, path) : null;
  const pane = { width: layout.detail.width + (layout.side?.width ?? 0), height: layout.detail.height };
  const zoom = curves && charts.span !== null ? `steps ${curves.first}-${curves.last}` : '';
  return (layout.stacked ? above : beside)(
    panel({
      title: `metrics ${paths.length}`,
      note: charts.text === '' ? '' : `"${truncate(inline(charts.text, theme.ascii), 20)}"`,
      ...layout.list,
      focused: true,
      theme,
      lines: list,
    }),
    panel({
      title: path ? inline(path, theme.ascii) : 'chart',
      note: [zoom, charts.log ? 'log axis' : ''].filter(Boolean).join(', '),
      ...pane,
      theme,
      lines: curves ? bigChart(state, curves, inner(pane)) : [],
    }),
  );
}

/** A metric path in `width` columns: task types in three letters, then the middle of its parts in short. */
export function shortPath(path: string, width: number): string {
  if (path.length <= width) return path;
  const brief = path.replaceAll(/(ded|abd|ind)uction/g, '$1').replaceAll('propose', 'prop');
  if (brief.length <= width) return brief;
  const parts = brief.split('/');
  const least = parts.map((part, index) => (index === parts.length - 1 ? part : part.slice(0, 4))).join('/');
  return least.length <= width ? least : truncate(least, width, '~');
}

/** What the cursor reads, of every run on show. */
function readLine(state: AppState, { all, step }: Curves, width: number): Line {
  const { theme, runs } = state;
  const spans = all.flatMap((curve, index): Span[] => {
    const dir = runs.marked[index - 1];
    const name =
      index === 0 ? '' : `${curve.label} ${truncate(inline(runs.rows?.find((run) => run.dir === dir)?.name ?? '', theme.ascii), 20)} `;
    return [
      { text: index === 0 ? `step ${step}: ` : `   ${name}`, tone: index === 0 ? undefined : 'muted' },
      { text: short(curve.read), tone: index === 0 ? 'strong' : curve.tone },
    ];
  });
  const values = all[0]?.values.filter(Number.isFinite) ?? [];
  // Not spread into Math.min: a long run has more values than a call takes arguments.
  const [least, most] = values.reduce(([low, high], value) => [Math.min(low, value), Math.max(high, value)], [Infinity, -Infinity]);
  const extremes: Span = { text: `   least ${short(least)}   greatest ${short(most)}`, tone: 'muted' };
  const hint: Span = { text: '   Enter: rollouts of this step', tone: 'muted' };
  const known: Line = [...spans, extremes];
  return lineWidth([...known, hint]) <= width ? [...known, hint] : fit(lineWidth(known) <= width ? known : spans, width);
}

function bigChart(state: AppState, curves: Curves, { width, height }: { readonly width: number; readonly height: number }): Line[] {
  const { charts, theme } = state;
  const shown = curves.all.map((curve) => ({
    ...curve,
    values: charts.log ? curve.values.map((value) => (value > 0 ? Math.log10(value) : NaN)) : curve.values,
  }));
  const format = charts.log ? (value: number) => short(10 ** value) : short;
  if (!shown.some(({ values }) => values.some(Number.isFinite)))
    return [
      [
        {
          text: charts.log ? 'No positive value: y goes back to the linear axis.' : 'No value in these steps: - shows more of them.',
          tone: 'muted',
        },
      ],
    ];
  const lines = chart(shown, width, height - 2, theme, { format });
  const axis = lines[0]?.[0]?.text.length ?? 0;
  const count = curves.last - curves.first;
  const column = count === 0 ? 0 : Math.round((curves.at * (width - axis - 1)) / count);
  const pointer: Line = [{ text: `${' '.repeat(axis + column)}${theme.ascii ? '^' : '▲'}`, tone: 'warn' }];
  return [...lines, pointer, readLine(state, curves, width)];
}
