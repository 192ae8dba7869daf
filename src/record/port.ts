import type { Command, LiveMessage, RolloutRecord, RunEvent } from '../core/events.ts';
import type { Task } from '../core/types.ts';

/** A journal event with its position and time of writing. */
export interface Stored<E extends RunEvent = RunEvent> {
  readonly seq: number;
  /** Milliseconds since the epoch. */
  readonly at: number;
  readonly event: E;
}

/** The one writer of a run. Each `append` is one durable transaction: all of it or nothing. */
export interface Journal {
  /** Throws `RecordError('full' | 'unwritable')`; the caller pauses. */
  append(events: readonly RunEvent[]): void;
  close(): void;
}

/** Reads a run while it may be written; never blocks the writer. `rollouts` events come back with an empty `rollouts` array: ask `rollouts` for them. */
export interface JournalReader {
  /** Events after `seq`, in order. */
  events(afterSeq: number, limit?: number): Stored[];
  /** Newest first. */
  rollouts(query: RolloutQuery): RolloutRecord[];
  rollout(id: string): RolloutRecord | null;
  rolloutCount(query: Omit<RolloutQuery, 'limit' | 'offset'>): number;
  tasks(query: { readonly taskType?: string; readonly limit: number; readonly offset?: number }): Task[];
  task(id: string): Task | null;
  close(): void;
}

export interface RolloutQuery {
  readonly role?: string | undefined;
  readonly taskType?: string | undefined;
  readonly outcome?: string | undefined;
  readonly step?: number | undefined;
  readonly taskId?: string | undefined;
  readonly minSeverity?: number | undefined;
  /** Substring of thought or answer. */
  readonly text?: string | undefined;
  readonly limit: number;
  readonly offset?: number | undefined;
}

/** Server side of the control socket, in the run process. */
export interface ControlServer {
  readonly path: string;
  broadcast(message: LiveMessage): void;
  close(): Promise<void>;
}

export interface ControlClient {
  send(command: CommandBody): Promise<{ readonly ok: boolean; readonly message: string }>;
  close(): void;
}

type WithoutId<T> = T extends unknown ? Omit<T, 'id'> : never;
export type CommandBody = WithoutId<Command>;

export class RecordError extends Error {
  readonly code: 'full' | 'unwritable' | 'locked' | 'corrupt' | 'missing';
  constructor(code: RecordError['code'], message: string) {
    super(message);
    this.name = 'RecordError';
    this.code = code;
  }
}
