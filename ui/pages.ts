import type { JournalReader, RolloutQuery } from '../src/record/port.ts';
import { ancestorsOf, nearestOf } from './family.ts';
import { filterOf } from './filter.ts';
import { safetySelected, selectedRollout, shownTasks } from './select.ts';
import { EMPTY_PAGE } from './store.ts';
import type { AppState, Store, ThoughtFilter } from './store.ts';

/** Rows held around the selection. A journal of a million rollouts costs the same as one of a thousand. */
const WINDOW = 160;
const TASK_STEP = 1000;
const DATA_MS = 500;

/** Plain words are looked for by the journal itself; what is turned round or an expression is asked of each text. */
const queryOf = ({ text, ...filter }: ThoughtFilter): Omit<RolloutQuery, 'limit' | 'offset'> => {
  const { negated, words, pattern, test } = filterOf(text);
  if (words === '') return filter;
  return negated || pattern ? { ...filter, match: test } : { ...filter, text };
};

/**
 * Reads what the current screen shows, and only that. Screens that are not shown are read when a person goes there.
 * A reader that throws leaves the old rows; the banner tells.
 */
export class Pages {
  readonly #store: Store;
  readonly #reader: JournalReader;
  #stale = true;
  #filter: ThoughtFilter | null = null;
  #next = 0;
  #nextData = 0;

  constructor(store: Store, reader: JournalReader) {
    this.#store = store;
    this.#reader = reader;
  }

  /** New data in the journal: a later `refresh` reads again. */
  invalidate(): void {
    this.#stale = true;
  }

  /**
   * Brings the rows of the current screen up to date; cheap when nothing changed. Reading again for new data or another filter
   * waits until ten times the last reading's duration has passed (at least half a second for new data), unless forced.
   */
  refresh(force = false): void {
    try {
      this.#card(this.#store.getState());
      const state = this.#store.getState();
      const began = performance.now();
      const refiltered = state.screen === 'thoughts' && state.thoughts.filter !== this.#filter;
      const ready = began >= this.#next && (refiltered || began >= this.#nextData);
      const stale = force || (ready && (this.#stale || refiltered));
      if (state.screen === 'thoughts') {
        this.#thoughts(state, stale);
        this.#solved(this.#store.getState());
      } else if (state.screen === 'tasks') this.#tasks(state, stale);
      else if (state.screen === 'safety') this.#safety(state);
      if (!stale) return;
      this.#stale = false;
      this.#filter = state.thoughts.filter;
      const ended = performance.now();
      this.#next = ended + 10 * (ended - began);
      this.#nextData = ended + DATA_MS;
    } catch (error) {
      this.#store.setState({ journalError: error instanceof Error ? error.message : String(error) });
    }
  }

  #thoughts(state: AppState, stale: boolean): void {
    const { thoughts } = state;
    if (thoughts.mode !== 'past') return;
    const { page } = thoughts;
    const query = queryOf(thoughts.filter);
    const count = stale ? this.#reader.rolloutCount(query) : page.count;
    // Newest first: rows that arrive push the others down. The selection stays on its rollout, except on the first row, which follows.
    const shift = thoughts.index > 0 && page.count > 0 ? Math.max(0, count - page.count) : 0;
    const index = Math.max(0, Math.min(thoughts.index + shift, count - 1));
    const covered = index >= page.offset && index < page.offset + page.rows.length;
    if (!stale && (covered || count === 0)) return;
    if (stale && shift === 0 && count === page.count && covered && index === thoughts.index) return;
    const offset = Math.max(0, index - WINDOW / 2);
    const rows = count === 0 ? [] : this.#reader.rollouts({ ...query, limit: WINDOW, offset });
    const before = selectedRollout(state)?.rollout.id;
    const scroll = rows[index - offset]?.rollout.id === before ? thoughts.scroll : 0;
    this.#store.setState({ thoughts: { ...thoughts, index, scroll, page: { rows, offset, count } } });
  }

  /** The task behind the selected rollout. */
  #solved(state: AppState): void {
    const { thoughts } = state;
    const wanted = thoughts.mode === 'past' ? (selectedRollout(state)?.rollout.taskId ?? null) : null;
    if (wanted === (thoughts.task?.id ?? null)) return;
    const task = wanted === null ? null : this.#reader.task(wanted);
    if (task !== thoughts.task) this.#store.setState({ thoughts: { ...thoughts, task } });
  }

  #tasks(state: AppState, stale: boolean): void {
    let { tasks } = state;
    const nearEnd = tasks.rows.length === tasks.limit && tasks.index > tasks.rows.length - TASK_STEP / 4;
    if (stale || nearEnd) {
      const limit = nearEnd ? tasks.limit + TASK_STEP : tasks.limit;
      const rows = this.#reader.tasks({ ...(tasks.taskType ? { taskType: tasks.taskType } : {}), limit });
      const held = tasks.index > 0 ? shownTasks(tasks.rows, tasks.text)[tasks.index]?.id : undefined;
      const shown = shownTasks(rows, tasks.text);
      const at = held === undefined ? -1 : shown.findIndex((task) => task.id === held);
      tasks = { ...tasks, rows, limit, index: Math.max(0, at >= 0 ? at : Math.min(tasks.index, shown.length - 1)) };
    }
    const task = shownTasks(tasks.rows, tasks.text)[tasks.index];
    if (task && (stale || tasks.attempts?.taskId !== task.id)) {
      tasks = { ...tasks, attempts: { taskId: task.id, rows: this.#reader.rollouts({ taskId: task.id, role: 'solve', limit: 100 }) } };
    }
    if (task && tasks.family?.taskId !== task.id) {
      const ancestors = ancestorsOf(task, (id) => this.#reader.task(id));
      tasks = { ...tasks, family: { taskId: task.id, ancestors, nearest: nearestOf(task, tasks.rows) } };
    }
    if (tasks !== state.tasks) this.#store.setState({ tasks });
  }

  #card({ view, cardRecord }: AppState): void {
    const wanted = view.pause?.rolloutId ?? null;
    if (wanted === (cardRecord?.rollout.id ?? null)) return;
    const found = wanted === null ? null : this.#reader.rollout(wanted);
    if (found !== cardRecord) this.#store.setState({ cardRecord: found, cardScroll: 0 });
  }

  #safety(state: AppState): void {
    const selected = safetySelected(state);
    const held = state.safety.record;
    if ((selected?.rolloutId ?? null) === (held?.rollout.id ?? null)) return;
    this.#store.setState({ safety: { ...state.safety, record: selected ? this.#reader.rollout(selected.rolloutId) : null } });
  }
}

/** The list starts over: another filter. */
export const restart = (state: AppState, filter: ThoughtFilter): Partial<AppState> => ({
  thoughts: { ...state.thoughts, mode: 'past', filter, index: 0, scroll: 0, page: EMPTY_PAGE },
});
