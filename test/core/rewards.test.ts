import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compositeReward, learnability } from '../../src/core/rewards.ts';

describe('Eq. 4', () => {
  it('is 0 at both ends and 1 − r̄ between', () => {
    expect(learnability(0, 'paper')).toBe(0);
    expect(learnability(1, 'paper')).toBe(0);
    expect(learnability(0.25, 'paper')).toBe(0.75);
  });
  it('D8: the reference code punishes both ends', () => {
    expect(learnability(0, 'azr')).toBe(-0.5);
    expect(learnability(1, 'azr')).toBe(-0.5);
    expect(learnability(0.5, 'azr')).toBe(0.5);
  });
  it('R-Zero peaks at one half', () => {
    fc.assert(
      fc.property(fc.double({ min: 0, max: 1, noNaN: true }), (rate) => learnability(rate, 'r-zero') <= learnability(0.5, 'r-zero')),
    );
  });
  it('refuses what is no rate', () => {
    for (const rate of [-0.1, 1.1, Number.NaN]) expect(() => learnability(rate, 'paper')).toThrow(RangeError);
  });
});

describe('Eq. 6', () => {
  it('is r for passable, −0.5 for wrong, −1 for malformed', () => {
    expect(compositeReward('passable', 0.7)).toBe(0.7);
    expect(compositeReward('wrong', 0.7)).toBe(-0.5);
    expect(compositeReward('malformed', 0.7)).toBe(-1);
  });
});
