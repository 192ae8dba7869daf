import { describe, expect, it } from 'vitest';
import { datumOf, supervisedDatum } from '../../src/core/datum.ts';

describe('datum', () => {
  it('shifts by one and weighs generated tokens only', () => {
    const datum = datumOf({ promptTokens: [10, 11, 12], tokens: [20, 21], logprobs: [-0.5, -0.25] }, 2);
    expect([...datum.tokens]).toEqual([10, 11, 12, 20]);
    expect([...datum.targets]).toEqual([11, 12, 20, 21]);
    expect([...datum.weights]).toEqual([0, 0, 1, 1]);
    expect([...datum.logprobs]).toEqual([0, 0, -0.5, -0.25]);
    expect([...datum.advantages]).toEqual([0, 0, 2, 2]);
  });
  it('refuses what cannot be trained on', () => {
    expect(() => datumOf({ promptTokens: [], tokens: [1], logprobs: [0] }, 1)).toThrow(RangeError);
    expect(() => datumOf({ promptTokens: [1], tokens: [], logprobs: [] }, 1)).toThrow(RangeError);
    expect(() => datumOf({ promptTokens: [1], tokens: [1, 2], logprobs: [0] }, 1)).toThrow(RangeError);
  });
  it('a supervised token weighs where it is predicted', () => {
    const datum = supervisedDatum([1, 2, 3], [0, 0.5, 1]);
    expect([...datum.tokens]).toEqual([1, 2]);
    expect([...datum.targets]).toEqual([2, 3]);
    expect([...datum.weights]).toEqual([0.5, 1]);
  });
});
