/** A mean over seeds with its standard error: sample deviation (n − 1) / √n; null for a single value. */
export interface Estimate {
  readonly mean: number;
  readonly error: number | null;
  readonly n: number;
}

/** Null without values. */
export function estimate(values: readonly number[]): Estimate | null {
  const n = values.length;
  if (n === 0) return null;
  const mean = values.reduce((sum, value) => sum + value, 0) / n;
  if (n === 1) return { mean, error: null, n };
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (n - 1);
  return { mean, error: Math.sqrt(variance / n), n };
}

/** Values by seed. */
export type BySeed = ReadonlyMap<number, number>;

/** Differences a − b over the seeds that both have: what the seed does to both cancels out. */
export function pairedDifference(a: BySeed, b: BySeed): Estimate | null {
  return estimate([...a].flatMap(([seed, value]) => (b.has(seed) ? [value - (b.get(seed) as number)] : [])));
}
