import { Lane } from './lane.ts';
import type { LaneSetup, Loss } from './lane.ts';
import type { RunResult } from './language.ts';
import type { Job, JobResult } from './protocol.ts';

interface Pending {
  readonly job: Job;
  /** Times that the wall clock, not the fuel, ended it. */
  strikes: number;
}

interface Seat {
  lane: Lane;
  readonly out: Map<number, Pending>;
}

export interface CrewEvents {
  onReady(): void;
  onResults(results: readonly JobResult[]): void;
  /** No worker can be started here. */
  onBroken(error: Error): void;
}

export interface CrewCounts {
  /** Workers ended from outside because they hung. */
  kills: number;
  /** Jobs that ran again, whatever the reason. */
  reruns: number;
  /** Workers replaced because they were worn out. */
  worn: number;
}

const BATCH = 32;
/** Enough that a worker never waits for the next message, little enough that a hang makes few runs go twice. */
const IN_FLIGHT = 2 * BATCH;
const WATCH_MS = 50;
const SPARE_MS = 500;
/** A hard kill counts as bad luck once, then it is the program's; at once where processor time proves it. */
const STRIKES = 2;
/** Workers that die in a row before they are ready: then the sandbox cannot run here at all. */
const BOOT_FAILURES = 3;

/** The workers of one sandbox process and a warm spare, which takes over at once when a worker has to be ended. */
export class Crew {
  readonly counts: CrewCounts = { kills: 0, reruns: 0, worn: 0 };
  private readonly setup: LaneSetup;
  private readonly events: CrewEvents;
  private readonly seats: Seat[];
  private spare: Lane | null = null;
  private readonly queue: Pending[] = [];
  private bootFailures = 0;
  private spareTimer: NodeJS.Timeout | null = null;
  private announced = false;
  private closed = false;
  private watcher: NodeJS.Timeout | null = null;

  constructor(setup: LaneSetup, workers: number, events: CrewEvents) {
    this.setup = setup;
    this.events = events;
    this.seats = Array.from({ length: workers }, () => {
      const seat: Seat = { lane: this.newLane(), out: new Map() };
      return seat;
    });
  }

  add(jobs: readonly Job[]): void {
    for (const job of jobs) this.queue.push({ job, strikes: 0 });
    this.pump();
  }

  private newLane(): Lane {
    const lane: Lane = new Lane(this.setup, {
      onReady: () => this.welcome(),
      onResults: (results) => this.receive(lane, results),
      onLost: (reason, jobId, error) => this.replace(lane, reason, jobId, error),
    });
    return lane;
  }

  private welcome(): void {
    this.bootFailures = 0;
    if (!this.announced) this.events.onReady();
    this.announced = true;
    this.pump();
    // The spare boots when the seats have begun to work.
    this.spareTimer ??= setTimeout(() => (this.spare ??= this.closed ? null : this.newLane()), SPARE_MS);
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
    for (const { lane, out } of this.seats) if (out.size > 0) void lane.watch();
  }

  private receive(lane: Lane, results: readonly JobResult[]): void {
    const seat = this.seats.find((candidate) => candidate.lane === lane);
    if (seat === undefined) return;
    const settled = results.filter((result) => {
      const pending = seat.out.get(result.id);
      if (pending === undefined) return false;
      seat.out.delete(result.id);
      const last = result.results.at(-1);
      const unlucky = last !== undefined && last.verdict !== 'ok' && last.backstop === true && ++pending.strikes < STRIKES;
      if (unlucky) this.again(pending);
      return !unlucky;
    });
    if (settled.length > 0) this.events.onResults(settled);
    this.pump();
  }

  private again(pending: Pending): void {
    this.counts.reruns++;
    this.queue.unshift(pending);
  }

  /** Another worker takes the seat; all that was unanswered runs again, which repeats nothing but time. */
  private replace(lane: Lane, reason: Loss, jobId: number, error: Error): void {
    if (this.closed) return;
    if (!lane.ready && ++this.bootFailures >= BOOT_FAILURES) {
      this.events.onBroken(error);
      return;
    }
    if (this.spare === lane) {
      this.spare = this.newLane();
      return;
    }
    const seat = this.seats.find((candidate) => candidate.lane === lane);
    if (seat === undefined) return;
    const unanswered = [...seat.out.values()];
    seat.out.clear();
    if (reason === 'worn') this.counts.worn++;
    else if (reason !== 'died') this.counts.kills++;
    const culprit = unanswered.find(({ job }) => job.id === jobId);
    if (culprit && lane.ready && reason !== 'worn') culprit.strikes += reason === 'spent' ? STRIKES : 1;
    seat.lane = this.spare ?? this.newLane();
    this.spare = this.newLane();
    const condemned: JobResult[] = [];
    for (const pending of unanswered.reverse()) {
      if (pending.strikes < STRIKES) this.again(pending);
      else condemned.push({ id: pending.job.id, results: [this.verdictOfLoss(reason)], ms: this.setup.limits.timeoutMs });
    }
    if (condemned.length > 0) this.events.onResults(condemned);
    this.pump();
  }

  private verdictOfLoss(reason: Loss): RunResult {
    if (reason === 'died') return { verdict: 'memory', detail: 'The program broke the worker that ran it, twice.' };
    return { verdict: 'timeout', detail: 'The program did not come back from one native operation.' };
  }

  async close(): Promise<void> {
    this.closed = true;
    if (this.watcher !== null) clearInterval(this.watcher);
    await Promise.all([...this.seats.map(({ lane }) => lane), ...(this.spare ? [this.spare] : [])].map((lane) => lane.close()));
  }
}
