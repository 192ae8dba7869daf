import type { QuickJSContext, QuickJSHandle } from 'quickjs-emscripten-core';
import type { SandboxModule, Surroundings } from './gate.ts';
import { openQuickJs } from './quickjs.ts';
import type { QuickJs } from './quickjs.ts';
import type { RunRequest, RunResult } from '../language.ts';
import { VALUE_LIMITS } from '../limits.ts';
import type { EnvironmentLimits, ExecutionVerdict } from '../port.ts';
import { deadlineOf, outOfTime, spentMs } from '../spent.ts';

export interface BoxOptions extends Surroundings {
  readonly sandbox: SandboxModule;
  readonly limits: EnvironmentLimits;
  readonly padding: number;
  readonly tick: () => void;
  readonly collectGarbage: () => void;
}

const GLOBAL = { type: 'global' } as const;
/** Memory that a program made grow beyond this is given back by a new interpreter rather than wiped each time. */
const KEPT_GROWTH_BYTES = 8 * 1_048_576;
/** Promise jobs are short, so a loop of them takes long to use up fuel; it would run out of memory first and hide. */
const JOB_LIMIT = 20_000;
const JOBS_AT_ONCE = 200;
/** Steps of the interpreter's own code (instrument.ts) that one unit of fuel pays: a few tenths of a millisecond. */
const STEPS_PER_TICK = 2_500_000n;

/** Ends one execution early with its verdict; never leaves this file. */
class Stop extends Error {
  readonly result: RunResult;
  constructor(result: RunResult) {
    super();
    this.result = result;
  }
}

const stop = (verdict: Exclude<ExecutionVerdict, 'ok'>, detail: string): Stop => new Stop({ verdict, detail });

/** An interpreter that is as new before every run. */
export class Box {
  private readonly options: BoxOptions;
  private interpreter: QuickJs | null = null;
  private bootBytes = 0;
  /** An interpreter was dropped whose memory nobody has collected yet. */
  private wasted = false;
  private deadline = Infinity;
  private stopped: 'fuel' | 'clock' | null = null;

  constructor(options: BoxOptions) {
    this.options = options;
  }

  /** Boots the interpreter if there is none. Runs are only possible afterwards. */
  async prepare(): Promise<void> {
    if (this.interpreter !== null) return;
    this.stopped = null;
    this.deadline = Infinity;
    if (this.wasted) this.options.collectGarbage();
    this.wasted = false;
    this.interpreter = await openQuickJs({ ...this.options, onInterrupt: () => this.interrupt() });
    this.bootBytes = this.interpreter.memoryBytes();
  }

  run(run: RunRequest): RunResult {
    const interpreter = this.interpreter;
    if (interpreter === null) throw new Error('The box was not prepared.');
    this.stopped = null;
    this.deadline = deadlineOf(this.options.limits);
    interpreter.fuel.value = BigInt(this.options.limits.fuel) * STEPS_PER_TICK;
    interpreter.gate.reset();
    const grownBefore = interpreter.memoryBytes();
    let result: RunResult;
    let broken = false;
    try {
      result = this.execute(interpreter, run);
    } catch (error) {
      if (error instanceof Stop) result = error.result;
      else if (interpreter.fuel.value < 0n) result = outOfFuel(this.options.limits);
      else {
        // A trap that is not ours, or an exception of the host in the middle: a new instance is the safe answer.
        broken = true;
        result = { verdict: 'error', detail: `The interpreter gave up: ${error instanceof Error ? error.message : String(error)}.` };
      }
    }
    result = this.overrule(interpreter, result, interpreter.memoryBytes() - grownBefore);
    if (broken || interpreter.memoryBytes() > this.bootBytes + KEPT_GROWTH_BYTES) {
      this.interpreter = null;
      this.wasted = true;
    } else if (result.verdict === 'ok') interpreter.image.restore();
    else interpreter.image.restoreAll();
    return result;
  }

  /** What the host saw counts, not what the program made of it. */
  private overrule(interpreter: QuickJs, result: RunResult, grownBytes: number): RunResult {
    const { limits } = this.options;
    if (interpreter.gate.clockRead) return { verdict: 'forbidden', detail: 'The program reads the clock, which tasks may not do.' };
    if (this.stopped === 'fuel') return outOfFuel(limits);
    if (this.stopped === 'clock') return outOfTime(limits);
    if (result.verdict === 'error' && /threw null$/.test(result.detail) && grownBytes > limits.memoryMb * 524_288)
      return outOfMemory(limits);
    return result.verdict === 'ok' && interpreter.gate.chanceDrawn ? { ...result, chance: true } : result;
  }

