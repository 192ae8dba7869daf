import type { Image, Interpreter, InterpreterOptions, LanguageRuntime, RunRequest, RunResult } from '../language.ts';
import type { BootImage } from './boot.ts';
import { bootImages, compilePython } from './build.ts';
import type { PythonSetup } from './guest.ts';
import { loadImages } from './image.ts';
import { PythonInterpreter } from './interpreter.ts';
import { CODE_MARK } from './marshal.ts';

/** What all workers of a process use: compiled code and the memories of booted interpreters. */
interface Shared {
  readonly module: WebAssembly.Module;
  readonly images: readonly BootImage[];
}

/** Python in the worker: CPython in WebAssembly, the memory that it wrote put back after every run. */
export const pythonRuntime: LanguageRuntime = {
  share: (_limits, setup) => {
    const { modules } = setup as PythonSetup;
    const module = compilePython();
    return Promise.resolve({ module, images: loadImages(modules) ?? bootImages(module, modules) } satisfies Shared);
  },
  open: (options) => Promise.resolve(new PooledPython(options)),
};

/** Memory that a program made grow beyond this is given back by a new instance. */
const KEPT_GROWTH_BYTES = 8 * 1_048_576;

class PooledPython implements Interpreter {
  readonly worn = false;
  private readonly options: InterpreterOptions;
  private readonly shared: Shared;
  /** An interpreter was dropped whose memory nobody has collected yet. */
  private wasted = false;
  private readonly interpreters: (PythonInterpreter | undefined)[] = [];

  constructor(options: InterpreterOptions) {
    this.options = options;
    this.shared = options.shared as Shared;
  }

  prepare(image: Image): Promise<void> {
    const { module, images } = this.shared;
    const { limits, tick } = this.options;
    if (this.wasted) this.options.collectGarbage();
    this.wasted = false;
    this.interpreters[image] ??= new PythonInterpreter({ module, image: images[image] as BootImage, limits, tick });
    return Promise.resolve();
  }

  run({ image, code, args, calls }: RunRequest): RunResult {
    const interpreter = this.interpreters[image];
    if (interpreter === undefined) throw new Error('The interpreter was not prepared.');
    const result = interpreter.run({
      code,
      args: args.startsWith(CODE_MARK) ? args.slice(CODE_MARK.length) : Buffer.from(args, 'latin1'),
      calls,
    });
    if (interpreter.grownBytes > KEPT_GROWTH_BYTES) {
      this.interpreters[image] = undefined;
      this.wasted = true;
    }
    return result;
  }

  get memoryBytes(): number {
    return this.interpreters.reduce((bytes, interpreter) => bytes + (interpreter?.memoryBytes ?? 0), 0);
  }
}
