import { Lane } from './lane.ts';
import type { LaneSetup, Loss } from './lane.ts';
import type { LanguageRules, RunResult } from './language.ts';
import type { EnvironmentLimits } from './port.ts';
import type { Job, JobMode, JobResult } from './protocol.ts';
import { loadRuntime } from './runtimes.ts';

interface Pending {
  readonly job: Job;
  readonly resolve: (results: readonly RunResult[]) => void;
  readonly reject: (error: Error) => void;
  /** Times that the wall clock, not the fuel, ended it. */
  strikes: number;
}

interface Seat {
  lane: Lane;
  readonly out: Map<number, Pending>;
}

const BATCH = 32;
/** Enough that a worker never waits for the next message, little enough that a hang makes few runs go twice. */
const IN_FLIGHT = 2 * BATCH;
const WATCH_MS = 50;
/** A hard kill counts as bad luck once, then it is the program's; at once where processor time proves it. */
const STRIKES = 2;
/** Workers that die in a row before they are ready: then the sandbox cannot run here at all. */
const BOOT_FAILURES = 3;

export interface PoolOptions {
  readonly language: LanguageRules;
  readonly limits: EnvironmentLimits;
  readonly workers: number;
}

/** Runs jobs on a few worker threads. Any number may be submitted at once; each promise settles with its verdicts. */
export class Pool {
  private readonly options: PoolOptions;
  private readonly seats: Seat[] = [];
  private readonly queue: Pending[] = [];
  private nextId = 1;
  private bootFailures = 0;
  private failure: Error | null = null;
  private setup: LaneSetup | null = null;
  private watcher: NodeJS.Timeout | null = null;
  private pumpQueued = false;

  constructor(options: PoolOptions) {
    this.options = options;
    void this.open().catch((error: unknown) => this.fail(error as Error));
  }

  private async open(): Promise<void> {
    const {
      language: { language },
      limits,
      workers,
    } = this.options;
    const shared = await (await loadRuntime(language)).share(limits);
    this.setup = { language, limits, shared };
    if (this.failure) return;
    for (let index = 0; index < workers; index++) this.seats.push(this.newSeat());
  }

  /** Rejects only when the sandbox itself is broken or closed. */
  submit(code: string, inputs: readonly string[], mode: JobMode): Promise<readonly RunResult[]> {
    if (this.failure) return Promise.reject(this.failure);
    return new Promise((resolve, reject) => {
      // Ids travel through 32 bits of shared memory.
      const id = this.nextId;
      this.nextId = (this.nextId % 0x7fff_fff0) + 1;
      this.queue.push({ job: { id, code, inputs, mode }, resolve, reject, strikes: 0 });
      this.schedulePump();
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.fail(new Error('The sandbox is closed.'));
    await Promise.all(this.seats.map(({ lane }) => lane.close()));
  }

  private newSeat(): Seat {
    const seat: Seat = { out: new Map(), lane: this.newLane(() => seat) };
    return seat;
  }

  private newLane(seat: () => Seat): Lane {
    return new Lane(this.setup as LaneSetup, {
      onResults: (results) => this.receive(seat(), results),
      onLost: (reason, jobId, error) => this.replace(seat(), reason, jobId, error),
    });
  }

  private schedulePump(): void {
    if (this.pumpQueued) return;
    this.pumpQueued = true;
    queueMicrotask(() => {
      this.pumpQueued = false;
      this.pump();
    });
  }

  private pump(): void {
    for (const { lane, out } of this.seats) {
      while (lane.ready && this.queue.length > 0 && out.size <= IN_FLIGHT - BATCH) {
        const batch = this.queue.splice(0, BATCH);
        for (const pending of batch) out.set(pending.job.id, pending);
        lane.send(batch.map(({ job }) => job));
      }
    }
    const busy = this.seats.some(({ out }) => out.size > 0);
    if (busy && this.watcher === null) this.watcher = setInterval(() => this.watch(), WATCH_MS);
    if (!busy && this.watcher !== null) {
      clearInterval(this.watcher);
      this.watcher = null;
    }
  }

  private watch(): void {
    for (const { lane, out } of this.seats) {
      if (out.size > 0) void lane.watch();
    }
  }

  private receive(seat: Seat, results: readonly JobResult[]): void {
    this.bootFailures = 0;
    for (const { id, results: verdicts } of results) {
      const pending = seat.out.get(id);
      if (pending === undefined) continue;
      seat.out.delete(id);
      const last = verdicts.at(-1);
      if (last !== undefined && last.verdict !== 'ok' && last.backstop && ++pending.strikes < STRIKES) this.queue.unshift(pending);
      else pending.resolve(verdicts);
    }
    this.pump();
  }

  /** A new worker takes the seat; all that was unanswered runs again, which repeats nothing but time. */
  private replace(seat: Seat, reason: Loss, jobId: number, error: Error): void {
    if (this.failure) return;
    const wasReady = seat.lane.ready;
    if (!wasReady && ++this.bootFailures >= BOOT_FAILURES) {
      this.fail(new Error(`The ${this.options.language.title} sandbox could not start: ${error.message}`, { cause: error }));
      return;
    }
    const unanswered = [...seat.out.values()];
    seat.out.clear();
    const culprit = unanswered.find(({ job }) => job.id === jobId);
    if (culprit && wasReady && reason !== 'worn') culprit.strikes += reason === 'spent' ? STRIKES : 1;
    seat.lane = this.newLane(() => seat);
    for (const pending of unanswered.reverse()) {
      if (pending.strikes < STRIKES) this.queue.unshift(pending);
      else pending.resolve([this.verdictOfLoss(reason)]);
    }
    this.pump();
  }

  private verdictOfLoss(reason: Loss): RunResult {
    if (reason !== 'died') return { verdict: 'timeout', detail: `The program did not end within ${this.options.limits.timeoutMs} ms.` };
    return { verdict: 'memory', detail: 'The program broke the worker that ran it, twice.' };
  }

  private fail(error: Error): void {
    this.failure ??= error;
    if (this.watcher !== null) clearInterval(this.watcher);
    this.watcher = null;
    for (const pending of [...this.queue.splice(0), ...this.seats.flatMap(({ out }) => [...out.values()])]) pending.reject(error);
    for (const { out } of this.seats) out.clear();
  }
}
