import { Worker } from 'node:worker_threads';
import type { MathQuestion } from './worker.ts';

/** `./worker.ts` from source, `dist/math-worker.mjs` in the bundle. */
const WORKER_URL = new URL(import.meta.url.endsWith('.ts') ? './worker.ts' : './math-worker.mjs', import.meta.url);
const HEAP_MB = 512;
/** A comparison takes milliseconds, the first one a second or two; on a crowded machine some times that. */
const LIMIT_MS = 15_000;

export type MathVerdict = 'equal' | 'different' | 'gave-up';

/** Compares mathematical answers in a thread of its own, one at a time; a comparison without end is ended. */
export class MathJudge {
  readonly #limitMs: number;
  #worker: Worker | null = null;
  #last: Promise<unknown> = Promise.resolve();
  #closed = false;

  constructor(limitMs: number = LIMIT_MS) {
    this.#limitMs = limitMs;
  }

  compare(question: MathQuestion): Promise<MathVerdict> {
    const verdict = this.#last.then(() => this.#ask(question));
    this.#last = verdict.catch(() => undefined);
    return verdict;
  }

  async #ask(question: MathQuestion): Promise<MathVerdict> {
    if (this.#closed) throw new Error('The judge of mathematical answers is closed.');
    const worker = (this.#worker ??= this.#open());
    const { promise, resolve } = Promise.withResolvers<MathVerdict>();
    const onMessage = (equal: boolean): void => resolve(equal ? 'equal' : 'different');
    // Out of memory, most often; the next question gets a new thread.
    const onLost = (): void => resolve('gave-up');
    worker.on('message', onMessage);
    worker.on('error', onLost);
    worker.on('exit', onLost);
    const timer = setTimeout(onLost, this.#limitMs);
    worker.postMessage(question);
    const verdict = await promise;
    clearTimeout(timer);
    worker.off('message', onMessage);
    worker.off('error', onLost);
    worker.off('exit', onLost);
    if (verdict === 'gave-up') await this.#drop(worker);
    return verdict;
  }

  #open(): Worker {
    const worker = new Worker(WORKER_URL, {
      env: {},
      execArgv: [],
      stdin: false,
      stdout: true,
      stderr: true,
      resourceLimits: { maxOldGenerationSizeMb: HEAP_MB },
    });
    // Between two questions nobody listens, and a lost thread is no fault.
    worker.on('error', () => undefined);
    worker.unref();
    return worker;
  }

  async #drop(worker: Worker): Promise<void> {
    if (this.#worker === worker) this.#worker = null;
    await worker.terminate();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    if (this.#worker !== null) await this.#drop(this.#worker);
  }
}
