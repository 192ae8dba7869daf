import type { RunResult } from '../language.ts';
import type { EnvironmentLimits } from '../port.ts';
import { deadlineOf, outOfTime, spentMs } from '../spent.ts';
import { CPython } from './cpython.ts';
import type { Pointer } from './cpython.ts';
import { Halt, Host } from './host.ts';
import type { BootImage } from './boot.ts';
import { MARSHAL_VERSION, decodeMarshal } from './marshal.ts';
import type { LinearMemory } from './memory.ts';
import { Unwritable, encodeValue } from './value.ts';

export interface PythonOptions {
  readonly module: WebAssembly.Module;
  readonly image: BootImage;
  readonly limits: EnvironmentLimits;
  /** Called at every tick of fuel. */
  readonly tick: () => void;
}

export interface PythonRun {
  readonly code: string;
  /** A `marshal` record of the tuple of arguments, or code between the parentheses of a call. */
  readonly args: Uint8Array | string;
  readonly calls: 1 | 2;
}

/** Addresses of a tuple, and of a dictionary or NULL. */
interface Arguments {
  readonly tuple: Pointer;
  readonly keywords: Pointer;
}

type Failure = Exclude<RunResult, { verdict: 'ok' }>;

/** Ends one run early with its verdict; never leaves this file. */
class Stop extends Error {
  readonly failure: Failure;
  constructor(verdict: Failure['verdict'], detail: string) {
    super(detail);
    this.failure = { verdict, detail };
  }
}

/** Turns of loops and calls, in Python's own C code too, for one tick of fuel: 0.05 to 0.3 ms. */
const STEPS_PER_TICK = 16_384;
/** Ticks between two looks at the clock, as a shift. */
const CLOCK_SHIFT = 5;
const FILE_INPUT = 257;
const EXPRESSION_INPUT = 258;
const MESSAGE_CHARS = 300;

/** One instance of CPython, which is as new before every run. */
export class PythonInterpreter {
  private readonly options: PythonOptions;
  private readonly host: Host;
  readonly memory: LinearMemory;
  private readonly python: CPython;
  private ticks = 0;
  private deadline = Infinity;
  private stopped: 'fuel' | 'clock' | null = null;
  private crashed = false;
  /** CPython lost track of its own errors. */
  private lost = false;

  /** Some milliseconds: the image is copied, nothing boots. */
  constructor(options: PythonOptions) {
    this.options = options;
    this.host = new Host(options.image.surroundings, null);
    const { exports, memory } = this.host.instantiate(options.module);
    this.memory = memory;
    this.python = new CPython(exports, memory, options.image.names);
    this.host.maxBytes = options.image.memory.byteLength + options.limits.memoryMb * 1_048_576;
    this.host.onTick = () => this.tick();
    memory.load(options.image);
  }

  get memoryBytes(): number {
    return this.memory.byteLength;
  }

  /** Bytes that runs made the memory grow by; only a new instance gives them back. */
  get grownBytes(): number {
    return this.memory.byteLength - this.options.image.memory.byteLength;
  }

  run(run: PythonRun): RunResult {
    this.ticks = 0;
    this.stopped = null;
    this.crashed = false;
    this.lost = false;
    this.deadline = deadlineOf(this.options.limits);
    this.host.reset();
    this.python.fuel.value = STEPS_PER_TICK;
    let result: RunResult;
    try {
      result = this.execute(run);
    } catch (error) {
      result = this.verdictOf(error);
    }
    result = this.overrule(result);
    this.memory.restore(this.options.image);
    return result;
  }

