import { above, beside, panel } from '../blocks.ts';
import type { Block } from '../blocks.ts';
import { change, evalDetail, evalPane, evalTables, historyLines } from '../eval-tables.ts';
import { evalRows } from '../evals.ts';
import type { EvalRow } from '../evals.ts';
import { clampScroll, inner, panes, sliceTop } from '../layout.ts';
import type { AppState } from '../store.ts';
import { fill, inline, pad, saying, truncate } from '../text.ts';
import type { Line } from '../text.ts';
import type { Theme } from '../theme.ts';

/** Screen 8: what the model could do before, and what it can do now. */

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

export function evalScreen(state: AppState): Block {
  const { evals, theme } = state;
  const layout = panes(state, evals.focus);
  const room = inner(layout.list);
  const rows = evalRows(state.view.evals, evals.text);
  const index = Math.min(evals.index, Math.max(0, rows.length - 1));
  const top = sliceTop(index, rows.length, room.height);
  const list = rows.slice(top, top + room.height).map((row, at) => evalRow(row, top + at === index, room.width, theme));
  if (list.length === 0)
    list.push(
      ...saying(
        evals.text === '' ? 'The first evaluation comes before the first update.' : 'No figure matches. x drops the filter.',
        room.width,
      ),
    );
  const pane = evalPane(state);
  const size = inner(pane);
  const focused = evals.focus === 'detail';
  return (layout.stacked ? above : beside)(
    panel({
      title: `figures ${rows.length}`,
      note: evals.text === '' ? '' : `"${truncate(inline(evals.text, theme.ascii), 20)}"`,
      ...layout.list,
      focused: !focused,
      theme,
      lines: list,
    }),
    panel({
      title: 'before and now',
      ...(focused ? scrolledTables(state, size) : tablesInSight(state, size, rows[index])),
      ...pane,
      focused,
      theme,
    }),
  );
}

interface Shown {
  readonly note: string;
  readonly lines: readonly Line[];
}
type Size = { readonly width: number; readonly height: number };

/** The tables as far as they fit, and the chosen figure below them, which moves with the selection. */
function tablesInSight(state: AppState, { width, height }: Size, chosen: EvalRow | undefined): Shown {
  const { evals } = state.view;
  const tables = evalTables(state, width);
  const left = height - Math.min(tables.length, Math.max(0, height - 3));
  const history = chosen ? historyLines(chosen, width, Math.min(16, left), state.theme) : [];
  const room = height - history.length;
  const last = evals.at(-1)?.[0];
  const count = evals.length === 1 ? 'one evaluation' : `${evals.length} evaluations`;
  const note = last === undefined ? '' : `${count}, last after step ${last}`;
  return { note: tables.length > room ? `Tab: all ${tables.length} rows` : note, lines: [...tables.slice(0, room), ...history] };
}

function scrolledTables(state: AppState, { width, height }: Size): Shown {
  const lines = evalDetail(state, width);
  const from = clampScroll(state.evals.scroll, lines.length, height);
  const note = lines.length > height ? `${from + 1}-${Math.min(lines.length, from + height)} of ${lines.length}` : '';
  return { note, lines: lines.slice(from) };
}
