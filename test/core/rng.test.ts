import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { rng, rngFromState, sampleWithoutReplacement, seedOf } from '../../src/core/rng.ts';

describe('seeded random numbers', () => {
  it('repeats from its state', () => {
    const first = rng('run', 7);
    for (let i = 0; i < 5; i++) first.next();
    const copy = rngFromState(first.state());
    expect(Array.from({ length: 20 }, () => first.next())).toEqual(Array.from({ length: 20 }, () => copy.next()));
  });
  it('streams of different keys differ', () => {
    const heads = ['a', 'b', 'ab'].map((key) => rng(key, 1).next());
    heads.push(rng('a', 11).next(), rng('a', 1, 1).next());
    expect(new Set(heads).size).toBe(heads.length);
    expect(seedOf('a', 1)).not.toBe(seedOf('a', 2));
  });
  it('is uniform enough: the mean of 20,000 numbers is near one half, all buckets are hit', () => {
    const random = rng('uniform');
    const buckets = new Array<number>(10).fill(0);
    for (let i = 0; i < 20_000; i++) buckets[random.int(10)]! += 1;
    for (const count of buckets) expect(Math.abs(count - 2000)).toBeLessThan(250);
  });
  it('sampling without replacement gives distinct elements of the list', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.integer()), fc.nat(20), fc.integer(), (items, count, seed) => {
        const taken = sampleWithoutReplacement(items, count, rng(seed));
        expect(taken.length).toBe(Math.min(count, items.length));
        expect(new Set(taken).size).toBe(taken.length);
        expect(taken.every((item) => items.includes(item))).toBe(true);
      }),
    );
  });
});
