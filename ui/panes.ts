import type { RolloutRecord } from '../src/core/events.ts';
import type { FlaggedThought } from '../src/core/fold.ts';
import type { Task } from '../src/core/types.ts';
import { flaggedLines, headLines, sideLines, taskLines, thoughtLines } from './detail.ts';
import { clampScroll, inner, panes } from './layout.ts';
import { findingsOf, safetySelected, selectedRollout, selectedStream, shownTasks } from './select.ts';
import type { AppState } from './store.ts';
import { sanitise, wrap } from './text.ts';
import type { Line } from './text.ts';

/** The text of the detail pane as lines; drawing shows a slice of it, keys scroll over it. */
export interface Detail {
  readonly main: readonly Line[];
  /** Text of the third column where there is one; otherwise it is part of `main`. */
  readonly side: readonly Line[];
}

/** Tail of a live thought that is wrapped again ten times a second. */
const LIVE_CHARACTERS = 8000;
const NOTHING: Detail = { main: [], side: [] };
const cache = new WeakMap<RolloutRecord, { key: string; findings: readonly FlaggedThought[]; detail: Detail }>();

function rolloutDetail(
  record: RolloutRecord,
  state: AppState,
  widths: { readonly main: number; readonly side: number | null },
  task: Task | null = null,
): Detail {
  const findings = findingsOf(state.view.flagged, record.rollout.id);
  const key = `${widths.main}/${widths.side}/${state.theme.ascii}/${task?.id ?? ''}`;
  const found = cache.get(record);
  if (found?.key === key && found.findings === findings) return found.detail;
  const head = [...headLines(record, findings, state.theme, widths.main), ...thoughtLines(record, findings, state.theme, widths.main)];
  const side = sideLines(record, findings, state.theme, widths.side ?? widths.main, task);
  const detail = widths.side === null ? { main: [...head, ...side], side: [] } : { main: head, side };
  cache.set(record, { key, findings, detail });
  return detail;
}

export function thoughtsDetail(state: AppState): Detail {
  const layout = panes(state, state.thoughts.focus);
  const width = inner(layout.detail).width;
  if (state.thoughts.mode === 'live') {
    const stream = state.live[selectedStream(state)];
    return stream ? { main: wrap([{ text: sanitise(stream.text.slice(-LIVE_CHARACTERS), state.theme.ascii) }], width), side: [] } : NOTHING;
  }
  const record = selectedRollout(state);
  if (!record) return NOTHING;
  const { task } = state.thoughts;
  const own = task !== null && task.id === record.rollout.taskId ? task : null;
  return rolloutDetail(record, state, { main: width, side: layout.side && inner(layout.side).width }, own);
}

export function safetyDetail(state: AppState): Detail {
  const layout = panes(state, state.safety.focus);
  const record = state.safety.record;
  const selected = safetySelected(state);
  if (!record || record.rollout.id !== selected?.rolloutId) return NOTHING;
  return rolloutDetail(record, state, { main: inner(layout.detail).width, side: layout.side && inner(layout.side).width });
}

/** Where the evidence starts on the screen: as scrolled, else so that the quoted span is in sight. */
export function safetyScroll(state: AppState): number {
  const { main, side } = safetyDetail(state);
  const height = inner(panes(state, state.safety.focus).detail).height;
  const lines = Math.max(main.length, side.length);
  if (state.safety.scroll !== null) return clampScroll(state.safety.scroll, lines, height);
  const span = flaggedLines(main)[0];
  return span === undefined || span < height ? 0 : clampScroll(span - Math.floor(height / 2), lines, height);
}

export function tasksDetail(state: AppState): Detail {
  const layout = panes(state, state.tasks.focus);
  const { rows, text, index, attempts, family } = state.tasks;
  const task = shownTasks(rows, text)[index];
  if (!task) return NOTHING;
  // The third column is no use here: the detail takes its place.
  const width = inner(layout.detail).width + (layout.side ? layout.side.width : 0);
  const own = family?.taskId === task.id ? family : null;
  return { main: taskLines(task, attempts?.taskId === task.id ? attempts.rows : null, state.theme, width, own), side: [] };
}
