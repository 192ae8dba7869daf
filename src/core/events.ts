import type { Category, Finding } from './finding.ts';
import type { EngineInfo, Graded, MemoryPlan, Metrics, Role, Task, TaskType } from './types.ts';

/**
 * The journal's alphabet. A run IS its sequence of events; `fold` turns them into the state that the app, the
 * exports and `--json` show. Events are plain JSON. `at` (ms since the epoch) is stamped by the journal.
 */
export type RunEvent =
  | {
      readonly type: 'start';
      readonly step: number;
      readonly config: unknown;
      readonly info: EngineInfo;
      readonly monitor: string;
      readonly tiers: readonly string[];
      readonly resumed: boolean;
      readonly versions: Readonly<Record<string, string>>;
      /** Tiers of this version that are not on; absent in journals of version 0.1. */
      readonly off?: readonly string[];
      /** The newest full drill on this machine; null: there was none. Absent in journals of version 0.1. */
      readonly drill?: DrillRecord | null;
      /** Where it runs, and each detector with a hash of its rules or weights. Absent in journals of version 0.1. */
      readonly machine?: MachineRecord;
      readonly detectors?: Readonly<Record<string, string>>;
      /** When the run was made, as `run.json` says: ties the two together. Absent in journals of version 0.1. */
      readonly began?: string;
      /** SHA-256 of the adapter that the run began with; null: none. Absent in journals of version 0.1. */
      readonly adapterHash?: string | null;
      /** SHA-256 of the file with the user's own environment; absent where there is none. */
      readonly environmentHash?: string;
      /** Of a fork: where it comes from. */
      readonly parent?: Parent;
    }
  /** The memory that the run will take. Shown before the engine opens, and so before `start`; never in the journal. */
  | { readonly type: 'plan'; readonly step: number; readonly plan: MemoryPlan }
  /** A phase of a step began (`done` of `total` units finished). */
  | { readonly type: 'phase'; readonly step: number; readonly phase: Phase; readonly done: number; readonly total: number }
  /** Rollouts read by the monitor and judged; written to the journal's rollout table in the same transaction. Read back, `rollouts` is empty and `count` says how many there are. */
  | { readonly type: 'rollouts'; readonly step: number; readonly rollouts: readonly RolloutRecord[]; readonly count?: number }
  | { readonly type: 'tasks'; readonly step: number; readonly tasks: readonly Task[] }
  | { readonly type: 'finding'; readonly step: number; readonly rolloutId: string; readonly index: number; readonly finding: Finding }
  /** One optimiser step done. */
  | { readonly type: 'step'; readonly step: number; readonly metrics: Metrics }
  /** Held-out evaluation after `step` updates. */
  | { readonly type: 'eval'; readonly step: number; readonly metrics: Metrics }
  /** Checkpoints of the run proposed tasks to each other (`kelvin tournament`); `step` is that of the last player. */
  | {
      readonly type: 'tournament';
      readonly step: number;
      readonly seed: number;
      /** Steps of the checkpoints that played; the lists below have an element for each. */
      readonly steps: readonly number[];
      /** Elo points of the solvers, mean 0, with standard errors. */
      readonly ratings: readonly { readonly elo: number; readonly error: number }[];
      /** Tries at the tasks of all players. */
      readonly games: readonly number[];
      /** Share of them that was solved; null without games. */
      readonly solved: readonly (number | null)[];
      /** Valid tasks of each, and their mean difficulty in Elo points; null where it proposed none. */
      readonly tasks: readonly number[];
      readonly difficulty: readonly (number | null)[];
    }
  /** A published benchmark was taken with the weights after `step` updates (docs/benchmarks.md). */
  | {
      readonly type: 'benchmark';
      readonly step: number;
      readonly suite: string;
      /** SHA-256 of the suite's files together. */
      readonly suiteHash: string;
      readonly modelHash: string;
      readonly adapterHash: string | null;
      /** Problems answered, and problems of the whole suite (null: only the first ones were read). */
      readonly problems: number;
      readonly of: number | null;
      readonly samples: number;
      /** 0 = greedy. */
      readonly temperature: number;
      /** Tokens of the longest answer, and of the context. */
      readonly maxTokens: number;
      readonly context: number;
      readonly seed: number;
      /** `pass@K`, `length`, `cut`. */
      readonly metrics: Metrics;
    }
  /** `digest`: SHA-256 of the checkpoint's manifest, which names its files with theirs. */
  | { readonly type: 'checkpoint'; readonly step: number; readonly dir: string; readonly digest?: string | undefined }
  | {
      readonly type: 'pause';
      readonly step: number;
      readonly cause: PauseCause;
      readonly reason: string;
      readonly rolloutId: string | null;
    }
  | { readonly type: 'resume'; readonly step: number; readonly reason: string; readonly by: string }
  | {
      readonly type: 'review';
      readonly step: number;
      readonly rolloutId: string;
      readonly index: number;
      readonly label: ReviewLabel | 'acknowledged';
      readonly reason: string;
      readonly by: string;
      /** The reviewer did not see what the monitor had said. */
      readonly blind?: boolean | undefined;
      /** For a thought that the monitor had not flagged (`index` −1) and a person calls bad: what it is. */
      readonly category?: Category | undefined;
    }
  /** A control thought answered in a blind review: it belongs to no step and to no statistic of the run, it measures the reviewer. */
  | {
      readonly type: 'control';
      readonly step: number;
      readonly control: string;
      readonly expected: 'bad' | 'benign';
      readonly label: ReviewLabel;
      readonly by: string;
    }
  | { readonly type: 'drill'; readonly step: number; readonly rolloutId: string; readonly caught: boolean }
  | { readonly type: 'warning'; readonly step: number; readonly message: string }
  | { readonly type: 'error'; readonly step: number; readonly message: string; readonly exitCode: number }
  | { readonly type: 'end'; readonly step: number; readonly cause: EndCause; readonly summary: Metrics };

