import { flaggedLines } from './detail.ts';
import { cardLines, dialogRows, figureLines, helpLines } from './dialogs.ts';
import { textOf } from './editor.ts';
import { evalDetail, evalPane } from './eval-tables.ts';
import { evalRows } from './evals.ts';
import { clampScroll, inner, panes } from './layout.ts';
import { commandsFor } from './palette.ts';
import { safetyDetail, safetyScroll, tasksDetail, thoughtsDetail } from './panes.ts';
import { cardOpen, chartPaths, findingKey, safetyIndex, safetyQueue, selectedStream, shownTasks } from './select.ts';
import { shownRuns } from './runs.ts';
import { runsDetail, runsPane } from './runs-detail.ts';
import type { AppState, Focus } from './store.ts';

export type Move = 'up' | 'down' | 'pageUp' | 'pageDown' | 'top' | 'bottom';

/** Where a position of `count` ends up. */
function moved(at: number, move: Move, count: number, page: number): number {
  const to = { up: at - 1, down: at + 1, pageUp: at - page, pageDown: at + page, top: 0, bottom: count - 1 }[move];
  return Math.max(0, Math.min(to, count - 1));
}

/** A scroll position over `lines` lines of which `height` are visible. */
function scrolled(scroll: number, move: Move, lines: number, height: number): number {
  return clampScroll(moved(clampScroll(scroll, lines, height), move, lines, height), lines, height);
}

const pageOf = (state: AppState, focus: Focus): number => inner(panes(state, focus).list).height;

/** The state after a movement key: it scrolls a dialog, else the focused detail, else it moves the selection. */
export function moveBy(state: AppState, move: Move): Partial<AppState> {
  if (state.modal?.kind === 'help' || state.modal?.kind === 'figures') {
    const { length } = state.modal.kind === 'help' ? helpLines(state) : figureLines(state);
    return { modal: { ...state.modal, scroll: scrolled(state.modal.scroll, move, length, dialogRows(state)) } };
  }
  if (state.modal?.kind === 'palette') {
    const { length } = commandsFor(state, textOf(state.modal.editor));
    return { modal: { ...state.modal, index: moved(state.modal.index, move, length, 10) } };
  }
  if (state.modal) return {};
  if (cardOpen(state)) return { cardScroll: scrolled(state.cardScroll, move, cardLines(state).length, dialogRows(state)) };
  switch (state.screen) {
    case 'run':
      return { run: { ...state.run, chart: moved(state.run.chart, move, 64, 4) } };
    case 'thoughts':
      return { thoughts: moveThoughts(state, move) };
    case 'tasks': {
      const { tasks } = state;
      if (tasks.focus === 'detail')
        return {
          tasks: {
            ...tasks,
            scroll: scrolled(tasks.scroll, move, tasksDetail(state).main.length, inner(panes(state, 'detail').detail).height),
          },
        };
      return {
        tasks: { ...tasks, index: moved(tasks.index, move, shownTasks(tasks.rows, tasks.text).length, pageOf(state, 'list')), scroll: 0 },
      };
    }
    case 'safety': {
      const { safety } = state;
      if (safety.focus === 'detail')
        return {
          safety: {
            ...safety,
            scroll: scrolled(safetyScroll(state), move, linesOf(safetyDetail(state)), inner(panes(state, 'detail').detail).height),
          },
        };
      return {
        safety: {
          ...safety,
          selected: keyAt(state, moved(safetyIndex(state), move, safetyQueue(state).length, pageOf(state, 'list'))),
          scroll: null,
        },
      };
    }
    case 'models':
      return { models: { ...state.models, index: moved(state.models.index, move, state.models.rows?.length ?? 0, 5) } };
    case 'machine':
      return {};
    case 'eval': {
      const { evals } = state;
      if (evals.focus === 'detail') {
        const size = inner(evalPane(state));
        return { evals: { ...evals, scroll: scrolled(evals.scroll, move, evalDetail(state, size.width).length, size.height) } };
      }
      const count = evalRows(state.view.evals, state.evals.text).length;
      return { evals: { ...evals, index: moved(evals.index, move, count, pageOf(state, 'list')) } };
    }
    case 'runs': {
      const { runs } = state;
      if (runs.focus === 'detail') {
        const size = inner(runsPane(state));
        return { runs: { ...runs, scroll: scrolled(runs.scroll, move, runsDetail(state, size.width).length, size.height) } };
      }
      return { runs: { ...runs, index: moved(runs.index, move, shownRuns(runs).length, pageOf(state, 'list')), scroll: 0 } };
    }
    case 'charts': {
      const count = chartPaths(state).length;
      return { charts: { ...state.charts, index: moved(state.charts.index, move, count, pageOf(state, 'list')) } };
    }
  }
}

const linesOf = ({ main, side }: { readonly main: readonly unknown[]; readonly side: readonly unknown[] }): number =>
  Math.max(main.length, side.length);

const keyAt = (state: AppState, index: number): string | null => {
  const item = safetyQueue(state)[index];
  return item ? findingKey(item) : null;
};

function moveThoughts(state: AppState, move: Move): AppState['thoughts'] {
  const { thoughts } = state;
  if (thoughts.focus === 'detail') {
    return {
      ...thoughts,
      scroll: scrolled(thoughts.scroll, move, linesOf(thoughtsDetail(state)), inner(panes(state, 'detail').detail).height),
      follow: false,
      liveIndex: selectedStream(state),
    };
  }
  if (thoughts.mode === 'live') {
    return {
      ...thoughts,
      follow: false,
      liveIndex: moved(selectedStream(state), move, state.live.length, pageOf(state, 'list')),
      scroll: 0,
    };
  }
  return { ...thoughts, index: moved(thoughts.index, move, thoughts.page.count, pageOf(state, 'list')), scroll: 0 };
}

/** To the next or previous highlighted span of the detail; on Safety to the next finding of the queue. */
export function scrollToFlag(state: AppState, by: 1 | -1): Partial<AppState> {
  if (state.screen === 'safety') {
    const queue = safetyQueue(state);
    if (queue.length === 0) return {};
    const index = (safetyIndex(state) + by + queue.length) % queue.length;
    return { safety: { ...state.safety, selected: keyAt(state, index), scroll: null } };
  }
  if (state.screen !== 'thoughts') return {};
  const { thoughts } = state;
  const height = inner(panes(state, 'detail').detail).height;
  const { main } = thoughtsDetail({ ...state, thoughts: { ...thoughts, focus: 'detail' } });
  const lines = flaggedLines(main).map((line) => clampScroll(line, main.length, height));
  const to = by > 0 ? lines.find((line) => line > thoughts.scroll) : lines.findLast((line) => line < thoughts.scroll);
  return to === undefined ? { thoughts: { ...thoughts, focus: 'detail' } } : { thoughts: { ...thoughts, focus: 'detail', scroll: to } };
}
