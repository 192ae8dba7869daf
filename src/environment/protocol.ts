import type { BoxResult } from './box.ts';
import type { EnvironmentLimits } from './port.ts';

/**
 * How often a job runs each of its inputs: `single` once; `pair` once in each of two unlike interpreters; `proposal`
 * as `pair`, with `f` called twice in the first (D4); `twice` in one interpreter with a double call, as the reference does.
 */
export type JobMode = 'single' | 'pair' | 'proposal' | 'twice';

export interface Job {
  readonly id: number;
  readonly code: string;
  /** One array literal per input, written by the host from data. */
  readonly inputs: readonly string[];
  readonly mode: JobMode;
}

/** Results up to the first input that is not `ok`. */
export interface JobResult {
  readonly id: number;
  readonly results: readonly BoxResult[];
}

export interface WorkerSetup {
  readonly limits: EnvironmentLimits;
  /** Two 32-bit numbers: id of the job that runs, and a count of runs begun, so that a hang is seen from outside. */
  readonly progress: SharedArrayBuffer;
}

export const PROGRESS_JOB = 0;
export const PROGRESS_RUNS = 1;

export type FromWorker = { readonly type: 'ready' } | { readonly type: 'results'; readonly results: readonly JobResult[] };
export interface ToWorker {
  readonly jobs: readonly Job[];
}
