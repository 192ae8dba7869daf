import type { Image, Interpreter, InterpreterOptions, LanguageRuntime, RunRequest, RunResult } from '../language.ts';
import type { Box } from './box.ts';
import { compileSandbox } from './gate.ts';
import type { SandboxModule } from './gate.ts';

/** Two images that differ in clock, random numbers (seeded by the clock) and in where things lie in memory. */
const SURROUNDINGS = [
  { clockMs: 1_000_000_000_000, padding: 1_024 },
  { clockMs: 1_234_567_890_123, padding: 65_536 },
] as const;

/** JavaScript in the worker: QuickJS in WebAssembly, its memory put back after every run. */
export const javascriptRuntime: LanguageRuntime = {
  share: () => Promise.resolve(compileSandbox()),
  /** The process that only shares loads no interpreter. */
  open: async (options) => new QuickJsInterpreter(options, (await import('./box.ts')).Box),
};

class QuickJsInterpreter implements Interpreter {
  readonly worn = false;
  private readonly boxes: readonly [Box, Box];

  constructor({ limits, shared, tick, collectGarbage }: InterpreterOptions, Opened: typeof Box) {
    const sandbox = shared as SandboxModule;
    const open = (image: Image): Box => new Opened({ sandbox, limits, tick, collectGarbage, ...SURROUNDINGS[image] });
    this.boxes = [open(0), open(1)];
  }

  prepare(image: Image): Promise<void> {
    return this.boxes[image].prepare();
  }

  run(request: RunRequest): RunResult {
    return this.boxes[request.image].run(request);
  }

  get memoryBytes(): number {
    return this.boxes[0].memoryBytes + this.boxes[1].memoryBytes;
  }
}
