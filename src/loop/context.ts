import type { Phase, PauseCause } from '../core/events.ts';
import type { Finding } from '../core/finding.ts';
import type { Dialect, Question } from '../core/prompts/dialect.ts';
import type { Curriculum, Role, TaskType } from '../core/types.ts';
import type { Config } from '../config.ts';
import type { Engine } from '../engine/ports.ts';
import type { Environment } from '../environment/port.ts';
import type { Journal } from '../record/port.ts';
import type { Reader } from './reader.ts';
import type { LoopState } from './state.ts';

/** Everything a step works with. One object, made once in `src/commands/train.ts`. */
export interface LoopContext {
  readonly config: Config;
  readonly engine: Engine;
  readonly environment: Environment;
  readonly dialect: Dialect;
  /** Tokens of a prompt of the dialect, in the model's frame. */
  readonly encode: (question: Question) => number[];
  /** Reads every rollout as it comes. */
  readonly reader: Reader;
  readonly journal: Journal;
  readonly conductor: Conductor;
  readonly state: LoopState;
  /** Of rollouts that are made ahead: which policy samples them, and what breaks that off. Absent: the current one. */
  readonly ahead?: { readonly policy: number; readonly signal: AbortSignal } | undefined;
  /** Where `rlvr` and `sft` take their tasks from; null in self-play. */
  readonly curriculum: Curriculum | null;
  /** Programs that self-play must never use: the held-out set. */
  readonly isHeldOut: (program: string) => boolean;
  readonly observer: Observer;
  /** Findings that a person has answered by resuming; they pause no second time when a step is repeated. */
  readonly answered: Answered;
  /** The thought that a drill plants. */
  readonly drillThought: string;
}

/** Pauses, resumes and stops of a run: whoever asks, the loop obeys at the next boundary. */
export interface Conductor {
  readonly stopping: boolean;
  /** Records a pause; the loop then waits in `proceed`. */
  pause(cause: PauseCause, reason: string, rolloutId: string | null): void;
  /** Resolves to true when the run may go on, to false when it has been asked to stop. */
  proceed(): Promise<boolean>;
  /** True once per requested drill. */
  takeDrill(): boolean;
}

/** Sampled views for whoever watches; nothing here is a record. */
export interface Observer {
  phase(phase: Phase, done: number, total: number): void;
  /** One sequence while it is generated; `text` is read only when somebody looks. */
  tokens(key: string, role: Role, taskType: TaskType, text: () => string): void;
  progress(counts: { readonly generated: number; readonly read: number; readonly tokens: number }): void;
}

export interface Answered {
  has(rolloutId: string, finding: Finding): boolean;
  /** True when the journal already holds this finding (a repeated step finds it again). */
  recorded(rolloutId: string, finding: Finding): boolean;
}
