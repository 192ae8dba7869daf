import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { EMPTY_MIX, armName, armsFor, drawSlots, learnMix, narrow, progressOf, rememberRates, shares } from '../../src/core/mix.ts';
import type { MixState, Play } from '../../src/core/mix.ts';
import { rng } from '../../src/core/rng.ts';
import { TASK_TYPES } from '../../src/core/types.ts';
import type { TripletTask } from '../../src/core/types.ts';

const arms = armsFor(TASK_TYPES);
const task = (id: string): TripletTask => ({ id, type: 'deduction', program: 'p', input: '1', output: '1', step: 0, parents: [] });
const sum = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0);

/** Steps in which every arm is played by its share; the score of arm i at a step comes from `score`. */
function simulate(steps: number, score: (arm: number, step: number, noise: number) => number): MixState {
  let state = EMPTY_MIX;
  const random = rng('simulate');
  for (let step = 0; step < steps; step++) {
    const counts = drawSlots(shares(state, arms), 48, rng('slots', step));
    const plays = counts.flatMap((count, i) =>
      Array.from({ length: count }, (): Play => ({ arm: arms[i]!, score: Math.min(1, Math.max(0, score(i, step, random.next() - 0.5))) })),
    );
    state = learnMix(state, arms, plays);
  }
  return state;
}

describe('the mix', () => {
  it('has an arm for each role, task type and reference choice, and begins even', () => {
    expect(arms.map(armName)).toContain('propose/induction/learnable');
    expect(arms.length).toBe(12);
    expect(new Set(shares(EMPTY_MIX, arms).map((share) => share.toFixed(12)))).toEqual(new Set([(1 / 12).toFixed(12)]));
    expect(armsFor(['deduction']).map(armName)).toEqual([
      'propose/deduction/uniform',
      'propose/deduction/newest',
      'propose/deduction/learnable',
      'solve/deduction',
    ]);
  });
  it('moves towards the arm that makes progress, and away from it once that has been learned', () => {
    const learning = simulate(40, (arm, step, noise) => (arm === 10 ? step / 40 : 0.5) + 0.1 * noise);
    const portions = shares(learning, arms);
    expect(portions[10]).toBe(Math.max(...portions));
    expect(portions[10]).toBeGreaterThan(2 / 12);
    const learned = simulate(160, (arm, step, noise) => (arm === 10 ? Math.min(1, step / 40) : 0.5) + 0.1 * noise);
    expect(shares(learned, arms)[10]).toBeLessThan(portions[10]!);
  });
  it('forgetting counts like learning', () => {
    const state = simulate(40, (arm, step, noise) => (arm === 3 ? 1 - step / 40 : 0.5) + 0.1 * noise);
    const portions = shares(state, arms);
    expect(portions[3]).toBe(Math.max(...portions));
  });
  it('shares sum to 1 and no arm is given up; slots sum to what there is (any weights)', () => {
    fc.assert(
      fc.property(
        fc.array(fc.double({ min: -50, max: 50, noNaN: true }), { minLength: 12, maxLength: 12 }),
        fc.nat(200),
        fc.nat(),
        (values, slots, seed) => {
          const state = { ...EMPTY_MIX, weights: Object.fromEntries(arms.map((arm, i) => [armName(arm), values[i]!])) };
          const portions = shares(state, arms);
          expect(sum(portions)).toBeCloseTo(1, 9);
          expect(Math.min(...portions)).toBeGreaterThan(0.02);
          const counts = drawSlots(portions, slots, rng(seed));
          expect(sum(counts)).toBe(slots);
          counts.forEach((count, i) => expect(Math.abs(count - portions[i]! * slots)).toBeLessThan(1 + 1e-6));
        },
      ),
    );
  });
  it('slots follow the shares in the mean', () => {
    const portions = [0.7, 0.2, 0.1];
    const counts = Array.from({ length: 400 }, (_, i) => drawSlots(portions, 5, rng('mean', i)));
    portions.forEach((portion, i) => expect(sum(counts.map((each) => each[i]!)) / 400).toBeCloseTo(5 * portion, 0));
  });
  it('progress needs plays, and is the difference of the newer and the older half', () => {
    expect(progressOf(Array(15).fill(1))).toBeNull();
    expect(progressOf([...Array(10).fill(0.2), ...Array(10).fill(0.7)])).toBeCloseTo(0.5, 12);
    expect(progressOf(Array(64).fill(0.3))).toBe(0);
  });
  it('stays finite and survives JSON', () => {
    const state = simulate(300, (_, __, noise) => 0.5 + noise);
    expect(Object.values(state.weights).every(Number.isFinite)).toBe(true);
    expect(JSON.parse(JSON.stringify(state))).toEqual(state);
    expect(state.history.length).toBeLessThanOrEqual(600);
  });
});

describe('reference choices', () => {
  const pool = Array.from({ length: 40 }, (_, i) => task(`t${i}`));
  it('newest: the last sixteen; learnable: neither always nor never solved; uniform: all', () => {
    expect(narrow(pool, 'uniform', {}, 2)).toBe(pool);
    expect(narrow(pool, 'newest', {}, 2).map(({ id }) => id)[0]).toBe('t24');
    expect(narrow(pool, 'learnable', { t1: 0, t2: 0.5, t3: 1, t4: 0.9 }, 2).map(({ id }) => id)).toEqual(['t2', 't4']);
  });
  it('where too few are learnable, all are', () => {
    expect(narrow(pool, 'learnable', { t2: 0.5 }, 2)).toBe(pool);
    expect(narrow([], 'learnable', {}, 0)).toEqual([]);
  });
  it('rates are kept for what the buffers hold', () => {
    const first = rememberRates(
      EMPTY_MIX,
      [
        { task: task('a'), solveRate: 0.5 },
        { task: task('b'), solveRate: 1 },
      ],
      [task('a'), task('b')],
    );
    const later = rememberRates(first, [{ task: task('c'), solveRate: 0 }], [task('b'), task('c')]);
    expect(later.rates).toEqual({ b: 1, c: 0 });
  });
});
