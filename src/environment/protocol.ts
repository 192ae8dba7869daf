import type { Language } from '../core/types.ts';
import type { RunResult } from './language.ts';
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
  readonly results: readonly RunResult[];
  /** Time in the worker, milliseconds. */
  readonly ms: number;
}

/** What a worker thread is started with. */
export interface WorkerSetup {
  readonly language: Language;
  readonly limits: EnvironmentLimits;
  /** `LanguageRuntime.share`. */
  readonly shared: unknown;
  /** Four 32-bit numbers (below), so that a hang is seen from outside. */
  readonly progress: SharedArrayBuffer;
}

/** Id of the job that runs; count of runs begun; count of interrupt ticks; whether a program runs now (not a boot). */
export const PROGRESS_JOB = 0;
export const PROGRESS_RUNS = 1;
export const PROGRESS_TICKS = 2;
export const PROGRESS_RUNNING = 3;
export const PROGRESS_BYTES = 16;

export type FromWorker =
  | { readonly type: 'ready' }
  /** `worn`: the worker does no more, and wants to be replaced. */
  | { readonly type: 'results'; readonly results: readonly JobResult[]; readonly worn: boolean };

export interface ToWorker {
  readonly jobs: readonly Job[];
}

/** A layer of isolation, tried from the inside when the sandbox process starts. */
export interface Layer {
  readonly name: LayerName;
  readonly holds: boolean;
  /** What was seen. */
  readonly detail: string;
}
export const LAYER_NAMES = ['files', 'processes', 'network', 'namespace'] as const;
export type LayerName = (typeof LAYER_NAMES)[number];

export interface ProcessCounts {
  /** Workers ended from outside because they hung, and jobs that ran again. */
  readonly kills: number;
  readonly reruns: number;
  readonly worn: number;
  readonly rssMb: number;
  /** Processor time of the whole process. */
  readonly cpuMs: number;
}

/** Between the application and a sandbox process: JSON over Node's own channel. */
export type ToKeeper =
  | {
      readonly type: 'open';
      readonly language: Language;
      readonly limits: EnvironmentLimits;
      readonly workers: number;
      /** `LanguageRules.setup`. */
      readonly setup?: unknown;
    }
  | { readonly type: 'jobs'; readonly jobs: readonly Job[] };

export type FromKeeper =
  | { readonly type: 'ready'; readonly layers: readonly Layer[] }
  | { readonly type: 'results'; readonly results: readonly JobResult[] }
  /** Sent about once a second while there is work. */
  | { readonly type: 'alive'; readonly counts: ProcessCounts }
  | { readonly type: 'broken'; readonly message: string };
