import { Worker } from 'node:worker_threads';
import { PROGRESS_BYTES, PROGRESS_JOB, PROGRESS_RUNNING, PROGRESS_RUNS, PROGRESS_TICKS } from './protocol.ts';
import type { FromWorker, Job, JobResult, ToWorker, WorkerSetup } from './protocol.ts';
import { STARVED_FACTOR } from './spent.ts';

/** `./worker.ts` from source, `dist/environment-worker.mjs` in the bundle. */
const WORKER_URL = new URL(import.meta.url.endsWith('.ts') ? './worker.ts' : './environment-worker.mjs', import.meta.url);
const WORKER_HEAP_MB = 192;
const WORKER_STACK_MB = 8;
/** A worker that does not even answer how much processor time it used. */
const ANSWER_MS = 1_000;

export interface LaneEvents {
  onReady(): void;
  onResults(results: readonly JobResult[]): void;
  /** The worker is gone, and what it was doing was `jobId`. Its unanswered jobs are the caller's again. */
  onLost(loss: Loss, jobId: number, error: Error): void;
}

/**
 * Why a worker is gone: it asked to be replaced (`worn`), it computed for long without a tick (`spent`), only time passed
 * (`stalled`: a crowded machine looks the same on a Node that does not tell processor time), or it died by itself.
 */
export type Loss = 'worn' | 'spent' | 'stalled' | 'died';

export type LaneSetup = Omit<WorkerSetup, 'progress'>;

interface Standstill {
  readonly runs: number;
  readonly ticks: number;
  readonly since: number;
  /** Processor time of the worker when it was first seen to stand still, ms; not a number where Node does not tell. */
  readonly cpu: number;
}

/** One worker thread, watched from outside: what never ticks inside is seen by its still-standing progress. */
export class Lane {
  private readonly worker: Worker;
  private readonly progress = new Int32Array(new SharedArrayBuffer(PROGRESS_BYTES));
  private readonly setup: LaneSetup;
  private readonly events: LaneEvents;
  private standstill: Standstill | null = null;
  private watching = false;
  private lost = false;
  ready = false;

  constructor(setup: LaneSetup, events: LaneEvents) {
    this.setup = setup;
    this.events = events;
    const workerData: WorkerSetup = { ...setup, progress: this.progress.buffer as SharedArrayBuffer };
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

  /** Called now and then while jobs are out. Ends the worker when one run computes on and on without a tick. */
  async watch(): Promise<void> {
    if (this.watching || this.lost) return;
    this.watching = true;
    try {
      await this.check();
    } finally {
      this.watching = false;
    }
  }

  private async check(): Promise<void> {
    const runs = Atomics.load(this.progress, PROGRESS_RUNS);
    const ticks = Atomics.load(this.progress, PROGRESS_TICKS);
    const now = performance.now();
    const before = this.standstill;
    if (Atomics.load(this.progress, PROGRESS_RUNNING) === 0) this.standstill = null;
    else if (before?.runs !== runs || before.ticks !== ticks) this.standstill = { runs, ticks, since: now, cpu: await this.cpuMs() };
    else await this.judge(before, now - before.since);
  }

  /** On a crowded machine time passes without the program running: its own processor time decides where Node tells it. */
  private async judge(standstill: Standstill, elapsed: number): Promise<void> {
    const { timeoutMs } = this.setup.limits;
    const tellsTime = !Number.isNaN(standstill.cpu);
    if (elapsed < timeoutMs) return;
    const used = tellsTime ? (await this.cpuMs()) - standstill.cpu : NaN;
    if (this.lost || this.hasMoved(standstill)) return;
    const spent = used >= timeoutMs;
    if (!spent && elapsed < timeoutMs * STARVED_FACTOR) return;
    this.lose(spent ? 'spent' : 'stalled', new Error('The run used up its time.'));
  }

  private hasMoved({ runs, ticks }: Standstill): boolean {
    return Atomics.load(this.progress, PROGRESS_RUNS) !== runs || Atomics.load(this.progress, PROGRESS_TICKS) !== ticks;
  }

  /** Processor time of the worker, ms; not a number on a Node that does not tell (before 24.6). */
  private async cpuMs(): Promise<number> {
    if (typeof this.worker.cpuUsage !== 'function') return NaN;
    let timer: NodeJS.Timeout | undefined;
    const silence = new Promise<null>((resolve) => (timer = setTimeout(() => resolve(null), ANSWER_MS)));
    try {
      const usage = await Promise.race([this.worker.cpuUsage(), silence]);
      return usage === null ? NaN : (usage.user + usage.system) / 1_000;
    } catch {
      return NaN;
    } finally {
      clearTimeout(timer);
    }
  }

  private receive(message: FromWorker): void {
    if (this.lost) return;
    if (message.type === 'ready') {
      this.ready = true;
      this.events.onReady();
      return;
    }
    this.events.onResults(message.results);
    if (message.worn) this.lose('worn', new Error('The worker is worn out.'));
  }

  private lose(reason: Loss, error: Error): void {
    if (this.lost) return;
    this.lost = true;
    const jobId = Atomics.load(this.progress, PROGRESS_JOB);
    // Ending a thread takes a while; nobody waits for it.
    void this.worker.terminate();
    this.events.onLost(reason, jobId, error);
  }

  async close(): Promise<void> {
    this.lost = true;
    await this.worker.terminate();
  }
}
