/** What a server does with a model pass, after the contract and apart from our own losses: log π and dL/dlog π of every token. */
import type { AdamParams } from '../../src/engine/tinker/client.ts';

export interface ServerDatum {
  readonly tokens: readonly number[];
  readonly inputs: Readonly<Record<string, readonly number[]>>;
}

/** dL/dlog π of one token, the loss summed over tokens. q: log-probability at the sampler, A: advantage, w: weight. */
export function slope(loss: string, config: Readonly<Record<string, number>>, lp: number, q: number, a: number, w: number): number {
  const low = config['clip_low_threshold'] ?? 0.8;
  const high = config['clip_high_threshold'] ?? 1.2;
  const r = Math.exp(lp - q);
  if (w === 0) return 0;
  if (loss === 'cross_entropy') return -w;
  if (loss === 'importance_sampling') return -w * r * a;
  if (loss === 'cispo') return -w * Math.min(Math.max(r, low), high) * a;
  // min(rA, clip(r)A): the gradient is that of the smaller one.
  return r * a <= Math.min(Math.max(r, low), high) * a ? -w * r * a : 0;
}

/** One sequence's slopes, reduced as the server reduces: `sequences` divides by the sum of the weights. */
export function slopes(
  { tokens, inputs }: ServerDatum,
  logprobs: readonly number[],
  loss: string,
  config: Readonly<Record<string, number>>,
  reduction: 'tokens' | 'sequences',
): number[] {
  const weights = inputs['weights'] ?? tokens.map(() => 1);
  const divisor =
    reduction === 'tokens'
      ? 1
      : Math.max(
          weights.reduce((a, b) => a + b, 0),
          1e-9,
        );
  return tokens.map(
    (_, i) =>
      slope(loss, config, logprobs[i] ?? 0, inputs['logprobs']?.[i] ?? 0, inputs['advantages']?.[i] ?? 0, weights[i] ?? 0) / divisor,
  );
}

/** AdamW with decoupled decay over a flat array. */
export class AdamState {
  readonly m: Float64Array;
  readonly v: Float64Array;
  steps = 0;
  constructor(size: number) {
    this.m = new Float64Array(size);
    this.v = new Float64Array(size);
  }
  step(weights: Float64Array, gradient: Float64Array, p: AdamParams): number {
    this.steps++;
    let norm = 0;
    for (let i = 0; i < weights.length; i++) {
      const g = gradient[i] ?? 0;
      norm += g * g;
      this.m[i] = p.beta1 * (this.m[i] ?? 0) + (1 - p.beta1) * g;
      this.v[i] = p.beta2 * (this.v[i] ?? 0) + (1 - p.beta2) * g * g;
      const mean = (this.m[i] ?? 0) / (1 - p.beta1 ** this.steps);
      const spread = (this.v[i] ?? 0) / (1 - p.beta2 ** this.steps);
      weights[i] = (weights[i] ?? 0) * (1 - p.learning_rate * p.weight_decay) - (p.learning_rate * mean) / (Math.sqrt(spread) + p.eps);
    }
    return Math.sqrt(norm);
  }
}
