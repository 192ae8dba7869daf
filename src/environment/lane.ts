import { Worker } from 'node:worker_threads';
import type { EnvironmentLimits } from './port.ts';
import { PROGRESS_JOB, PROGRESS_RUNS } from './protocol.ts';
import type { FromWorker, Job, JobResult, ToWorker, WorkerSetup } from './protocol.ts';

/** `./worker.ts` from source, `dist/environment-worker.mjs` in the bundle. */
const WORKER_URL = new URL(import.meta.url.endsWith('.ts') ? './worker.ts' : './environment-worker.mjs', import.meta.url);
const WORKER_HEAP_MB = 192;
const WORKER_STACK_MB = 8;
/** How much more wall clock than its limit a run may take on a machine that gives it no time to run. */
const STARVED_FACTOR = 10;

export interface LaneEvents {
  onResults(results: readonly JobResult[]): void;
  /** The worker is gone, and what it was doing was `jobId`. Its unanswered jobs are the caller's again. */
  onLost(loss: Loss, jobId: number, error: Error): void;
}

/**
 * Why a worker is gone: it spent a run's whole time computing, or only time passed (a crowded machine looks the same on
 * a Node that does not tell processor time), or it died by itself.
 */
export type Loss = 'spent' | 'stalled' | 'died';

/** One worker thread, watched from outside: what never ticks inside is seen by its still-standing progress. */
export class Lane {
  private readonly worker: Worker;
  private readonly progress = new Int32Array(new SharedArrayBuffer(8));
  private readonly limits: EnvironmentLimits;
  private readonly events: LaneEvents;
  private lastRuns = -1;
  private since = 0;
  private cpuSince = 0;
  private watching = false;
  private lost = false;
  ready = false;

  constructor(limits: EnvironmentLimits, events: LaneEvents) {
    this.limits = limits;
    this.events = events;
    const workerData: WorkerSetup = { limits, progress: this.progress.buffer as SharedArrayBuffer };
    this.worker = new Worker(WORKER_URL, {
      workerData,
      // Nothing of this process is handed on: no environment, no flags, no standard streams.
      env: {},
      execArgv: [],
      stdin: false,
      stdout: true,
      stderr: true,
      resourceLimits: { maxOldGenerationSizeMb: WORKER_HEAP_MB, stackSizeMb: WORKER_STACK_MB },
    });
    this.worker.on('message', (message: FromWorker) => this.receive(message));
    this.worker.on('error', (error: unknown) => this.lose('died', error instanceof Error ? error : new Error(String(error))));
    this.worker.on('exit', (code) => this.lose('died', new Error(`The sandbox worker ended with code ${code}.`)));
  }

  send(jobs: readonly Job[]): void {
    const message: ToWorker = { jobs };
    this.worker.postMessage(message);
  }

  /** Called now and then while jobs are out. Ends the worker when one run has used up its time. */
  async watch(): Promise<void> {
    if (this.watching || this.lost) return;
    this.watching = true;
    try {
      await this.check();
    } finally {
      this.watching = false;
    }
  }

  /** The worker has nothing to do: the next run's time starts when it starts. */
  rest(): void {
    this.lastRuns = -1;
  }

  private async check(): Promise<void> {
    const runs = Atomics.load(this.progress, PROGRESS_RUNS);
    const now = performance.now();
    if (runs !== this.lastRuns || !this.ready) {
      this.lastRuns = runs;
      this.since = now;
      this.cpuSince = await this.cpuMs();
      return;
    }
    const elapsed = now - this.since;
    if (elapsed <= this.limits.timeoutMs) return;
    const used = (await this.cpuMs()) - this.cpuSince;
    if (this.lost || Atomics.load(this.progress, PROGRESS_RUNS) !== runs) return;
    // On a crowded machine time passes without the program running; its own processor time decides where Node tells it.
    if (used >= 0 && used < this.limits.timeoutMs * 0.9 && elapsed < this.limits.timeoutMs * STARVED_FACTOR) return;
    this.lose(used >= this.limits.timeoutMs * 0.9 ? 'spent' : 'stalled', new Error('The run used up its time.'));
  }

  /** Processor time of the worker, ms; not a number on a Node that does not tell (before 24.6). */
  private async cpuMs(): Promise<number> {
    if (typeof this.worker.cpuUsage !== 'function') return NaN;
    try {
      const { user, system } = await this.worker.cpuUsage();
      return (user + system) / 1_000;
    } catch {
      return NaN;
    }
  }

  private receive(message: FromWorker): void {
    if (this.lost) return;
    if (message.type === 'ready') this.ready = true;
    this.events.onResults(message.type === 'results' ? message.results : []);
  }

  private lose(reason: Loss, error: Error): void {
    if (this.lost) return;
    this.lost = true;
    const jobId = Atomics.load(this.progress, PROGRESS_JOB);
    void this.worker.terminate().then(() => this.events.onLost(reason, jobId, error));
  }

  async close(): Promise<void> {
    this.lost = true;
    await this.worker.terminate();
  }
}
