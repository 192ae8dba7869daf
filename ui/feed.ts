import type { LiveMessage, RunEvent } from '../src/core/events.ts';
import { fold } from '../src/core/fold.ts';
import type { CommandBody, ControlClient, JournalReader, Stored } from '../src/record/port.ts';
import type { AppState, Connection, LiveStream, Status, Store } from './store.ts';

/** Opens the control socket of the run; `onMessage` gets its live messages, `onClose` its end. Rejects while nothing listens. */
export type Connect = (onMessage: (message: LiveMessage) => void, onClose: () => void) => Promise<ControlClient>;

export interface FeedOptions {
  readonly store: Store;
  readonly reader: JournalReader;
  /** A client that is open already; it is used until it fails. */
  readonly control?: ControlClient | null | undefined;
  readonly connect?: Connect | undefined;
  readonly lastWords?: (() => string | null) | undefined;
  readonly now: () => number;
  /** A pause that needs a person was folded in; called once for each. */
  readonly onAlert: (state: AppState) => void;
  /** New rollouts or tasks: lists have to be read again. `restarted`: rows may be gone as well. */
  readonly onData: (restarted: boolean) => void;
}

const BATCH = 2000;
/** Longest time one tick folds events; a long journal is read over several ticks, keys stay quick. */
const BUDGET_MS = 60;
const RECONNECT_MS = 1000;
/** Finished streams stay this long, so that the last words can be read. */
const STREAM_MS = 15_000;
const MAX_STREAMS = 64;
const SILENT_MS = 1500;

/** Events that change the lists; a resumed run may have dropped rows. */
const PAGED = new Set<RunEvent['type']>(['rollouts', 'tasks', 'start']);

/** What no longer needs the run process: there is nothing left to talk to. */
const isOver = (state: AppState): boolean => state.view.ended !== null;

/**
 * Brings journal and live messages into the store. `tick` is called ten times a second: whatever arrived since the last one
 * becomes one change of state. Live text is sampled, never queued.
 */
export class Feed {
  readonly #options: FeedOptions;
  readonly #streams = new Map<string, LiveStream>();
  #status: Status | null = null;
  #dirty = false;
  #client: ControlClient | null;
  #connecting = false;
  #nextConnect = 0;
  #alerted = 0;
  #closed = false;
  #rows = false;
  #restarted = false;