  /** What the host saw counts, not what the program made of it. */
  private overrule(result: RunResult): RunResult {
    const { limits } = this.options;
    if (this.host.chance) return { verdict: 'forbidden', detail: 'The program draws random numbers, which tasks may not do.' };
    if (this.host.clockRead) return { verdict: 'forbidden', detail: 'The program reads the clock, which tasks may not do.' };
    if (this.host.reached !== null)
      return { verdict: 'forbidden', detail: `The program reaches for ${this.host.reached}, which tasks may not do.` };
    if (this.stopped === 'fuel') return { verdict: 'timeout', detail: `The program did not end within ${limits.fuel} ticks of fuel.` };
    if (this.stopped === 'clock') return outOfTime(limits);
    // What breaks after memory was refused breaks for want of it: CPython does not survive every such refusal.
    if ((this.crashed || this.lost) && this.host.refusedBytes > 0) return { verdict: 'memory', detail: outOfMemory(limits) };
    return result;
  }

  private verdictOf(error: unknown): Failure {
    if (error instanceof Stop) return error.failure;
    this.crashed = true;
    // A host stack that ran out, or a trap of WebAssembly (invalid byte code, for instance). The image makes good for both.
    if (error instanceof RangeError && /call stack/.test(error.message))
      return { verdict: 'error', detail: 'The program nests calls too deep.' };
    // A RangeError of another kind: an address beyond the memory, from an interpreter out of its mind.
    if (
      error instanceof WebAssembly.RuntimeError ||
      error instanceof WebAssembly.Exception ||
      error instanceof Halt ||
      error instanceof RangeError
    )
      return { verdict: 'error', detail: 'The program crashed its interpreter.' };
    throw error;
  }

  private tick(): void {
    const { fuel } = this.python;
    const due = 1 + Math.floor(Math.max(0, -fuel.value) / STEPS_PER_TICK);
    fuel.value += due * STEPS_PER_TICK;
    this.options.tick();
    const before = this.ticks;
    this.ticks += due;
    if (this.ticks > this.options.limits.fuel) this.stopped ??= 'fuel';
    else if (before >> CLOCK_SHIFT !== this.ticks >> CLOCK_SHIFT && spentMs() > this.deadline) this.stopped ??= 'clock';
    if (this.stopped !== null) throw new Halt('out of fuel');
  }

  private execute({ code, args, calls }: PythonRun): RunResult {
    const { api } = this.python;
    const { image } = this.options;
    // Data is made before the program can patch anything; each call gets its own copy.
    const data = typeof args === 'string' ? null : Array.from({ length: calls }, () => this.readRecord(args));
    const globals = this.check(api.PyDict_New());
    api.PyDict_SetItemString(globals, this.python.name('__builtins__'), this.check(api.PyDict_Copy(image.builtins)));
    api.PyDict_SetItemString(globals, this.python.name('__name__'), this.check(api.PyUnicode_FromString(this.python.name('<program>'))));
    this.evaluate(code, FILE_INPUT, globals);
    const f = api.PyDict_GetItemString(globals, this.python.name('f'));
    if (f === 0 || api.PyCallable_Check(f) === 0) throw new Stop('error', 'The program declares no function f.');
    const sets = data ?? Array.from({ length: calls }, () => this.evaluateArguments(String(args), globals));
    const outputs = sets.map(({ tuple, keywords }) => this.encode(this.check(api.PyObject_Call(f, tuple, keywords))));
    const [output = ''] = outputs;
    if (outputs.some((other) => other !== output))
      throw new Stop('nondeterministic', 'Two calls of f with the same arguments gave different outputs.');
    return { verdict: 'ok', output };
  }

  private readRecord(record: Uint8Array): Arguments {
    const at = this.room(this.python.put(record));
    return { tuple: this.check(this.python.api.PyMarshal_ReadObjectFromString(at, record.length)), keywords: 0 };
  }

  private evaluateArguments(text: string, globals: Pointer): Arguments {
    const { api } = this.python;
    const maker = this.evaluate(`lambda collect: collect(${text}\n)`, EXPRESSION_INPUT, globals);
    const pair = this.check(api.PyObject_CallOneArg(maker, this.options.image.collect));
    return { tuple: api.PyTuple_GetItem(pair, 0), keywords: api.PyTuple_GetItem(pair, 1) };
  }

