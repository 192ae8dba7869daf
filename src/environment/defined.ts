import type { TaskTexts } from '../core/prompts/languages.ts';
import type { Pair } from '../core/types.ts';
import { isProblem } from './definition.ts';
import type { EnvironmentDefinition, Notation } from './definition.ts';
import { DEFAULT_LIMITS } from './limits.ts';
import type { Environment, EnvironmentLimits, Execution, Validation } from './port.ts';
import { Tally } from './tally.ts';

type Failure = Exclude<Execution, { verdict: 'ok' }>;

/** Steps of one execution, besides the fuel of the limits: what is reached by honest work only. */
const STEPS_PER_FUEL = 10;

/** Raised inside this file only. */
class OutOfSteps extends Error {}

/**
 * The environment that a definition describes. Programs are data that the definition's own code interprets in this process,
 * so nothing of theirs is ever code here; bounds are steps and lengths. Its promises reject when the definition breaks its
 * contract (it throws, or gives something that is no text).
 */
export function openDefined(definition: EnvironmentDefinition, limits: Partial<EnvironmentLimits> = {}): DefinedEnvironment {
  return new DefinedEnvironment(definition, { ...DEFAULT_LIMITS, ...limits });
}

export class DefinedEnvironment implements Environment {
  readonly language: TaskTexts;
  private readonly definition: EnvironmentDefinition;
  private readonly limits: EnvironmentLimits;
  private tally = new Tally();

  constructor(definition: EnvironmentDefinition, limits: EnvironmentLimits) {
    this.definition = definition;
    this.limits = limits;
    const { name, texts, seed } = definition;
    const made = this.run(seed.program, seed.input);
    if (made.verdict !== 'ok') throw this.fault('seed', `the seed task fails: ${made.detail}`);
    this.tally = new Tally();
    this.language = { ...texts, name, fence: name, calls: false, seed: { ...seed, output: made.output } };
  }

  execute(program: string, input: string): Promise<Execution> {
    return this.promise(() => this.run(program, input));
  }

  /** Like `execute`, twice: `nondeterministic` when the runs differ. */
  examine(program: string, input: string): Promise<Execution> {
    return this.promise(() => this.runTwice(program, input));
  }

  validate(program: string, inputs: readonly string[]): Promise<Validation> {
    return this.promise(() => this.judge(program, inputs));
  }

  canonicalValue(text: string): string | null {
    if (text.length > this.limits.outputChars) return null;
    const value = this.call('output', () => this.definition.output(text));
    return isProblem(value) ? null : this.text('output', value);
  }

  canonicalArguments(text: string): string | null {
    const { input } = this.definition;
    if (text.length > this.limits.inputChars) return null;
    const value = this.call('input.read', () => input.read(text));
    return isProblem(value) ? null : this.text('input.write', input.write(value));
  }

  normalise(program: string): string {
    const notation = this.definition.program;
    const value = program.length > this.limits.programChars ? null : this.call('program.read', () => notation.read(program));
    return value === null || isProblem(value) ? program.trim() : this.text('program.write', notation.write(value));
  }

  stats(): ReturnType<Tally['stats']> {
    return this.tally.stats([]);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return Promise.resolve();
  }

  private judge(program: string, inputs: readonly string[]): Validation {
    const refuse = (failure: Failure): Validation => ({ ok: false, ...failure });
    if (inputs.length === 0) return refuse({ verdict: 'unsupported', detail: 'The proposal has no input.' });
    const pairs: Pair[] = [];
    for (const input of inputs) {
      const run = this.runTwice(program, input);
      if (run.verdict !== 'ok') return refuse(run);
      pairs.push({ input: this.canonicalArguments(input) ?? input, output: run.output });
    }
    const { definition } = this;
    const read = this.read('program', definition.program, program);
    const given = inputs.map((input) => this.read('input', definition.input, input));
    const why = this.call('trivial', () => definition.trivial?.(read, given, pairs.map(({ output }) => output)) ?? null); // prettier-ignore
    return why === null ? { ok: true, pairs } : refuse({ verdict: 'unsupported', detail: this.text('trivial', why) });
  }

  private runTwice(program: string, input: string): Execution {
    const first = this.run(program, input);
    const again = this.run(program, input);
    return first.verdict === again.verdict && (first.verdict !== 'ok' || again.verdict !== 'ok' || first.output === again.output)
      ? first
      : { verdict: 'nondeterministic', detail: 'Two runs on this input do not agree.' };
  }

  private run(program: string, input: string): Execution {
    const began = performance.now();
    const { programChars, inputChars } = this.limits;
    if (program.length > programChars) return { verdict: 'unsupported', detail: `The program is longer than ${programChars} characters.` };
    if (input.length > inputChars) return { verdict: 'unsupported', detail: `The input is longer than ${inputChars} characters.` };
    try {
      return this.interpret(program, input);
    } catch (error) {
      if (error instanceof OutOfSteps) return { verdict: 'timeout', detail: 'The program takes too many steps.' };
      throw error;
    } finally {
      this.tally.add(performance.now() - began);
    }
  }

  private interpret(program: string, input: string): Execution {
    const { definition } = this;
    const code = this.call('program.read', () => definition.program.read(program));
    if (isProblem(code)) return { verdict: 'error', detail: code.problem };
    const given = this.call('input.read', () => definition.input.read(input));
    if (isProblem(given)) return { verdict: 'unsupported', detail: given.problem };
    let left = this.limits.fuel * STEPS_PER_FUEL;
    const tick = (units = 1): void => {
      if (!((left -= units) >= 0)) throw new OutOfSteps();
    };
    const output = this.call('run', () => definition.run(code, given, tick));
    if (isProblem(output)) return { verdict: 'error', detail: output.problem };
    const text = this.text('run', output);
    if (text.length > this.limits.outputChars)
      return { verdict: 'unsupported', detail: `The output is longer than ${this.limits.outputChars} characters.` };
    if (this.canonicalValue(text) !== text) throw this.fault('run', `the output ${JSON.stringify(text)} is not what output() makes of it`);
    return { verdict: 'ok', output: text };
  }

  /** A text that was read before. */
  private read<T>(what: 'program' | 'input', notation: Notation<T>, text: string): T {
    const value = notation.read(text);
    if (isProblem(value)) throw this.fault(`${what}.read`, 'a text is read once and refused the next time');
    return value;
  }

  /** What the definition says; whatever it throws is a fault that names the function. */
  private call<T>(name: string, work: () => T): T {
    try {
      return work();
    } catch (error) {
      if (error instanceof OutOfSteps) throw error;
      throw this.fault(name, `it throws ${String(error)}; bad text and failing programs are answered with { problem: "…" }`, error);
    }
  }

  private text(name: string, value: unknown): string {
    if (typeof value === 'string') return value;
    throw this.fault(name, `it gives ${value instanceof Promise ? 'a promise' : typeof value} where a text belongs`);
  }

  private fault(name: string, what: string, cause?: unknown): Error {
    return new Error(`The environment "${this.definition.name}" breaks its contract in ${name}: ${what}.`, { cause });
  }

  private promise<T>(work: () => T): Promise<T> {
    return new Promise((resolve) => resolve(work()));
  }
}