  constructor(options: FeedOptions) {
    this.#options = options;
    this.#client = options.control ?? null;
    if (this.#client) this.#setConnection('live');
    else if (options.connect) this.#setConnection('connecting');
  }

  readonly onMessage = (message: LiveMessage): void => {
    if (message.type === 'reply') return;
    if (message.type === 'status') this.#status = message;
    else {
      const { key, role, taskType, text } = message;
      this.#streams.delete(key);
      this.#streams.set(key, { key, role, taskType, text, at: this.#options.now() });
    }
    this.#dirty = true;
  };

  tick(): void {
    if (this.#closed) return;
    this.#reconnect();
    const before = this.#options.store.getState();
    const patch: Partial<{ -readonly [K in keyof AppState]: AppState[K] }> = {};
    this.#read(before, patch);
    const now = this.#options.now();
    if (this.#expire(now) || this.#dirty) {
      this.#dirty = false;
      // Map order is last-grown order; the screen needs rows that stay in place.
      patch.live = [...this.#streams.values()].sort((a, b) => (a.key < b.key ? -1 : 1));
      patch.status = this.#status;
      patch.followed = this.#follow(before.followed, now);
    }
    if (Math.floor(now / 1000) !== Math.floor(before.now / 1000)) patch.now = now;
    if (before.toast && before.toast.until < now) patch.toast = null;
    if (Object.keys(patch).length > 0) this.#options.store.setState(patch);
    if (this.#rows) this.#options.onData(this.#restarted);
    this.#rows = this.#restarted = false;
    this.#alert();
  }

  /** Sends a command; the answer is always an answer, never a rejection. */
  async send(command: CommandBody): Promise<{ readonly ok: boolean; readonly message: string }> {
    if (!this.#client) return { ok: false, message: 'the run process does not answer' };
    try {
      return await this.#client.send(command);
    } catch (error) {
      return { ok: false, message: error instanceof Error ? error.message : String(error) };
    }
  }

  close(): void {
    this.#closed = true;
    this.#client?.close();
    this.#client = null;
  }

  #read(before: AppState, patch: Partial<{ -readonly [K in keyof AppState]: AppState[K] }>): void {
    const { reader } = this.#options;
    const until = performance.now() + BUDGET_MS;
    let { view, seq, startedAt, lastAt, exitCode, pauseSeq } = before;
    let count = 0;
    try {
      for (;;) {
        const events = reader.events(seq, BATCH);
        for (const { seq: at, event, at: time } of events as Stored<RunEvent>[]) {
          view = fold(view, event);
          seq = at;
          startedAt ??= time;
          lastAt = time;
          count++;
          if (PAGED.has(event.type)) this.#rows = true;
          if (event.type === 'error') exitCode = event.exitCode;
          if (event.type === 'start') {
            exitCode = 0;
            this.#restarted = true;
          }
          if (event.type === 'pause') pauseSeq = at;
          if (event.type === 'resume') pauseSeq = null;
        }
        if (events.length < BATCH) {
          patch.loaded = true;
          break;
        }
        if (performance.now() > until) break;
      }
      if (before.journalError) patch.journalError = null;
    } catch (error) {
      patch.journalError = error instanceof Error ? error.message : String(error);
      if (patch.journalError === before.journalError) delete patch.journalError;
    }
    if (before.loaded) delete patch.loaded;
    // Nothing is written in a run that is over: its thoughts are past.
    if (patch.loaded && view.ended !== null) patch.thoughts = { ...before.thoughts, mode: 'past' };
    if (count > 0) Object.assign(patch, { view, seq, startedAt, lastAt, exitCode, pauseSeq });
  }

  #setConnection(connection: Connection): void {
    const { store, now } = this.#options;
    if (store.getState().connection !== connection) store.setState({ connection, connectionSince: now() });
    const lastWords = connection === 'gone' ? (this.#options.lastWords?.() ?? null) : null;
    if (store.getState().lastWords !== lastWords) store.setState({ lastWords });
  }

  #follow(current: string | null, now: number): string | null {
    const held = current === null ? undefined : this.#streams.get(current);
    const newest = [...this.#streams.values()].at(-1);
    if (held && (now - held.at < SILENT_MS || held === newest)) return current;
    return newest?.key ?? null;
  }

  #expire(now: number): boolean {
    let changed = false;
    for (const [key, stream] of this.#streams) {
      if (now - stream.at <= STREAM_MS && this.#streams.size <= MAX_STREAMS) break;
      this.#streams.delete(key);
      changed = true;
    }
    return changed;
  }

  #alert(): void {
    const state = this.#options.store.getState();
    if (!state.loaded || state.pauseSeq === null || state.pauseSeq <= this.#alerted || state.view.pause?.cause === 'user') return;
    this.#alerted = state.pauseSeq;
    this.#options.onAlert(state);
  }

  #reconnect(): void {
    const { connect, store, now } = this.#options;
    const state = store.getState();
    if (!connect || this.#client || this.#connecting || now() < this.#nextConnect || (state.loaded && isOver(state))) return;
    this.#connecting = true;
    const onClose = (): void => {
      this.#client = null;
      this.#nextConnect = now() + RECONNECT_MS;
      if (!this.#closed) this.#setConnection(isOver(store.getState()) ? 'none' : 'gone');
    };
    connect(this.onMessage, onClose).then(
      (client) => {
        this.#connecting = false;
        if (this.#closed) return client.close();
        this.#client = client;
        this.#setConnection('live');
      },
      () => {
        this.#connecting = false;
        onClose();
      },
    );
  }
}
