import { restart } from './pages.ts';
import { NO_FILTER } from './store.ts';
import type { AppState, FilteredScreen } from './store.ts';

/** The `/` filter of each screen that has one. Pure. */
const FILTERED: readonly string[] = ['thoughts', 'tasks', 'safety', 'charts', 'runs', 'eval'] satisfies readonly FilteredScreen[];

/** The shown screen, when it has a filter. */
export const filteredScreen = ({ screen }: AppState): FilteredScreen | null =>
  FILTERED.includes(screen) ? (screen as FilteredScreen) : null;

export function filterText(state: AppState, screen: FilteredScreen): string {
  if (screen === 'thoughts') return state.thoughts.filter.text;
  return screen === 'eval' ? state.evals.text : state[screen].text;
}

/** The list starts over with another text. */
export function filtered(state: AppState, screen: FilteredScreen, text: string): Partial<AppState> {
  switch (screen) {
    case 'thoughts':
      return restart(state, { ...state.thoughts.filter, text });
    case 'tasks':
      return { tasks: { ...state.tasks, text, index: 0, scroll: 0 } };
    case 'safety':
      return { safety: { ...state.safety, text, scroll: null } };
    case 'charts':
      return { charts: { ...state.charts, text, index: 0 } };
    case 'runs':
      return { runs: { ...state.runs, text, index: 0, scroll: 0 } };
    case 'eval':
      return { evals: { ...state.evals, index: 0, text, scroll: 0 } };
  }
}

/** Without filters, zoom and marks. */
export function cleared(state: AppState): Partial<AppState> {
  const screen = filteredScreen(state);
  if (screen === null) return {};
  if (screen === 'thoughts') return state.thoughts.mode === 'past' ? restart(state, NO_FILTER) : {};
  const next = filtered(state, screen, '');
  if (next.tasks) return { tasks: { ...next.tasks, taskType: undefined } };
  if (next.charts) return { charts: { ...next.charts, index: state.charts.text === '' ? state.charts.index : 0, span: null } };
  if (next.runs) return { runs: { ...next.runs, index: state.runs.text === '' ? state.runs.index : 0, marked: [] } };
  return next;
}
