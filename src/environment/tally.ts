import type { ProcessCounts } from './protocol.ts';

export interface PoolStats {
  readonly executions: number;
  /** From the first answer's start to the last answer. */
  readonly seconds: number;
  readonly perSecond: number;
  /** Time of a job in its worker, milliseconds, over the latest 10,000. */
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Processes replaced because of their memory, workers replaced because they were worn. */
  readonly recycles: number;
  /** Workers ended because they hung, and processes that died. */
  readonly kills: number;
  /** Jobs that ran more than once. */
  readonly reruns: number;
  readonly rssMb: number;
  /** Processor time of the sandbox processes, as they last told it (once a second). */
  readonly cpuMs: number;
}

const KEPT = 10_000;

/** Counts what a pool did, over all of its processes, the gone ones too. */
export class Tally {
  recycles = 0;
  private readonly times: number[] = [];
  private executions = 0;
  private deaths = 0;
  private gone: ProcessCounts = { kills: 0, reruns: 0, worn: 0, rssMb: 0, cpuMs: 0 };
  private first: number | null = null;
  private last = 0;

  add(ms: number): void {
    this.last = performance.now();
    this.first ??= this.last - ms;
    this.times[this.executions % KEPT] = ms;
    this.executions++;
  }

  /** A process left in order. */
  retire(counts: ProcessCounts): void {
    this.gone = { ...sum([this.gone, counts]), rssMb: 0 };
  }

  /** A process died. */
  lose(counts: ProcessCounts): void {
    this.deaths++;
    this.retire(counts);
  }

  stats(running: readonly ProcessCounts[]): PoolStats {
    const { kills, reruns, worn, rssMb, cpuMs } = sum([this.gone, ...running]);
    const seconds = this.first === null ? 0 : (this.last - this.first) / 1_000;
    const sorted = this.times.toSorted((a, b) => a - b);
    const quantile = (share: number): number => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0;
    return {
      executions: this.executions,
      seconds,
      perSecond: seconds > 0 ? this.executions / seconds : 0,
      p50Ms: quantile(0.5),
      p99Ms: quantile(0.99),
      recycles: this.recycles + worn,
      kills: kills + this.deaths,
      reruns,
      rssMb,
      cpuMs,
    };
  }
}

function sum(all: readonly ProcessCounts[]): ProcessCounts {
  const total = (key: keyof ProcessCounts): number => all.reduce((amount, counts) => amount + counts[key], 0);
  return { kills: total('kills'), reruns: total('reruns'), worn: total('worn'), rssMb: total('rssMb'), cpuMs: total('cpuMs') };
}
