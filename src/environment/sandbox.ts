import type { Inspection, LanguageRules, RunResult } from './language.ts';
import { resolveLimits, VALUE_LIMITS } from './limits.ts';
import { Pool } from './pool.ts';
import type { Environment, EnvironmentLimits, Execution, Validation, ValidationRules } from './port.ts';
import type { JobMode, Layer } from './protocol.ts';
import type { PoolStats } from './tally.ts';

export interface SandboxOptions {
  /** Worker threads; 1 is right beside a model that uses the other cores. */
  readonly workers?: number;
  readonly rules?: Partial<ValidationRules>;
  /** Python: modules of the standard library that programs may import, instead of the usual ones. */
  readonly modules?: readonly string[] | undefined;
}

const DEFAULT_RULES: ValidationRules = { determinism: 'fresh', forbidden: 'syntax', longOutput: 'reject' };
/** Where the reference cuts an output (D7). */
const PAPER_OUTPUT_CHARS = 400;

export interface SandboxEnvironment extends Environment {
  readonly limits: EnvironmentLimits;
  /**
   * Like `execute`, in two unlike fresh interpreters: `nondeterministic` when they differ. `f` may have no parameter, and
   * random numbers may be drawn as long as the output does not depend on them.
   */
  examine(program: string, input: string): Promise<Execution>;
  /** The walls around the sandbox process, tried from its inside when it started. */
  layers(): Promise<readonly Layer[]>;
  stats(): PoolStats;
}

/**
 * Opens the environment of a language: its interpreter in workers, a fresh one for every run (docs/sandbox.md).
 * Throws a `RangeError` on limits out of range; promises reject only when the sandbox itself fails.
 */
export async function openSandbox(
  language: LanguageRules,
  limits: Partial<EnvironmentLimits> = {},
  options: SandboxOptions = {},
): Promise<SandboxEnvironment> {
  const workers = options.workers ?? 1;
  if (!Number.isInteger(workers) || workers < 1 || workers > 64) {
    throw new RangeError(`The number of sandbox workers must be a whole number from 1 to 64, got ${String(workers)}.`);
  }
  const resolved = resolveLimits(limits);
  const rules = { ...DEFAULT_RULES, ...options.rules };
  const pool = new Pool({
    language,
    limits: rules.longOutput === 'paper' ? { ...resolved, outputChars: VALUE_LIMITS.chars } : resolved,
    workers,
  });
  const environment = new PooledEnvironment(language, resolved, rules, pool);
  try {
    // A broken installation is found now, not in the middle of a step.
    const probe = await environment.execute(language.probe, '41');
    if (probe.verdict !== 'ok' || probe.output !== '42')
      throw new Error(`The ${language.title} sandbox does not add 1 to 41; reinstall the dependencies.`);
    pool.clearStats();
    return environment;
  } catch (error) {
    await pool[Symbol.asyncDispose]();
    throw error;
  }
}

type Failure = Exclude<Execution, { verdict: 'ok' }>;
type Use = 'run' | 'examine' | 'propose';

/** Programs repeat: n rollouts answer one task, and a proposal is validated and then solved. */
const INSPECTIONS_KEPT = 512;
const KEPT_PROGRAM_CHARS = 4_000;

class PooledEnvironment implements SandboxEnvironment {
  readonly limits: EnvironmentLimits;
  private readonly rules: ValidationRules;
  private readonly pool: Pool;
  private readonly languageRules: LanguageRules;
  private readonly inspections = new Map<string, Inspection>();

  constructor(languageRules: LanguageRules, limits: EnvironmentLimits, rules: ValidationRules, pool: Pool) {
    this.languageRules = languageRules;
    this.limits = limits;
    this.rules = rules;
    this.pool = pool;
  }

  get language(): LanguageRules['language'] {
    return this.languageRules.language;
  }

  async execute(program: string, input: string): Promise<Execution> {
    const result = await this.runOne(program, input, 'run', 'single');
    return result.verdict === 'ok' && result.chance ? DREW_CHANCE : withoutMarks(result);
  }

  async examine(program: string, input: string): Promise<Execution> {
    return withoutMarks(await this.runOne(program, input, 'examine', 'pair'));
  }

