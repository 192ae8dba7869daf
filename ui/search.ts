import type { JournalReader, RolloutQuery } from '../src/record/port.ts';

export type Sought = Omit<RolloutQuery, 'limit' | 'offset'>;

/** Rollouts that are asked one by one, for expressions, `!` and words too short for the index. */
export const ASKED = 50_000;
/** Rollouts of the first part of a search, and the fewest of any: an index costs more to ask than to read, texts the other way round. */
const LEAST = { indexed: 20_000, asked: 500 };
/** A part of the search takes about this long; keys are read between parts. */
const PART_MS = 12;

/**
 * One search over the rollouts of a run, newest first, done in parts: the first hits are there at once, however long the run is and
 * whatever is looked for. `hits` are numbers of rollouts; new rollouts are put in front.
 */
export class Search {
  readonly #reader: JournalReader;
  readonly #query: Sought;
  #hits: number[] = [];
  /** Everything above `#low` and up to `#high` has been looked at. */
  #low: number;
  #high: number;
  readonly #from: number;
  readonly #floor: number;
  readonly #least: number;
  #part: number;

  constructor(reader: JournalReader, query: Sought, slow: boolean) {
    this.#reader = reader;
    this.#query = query;
    this.#high = this.#from = reader.newest();
    this.#low = this.#high;
    this.#least = this.#part = slow ? LEAST.asked : LEAST.indexed;
    this.#floor = slow ? Math.max(0, this.#high - ASKED) : 0;
  }

  get hits(): readonly number[] {
    return this.#hits;
  }

  /** Share of the rollouts that was looked at. */
  get searched(): number {
    return this.#from === this.#floor ? 1 : (this.#from - this.#low) / (this.#from - this.#floor);
  }

  /** Looks at rollouts that have come since; returns how many hits stand in front of the old ones now. */
  renew(): number {
    const newest = this.#reader.newest();
    if (newest <= this.#high) return 0;
    const found = this.#reader.find(this.#query, { above: this.#high, below: newest + 1 });
    this.#high = newest;
    this.#hits = [...found, ...this.#hits];
    return found.length;
  }

  /** Searches for about `ms` milliseconds, or to the end. */
  work(ms: number): void {
    const until = performance.now() + ms;
    while (this.#low > this.#floor) {
      const began = performance.now();
      if (began >= until) return;
      const above = Math.max(this.#floor, this.#low - this.#part);
      for (const n of this.#reader.find(this.#query, { above, below: this.#low + 1 })) this.#hits.push(n);
      this.#low = above;
      const took = performance.now() - began;
      if (took < PART_MS / 2) this.#part *= 2;
      else if (took > 2 * PART_MS) this.#part = Math.max(this.#least, this.#part >> 1);
    }
  }
}
