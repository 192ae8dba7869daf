import type { Store } from './store.ts';

/** Screen 7: models with the memory they take on this machine. The rows come from a process of their own, for planning takes seconds. */
export interface ModelRow {
  readonly name: string;
  /** URI or path. */
  readonly uri: string;
  readonly quantisation: string;
  readonly parameters: number;
  readonly bytes: number;
  readonly context: number;
  /** Where it lies; null = not fetched. */
  readonly file: string | null;
  readonly config: string | null;
  /** Bytes that sampling and training take; null when the file cannot be read. */
  readonly plan: { readonly total: number; readonly available: number } | null;
  readonly fit: string;
  readonly advice: string;
}

export interface ModelsPort {
  list(): Promise<readonly ModelRow[]>;
  /** Rejects with a sentence when the model cannot be fetched. */
  fetch(uri: string, onProgress: (done: number, total: number) => void): Promise<void>;
  /** Ends what is still running. */
  close(): void;
}

export interface ModelsState {
  /** null = not read yet. */
  readonly rows: readonly ModelRow[] | null;
  readonly index: number;
  readonly download: { readonly uri: string; readonly done: number; readonly total: number } | null;
  /** Why the last reading or download failed. */
  readonly error: string | null;
}
export const NO_MODELS: ModelsState = { rows: null, index: 0, download: null, error: null };

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** Reads the list when the screen is first shown, and fetches one model at a time. */
export class Models {
  readonly #store: Store;
  readonly #port: ModelsPort | undefined;
  #reading = false;

  constructor(store: Store, port: ModelsPort | undefined) {
    this.#store = store;
    this.#port = port;
  }

  load(force = false): void {
    if (this.#reading || (!force && this.#store.getState().models.rows !== null)) return;
    if (!this.#port) return this.#set({ error: 'The list is not at hand here; kelvin models prints it.' });
    this.#reading = true;
    void this.#port
      .list()
      .then((rows) => this.#set({ rows, error: null }))
      .catch((error: unknown) => this.#set({ error: messageOf(error) }))
      .finally(() => (this.#reading = false));
  }

  /** Fetches the chosen model, or says how to train one that is here. Returns what to tell the person. */
  choose(): string {
    const { rows, index, download } = this.#store.getState().models;
    const row = rows?.[index];
    if (!row) return 'The list is still being made.';
    if (row.file !== null) return row.config ? `It is here. Train it: kelvin train --config ${row.config}` : `It is here: ${row.file}`;
    if (download) return 'One download at a time; this one waits.';
    if (!this.#port) return `Fetch it with: kelvin models add ${row.name}`;
    this.#set({ download: { uri: row.uri, done: 0, total: row.bytes }, error: null });
    void this.#port
      .fetch(row.uri, (done, total) => this.#set({ download: { uri: row.uri, done, total } }))
      .then(() => this.#set({ download: null }))
      .then(() => this.load(true))
      .catch((error: unknown) => this.#set({ download: null, error: messageOf(error) }));
    return `Fetching ${row.name}. It goes on where it stopped when the window is closed in between.`;
  }

  #set(change: Partial<ModelsState>): void {
    this.#store.setState({ models: { ...this.#store.getState().models, ...change } });
  }
}
