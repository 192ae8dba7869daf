import type { Environment, EnvironmentLimits, Execution, Validation } from '../port.ts';

/** What is wrong, in one sentence. */
export type Finding = string;

const VERDICTS = new Set(['ok', 'timeout', 'memory', 'forbidden', 'error', 'nondeterministic', 'unsupported']);

/** Short enough for a line, and inert. */
export const shown = (text: string): string =>
  text.length > 60 ? `${JSON.stringify(text.slice(0, 60))}… (${text.length})` : JSON.stringify(text);

/** Asks an environment, and notes whatever breaks the contract: an exception, no verdict, no sentence, too long, too late. */
export class Probe {
  readonly environment: Environment;
  private readonly limits: EnvironmentLimits;
  private readonly timeoutMs: number;
  private readonly findings: Finding[] = [];
  private tried = 0;

  constructor(environment: Environment, limits: EnvironmentLimits, timeoutMs: number) {
    this.environment = environment;
    this.limits = limits;
    this.timeoutMs = timeoutMs;
  }

  find(finding: Finding): void {
    this.findings.push(finding);
  }

  result(): { readonly tried: number; readonly findings: readonly Finding[] } {
    return { tried: this.tried, findings: this.findings };
  }

  async execute(program: string, input: string): Promise<Execution> {
    const call = `execute(${shown(program)}, ${shown(input)})`;
    const execution = await this.ask(call, () => this.environment.execute(program, input), broken);
    if (execution.verdict === 'ok') this.output(call, execution.output);
    else this.sentence(call, execution.verdict, execution.detail);
    return execution;
  }

  async validate(program: string, inputs: readonly string[]): Promise<Validation> {
    const call = `validate(${shown(program)}, ${inputs.length} inputs)`;
    const validation = await this.ask<Validation>(call, () => this.environment.validate(program, inputs), { ok: false, ...broken });
    if (!validation.ok) this.sentence(call, validation.verdict, validation.detail);
    else {
      if (validation.pairs.length !== inputs.length) this.find(`${call} gives ${validation.pairs.length} pairs`);
      for (const { output } of validation.pairs) this.output(call, output);
    }
    return validation;
  }

  value(text: string): string | null {
    return this.text(`canonicalValue(${shown(text)})`, () => this.environment.canonicalValue(text));
  }

  input(text: string): string | null {
    return this.text(`canonicalArguments(${shown(text)})`, () => this.environment.canonicalArguments(text));
  }

  normal(program: string): string {
    return this.text(`normalise(${shown(program)})`, () => this.environment.normalise(program)) ?? '';
  }

  same(one: string, other: string): boolean {
    return this.environment.sameValue?.(one, other) ?? one === other;
  }

  /** The program must make this of the input. */
  async gives(what: string, program: string, input: string, output: string): Promise<void> {
    const execution = await this.execute(program, input);
    const expected = this.value(output);
    if (expected === null) this.find(`the output ${shown(output)} of ${what} cannot be read`);
    else if (execution.verdict !== 'ok') this.find(`${what}: ${shown(program)} on ${shown(input)} fails: ${execution.detail}`);
    else if (!this.same(execution.output, expected))
      this.find(`${what}: ${shown(program)} on ${shown(input)} gives ${shown(execution.output)}, not ${shown(output)}`);
  }

  private text(call: string, work: () => string | null): string | null {
    this.tried += 1;
    const began = performance.now();
    try {
      const text = work();
      if (text !== null && typeof text !== 'string') this.find(`${call} gives ${typeof text}`);
      return text;
    } catch (error) {
      this.find(`${call} throws ${String(error)}`);
      return null;
    } finally {
      this.late(call, began);
    }
  }

  private async ask<T>(call: string, work: () => Promise<T>, otherwise: T): Promise<T> {
    this.tried += 1;
    const began = performance.now();
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<T>((resolve) => (timer = setTimeout(() => resolve(otherwise), this.timeoutMs)));
    try {
      return await Promise.race([work(), late]);
    } catch (error) {
      this.find(`${call} throws ${String(error)}: a verdict is a value`);
      return otherwise;
    } finally {
      clearTimeout(timer);
      this.late(call, began);
    }
  }

  private late(call: string, began: number): void {
    if (performance.now() - began > this.timeoutMs) this.find(`${call} took longer than ${this.timeoutMs} ms`);
  }

  private output(call: string, output: string): void {
    if (typeof output !== 'string') this.find(`${call} gives an output that is no text`);
    else if (output.length > this.limits.outputChars) this.find(`${call} gives an output of ${output.length} characters`);
  }

  private sentence(call: string, verdict: string, detail: string): void {
    if (!VERDICTS.has(verdict)) this.find(`${call} gives the unknown verdict ${shown(verdict)}`);
    if (typeof detail !== 'string' || detail.trim() === '') this.find(`${call} gives ${verdict} without a sentence that says why`);
  }
}

const broken = { verdict: 'error', detail: '(no verdict)' } as const;
