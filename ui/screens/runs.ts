import type { RunSummary } from '../../src/record/folder.ts';
import { above, beside, panel } from '../blocks.ts';
import type { Block } from '../blocks.ts';
import { clampScroll, inner, panes, sliceTop } from '../layout.ts';
import { runsDetail, runsPane } from '../runs-detail.ts';
import { shownRuns } from '../runs.ts';
import { STATE_TONE } from '../select.ts';
import type { AppState } from '../store.ts';
import { fill, inline, pad, truncate, widthOf, wrap } from '../text.ts';
import type { Line } from '../text.ts';
import type { Theme } from '../theme.ts';

/** Screen 6: all runs, what became of them, and two of them side by side. */

export function runRow(run: RunSummary, chosen: boolean, mark: string, width: number, theme: Theme): Line {
  const room = Math.max(8, width - 26);
  const whole = inline(run.name, theme.ascii);
  // Names begin with the day: what tells runs apart stands at the end.
  const name = widthOf(whole) <= room ? whole : theme.glyphs.ellipsis + whole.slice(1 - room);
  return fill(
    [
      { text: `${chosen ? theme.glyphs.select : ' '}${pad(mark, 1)} ` },
      { text: pad(name, room) },
      { text: ` ${theme.glyphs.dot} ${pad(run.state, 9)}`, tone: STATE_TONE[run.state] },
      { text: pad(run.totalSteps > 0 ? `${run.step}/${run.totalSteps}` : '-', 11, 'right') },
    ],
    width,
    chosen,
  );
}

export function runsScreen(state: AppState): Block {
  const { runs, theme } = state;
  const layout = panes(state, runs.focus);
  const room = inner(layout.list);
  const shown = shownRuns(runs);
  const index = Math.min(runs.index, Math.max(0, shown.length - 1));
  const top = sliceTop(index, shown.length, room.height);
  const list = shown.slice(top, top + room.height).map((run, at) => {
    const mark = runs.marked.indexOf(run.dir);
    return runRow(run, top + at === index, mark < 0 ? ' ' : 'ABC'[mark]!, room.width, theme);
  });
  if (list.length === 0) {
    const text =
      runs.error ?? (runs.rows === null ? 'Reading the runs.' : runs.text === '' ? 'No runs yet.' : 'No run matches. x drops the filter.');
    list.push(...wrap([{ text: inline(text, theme.ascii), tone: runs.error ? 'bad' : 'muted' }], room.width));
  }
  const pane = runsPane(state);
  const size = inner(pane);
  const detail = runsDetail(state, size.width);
  const scroll = clampScroll(runs.scroll, detail.length, size.height);
  const chosen = shown[index];
  const more = detail.length > size.height ? `${scroll + 1}-${Math.min(detail.length, scroll + size.height)} of ${detail.length}` : '';
  return (layout.stacked ? above : beside)(
    panel({
      title: `runs ${shown.length}`,
      note:
        runs.text === ''
          ? runs.marked.length > 0
            ? `${runs.marked.length} marked`
            : ''
          : `"${truncate(inline(runs.text, theme.ascii), 20)}"`,
      ...layout.list,
      focused: runs.focus === 'list',
      theme,
      lines: list,
    }),
    panel({
      title: chosen ? inline(chosen.name, theme.ascii) : 'run',
      note: more,
      ...pane,
      focused: runs.focus === 'detail',
      theme,
      lines: detail.slice(scroll),
    }),
  );
}
