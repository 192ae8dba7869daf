import type { Task } from '../../src/core/types.ts';
import { above, beside, panel } from '../blocks.ts';
import type { Block } from '../blocks.ts';
import { callOf } from '../highlight.ts';
import { clampScroll, inner, panes, sliceTop } from '../layout.ts';
import { tasksDetail } from '../panes.ts';
import { shownTasks } from '../select.ts';
import type { AppState } from '../store.ts';
import { fill, inline, pad, saying, truncate } from '../text.ts';
import type { Line } from '../text.ts';
import type { Theme } from '../theme.ts';

/** Screen 3: the tasks that the model invented for itself. */

export function taskRow(task: Task, chosen: boolean, width: number, theme: Theme): Line {
  const example =
    task.type === 'induction'
      ? `${task.pairs.length} pairs`
      : `${inline(callOf(task.program, task.input.slice(0, 60)), theme.ascii)} ${theme.glyphs.arrow} ${inline(task.output.slice(0, 60), theme.ascii)}`;
  const half = Math.max(8, Math.floor((width - 13) * 0.4));
  const line: Line = [
    { text: `${chosen ? theme.glyphs.select : ' '} ${pad(task.step === 0 ? 'seed' : String(task.step), 5, 'right')} ` },
    { text: pad(task.type.slice(0, 3), 4), tone: task.type },
    { text: `${pad(truncate(example, half, theme.glyphs.ellipsis), half)} ` },
    { text: inline(task.program.slice(0, width).replaceAll(/\s+/g, ' '), theme.ascii), tone: 'muted' },
  ];
  return fill(line, width, chosen);
}

export function tasksScreen(state: AppState): Block {
  const { tasks, theme, view } = state;
  const layout = panes(state, tasks.focus);
  const room = inner(layout.list);
  const shown = shownTasks(tasks.rows, tasks.text);
  const top = sliceTop(tasks.index, shown.length, room.height);
  const list = shown.slice(top, top + room.height).map((task, at) => taskRow(task, top + at === tasks.index, room.width, theme));
  if (list.length === 0)
    list.push(
      ...saying(tasks.rows.length > 0 || tasks.taskType ? 'No task matches. x drops the filters.' : 'No task is recorded yet.', room.width),
    );
  const detailPane = { width: layout.detail.width + (layout.side?.width ?? 0), height: layout.detail.height };
  const size = inner(detailPane);
  const { main } = tasksDetail(state);
  const scroll = clampScroll(tasks.scroll, main.length, size.height);
  const filter = [tasks.taskType, tasks.text === '' ? undefined : `"${truncate(inline(tasks.text, theme.ascii), 20)}"`]
    .filter(Boolean)
    .join(' ');
  const total = Math.max(view.counts.tasks, tasks.rows.length);
  const task = shown[tasks.index];
  return (layout.stacked ? above : beside)(
    panel({
      title: `tasks ${total}`,
      note: filter || `${shown.length === 0 ? 0 : tasks.index + 1} of ${Math.max(total, shown.length)}`,
      ...layout.list,
      focused: tasks.focus === 'list',
      theme,
      lines: list,
    }),
    panel({
      title: task ? `task ${inline(task.id, theme.ascii)}` : 'task',
      ...detailPane,
      focused: tasks.focus === 'detail',
      theme,
      lines: main.slice(scroll, scroll + size.height),
    }),
  );
}
