/**
 * Random numbers as a pure function of (seed, stream, counter), so that a completion does not depend on what else is
 * sampled: splitmix64-style mixing of 32-bit halves (Steele et al. 2014; finaliser of MurmurHash3).
 */
function mix(h: number): number {
  let x = h ^ (h >>> 16);
  x = Math.imul(x, 0x85ebca6b);
  x ^= x >>> 13;
  x = Math.imul(x, 0xc2b2ae35);
  return (x ^ (x >>> 16)) >>> 0;
}

/** A number in [0, 1) with 53 bits. `seed` is any safe integer. */
export function uniformAt(seed: number, stream: number, counter: number): number {
  const low = seed >>> 0;
  const high = Math.floor(seed / 4294967296) >>> 0;
  const a = mix(mix(mix(low ^ 0x9e3779b9) + high) + Math.imul(stream + 1, 0x632be5ab));
  const x = mix(a + Math.imul(counter + 1, 0x9e3779b1));
  const y = mix(x ^ mix(a + Math.imul(counter + 1, 0x7f4a7c15)) ^ 0x5bd1e995);
  return ((x >>> 5) * 67108864 + (y >>> 6)) / 9007199254740992;
}

export interface Draw {
  readonly token: number;
  readonly logprob: number;
}

/**
 * Draws from softmax(logits / temperature) at the quantile `u`; temperature 0 takes the largest and reports its
 * log-probability at temperature 1. One pass for the largest, one for the sum, a part of one for the choice.
 */
export function draw(logits: Float32Array, temperature: number, u: number, scratch: Float64Array): Draw {
  const n = logits.length;
  let top = -Infinity;
  let best = 0;
  for (let i = 0; i < n; i++) {
    const z = logits[i] as number;
    if (z > top) {
      top = z;
      best = i;
    }
  }
  const inverse = temperature > 0 ? 1 / temperature : 1;
  let sum = 0;
  for (let i = 0; i < n; i++) sum += scratch[i] = Math.exp(((logits[i] as number) - top) * inverse);
  let token = best;
  if (temperature > 0) {
    let left = u * sum;
    for (token = 0; token < n - 1; token++) {
      left -= scratch[token] as number;
      if (left < 0) break;
    }
  }
  return { token, logprob: ((logits[token] as number) - top) * inverse - Math.log(sum) };
}

/** Index of the largest entry, the first of several. */
export function largest(values: Float32Array): number {
  let best = 0;
  for (let i = 1; i < values.length; i++) if ((values[i] as number) > (values[best] as number)) best = i;
  return best;
}

const BLOCK = 512;

/**
 * The entry of a distribution at the quantile `u`, read block by block. Four sums side by side, because one would wait
 * for each addition before the next.
 * @param p probabilities that add up to 1 within rounding; an entry of 0 is never taken.
 */
export function pick(p: Float32Array, u: number): number {
  let left = u;
  let from = 0;
  for (; from + BLOCK < p.length; from += BLOCK) {
    let a = 0;
    let b = 0;
    let c = 0;
    let d = 0;
    for (let i = from; i < from + BLOCK; i += 4) {
      a += p[i] as number;
      b += p[i + 1] as number;
      c += p[i + 2] as number;
      d += p[i + 3] as number;
    }
    const sum = a + b + (c + d);
    if (left < sum) break;
    left -= sum;
  }
  let token = from;
  for (; token < p.length; token++) {
    left -= p[token] as number;
    if (left < 0) return token;
  }
  // Rounding left a rest behind the last entry: take the last that can be drawn.
  for (token = p.length - 1; token > 0 && !((p[token] as number) > 0); token--);
  return token;
}
