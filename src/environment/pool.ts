import { Child } from './child.ts';
import type { LanguageRules, RunResult } from './language.ts';
import type { EnvironmentLimits } from './port.ts';
import type { FromKeeper, Job, JobMode, JobResult, Layer, ProcessCounts } from './protocol.ts';
import { Tally } from './tally.ts';
import type { PoolStats } from './tally.ts';

export interface PoolOptions {
  readonly language: LanguageRules;
  readonly limits: EnvironmentLimits;
  readonly workers: number;
}

interface Pending {
  readonly job: Job;
  readonly chars: number;
  readonly resolve: (results: readonly RunResult[]) => void;
  readonly reject: (error: Error) => void;
  /** It was under way when its process died: it runs again alone, so that a second death is its own. */
  suspect: boolean;
}

/** A sandbox process and what it has to do. */
interface Station {
  child: Child;
  workers: number;
  ready: boolean;
  out: Map<number, Pending>;
  chars: number;
  silentFor: number;
  counts: ProcessCounts;
}

const MOST_PROCESSES = 2;
const BATCH = 64;
/** Back-pressure: what waits in a process is bounded in number and in size, the rest waits here. */
const JOBS_PER_WORKER = 192;
const CHARS_IN_FLIGHT = 8_000_000;
const CHECK_MS = 1_000;
/** Checks without a word from a process that should say something every second: it is stuck, and is ended. */
const SILENT_CHECKS = 30;
const BOOT_FAILURES = 3;
const NO_COUNTS: ProcessCounts = { kills: 0, reruns: 0, worn: 0, rssMb: 0, cpuMs: 0 };

/** Runs jobs in sandbox processes. Any number may be submitted at once; each promise settles with its verdicts. */
export class Pool {
  private readonly options: PoolOptions;
  private readonly stations: Station[] = [];
  /** Processes that take no more jobs and leave when theirs are done. */
  private readonly leaving = new Set<Station>();
  private readonly queue: Pending[] = [];
  private tally = new Tally();
  private readonly layersKnown = Promise.withResolvers<readonly Layer[]>();
  private nextId = 1;
  private bootFailures = 0;
  private namespaces = true;
  private failure: Error | null = null;
  private checker: NodeJS.Timeout | null = null;
  private pumpQueued = false;

  constructor(options: PoolOptions) {
    this.options = options;
    this.layersKnown.promise.catch(() => undefined);
    const processes = Math.min(MOST_PROCESSES, Math.ceil(options.workers / 2));
    for (let index = 0; index < processes; index++) {
      this.stations.push(this.newStation(Math.ceil((options.workers - index) / processes)));
    }
  }

  /** Rejects only when the sandbox itself is broken or closed. */
  submit(code: string, inputs: readonly string[], mode: JobMode): Promise<readonly RunResult[]> {
    if (this.failure) return Promise.reject(this.failure);
    return new Promise((resolve, reject) => {
      // Ids travel through 32 bits of shared memory.
      const id = this.nextId;
      this.nextId = (this.nextId % 0x7fff_fff0) + 1;
      const chars = inputs.reduce((sum, input) => sum + input.length, code.length);
      this.queue.push({ job: { id, code, inputs, mode }, chars, resolve, reject, suspect: false });
      this.schedulePump();
    });
  }

  /** What the first process found when it tried its own walls. */
  layers(): Promise<readonly Layer[]> {
    return this.layersKnown.promise;
  }

  stats(): PoolStats {
    return this.tally.stats([...this.stations, ...this.leaving].map(({ counts }) => counts));
  }

  /** What was done so far does not count. */
  clearStats(): void {
    this.tally = new Tally();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.fail(new Error('The sandbox is closed.'));
    await Promise.all([...this.stations, ...this.leaving].map(({ child }) => child.close()));
  }

  private newStation(workers: number): Station {
    const { language, limits } = this.options;
    const station: Station = {
      workers,
      ready: false,
      out: new Map(),
      chars: 0,
      silentFor: 0,
      counts: NO_COUNTS,
      child: new Child({ type: 'open', language: language.language, limits, workers, setup: language.setup }, this.namespaces, {
        onMessage: (message) => this.receive(station, message),
        onLost: (error) => this.replace(station, error),
      }),
    };
    return station;
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
    for (const station of this.stations) while (station.ready && this.feed(station));
    const busy = [...this.stations, ...this.leaving].some(({ out }) => out.size > 0);
    if (busy && this.checker === null) this.checker = setInterval(() => this.check(), CHECK_MS);
    if (!busy && this.checker !== null) {
      clearInterval(this.checker);
      this.checker = null;
    }
  }