  /** An over-long output rejects the proposal (D7); a cut one would be a wrong answer to learn from. */
  async validate(program: string, inputs: readonly string[]): Promise<Validation> {
    const refused = this.refuse(program, 'propose');
    if (refused) return { ok: false, ...refused };
    if (inputs.length === 0) return { ok: false, verdict: 'unsupported', detail: 'The proposal has no input.' };
    const rendered: string[] = [];
    const canonical: string[] = [];
    for (const input of inputs) {
      const read = this.readInput(input);
      if ('verdict' in read) return { ok: false, ...read };
      rendered.push(read.source);
      canonical.push(read.canonical);
    }
    const results = await this.pool.submit(program, rendered, this.rules.determinism === 'paper' ? 'twice' : 'proposal');
    const pairs = [];
    for (const [index, result] of results.entries()) {
      if (result.verdict !== 'ok') return { ok: false, ...failureOf(result) };
      if (result.chance) return { ok: false, ...DREW_CHANCE };
      pairs.push({ input: canonical[index] ?? '', output: this.shown(result.output) });
    }
    return { ok: true, pairs };
  }

  canonicalValue(text: string): string | null {
    return this.languageRules.canonicalValue(text);
  }

  sameValue(a: string, b: string): boolean {
    return a === b || this.languageRules.sameValue?.(a, b) === true;
  }

  canonicalArguments(text: string): string | null {
    return this.languageRules.canonicalArguments(text);
  }

  normalise(program: string): string {
    return this.languageRules.normalise(program);
  }

  layers(): Promise<readonly Layer[]> {
    return this.pool.layers();
  }

  stats(): PoolStats {
    return this.pool.stats();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.pool[Symbol.asyncDispose]();
  }

  private async runOne(program: string, input: string, use: Use, mode: JobMode): Promise<RunResult> {
    const refused = this.refuse(program, use);
    if (refused) return refused;
    const read = this.readInput(input, use === 'examine');
    if ('verdict' in read) return read;
    const [result] = await this.pool.submit(program, [read.source], mode);
    if (result === undefined) throw new Error('The sandbox gave no verdict.');
    return result;
  }

  private shown(output: string): string {
    return this.rules.longOutput === 'paper' ? output.slice(0, PAPER_OUTPUT_CHARS) : output;
  }

  /** What can be said before anything runs. */
  private refuse(program: string, use: Use): Failure | null {
    const { programChars } = this.limits;
    if (program.length > programChars) {
      return { verdict: 'unsupported', detail: `The program is longer than ${programChars} characters.` };
    }
    const inspection = this.inspect(program);
    if (inspection.kind === 'invalid') return { verdict: 'error', detail: inspection.detail };
    const banned = inspection.forbidden ?? (use === 'examine' ? null : inspection.chance);
    if (banned !== null && this.rules.forbidden === 'syntax') return { verdict: 'forbidden', detail: banned };
    return use === 'propose' && inspection.problem !== null ? { verdict: 'error', detail: inspection.problem } : null;
  }

  private inspect(program: string): Inspection {
    const known = this.inspections.get(program);
    if (known) return known;
    const inspection = this.languageRules.inspect(program);
    if (program.length > KEPT_PROGRAM_CHARS) return inspection;
    if (this.inspections.size >= INSPECTIONS_KEPT) {
      const [oldest] = this.inspections.keys();
      if (oldest !== undefined) this.inspections.delete(oldest);
    }
    this.inspections.set(program, inspection);
    return inspection;
  }

  private readInput(input: string, code = false): Failure | { readonly source: string; readonly canonical: string } {
    const { inputChars } = this.limits;
    if (input.length > inputChars) return { verdict: 'unsupported', detail: `The input is longer than ${inputChars} characters.` };
    return (
      this.languageRules.readArguments(input, inputChars) ??
      (code ? this.languageRules.readCode?.(input, inputChars) : null) ?? {
        verdict: 'unsupported',
        detail: 'The input is not a list of literals; inputs are data, nothing in them is run.',
      }
    );
  }
}

const DREW_CHANCE: Failure = { verdict: 'forbidden', detail: 'The program draws random numbers, which tasks may not do.' };

function failureOf({ verdict, detail }: Exclude<RunResult, { verdict: 'ok' }>): Failure {
  return { verdict, detail };
}

function withoutMarks(result: RunResult): Execution {
  return result.verdict === 'ok' ? { verdict: 'ok', output: result.output } : failureOf(result);
}
