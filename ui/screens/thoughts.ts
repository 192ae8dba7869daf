import type { RolloutRecord } from '../../src/core/events.ts';
import { above, beside, panel } from '../blocks.ts';
import type { Block } from '../blocks.ts';
import { severityTone, signed } from '../detail.ts';
import { clampScroll, inner, panes, sliceTop } from '../layout.ts';
import { thoughtsDetail } from '../panes.ts';
import { isFiltered, selectedRollout, selectedStream } from '../select.ts';
import type { AppState, LiveStream } from '../store.ts';
import { fill, inline, pad, saying, truncate } from '../text.ts';
import type { Line } from '../text.ts';
import type { Theme } from '../theme.ts';

/** Screen 2: what the model thinks, now and before. */

const selector = (chosen: boolean, theme: Theme): string => (chosen ? `${theme.glyphs.select} ` : '  ');

export function rolloutRow(record: RolloutRecord, chosen: boolean, width: number, theme: Theme): Line {
  const { rollout, severity } = record;
  const tone = record.outcome === 'passable' ? 'good' : record.outcome === 'wrong' ? 'warn' : 'bad';
  const glyph = record.outcome === 'passable' ? theme.glyphs.ok : theme.glyphs.cross;
  const text = rollout.thought || rollout.answer || rollout.completion;
  const line: Line = [
    { text: `${selector(chosen, theme)}${pad(String(rollout.step), 4, 'right')} ` },
    { text: pad(rollout.role === 'propose' ? 'prop' : 'solve', 6) },
    { text: pad(rollout.taskType.slice(0, 3), 4), tone: rollout.taskType },
    { text: `${glyph} ${signed(record.reward)} `, tone },
    { text: severity > 0 ? `S${severity} ` : '   ', tone: severityTone(severity) },
    { text: inline(text.slice(0, width), theme.ascii), tone: 'muted' },
  ];
  return fill(line, width, chosen);
}

function streamRow(stream: LiveStream, chosen: boolean, width: number, theme: Theme): Line {
  const line: Line = [
    { text: `${selector(chosen, theme)}${pad(stream.role, 8)}` },
    { text: pad(stream.taskType.slice(0, 3), 4), tone: stream.taskType },
    { text: inline(stream.text.slice(-(width - 14)), theme.ascii), tone: 'muted' },
  ];
  return fill(line, width, chosen);
}

function filterNote(state: AppState): string {
  const { filter } = state.thoughts;
  const { ascii } = state.theme;
  const parts = [
    filter.role,
    filter.taskType,
    filter.outcome,
    filter.minSeverity === undefined ? undefined : 'flagged',
    filter.step === undefined ? undefined : `step ${filter.step}`,
    filter.taskId === undefined ? undefined : `task ${truncate(inline(filter.taskId, ascii), 16)}`,
  ];
  const text = filter.text === '' ? [] : [`"${truncate(inline(filter.text, ascii), 20)}"`];
  return [...parts.filter((part) => part !== undefined), ...text].join(' ');
}

export function thoughtsScreen(state: AppState): Block {
  const { thoughts, theme, live } = state;
  const layout = panes(state, thoughts.focus);
  const rows = inner(layout.list);
  const past = thoughts.mode === 'past';
  const count = past ? thoughts.page.count : live.length;
  const index = past ? thoughts.index : selectedStream(state);
  const top = sliceTop(index, count, rows.height);
  const list: Line[] = [];
  for (let at = top; at < Math.min(count, top + rows.height); at++) {
    const record = past ? thoughts.page.rows[at - thoughts.page.offset] : undefined;
    const stream = past ? undefined : live[at];
    if (record) list.push(rolloutRow(record, at === index, rows.width, theme));
    else if (stream) list.push(streamRow(stream, at === index, rows.width, theme));
    else list.push([{ text: `  ${theme.glyphs.ellipsis}` }]);
  }
  if (count === 0) list.push(...saying(emptyText(state), rows.width));

  const detail = thoughtsDetail(state);
  const size = inner(layout.detail);
  // A live thought shows its end, where it grows; a person who scrolls stays where they are.
  const tail = !past && thoughts.focus === 'list';
  const scroll = tail ? Math.max(0, detail.main.length - size.height) : clampScroll(thoughts.scroll, detail.main.length, size.height);
  const stream = past ? undefined : live[index];
  const record = past ? selectedRollout(state) : null;
  const title = stream
    ? `${stream.role} ${stream.taskType}`
    : record
      ? `rollout ${inline(record.rollout.id, theme.ascii)}`
      : past
        ? 'rollout'
        : 'thought';
  const more =
    detail.main.length > size.height ? `${scroll + 1}-${Math.min(detail.main.length, scroll + size.height)} of ${detail.main.length}` : '';
  const note = past ? filterNote(state) || `${count === 0 ? 0 : index + 1} of ${count}` : thoughts.follow ? 'following' : '';
  return (layout.stacked ? above : beside)(
    panel({
      title: past ? (isFiltered(thoughts.filter) ? `past ${countText(state)}` : 'past') : `live ${live.length}`,
      note,
      ...layout.list,
      focused: thoughts.focus === 'list',
      theme,
      lines: list,
    }),
    panel({
      title,
      note: more,
      ...layout.detail,
      focused: thoughts.focus === 'detail',
      theme,
      lines: detail.main.slice(scroll, scroll + size.height),
    }),
    ...(layout.side
      ? [
          panel({
            title: 'program, execution, reward',
            ...layout.side,
            theme,
            lines: detail.side.slice(clampScroll(thoughts.scroll, detail.side.length, inner(layout.side).height)),
          }),
        ]
      : []),
  );
}

/** Hits so far; a search that goes on says how far it is. */
function countText({ thoughts: { page } }: AppState): string {
  return page.searched < 1 ? `${page.count}+, ${Math.floor(page.searched * 100)} % searched` : String(page.count);
}

function emptyText(state: AppState): string {
  const { thoughts } = state;
  if (thoughts.mode === 'live')
    return state.view.ended
      ? 'The run has ended. l shows its past thoughts.'
      : 'Nothing is being written right now. l shows past thoughts.';
  if (isFiltered(thoughts.filter) && thoughts.page.searched < 1) return 'Searching.';
  return isFiltered(thoughts.filter) ? 'No rollout matches. x drops the filters.' : 'No rollout is recorded yet.';
}