  /** Sends one batch, or says that there is no room or nothing to send. */
  private feed(station: Station): boolean {
    const batch: Job[] = [];
    while (batch.length < BATCH && this.hasRoom(station)) {
      const pending = this.queue.shift();
      if (pending === undefined) break;
      station.out.set(pending.job.id, pending);
      station.chars += pending.chars;
      batch.push(pending.job);
    }
    if (batch.length > 0) station.child.send({ type: 'jobs', jobs: batch });
    return batch.length > 0;
  }

  private hasRoom({ out, chars, workers }: Station): boolean {
    if (out.size === 0) return true;
    const [next] = this.queue;
    const [underWay] = out.values();
    if (next?.suspect || underWay?.suspect) return false;
    return out.size < workers * JOBS_PER_WORKER && chars < CHARS_IN_FLIGHT;
  }

  private receive(station: Station, message: FromKeeper): void {
    station.silentFor = 0;
    if (message.type === 'broken') station.child.kill(message.message);
    else if (message.type === 'alive') {
      station.counts = message.counts;
      this.recycle(station);
    } else if (message.type === 'ready') {
      station.ready = true;
      this.bootFailures = 0;
      this.layersKnown.resolve(message.layers);
    } else this.settle(station, message.results);
    this.pump();
  }

  private settle(station: Station, results: readonly JobResult[]): void {
    for (const { id, results: verdicts, ms } of results) {
      const pending = station.out.get(id);
      if (pending === undefined) continue;
      this.release(station, pending);
      this.tally.add(ms);
      pending.resolve(verdicts);
    }
    if (station.out.size > 0 || !this.leaving.delete(station)) return;
    this.tally.retire(station.counts);
    void station.child.close();
  }

  private release(station: Station, pending: Pending): void {
    station.out.delete(pending.job.id);
    station.chars -= pending.chars;
  }

  /** A process that holds too much memory is replaced; it first answers what it was asked. */
  private recycle(station: Station): void {
    const { process: base, worker } = this.options.language.recycleMb;
    const index = this.stations.indexOf(station);
    if (index < 0 || station.counts.rssMb <= base + worker * station.workers) return;
    this.tally.recycles++;
    this.stations[index] = this.newStation(station.workers);
    this.leaving.add(station);
    this.settle(station, []);
  }

  private check(): void {
    for (const station of [...this.stations, ...this.leaving]) {
      if (station.out.size > 0 && ++station.silentFor > SILENT_CHECKS) station.child.kill('It went silent.');
    }
  }

  /** Another process takes over; all that was unanswered runs again, one at a time, which repeats nothing but time. */
  private replace(station: Station, error: Error): void {
    if (this.failure) return;
    this.tally.lose(station.counts);
    if (!station.ready) {
      // Namespaces that can be made but not lived in are a missing layer, not a broken sandbox.
      if (this.bootFailures > 0) this.namespaces = false;
      if (++this.bootFailures >= BOOT_FAILURES) {
        this.fail(new Error(`The ${this.options.language.title} sandbox could not start: ${error.message}`, { cause: error }));
        return;
      }
    }
    const unanswered = [...station.out.values()];
    station.out.clear();
    const index = this.stations.indexOf(station);
    if (index >= 0) this.stations[index] = this.newStation(station.workers);
    else this.leaving.delete(station);
    for (const pending of unanswered.reverse()) {
      if (pending.suspect) pending.resolve([{ verdict: 'memory', detail: 'The program broke the process that ran it, twice.' }]);
      else this.queue.unshift(Object.assign(pending, { suspect: true }));
    }
    this.pump();
  }

  private fail(error: Error): void {
    this.failure ??= error;
    this.layersKnown.reject(error);
    if (this.checker !== null) clearInterval(this.checker);
    this.checker = null;
    const stations = [...this.stations, ...this.leaving];
    for (const pending of [...this.queue.splice(0), ...stations.flatMap(({ out }) => [...out.values()])]) pending.reject(error);
    for (const { out } of stations) out.clear();
  }
}
