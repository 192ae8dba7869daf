/** The smallest model with real arithmetic: a table of logits, next token given the last one, trained by AdamW. Deterministic. */
import type { AdamParams } from '../../src/engine/tinker/client.ts';
import { AdamState, slopes } from './arithmetic.ts';
import type { Pass } from './messages.ts';
import type { SampleAsk, ServedModel, ServedSequence } from './server.ts';

interface Saved {
  readonly logits: Float64Array;
  readonly m: Float64Array;
  readonly v: Float64Array;
  readonly steps: number;
}

export class TableModel implements ServedModel {
  readonly size: number;
  logits: Float64Array;
  adam: AdamState;
  readonly #gradient: Float64Array;
  readonly #eos: number;
  readonly #reduction: 'tokens' | 'sequences';
  #sequences = 0;
  #saved: Saved | null = null;

  constructor(size: number, eos: number, reduction: 'tokens' | 'sequences') {
    this.size = size;
    this.#eos = eos;
    this.#reduction = reduction;
    this.logits = new Float64Array(size * size);
    this.adam = new AdamState(size * size);
    this.#gradient = new Float64Array(size * size);
  }
  /** log π of every next token. */
  static row(logits: Float64Array, size: number, last: number): Float64Array {
    const row = logits.slice(last * size, (last + 1) * size);
    const top = row.reduce((a, b) => Math.max(a, b), -Infinity);
    const sum = row.reduce((a, z) => a + Math.exp(z - top), 0);
    return row.map((z) => z - top - Math.log(sum));
  }

  async pass({ data, loss, config, forwardOnly }: Pass): Promise<number[][]> {
    const results = data.map(({ tokens, inputs }) => {
      const rows = tokens.map((token) => TableModel.row(this.logits, this.size, token));
      return { rows, logprobs: rows.map((row, i) => Math.fround(row[inputs['target_tokens']?.[i] ?? 0] ?? NaN)) };
    });
    if (!forwardOnly) {
      this.#sequences += data.length;
      data.forEach((datum, d) => {
        const { rows, logprobs } = results[d]!;
        slopes(datum, logprobs, loss, config, this.#reduction).forEach((g, i) => {
          if (g === 0) return;
          const target = datum.inputs['target_tokens']?.[i];
          const from = (datum.tokens[i] ?? 0) * this.size;
          rows[i]?.forEach((lp, j) => (this.#gradient[from + j]! += g * ((j === target ? 1 : 0) - Math.exp(lp))));
        });
      });
    }
    return results.map(({ logprobs }) => logprobs);
  }
  async step(p: AdamParams): Promise<Record<string, number>> {
    const divisor = this.#reduction === 'sequences' ? Math.max(1, this.#sequences) : 1;
    const norm = this.adam.step(
      this.logits,
      this.#gradient.map((g) => g / divisor),
      p,
    );
    this.#gradient.fill(0);
    this.#sequences = 0;
    return { 'skyrl.ai/grad_norm': norm };
  }
  async save(): Promise<unknown> {
    // Weights change with steps only; one copy of each is enough.
    if (this.#saved?.steps !== this.adam.steps)
      this.#saved = { logits: this.logits.slice(), m: this.adam.m.slice(), v: this.adam.v.slice(), steps: this.adam.steps };
    return this.#saved;
  }
  async load(saved: unknown): Promise<void> {
    const { logits, m, v, steps } = saved as Saved;
    this.#saved = null;
    this.logits = logits.slice();
    this.adam.m.set(m);
    this.adam.v.set(v);
    this.adam.steps = steps;
  }
  async sampler(): Promise<(ask: SampleAsk) => Promise<ServedSequence[]>> {
    const { logits } = (await this.save()) as Saved;
    return async (ask) => Array.from({ length: ask.n }, (_, j) => this.#one(logits, ask, j));
  }
  async sample(ask: SampleAsk): Promise<ServedSequence[]> {
    return await (
      await this.sampler()
    )(ask);
  }
  #one(logits: Float64Array, { prompt, maxTokens, temperature, seed }: SampleAsk, j: number): ServedSequence {
    const tokens: number[] = [];
    const logprobs: number[] = [];
    let last = prompt.at(-1) ?? 0;
    for (let t = 0; t < maxTokens; t++) {
      const row = TableModel.row(logits, this.size, last);
      let left = unit(seed, j, t);
      let next = temperature === 0 ? row.indexOf(row.reduce((a, b) => Math.max(a, b))) : row.findIndex((lp) => (left -= Math.exp(lp)) < 0);
      if (next < 0) next = this.size - 1;
      tokens.push(next);
      logprobs.push(Math.fround(row[next] ?? 0));
      last = next;
      if (next === this.#eos) return { tokens, logprobs, reason: 'stop' };
    }
    return { tokens, logprobs, reason: 'length' };
  }
  async archive(): Promise<Buffer> {
    return Buffer.alloc(0);
  }
  async close(): Promise<void> {}
}

/** A number in [0, 1) that depends on the three and nothing else. */
function unit(a: number, b: number, c: number): number {
  let h = Math.imul(a ^ 0x9e3779b9, 0x85ebca6b) ^ Math.imul(b + 0x7f4a7c15, 0xc2b2ae35) ^ Math.imul(c + 0x165667b1, 0x27d4eb2f);
  for (const shift of [15, 13, 16]) h = Math.imul(h ^ (h >>> shift), 0x2c1b3c6d);
  return ((h ^ (h >>> 16)) >>> 0) / 4294967296;
}
