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

/** What a rollback removed from the record, in rows, and what it kept as evidence. */
export interface Discarded {
  readonly events: number;
  readonly rollouts: number;
  readonly tasks: number;
  readonly findings: number;
  /** Rollouts that stay readable by `rollout(id)` because a severity-4 finding, a pause, a review or a drill names them. */
  readonly kept: number;
}

/** The writer as the run process holds it. */
export interface RunJournal extends Journal {
  /**
   * Removes what was recorded of steps after `step` (never completed), in one transaction. Starts, pauses, resumes, reviews, drills,
   * severity-4 findings and the findings of rollouts that those name are never removed; the audit chain notes the rollback.
   */
  discardAfter(step: number): Discarded;
  [Symbol.dispose](): void;
}

/** Reads a run while it may be written; never blocks the writer. `rollouts` events come back with an empty `rollouts` array: ask `rollouts` for them. */
export interface JournalReader {
  /** Events after `seq`, in order. */
  events(afterSeq: number, limit?: number): Stored[];
  /** Newest first. */
  rollouts(query: RolloutQuery): RolloutRecord[];
  rollout(id: string): RolloutRecord | null;
  rolloutCount(query: Omit<RolloutQuery, 'limit' | 'offset'>): number;
  /** Number of the newest rollout; 0 without any. Numbers grow; those of a discarded step may be given again after a `start`. */
  newest(): number;
  /** Numbers of the rollouts that match, newest first, among those between two numbers (both left out): a long search is done in parts. */
  find(query: Omit<RolloutQuery, 'limit' | 'offset'>, between: { readonly above: number; readonly below: number }): number[];
  /** Rollouts by number, in this order; those that are gone are left out. */
  rolloutsAt(numbers: readonly number[]): RolloutRecord[];
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
  /** Asked of thought and answer of the newest 50,000 rollouts: an expression cannot use an index. */
  readonly match?: ((text: string) => boolean) | undefined;
  readonly limit: number;
  readonly offset?: number | undefined;
}

/** Server side of the control socket, in the run process. */
export interface ControlServer {
  readonly path: string;
  broadcast(message: LiveMessage): void;
  close(): Promise<void>;
}

/** What the run process says to a command. */
export interface Answer {
  readonly ok: boolean;
  readonly message: string;
}

export interface ControlClient {
  send(command: CommandBody): Promise<Answer>;
  close(): void;
}

type WithoutId<T> = T extends unknown ? Omit<T, 'id'> : never;
export type CommandBody = WithoutId<Command>;

export class RecordError extends Error {
  readonly code: 'full' | 'unwritable' | 'locked' | 'corrupt' | 'missing';
  constructor(code: RecordError['code'], message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'RecordError';
    this.code = code;
  }
}
