import { cpus, freemem, loadavg, totalmem } from 'node:os';
import type { Store } from './store.ts';

/** Screen 9: what the machine does. Read only while somebody looks, once a second, from the operating system's own counters. */
export interface MachineState {
  /** Busy share of all cores, 0 … 1, oldest first. */
  readonly cpu: readonly number[];
  /** Busy share of each core now. */
  readonly cores: readonly number[];
  /** Memory in use, bytes, oldest first. */
  readonly used: readonly number[];
  readonly total: number;
  readonly load: number;
  readonly model: string;
}
export const NO_MACHINE: MachineState = { cpu: [], cores: [], used: [], total: 0, load: 0, model: '' };

const KEPT = 300;
const EVERY_MS = 1000;

export interface Counters {
  readonly cores: readonly { readonly busy: number; readonly idle: number }[];
  readonly free: number;
  readonly total: number;
  readonly load: number;
  readonly model: string;
}

export function readCounters(): Counters {
  const all = cpus();
  return {
    cores: all.map(({ times }) => ({ busy: times.user + times.nice + times.sys + times.irq, idle: times.idle })),
    // What the system could give a process now; on Linux this counts caches as free.
    free: process.availableMemory?.() ?? freemem(),
    total: totalmem(),
    load: loadavg()[0] ?? 0,
    model: all[0]?.model.trim() ?? '',
  };
}

export class Machine {
  readonly #store: Store;
  readonly #read: () => Counters;
  #before: Counters | null = null;
  #next = -Infinity;

  constructor(store: Store, read: () => Counters = readCounters) {
    this.#store = store;
    this.#read = read;
  }

  /** One more sample when it is time for it. `now` in ms, never backwards. */
  sample(now: number): void {
    if (now < this.#next) return;
    this.#next = now + EVERY_MS;
    const counters = this.#read();
    const before = this.#before;
    this.#before = counters;
    const cores = counters.cores.map((core, index) => {
      const old = before?.cores[index] ?? { busy: 0, idle: 0 };
      const all = core.busy - old.busy + core.idle - old.idle;
      return all > 0 ? (core.busy - old.busy) / all : 0;
    });
    const { machine } = this.#store.getState();
    const add = (list: readonly number[], value: number): number[] => [...list.slice(-KEPT + 1), value];
    const mean = cores.reduce((sum, share) => sum + share, 0) / Math.max(1, cores.length);
    this.#store.setState({
      machine: {
        cpu: before ? add(machine.cpu, mean) : machine.cpu,
        cores,
        used: add(machine.used, counters.total - counters.free),
        total: counters.total,
        load: counters.load,
        model: counters.model,
      },
    });
  }
}