  get memoryBytes(): number {
    return this.interpreter?.memoryBytes() ?? 0;
  }

  private interrupt(): boolean {
    this.options.tick();
    if (spentMs() > this.deadline) this.stopped ??= 'clock';
    return this.stopped !== null;
  }

  private execute(interpreter: QuickJs, run: RunRequest): RunResult {
    const { guest, encoder } = interpreter;
    // Arguments are made before the program can patch anything that makes them; each call gets its own copy.
    const sets = this.unwrap(interpreter, guest.evalCode(`[${Array(run.calls).fill(run.args).join(',')}]`, 'arguments.js', GLOBAL));
    this.unwrap(interpreter, guest.evalCode(run.code.toWellFormed(), 'program.js', GLOBAL));
    this.drain(interpreter);
    const f = this.unwrap(interpreter, guest.evalCode("typeof f === 'function' ? f : 0", 'entry.js', GLOBAL));
    if (guest.typeof(f) !== 'function') throw stop('error', 'The program declares no function f.');
    const outputs = Array.from({ length: run.calls }, (_, index) => {
      const returned = this.unwrap(
        interpreter,
        encoder.callFunction(interpreter.call, encoder.undefined, f, sets, encoder.newNumber(index)),
      );
      this.drain(interpreter);
      return this.encode(interpreter, this.settle(interpreter, returned));
    });
    const [output = ''] = outputs;
    if (outputs.some((other) => other !== output))
      throw stop('nondeterministic', 'Two calls of f with the same arguments gave different outputs.');
    return { verdict: 'ok', output };
  }

  /** Runs what the program left to do; the fuel bounds it. */
  private drain(interpreter: QuickJs): void {
    for (let jobs = 0; interpreter.runtime.hasPendingJob() && this.stopped === null; jobs += JOBS_AT_ONCE) {
      if (jobs > JOB_LIMIT) this.stopped = 'fuel';
      const done = interpreter.runtime.executePendingJobs(JOBS_AT_ONCE);
      if (done.error) this.fail(interpreter, done.error);
    }
    if (this.stopped !== null) throw stop('timeout', 'The program left endless work behind.');
  }

  private settle(interpreter: QuickJs, returned: QuickJSHandle): QuickJSHandle {
    if (interpreter.guest.typeof(returned) !== 'object') return returned;
    const state = interpreter.guest.getPromiseState(returned);
    if (state.type === 'pending') throw stop('error', 'The function returned a promise that never settles.');
    if (state.type === 'rejected') this.fail(interpreter, state.error);
    return state.type === 'fulfilled' ? state.value : returned;
  }

  private encode({ encoder, encode }: QuickJs, value: QuickJSHandle): string {
    const { outputChars } = this.options.limits;
    const limits = [VALUE_LIMITS.depth, VALUE_LIMITS.nodes, outputChars].map((limit) => encoder.newNumber(limit));
    const text = encoder.getString(
      this.unwrap(this.interpreter as QuickJs, encoder.callFunction(encode, encoder.undefined, value, ...limits)),
    );
    if (text.startsWith('=')) return text.slice(1);
    throw stop('unsupported', `The output ${text.slice(1)}.`);
  }

  private unwrap(interpreter: QuickJs, result: ReturnType<QuickJSContext['callFunction']>): QuickJSHandle {
    if (result.error) this.fail(interpreter, result.error);
    return result.value;
  }

  private fail({ encoder, describe }: QuickJs, error: QuickJSHandle): never {
    if (this.stopped !== null) throw stop('timeout', 'The program did not end.');
    const described = encoder.callFunction(describe, encoder.undefined, error);
    const text = described.error ? 'the error cannot be described' : encoder.getString(described.value);
    if (MEMORY_MESSAGES.test(text)) throw new Stop(outOfMemory(this.options.limits));
    throw stop('error', `The program failed: ${text}`);
  }
}

function outOfFuel({ fuel }: EnvironmentLimits): RunResult {
  return { verdict: 'timeout', detail: `The program did not end within ${fuel} units of fuel.` };
}

/** How QuickJS says that a value does not fit. A program can say the same words: it then gets the verdict it asked for. */
const MEMORY_MESSAGES = /^\w*Error: (?:out of memory|invalid (?:string|array buffer) length|string too long|BigInt is too large)/i;

function outOfMemory(limits: EnvironmentLimits): RunResult {
  return { verdict: 'memory', detail: `The program needs more than ${limits.memoryMb} MB of memory.` };
}