  private evaluate(code: string, start: number, globals: Pointer): Pointer {
    const { api } = this.python;
    const source = this.room(this.python.putText(code));
    const compiled = api.Py_CompileStringExFlags(source, this.python.name('<program>'), start, 0, -1);
    if (compiled === 0) this.failToCompile();
    return this.check(api.PyEval_EvalCode(compiled, globals, globals));
  }

  /** Canonical text of a value; `plain` has a second try at containers that are data under another name. */
  private encode(value: Pointer): string {
    const { api } = this.python;
    let record = api.PyMarshal_WriteObjectToString(value, MARSHAL_VERSION);
    if (record === 0 && this.isUnmarshallable()) {
      record = api.PyMarshal_WriteObjectToString(this.plain(value), MARSHAL_VERSION);
      if (record === 0 && this.isUnmarshallable()) throw new Stop('unsupported', 'The output is not plain data.');
    }
    this.check(record);
    try {
      return encodeValue(decodeMarshal(this.python.bytesOf(record)), this.options.limits.outputChars);
    } catch (error) {
      if (error instanceof Unwritable) throw new Stop('unsupported', `The output ${error.message}.`);
      throw error;
    }
  }

  private plain(value: Pointer): Pointer {
    const { api } = this.python;
    const plain = api.PyObject_CallOneArg(this.options.image.plain, value);
    if (plain === 0 && this.isUnmarshallable()) throw new Stop('unsupported', 'The output nests too deep or contains itself.');
    return this.check(plain);
  }

  /** Takes a `ValueError` if that is what is set; leaves anything else to `check`. */
  private isUnmarshallable(): boolean {
    const error = this.python.raised();
    if (this.python.isOfClass(error, this.python.exceptionClass('ValueError'))) return true;
    this.fail(error);
  }

  private room(at: Pointer): Pointer {
    if (at === 0) throw new Stop('memory', outOfMemory(this.options.limits));
    return at;
  }

  /** NULL means that an exception is set. */
  private check(value: Pointer): Pointer {
    if (value === 0) this.fail(this.python.raised());
    return value;
  }

  /** CPython's parser says "memory" when a program nests too deep for it. */
  private failToCompile(): never {
    const error = this.python.raised();
    if (this.host.refusedBytes === 0 && this.python.isOfClass(error, this.python.exceptionClass('MemoryError')))
      throw new Stop('error', 'The program nests too deeply to be read.');
    this.fail(error);
  }

  private fail(error: Pointer): never {
    const { python } = this;
    const { limits, image } = this.options;
    if (error === 0) throw new Stop('error', 'The program failed without a reason.');
    const is = (name: string): boolean => python.isOfClass(error, python.exceptionClass(name));
    if (is('MemoryError')) throw new Stop('memory', outOfMemory(limits));
    const text = this.describe(error);
    if (python.isOfClass(error, image.refused)) throw new Stop('forbidden', `The program imports what tasks may not (${text}).`);
    this.lost = is('SystemError');
    // How a 32-bit interpreter says that a value is larger than any memory.
    if (is('OverflowError') && TOO_LARGE.test(text)) throw new Stop('memory', outOfMemory(limits));
    throw new Stop('error', `The program failed: ${text}`);
  }

  private describe(error: Pointer): string {
    const { python } = this;
    const { api } = python;
    const name = python.textOf(api.PyType_GetName(api.PyObject_Type(error))) ?? 'an error';
    const message = api.PyObject_Str(error);
    const text = message === 0 ? null : python.textOf(message);
    if (text === null) api.PyErr_Clear();
    return (text ? `${name}: ${text}` : name).slice(0, MESSAGE_CHARS).toWellFormed();
  }
}

const TOO_LARGE = /cannot fit 'int' into an index-sized integer|too many digits in integer|too large|too long/;

const outOfMemory = (limits: EnvironmentLimits): string => `The program needs more than ${limits.memoryMb} MB of memory.`;
