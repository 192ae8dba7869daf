import { Box } from 'ink';
import { chart, short } from '../chart.ts';
import { Panel } from '../components/Panel.tsx';
import { inner, panes, sliceTop } from '../layout.ts';
import { chartPaths, latest, values } from '../select.ts';
import type { AppState } from '../store.ts';
import { fill, inline, pad } from '../text.ts';
import type { Line } from '../text.ts';

/** Screen 5: any metric of the run, with a cursor that reads values. */
export function ChartsScreen({ state }: { readonly state: AppState }) {
  const { charts, theme, view } = state;
  const layout = panes(state, 'list');
  const room = inner(layout.list);
  const paths = chartPaths(state);
  const index = Math.min(charts.index, Math.max(0, paths.length - 1));
  const top = sliceTop(index, paths.length, room.height);
  const list = paths.slice(top, top + room.height).map((path, at): Line => {
    const chosen = top + at === index;
    const name = pad(`${chosen ? theme.glyphs.select : ' '} ${inline(path, theme.ascii)}`, room.width - 9);
    return fill([{ text: name }, { text: pad(short(latest(view.steps, path)), 9, 'right'), tone: 'accent' }], room.width, chosen);
  });
  if (list.length === 0)
    list.push([
      { text: charts.text === '' ? 'Metrics appear after the first step.' : 'No metric matches. x drops the filter.', tone: 'muted' },
    ]);
  const path = paths[index];
  const pane = { width: layout.detail.width + (layout.side?.width ?? 0), height: layout.detail.height };
  return (
    <Box flexDirection={layout.stacked ? 'column' : 'row'}>
      <Panel
        title={`metrics ${paths.length}`}
        note={charts.text === '' ? '' : `"${inline(charts.text, theme.ascii)}"`}
        {...layout.list}
        focused
        theme={theme}
        lines={list}
      />
      <Panel
        title={path ? inline(path, theme.ascii) : 'chart'}
        note={charts.log ? 'log axis' : ''}
        {...pane}
        theme={theme}
        lines={path ? bigChart(state, path, inner(pane)) : []}
      />
    </Box>
  );
}

function bigChart(state: AppState, path: string, { width, height }: { readonly width: number; readonly height: number }): Line[] {
  const { charts, theme, view } = state;
  const raw = values(view.steps, path);
  const shown = charts.log ? raw.map((value) => (value > 0 ? Math.log10(value) : NaN)) : raw;
  const at = Math.max(0, raw.length - 1 - charts.back);
  const format = charts.log ? (value: number) => short(10 ** value) : short;
  const lines = chart([{ values: shown, tone: 'accent', label: path }], width, height - 2, theme, { format });
  if (charts.log && !shown.some(Number.isFinite)) return [[{ text: 'No positive value: y goes back to the linear axis.', tone: 'muted' }]];
  const axis = lines[0]?.[0]?.text.length ?? 0;
  const column = raw.length < 2 ? 0 : Math.round((at * (width - axis - 1)) / (raw.length - 1));
  const pointer: Line = [{ text: `${' '.repeat(axis + column)}${theme.ascii ? '^' : '▲'}`, tone: 'warn' }];
  const finite = raw.filter(Number.isFinite);
  const read: Line = [
    { text: `step ${view.steps[at]?.[0] ?? '-'}: ` },
    { text: short(raw[at] ?? NaN), tone: 'strong' },
    {
      text: `   least ${short(Math.min(...finite))}   greatest ${short(Math.max(...finite))}   Enter: rollouts of this step`,
      tone: 'muted',
    },
  ];
  return [...lines, pointer, read];
}