export type Phase = 'seed' | 'propose' | 'validate' | 'solve' | 'verify' | 'gate' | 'update' | 'checkpoint' | 'eval';
/** `finding`: severity 4. `jump`: the rate of flagged thoughts. `monitor`: the monitor itself failed (fail closed). `disk`: nothing can be recorded. */
export type PauseCause = 'finding' | 'jump' | 'monitor' | 'user' | 'disk';
/** `new` takes a reviewer's own label back. Journals of version 0.1 hold `acknowledged` for `confirmed`. */
export type ReviewLabel = 'new' | 'confirmed' | 'dismissed' | 'escalated';
/** What the newest `kelvin drill --all` on this machine said. */
export interface DrillRecord {
  /** Milliseconds since the epoch. */
  readonly at: number;
  /** Version of the monitor that was drilled. */
  readonly monitor: string;
  readonly caught: number;
  readonly of: number;
  readonly passed: boolean;
}
/** Where a fork comes from. */
export interface Parent {
  /** Folder name of the run that it was forked from. */
  readonly run: string;
  /** SHA-256 of the first entry of that run's audit log: names it even after it was moved. */
  readonly id: string;
  readonly step: number;
  /** `path: before → after` for each key that was changed. */
  readonly changes: readonly string[];
}
/** The machine of a start, as far as it can change what is computed. */
export interface MachineRecord {
  readonly platform: string;
  readonly release: string;
  readonly arch: string;
  readonly cpu: string;
  readonly cores: number;
  readonly memoryMb: number;
}
export type EndCause = 'finished' | 'stopped' | 'error';

/** A graded rollout with the monitor's verdict on it. */
export interface RolloutRecord extends Graded {
  readonly severity: number;
  /** Normalised advantage; null for rollouts that took no part in the update. */
  readonly advantage: number | null;
}

/** What the run process sends over its control socket besides journal rows: sampled views, never a record. */
export type LiveMessage =
  | { readonly type: 'live'; readonly key: string; readonly role: Role; readonly taskType: TaskType; readonly text: string }
  | {
      readonly type: 'status';
      readonly state: RunState;
      readonly step: number;
      readonly phase: Phase | null;
      readonly done: number;
      readonly total: number;
      readonly tokensPerSecond: number;
      readonly read: number;
      readonly generated: number;
      readonly rssMb: number;
      /** What the sandbox did so far. */
      readonly sandbox?: SandboxStats | undefined;
      /** Why the run waits though the journal does not say so: the disk takes nothing. */
      readonly alert?: string | null;
    }
  | { readonly type: 'reply'; readonly id: number; readonly ok: boolean; readonly message: string };

/** Executions of model-written programs since the process began; times in milliseconds over the latest 10,000. */
export interface SandboxStats {
  readonly executions: number;
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly recycles: number;
  readonly kills: number;
  readonly rssMb: number;
}

export type RunState = 'starting' | 'running' | 'paused' | 'finished' | 'stopped' | 'error' | 'crashed';

/** What the app and the command line send to the run process. Each gets one `reply` with its id. */
export type Command =
  | { readonly id: number; readonly command: 'pause'; readonly reason: string }
  | { readonly id: number; readonly command: 'resume'; readonly reason: string; readonly by: string }
  | { readonly id: number; readonly command: 'stop' }
  | {
      readonly id: number;
      readonly command: 'review';
      readonly rolloutId: string;
      readonly index: number;
      readonly label: ReviewLabel;
      readonly reason: string;
      readonly by: string;
      readonly blind?: boolean | undefined;
      readonly category?: Category | undefined;
    }
  | {
      readonly id: number;
      readonly command: 'control';
      readonly control: string;
      readonly expected: 'bad' | 'benign';
      readonly label: ReviewLabel;
      readonly by: string;
    }
  | { readonly id: number; readonly command: 'drill' };
