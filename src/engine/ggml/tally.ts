/** The losses' side of a training batch: what the head is given for each target, and the sums over what it gives back. */
import type { Datum, Metrics } from '../../core/types.ts';
import { prepare, tokenLoss, type LossToken } from '../loss.ts';
import type { LossSpec } from '../ports.ts';
import type { Ggml } from './ffi.ts';
import type { Terminals } from './head.ts';
import { setData } from './memory.ts';
import type { Batch, Target } from './pack.ts';

/** One call's loss over all its batches. */
export class Tally {
  readonly logprobs: readonly Float32Array[];
  readonly #data: readonly Datum[];
  readonly #loss: LossSpec;
  readonly #base: readonly Float32Array[] | null;
  loss = 0;
  #count = 0;
  #entropy = 0;
  #mismatch = 0;
  #worst = 0;
  #clipped = 0;
  #kl = 0;

  /** @param base log-probabilities under the base model per datum, when the loss has a KL term */
  constructor(data: readonly Datum[], loss: LossSpec, base: readonly Float32Array[] | null) {
    this.logprobs = data.map((d) => new Float32Array(d.tokens.length));
    this.#data = data;
    this.#loss = loss;
    this.#base = base;
  }

  #token(datum: number, index: number): LossToken {
    const d = this.#data[datum] as Datum;
    return {
      weight: d.weights[index] ?? 0,
      advantage: d.advantages[index] ?? 0,
      sampled: d.logprobs[index] ?? 0,
      old: d.old?.[index] ?? null,
      base: this.#base?.[datum]?.[index] ?? 0,
    };
  }

  /** Fills the loss inputs of a graph with `targets` targets; unused ones get factor 0. */
  setInputs(g: Ggml, io: Terminals, targets: number, batch: Batch): void {
    const make = (): Float32Array => new Float32Array(targets);
    const inputs = { factor: make(), reference: make(), bound: make(), pull: make(), baseLogprob: make() };
    batch.targets.forEach(({ datum, index }, i) => {
      const token = this.#token(datum, index);
      const { factor, reference, bound, pull } = prepare(this.#loss, token);
      inputs.factor[i] = factor;
      inputs.reference[i] = reference;
      inputs.bound[i] = bound;
      inputs.pull[i] = pull;
      inputs.baseLogprob[i] = token.base;
    });
    for (const [name, values] of Object.entries(inputs)) setData(g, io[name as keyof typeof inputs], values);
  }

  /** @param entropy of each target's distribution, or an estimate of it */
  add(batch: { readonly targets: readonly Pick<Target, 'datum' | 'index'>[] }, logprob: Float32Array, entropy: Float32Array): void {
    batch.targets.forEach(({ datum, index }, i) => {
      const token = this.#token(datum, index);
      const lp = logprob[i] ?? 0;
      (this.logprobs[datum] as Float32Array)[index] = lp;
      const delta = (token.old ?? lp) - token.sampled;
      const { value, clipped, kl } = tokenLoss(this.#loss, token, lp);
      this.loss += value;
      this.#count++;
      this.#entropy += entropy[i] ?? 0;
      this.#mismatch += Math.exp(delta) - 1 - delta;
      this.#worst = Math.max(this.#worst, Math.abs(delta));
      this.#kl += kl;
      if (clipped) this.#clipped++;
    });
  }

  /**
   * `mismatch/kl` is the k3 estimator of KL(sampler ‖ trainer): mean of r − 1 − log r with r = π_train / π_sample at
   * sampling time; `mismatch/max` the largest |log r|.
   */
  metrics(): Metrics {
    const n = Math.max(1, this.#count);
    return {
      entropy: this.#entropy / n,
      ...(this.#loss.kind === 'cross_entropy'
        ? {}
        : { 'mismatch/kl': this.#mismatch / n, 'mismatch/max': this.#worst, 'loss/clipped': this.#clipped / n }),
      ...(this.#loss.kl === undefined ? {} : { 'loss/kl': this.#kl / n }),
    };
  }
}
