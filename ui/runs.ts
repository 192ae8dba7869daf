import type { RunView } from '../src/core/fold.ts';
import type { RunSummary } from '../src/record/folder.ts';
import { filterOf } from './filter.ts';
import type { Focus, Store } from './store.ts';

/** Screen 6: the runs beside this one. Other runs are only read; `open` changes the window to another of them. */
export interface LoadedRun {
  readonly view: RunView;
  /** Every time a process took the run up: at which step, and when (ms). */
  readonly starts: readonly { readonly step: number; readonly at: number; readonly resumed: boolean }[];
  readonly pauses: number;
}

export interface RunsPort {
  list(): readonly RunSummary[];
  /** All of a run's journal, folded. Throws with a sentence when it cannot be read. */
  load(dir: string): LoadedRun;
  /** Gives a run that has no process one again. Rejects with a sentence. */
  resume(dir: string): Promise<string>;
  /** Writes what a run has learned; resolves to what was written. */
  export(dir: string): Promise<string>;
}

export interface RunsState {
  /** null = not read yet. */
  readonly rows: readonly RunSummary[] | null;
  readonly index: number;
  readonly text: string;
  readonly focus: Focus;
  readonly scroll: number;
  /** Folders of the runs to compare with; their curves lie over the charts. */
  readonly marked: readonly string[];
  readonly loaded: ReadonlyMap<string, LoadedRun>;
  readonly error: string | null;
}
export const NO_RUNS: RunsState = { rows: null, index: 0, text: '', focus: 'list', scroll: 0, marked: [], loaded: new Map(), error: null };

/** More curves than this cannot be told apart. */
export const MOST_MARKED = 3;
const REREAD_MS = 3000;

export const shownRuns = ({ rows, text }: RunsState): readonly RunSummary[] =>
  (rows ?? []).filter((run) => text === '' || filterOf(text).test(`${run.name} ${run.state} ${run.config}`));

export const selectedRun = (state: RunsState): RunSummary | null => {
  const shown = shownRuns(state);
  return shown[Math.min(state.index, shown.length - 1)] ?? null;
};

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

export class Runs {
  readonly #store: Store;
  readonly #port: RunsPort | undefined;
  /** What the loaded views were made of: step and state of the run. */
  readonly #made = new Map<string, string>();
  #next = -Infinity;

  constructor(store: Store, port: RunsPort | undefined) {
    this.#store = store;
    this.#port = port;
  }

  /** Brings the list and what is loaded of the chosen and marked runs up to date; `now` in ms. */
  refresh(now: number, force = false): void {
    if (!this.#port) return this.#set({ error: 'The list is not at hand here; kelvin runs prints it.', rows: [] });
    if (force || now >= this.#next) {
      const began = performance.now();
      try {
        this.#list(this.#port.list());
      } catch (error) {
        this.#set({ error: messageOf(error) });
      }
      this.#next = now + Math.max(REREAD_MS, 20 * (performance.now() - began));
    }
    const { runs } = this.#store.getState();
    const chosen = selectedRun(runs);
    for (const run of runs.rows ?? []) if (run.dir === chosen?.dir || runs.marked.includes(run.dir)) this.#load(run);
  }

  mark(): string {
    const { runs } = this.#store.getState();
    const run = selectedRun(runs);
    if (!run) return 'There is no run to mark.';
    const { dir, name } = run;
    if (runs.marked.includes(dir)) {
      this.#set({ marked: runs.marked.filter((each) => each !== dir) });
      return `${name} is no longer compared.`;
    }
    if (runs.marked.length >= MOST_MARKED) return `${MOST_MARKED} runs are compared already; x unmarks them.`;
    this.#set({ marked: [...runs.marked, dir] });
    return `${name} is compared: its curves lie over those of Charts.`;
  }

  resume(): Promise<string> {
    const run = selectedRun(this.#store.getState().runs);
    if (!run || !this.#port) return Promise.resolve('There is no run to resume.');
    if (run.pid !== null) return Promise.resolve(`${run.name} is running already.`);
    return this.#port.resume(run.dir);
  }

  export(): Promise<string> {
    const run = selectedRun(this.#store.getState().runs);
    return run && this.#port ? this.#port.export(run.dir) : Promise.resolve('There is no run to export.');
  }

  #list(rows: readonly RunSummary[]): void {
    const { runs } = this.#store.getState();
    // The selection stays on its run when another one appears above it.
    const held = selectedRun(runs)?.dir;
    const at = shownRuns({ ...runs, rows }).findIndex(({ dir }) => dir === held);
    this.#set({ rows, error: null, ...(at >= 0 ? { index: at } : {}) });
  }

  #load(run: RunSummary): void {
    const stamp = `${run.state}/${run.step}`;
    if (this.#made.get(run.dir) === stamp) return;
    this.#made.set(run.dir, stamp);
    try {
      this.#set({ loaded: new Map(this.#store.getState().runs.loaded).set(run.dir, this.#port!.load(run.dir)) });
    } catch (error) {
      this.#set({ error: `${run.name}: ${messageOf(error)}` });
    }
  }

  #set(change: Partial<RunsState>): void {
    this.#store.setState({ runs: { ...this.#store.getState().runs, ...change } });
  }
}

/** Settings in which two configurations differ, by path. */
export function differences(one: unknown, other: unknown): readonly (readonly [path: string, one: string, other: string])[] {
  const flat = (value: unknown, path: string, out: Map<string, string>): Map<string, string> => {
    if (typeof value === 'object' && value !== null && !Array.isArray(value))
      for (const [key, inner] of Object.entries(value)) flat(inner, path === '' ? key : `${path}.${key}`, out);
    else out.set(path, JSON.stringify(value) ?? '-');
    return out;
  };
  const [a, b] = [flat(one, '', new Map()), flat(other, '', new Map())];
  return [...new Set([...a.keys(), ...b.keys()])]
    .sort()
    .map((path) => [path, a.get(path) ?? '-', b.get(path) ?? '-'] as const)
    .filter(([, x, y]) => x !== y);
}
