/**
 * Probability that at least one of `k` samples passes, estimated without bias from `c` that passed among `n`:
 * 1 − C(n − c, k) / C(n, k). Source: Chen et al. 2021, Eq. 1, computed as a product, so that no binomial overflows.
 * @throws RangeError unless 0 ≤ c ≤ n and 1 ≤ k ≤ n, whole numbers.
 */
export function passAtK(n: number, c: number, k: number): number {
  if (![n, c, k].every(Number.isInteger) || c < 0 || c > n || k < 1 || k > n)
    throw new RangeError(`pass@k needs 0 ≤ c ≤ n and 1 ≤ k ≤ n, got n = ${n}, c = ${c}, k = ${k}.`);
  if (n - c < k) return 1;
  let missed = 1;
  for (let i = n - c + 1; i <= n; i++) missed *= 1 - k / i;
  return 1 - missed;
}
