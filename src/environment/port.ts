import type { SandboxStats } from '../core/events.ts';
import type { TaskTexts } from '../core/prompts/languages.ts';
import type { Language, Pair } from '../core/types.ts';

/** The environment port: runs model-written programs (code, formulas, plans, …) and is the only judge of them. Verdicts are values, never exceptions. */
export interface Environment {
  /** A programming language, or what prompts say of the programs of this environment. */
  readonly language: Language | TaskTexts;
  /** Runs `f(input)` once in a fresh interpreter. `input` is an argument list of source literals, checked as data before the program sees it. */
  execute(program: string, input: string): Promise<Execution>;
  /**
   * Judges a proposed program on its inputs: integrity (one entry `f`, a parameter, a return), forbidden capabilities, runs within limits,
   * output in canonical form and not over-long (D7), and equal outputs from two fresh interpreters (D4).
   */
  validate(program: string, inputs: readonly string[]): Promise<Validation>;
  /** Canonical form of a literal (`[1, 2]` → `[1,2]`) or argument list, or null when the text is not one literal. Never runs code. */
  canonicalValue(text: string): string | null;
  canonicalArguments(text: string): string | null;
  /** Whether two canonical values are equal for grading; absent where only equal texts are (D6). Determinism always compares texts. */
  sameValue?(a: string, b: string): boolean;
  /** Program text with comments and white space normalised, for deduplication (D3). */
  normalise(program: string): string;
  /** What it did so far; absent where nothing is counted. */
  stats?(): SandboxStats;
  [Symbol.asyncDispose](): Promise<void>;
}

export type ExecutionVerdict = 'ok' | 'timeout' | 'memory' | 'forbidden' | 'error' | 'nondeterministic' | 'unsupported';

export type Execution =
  | { readonly verdict: 'ok'; /** Canonical value. */ readonly output: string }
  | { readonly verdict: Exclude<ExecutionVerdict, 'ok'>; /** One human sentence. */ readonly detail: string };

export type Validation =
  | { readonly ok: true; readonly pairs: readonly Pair[] }
  | { readonly ok: false; readonly verdict: Exclude<ExecutionVerdict, 'ok'>; readonly detail: string };

export interface EnvironmentLimits {
  /** Backstop for one execution, milliseconds of processor time (of the clock where Node does not tell that time). */
  readonly timeoutMs: number;
  readonly memoryMb: number;
  readonly stackKb: number;
  /** Interrupt ticks: the verdict under load is the same as on a quiet machine. */
  readonly fuel: number;
  /** Longest canonical output, characters (D7). */
  readonly outputChars: number;
  readonly programChars: number;
  readonly inputChars: number;
}

/** Rules of validation that differ from the reference; `paper` reproduces it (docs/deviations.md). Isolation is the same under all. */
export interface ValidationRules {
  /** D4: `fresh` compares two unlike fresh interpreters, `paper` calls twice in one. */
  readonly determinism: 'fresh' | 'paper';
  /** D5: `syntax` names forbidden capabilities as a training signal, `paper` leaves all to the sandbox. */
  readonly forbidden: 'syntax' | 'paper';
  /** D7: `reject` refuses an over-long output, `paper` cuts it to 400 characters. */
  readonly longOutput: 'reject' | 'paper';
}
