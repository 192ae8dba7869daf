import type { RolloutRecord } from '../src/core/events.ts';
import type { JournalReader } from '../src/record/port.ts';
import { ancestorsOf, nearestOf } from './family.ts';
import { filterOf } from './filter.ts';
import { Search } from './search.ts';
import type { Sought } from './search.ts';
import { isFiltered, safetySelected, selectedRollout, shownTasks } from './select.ts';
import { EMPTY_PAGE } from './store.ts';
import type { AppState, Store, ThoughtFilter } from './store.ts';

/** Rows held around the selection. A journal of a million rollouts costs the same as one of a thousand. */
const WINDOW = 160;
/** Of them before the selection. */
const BEHIND = 40;
const BATCH = 8;
const TASK_STEP = 1000;
const DATA_MS = 500;

/** Time of one look at the journal in a search; keys wait no longer. */
const SEARCH_MS = 40;
/** Characters from which the journal's index knows a word. */
const INDEXED = 3;

/** Plain words are looked for by the journal itself; what is turned round or an expression is asked of each text. */
function soughtBy({ text, ...filter }: ThoughtFilter): { readonly query: Sought; readonly slow: boolean } {
  const { asked, words, test } = filterOf(text);
  if (words === '') return { query: filter, slow: false };
  if (asked) return { query: { ...filter, match: test }, slow: true };
  return { query: { ...filter, text }, slow: [...text].length < INDEXED };
}

/**
 * Reads what the current screen shows, and only that. Screens that are not shown are read when a person goes there.
 * A reader that throws leaves the old rows; the banner tells.
 */
export class Pages {
  readonly #store: Store;
  readonly #reader: JournalReader;
  #stale = true;
  #filter: ThoughtFilter | null = null;
  #search: Search | null = null;
  #next = 0;
  #nextData = 0;

  constructor(store: Store, reader: JournalReader) {
    this.#store = store;
    this.#reader = reader;
  }

  /** New data in the journal: a later `refresh` reads again. `restarted`: older rows may be gone. */
  invalidate(restarted = false): void {
    this.#stale = true;
    if (restarted) this.#search = null;
  }

  /**
   * Brings the rows of the current screen up to date; cheap when nothing changed. Reading again for new data waits until ten times
   * the last reading's duration has passed (at least half a second), unless forced. A search goes on where it was.
   */
  refresh(force = false): void {
    try {
      this.#card(this.#store.getState());
      const state = this.#store.getState();
      const began = performance.now();
      const stale = force || (this.#stale && began >= this.#next && began >= this.#nextData);
      if (state.screen === 'thoughts') {
        this.#thoughts(state, stale);
        this.#solved(this.#store.getState());
      } else if (state.screen === 'tasks') this.#tasks(state, stale);
      else if (state.screen === 'safety') this.#safety(state);
      if (!stale) return;
      this.#stale = false;
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
    const { count, before, searched, read } = isFiltered(thoughts.filter) ? this.#found(state, stale) : this.#all(state, stale);
    // Newest first: rows that arrive push the others down. The selection stays on its rollout, except on the first row, which follows.
    const shift = thoughts.index > 0 && page.count > 0 ? before : 0;
    const index = Math.max(0, Math.min(thoughts.index + shift, count - 1));
    const covered = index >= page.offset && index < page.offset + page.rows.length;
    const same = before === 0 && !(stale && count < page.count) && covered;
    const missing = Math.min(WINDOW, count - page.offset) - page.rows.length;
    if (same && missing <= 0) {
      if (count !== page.count || searched !== page.searched || index !== thoughts.index)
        this.#store.setState({ thoughts: { ...thoughts, index, page: { ...page, count, searched } } });
      return;
    }
    if (count === 0 && page.count === 0 && searched === page.searched) return;
    // The rows behind those that are here already, or around the selection.
    const offset = same ? page.offset : Math.max(0, index - BEHIND);
    const got = same ? read(offset + page.rows.length, missing, 1) : read(offset, Math.min(WINDOW, count - offset), index - offset + 1);
    if (same && got.length === 0) return;
    const rows = same ? [...page.rows, ...got] : got;
    const chosen = selectedRollout(state)?.rollout.id;
    const scroll = rows[index - offset]?.rollout.id === chosen ? thoughts.scroll : 0;
    this.#store.setState({ thoughts: { ...thoughts, index, scroll, page: { rows, offset, count, searched } } });
  }

  #all({ thoughts: { page } }: AppState, stale: boolean): Listed {
    const count = stale ? this.#reader.rolloutCount({}) : page.count;
    const before = page.count > 0 ? Math.max(0, count - page.count) : 0;
    return { count, before, searched: 1, read: (offset, limit) => this.#reader.rollouts({ limit, offset }) };
  }

  #found({ thoughts: { filter } }: AppState, stale: boolean): Listed {
    let before = 0;
    if (this.#search === null || this.#filter !== filter) {
      const { query, slow } = soughtBy(filter);
      this.#search = new Search(this.#reader, query, slow);
      this.#filter = filter;
    } else if (stale) before = this.#search.renew();
    const search = this.#search;
    search.work(SEARCH_MS);
    const { hits, searched } = search;
    return { count: hits.length, before, searched, read: (offset, limit, least) => this.#some(hits.slice(offset, offset + limit), least) };
  }

  /** As many of these rollouts as can be read at once: hits far apart take longer than neighbours. The others come with the next look. */
  #some(numbers: readonly number[], least: number): RolloutRecord[] {
    const until = performance.now() + SEARCH_MS;
    const rows: RolloutRecord[] = [];
    for (let at = 0; at < numbers.length && (at < least || performance.now() < until); at += BATCH)
      rows.push(...this.#reader.rolloutsAt(numbers.slice(at, at + BATCH)));
    return rows;
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

/** A list of rollouts as far as it is known. */
interface Listed {
  readonly count: number;
  /** New rows in front of those of the last look. */
  readonly before: number;
  readonly searched: number;
  /** Rows from `offset` on: at most `limit`, at least `least`. */
  readonly read: (offset: number, limit: number, least: number) => readonly RolloutRecord[];
}

/** Whether a search goes on, or rows of the window are still to come. */
export const isFilling = ({ searched, rows, offset, count }: AppState['thoughts']['page']): boolean =>
  searched < 1 || rows.length < Math.min(WINDOW, count - offset);

/** The list starts over: another filter. */
export const restart = (state: AppState, filter: ThoughtFilter): Partial<AppState> => ({
  thoughts: { ...state.thoughts, mode: 'past', filter, index: 0, scroll: 0, page: EMPTY_PAGE },
});
