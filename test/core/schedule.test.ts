import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { rateFactor, type Schedule } from '../../src/core/schedule.ts';

const schedule = fc.record({
  kind: fc.constantFrom('constant', 'linear', 'cosine') as fc.Arbitrary<Schedule['kind']>,
  warmupSteps: fc.integer({ min: 0, max: 30 }),
  minFactor: fc.double({ min: 0, max: 1, noNaN: true }),
});

describe('a learning-rate schedule', () => {
  it('stays in (0, 1] over the run, rises during warm-up and never rises after it', () => {
    fc.assert(
      fc.property(schedule, fc.integer({ min: 1, max: 60 }), (s, total) => {
        const factors = Array.from({ length: total + 5 }, (_, i) => rateFactor(s, i + 1, total));
        factors.forEach((factor, i) => {
          expect(factor).toBeGreaterThanOrEqual(0);
          expect(factor).toBeLessThanOrEqual(1);
          if (i < total) expect(factor).toBeGreaterThan(0);
          if (i === 0) return;
          if (i < s.warmupSteps) expect(factor).toBeGreaterThan(factors[i - 1]!);
          else if (i > s.warmupSteps) expect(factor).toBeLessThanOrEqual(factors[i - 1]! + 1e-12);
        });
      }),
    );
  });

  it('is constant at 1 by default', () => {
    expect([1, 7, 60, 99].map((step) => rateFactor({ kind: 'constant', warmupSteps: 0, minFactor: 0 }, step, 60))).toEqual([1, 1, 1, 1]);
  });
  it('warms up to the full rate and ends at what is left of it', () => {
    const of = (kind: Schedule['kind'], step: number): number => rateFactor({ kind, warmupSteps: 4, minFactor: 0.2 }, step, 12);
    expect([1, 2, 3, 4, 5].map((step) => of('linear', step))).toEqual([0.25, 0.5, 0.75, 1, 1]);
    expect(of('linear', 9)).toBeCloseTo(0.6, 12);
    expect(of('cosine', 9)).toBeCloseTo(0.6, 12);
    expect(of('cosine', 7)).toBeCloseTo(0.2 + 0.8 * 0.5 * (1 + Math.SQRT1_2), 12);
    expect([of('linear', 13), of('cosine', 13), of('linear', 100)]).toEqual([0.2, 0.2, 0.2]);
  });
  it('is still warming up when the warm-up is longer than the run', () => {
    expect(rateFactor({ kind: 'cosine', warmupSteps: 10, minFactor: 0 }, 5, 5)).toBe(0.5);
  });
});
