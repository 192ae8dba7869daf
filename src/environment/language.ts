import type { EnvironmentLimits, ExecutionVerdict } from './port.ts';
import type { Language } from '../core/types.ts';

/**
 * What a task language brings along (docs/sandbox.md, "Two languages, one pool"): `LanguageRules` on the host, where
 * text is only read, and a `LanguageRuntime` in the worker, where programs run. The pool knows nothing else of it.
 */
export interface LanguageRules {
  readonly language: Language;
  /** For sentences: `JavaScript`, `Python`. */
  readonly title: string;
  /** What `LanguageRuntime.share` is told besides the limits, as JSON. */
  readonly setup?: unknown;
  /** A program that must give `42` for `41`: tried when the environment opens. */
  readonly probe: string;
  /** A sandbox process that holds more than `process + worker × workers` MB is replaced by a new one. */
  readonly recycleMb: { readonly process: number; readonly worker: number };
  /** What the syntax of a program says before anything runs. Never throws on bad source. */
  inspect(program: string): Inspection;
  /** Reads an argument list as data, or null when it is not one. Never evaluates anything. */
  readArguments(text: string, maxChars: number): ArgumentList | null;
  /**
   * Reads an argument list that is code (`range(3), lambda x: x`), for `examine` only, where a person asks and no answer
   * is judged by it: it is evaluated in the guest after the program. Null when it is none, or asks for what is forbidden.
   */
  readCode?(text: string, maxChars: number): ArgumentList | null;
  /** Canonical form of one literal, or null. */
  canonicalValue(text: string): string | null;
  /** Whether two canonical values are equal in the language itself, where that is more than equal texts. */
  sameValue?(a: string, b: string): boolean;
  /** Canonical form of an argument list, or null. */
  canonicalArguments(text: string): string | null;
  /** Program text with comments and white space normalised (D3). */
  normalise(program: string): string;
}

export interface ArgumentList {
  /** One literal that holds all arguments (`[1, "a"]`), written by the host from the data; the guest may evaluate it. */
  readonly source: string;
  readonly canonical: string;
}

export type Inspection =
  | {
      readonly kind: 'program';
      /** Why `f` is no acceptable entry of a proposed task (azr-spec: validity of a proposal), or null. */
      readonly problem: string | null;
      /** Why it may not run, in one sentence, or null. */
      readonly forbidden: string | null;
      /** Why it may not be a task although `kelvin exec` runs it (it draws random numbers), or null. */
      readonly chance: string | null;
    }
  | { readonly kind: 'invalid'; readonly detail: string };

/** Which of two images a run uses: they differ in clock, random numbers, hash seed and where things lie in memory (D4). */
export type Image = 0 | 1;

/** One execution: load `code`, then call `f` with the arguments, `calls` times, each time with its own copy. */
export interface RunRequest {
  readonly code: string;
  /** `ArgumentList.source`. */
  readonly args: string;
  readonly calls: 1 | 2;
  readonly image: Image;
}

export type RunResult =
  | {
      readonly verdict: 'ok';
      /** Canonical value. */
      readonly output: string;
      /** The program drew random numbers: its output counts only where both images agree. */
      readonly chance?: true;
    }
  | {
      readonly verdict: Exclude<ExecutionVerdict, 'ok'>;
      readonly detail: string;
      /** The wall clock ended it, so it may have been bad luck. */
      readonly backstop?: true;
    };

/** The interpreter of one worker thread. */
export interface Interpreter {
  /** Awaited before every run: boots the image when there is none, else returns at once. */
  prepare(image: Image): Promise<void>;
  /**
   * Runs to the end, synchronously, and leaves the image as new (or drops it, so that the next `prepare` boots again).
   * Whatever the program does is a verdict; an exception means that the worker is broken and is replaced.
   */
  run(request: RunRequest): RunResult;
  /** Bytes of linear memory and saved images that this worker holds. */
  readonly memoryBytes: number;
  /** The worker should be replaced after this run: memory that only the end of the thread gives back. */
  readonly worn: boolean;
}

export interface InterpreterOptions {
  readonly limits: EnvironmentLimits;
  /** What `LanguageRuntime.share` gave, cloned to this thread (WebAssembly modules and shared memory are not copied). */
  readonly shared: unknown;
  /** To be called at every interrupt tick; costs some nanoseconds. A worker that stops ticking for long is ended. */
  readonly tick: () => void;
  /** Collects dropped interpreters: tens of megabytes that look like a small object to the collector. */
  readonly collectGarbage: () => void;
}

/** Lives in the sandbox process only. */
export interface LanguageRuntime {
  /** Once per process, before its first worker: what all workers use (compiled modules, memory snapshots as shared memory). */
  share(limits: EnvironmentLimits, setup: unknown): Promise<unknown>;
  /** Once per worker thread. Afterwards the thread may no longer read files. */
  open(options: InterpreterOptions): Promise<Interpreter>;
}

/** A hostile program of the self-test (isolation.ts), and what holding means. */
export interface Attack {
  /** What it tries, as a clause: `endless loop`. */
  readonly name: string;
  /** The wall that it runs against. */
  readonly layer: 'memory' | 'gate' | 'limits';
  readonly code: string;
  /** Verdicts that show that the wall holds; `ok` then needs `output`. */
  readonly verdicts: readonly ExecutionVerdict[];
  readonly output?: string;
}
