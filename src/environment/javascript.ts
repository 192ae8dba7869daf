import type { BoxResult } from './box.ts';
import { resolveLimits, VALUE_LIMITS } from './limits.ts';
import { canonicalArgumentList, canonicalLiteral, encodeArguments, readArguments, renderArguments } from './literal.ts';
import { Pool } from './pool.ts';
import type { Environment, EnvironmentLimits, Execution, Validation, ValidationRules } from './port.ts';
import { entryProblem, inspectProgram, normaliseProgram } from './program.ts';
import type { Inspection } from './program.ts';
import type { JobMode } from './protocol.ts';

export interface JavascriptOptions {
  /** Worker threads; 1 is right beside a model that uses the other cores. */
  readonly workers?: number;
  readonly rules?: Partial<ValidationRules>;
}

const DEFAULT_RULES: ValidationRules = { determinism: 'fresh', forbidden: 'syntax', longOutput: 'reject' };
/** Where the reference cuts an output (D7). */
const PAPER_OUTPUT_CHARS = 400;

export interface JavascriptEnvironment extends Environment {
  readonly language: 'javascript';
  readonly limits: EnvironmentLimits;
  /** Like `execute`, in two unlike fresh interpreters: `nondeterministic` when they differ. `f` may have no parameter. */
  examine(program: string, input: string): Promise<Execution>;
}

/**
 * Opens the JavaScript environment: QuickJS in WebAssembly in worker threads, a fresh interpreter for every run
 * (docs/sandbox.md). Throws a `RangeError` on limits out of range; promises reject only when the sandbox itself fails.
 */
export async function openJavascriptEnvironment(
  limits: Partial<EnvironmentLimits> = {},
  options: JavascriptOptions = {},
): Promise<JavascriptEnvironment> {
  const workers = options.workers ?? 1;
  if (!Number.isInteger(workers) || workers < 1 || workers > 64) {
    throw new RangeError(`The number of sandbox workers must be a whole number from 1 to 64, got ${String(workers)}.`);
  }
  const resolved = resolveLimits(limits);
  const rules = { ...DEFAULT_RULES, ...options.rules };
  const pool = new Pool(rules.longOutput === 'paper' ? { ...resolved, outputChars: VALUE_LIMITS.chars } : resolved, workers);
  const environment = new QuickJsEnvironment(resolved, rules, pool);
  try {
    // A broken installation is found now, not in the middle of a step.
    const probe = await environment.execute('function f(x) { return x + 1 }', '41');
    if (probe.verdict !== 'ok' || probe.output !== '42')
      throw new Error('The JavaScript sandbox does not add 1 to 41; reinstall the dependencies.');
    return environment;
  } catch (error) {
    await pool[Symbol.asyncDispose]();
    throw error;
  }
}

type Failure = Exclude<Execution, { verdict: 'ok' }>;

/** Programs repeat: n rollouts answer one task, and a proposal is validated and then solved. */
const INSPECTIONS_KEPT = 512;
const KEPT_PROGRAM_CHARS = 4_000;

class QuickJsEnvironment implements JavascriptEnvironment {
  readonly language = 'javascript' as const;
  readonly limits: EnvironmentLimits;
  private readonly rules: ValidationRules;
  private readonly pool: Pool;
  private readonly inspections = new Map<string, Inspection>();

  constructor(limits: EnvironmentLimits, rules: ValidationRules, pool: Pool) {
    this.limits = limits;
    this.rules = rules;
    this.pool = pool;
  }

  execute(program: string, input: string): Promise<Execution> {
    return this.runOne(program, input, 'single');
  }

  examine(program: string, input: string): Promise<Execution> {
    return this.runOne(program, input, 'pair');
  }

  /** An over-long output rejects the proposal (D7); a cut one would be a wrong answer to learn from. */
  async validate(program: string, inputs: readonly string[]): Promise<Validation> {
    const refused = this.refuse(program, true);
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
      if (result.verdict !== 'ok') return { ok: false, ...withoutBackstop(result) };
      pairs.push({ input: canonical[index] ?? '', output: this.shown(result.output) });
    }
    return { ok: true, pairs };
  }

  canonicalValue(text: string): string | null {
    return canonicalLiteral(text);
  }

  canonicalArguments(text: string): string | null {
    return canonicalArgumentList(text);
  }

  normalise(program: string): string {
    return normaliseProgram(program);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.pool[Symbol.asyncDispose]();
  }

  private async runOne(program: string, input: string, mode: JobMode): Promise<Execution> {
    const refused = this.refuse(program, false);
    if (refused) return refused;
    const read = this.readInput(input);
    if ('verdict' in read) return read;
    const [result] = await this.pool.submit(program, [read.source], mode);
    if (result === undefined) throw new Error('The sandbox gave no verdict.');
    return result.verdict === 'ok' ? result : withoutBackstop(result);
  }

  private shown(output: string): string {
    return this.rules.longOutput === 'paper' ? output.slice(0, PAPER_OUTPUT_CHARS) : output;
  }

  /** What can be said before anything runs. */
  private refuse(program: string, proposal: boolean): Failure | null {
    const { programChars } = this.limits;
    if (program.length > programChars) {
      return { verdict: 'unsupported', detail: `The program is longer than ${programChars} characters.` };
    }
    const inspection = this.inspect(program);
    if (inspection.kind === 'invalid') return { verdict: 'error', detail: inspection.detail };
    if (inspection.forbidden !== null && this.rules.forbidden === 'syntax') return { verdict: 'forbidden', detail: inspection.forbidden };
    const problem = proposal ? entryProblem(inspection.entry) : null;
    return problem === null ? null : { verdict: 'error', detail: problem };
  }

  private inspect(program: string): Inspection {
    const known = this.inspections.get(program);
    if (known) return known;
    const inspection = inspectProgram(program);
    if (program.length > KEPT_PROGRAM_CHARS) return inspection;
    if (this.inspections.size >= INSPECTIONS_KEPT) {
      const [oldest] = this.inspections.keys();
      if (oldest !== undefined) this.inspections.delete(oldest);
    }
    this.inspections.set(program, inspection);
    return inspection;
  }

  private readInput(input: string): Failure | { readonly source: string; readonly canonical: string } {
    const { inputChars } = this.limits;
    if (input.length > inputChars) return { verdict: 'unsupported', detail: `The input is longer than ${inputChars} characters.` };
    const values = readArguments(input, inputChars);
    if (values === null)
      return { verdict: 'unsupported', detail: 'The input is not a list of literals; inputs are data, nothing in them is run.' };
    return { source: renderArguments(values), canonical: encodeArguments(values) };
  }
}

function withoutBackstop({ verdict, detail }: Exclude<BoxResult, { verdict: 'ok' }>): Failure {
  return { verdict, detail };
}
