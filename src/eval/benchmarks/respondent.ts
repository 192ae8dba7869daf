import type { StopReason } from '../../core/types.ts';
import type { Problem } from './problem.ts';
import type { Settings } from './run.ts';

/** One answer, not yet judged. */
export interface Reply {
  readonly completion: string;
  readonly tokens: number;
  readonly stopReason: StopReason;
}

export interface Questions {
  /** Problems of which a sample is missing, at least. */
  readonly problems: readonly Problem[];
  readonly settings: Settings;
  /** Whether sample j of a problem is known already. */
  readonly isKnown: (problem: Problem, sample: number) => boolean;
  readonly onReply: (problem: Problem, sample: number, reply: Reply) => void;
  /** The problem cannot be asked: its question is too long. `why` is a sentence. */
  readonly onUnasked: (problem: Problem, sample: number, why: string) => void;
  readonly signal?: AbortSignal | undefined;
}

/** Who answers a benchmark: a model in this process (`asking.ts`) or behind a server (`served.ts`). Sample j of a problem depends on problem, settings and j alone. */
export type Respondent = (questions: Questions) => Promise<void>;
