import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { passAtK } from '../../src/eval/benchmarks/pass-at-k.ts';

/** Share of the ways to draw k of n samples that hold one of the c right ones, by drawing all of them. */
function byEnumeration(n: number, c: number, k: number): number {
  let [drawn, hit] = [0, 0];
  for (let mask = 0; mask < 2 ** n; mask++) {
    const chosen = Array.from({ length: n }, (_, i) => i).filter((i) => mask & (1 << i));
    if (chosen.length !== k) continue;
    drawn++;
    if (chosen.some((i) => i < c)) hit++;
  }
  return hit / drawn;
}

describe('pass@k', () => {
  it('is the share of draws that hold a right sample, for every n up to 9', () => {
    for (let n = 1; n <= 9; n++)
      for (let c = 0; c <= n; c++)
        for (let k = 1; k <= n; k++) expect(passAtK(n, c, k), `${n} ${c} ${k}`).toBeCloseTo(byEnumeration(n, c, k), 12);
  });

  it("equals the values of NumPy's product for n up to 200", () => {
    const values = JSON.parse(readFileSync('test/fixtures/suites/pass-at-k.json', 'utf8')) as [number, number, number, number][];
    expect(values.length).toBeGreaterThan(90);
    for (const [n, c, k, expected] of values) expect(passAtK(n, c, k), `${n} ${c} ${k}`).toBeCloseTo(expected, 12);
  });

  it('stays finite where binomials overflow, and refuses what makes no sense', () => {
    expect(passAtK(100_000, 1, 50_000)).toBeCloseTo(0.5, 9);
    for (const [n, c, k] of [
      [0, 0, 1],
      [5, 6, 1],
      [5, 1, 6],
      [5, 1, 0],
      [5, -1, 1],
      [5, 1, 1.5],
      [NaN, 0, 1],
    ] as const)
      expect(() => passAtK(n, c, k)).toThrow(RangeError);
  });
});
