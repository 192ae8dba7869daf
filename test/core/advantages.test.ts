import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { advantages } from '../../src/core/advantages.ts';
import type { AdvantageInput } from '../../src/core/advantages.ts';
import { ROLES, TASK_TYPES } from '../../src/core/types.ts';

const input: fc.Arbitrary<AdvantageInput> = fc.record({
  role: fc.constantFrom(...ROLES),
  taskType: fc.constantFrom(...TASK_TYPES),
  reward: fc.constantFrom(-1, -0.5, 0, 0.25, 0.5, 1),
  group: fc.constantFrom('a', 'b', 'c'),
  length: fc.integer({ min: 1, max: 50 }),
});

const typeWeight = { deduction: 1, abduction: 1, induction: 1 };
const trr = { over: 'samples', solver: 'trr++', proposerWeight: 1, typeWeight } as const;

describe('TRR++', () => {
  it('sums to zero within every (role, task type)', () => {
    fc.assert(
      fc.property(fc.array(input, { maxLength: 60 }), (inputs) => {
        const values = advantages(inputs, trr);
        for (const key of new Set(inputs.map((item) => item.role + item.taskType))) {
          const own = values.filter((_, i) => inputs[i]!.role + inputs[i]!.taskType === key);
          expect(Math.abs(own.reduce((sum, value) => sum + value, 0))).toBeLessThan(1e-6);
        }
      }),
    );
  });

  it('keeps six baselines apart: a rollout of another key changes nothing', () => {
    const base: AdvantageInput[] = [
      { role: 'solve', taskType: 'deduction', reward: 1, group: 'a', length: 3 },
      { role: 'solve', taskType: 'deduction', reward: -0.5, group: 'a', length: 3 },
    ];
    const other: AdvantageInput = { role: 'propose', taskType: 'deduction', reward: -1, group: null, length: 9 };
    expect(advantages([...base, other], trr).slice(0, 2)).toEqual(advantages(base, trr));
  });

  it('is (R − μ) / σ', () => {
    const rewards = [1, 1, -0.5, -1];
    const values = advantages(
      rewards.map((reward) => ({ role: 'solve', taskType: 'abduction', reward, group: null, length: 1 })),
      trr,
    );
    const mean = 0.125;
    const deviation = Math.sqrt(rewards.reduce((sum, reward) => sum + (reward - mean) ** 2, 0) / 4);
    values.forEach((value, i) => expect(value).toBeCloseTo((rewards[i]! - mean) / deviation, 3));
  });

  it('gives 0, not NaN, when all rewards of a key are equal', () => {
    const same: AdvantageInput[] = [1, 2].map((length) => ({ role: 'solve', taskType: 'induction', reward: 1, group: null, length }));
    expect(advantages(same, trr)).toEqual([0, 0]);
  });

  it('weighs long answers more over tokens (D10)', () => {
    const pair: AdvantageInput[] = [
      { role: 'solve', taskType: 'deduction', reward: 1, group: null, length: 9 },
      { role: 'solve', taskType: 'deduction', reward: 0, group: null, length: 1 },
    ];
    const [long, short] = advantages(pair, { ...trr, over: 'tokens' }) as [number, number];
    expect(long).toBeCloseTo(0.1 / 0.3, 3);
    expect(short).toBeCloseTo(-0.9 / 0.3, 2);
  });

  it('takes the mean of the own task under D11, and leaves proposals as they are', () => {
    const inputs: AdvantageInput[] = [
      { role: 'solve', taskType: 'deduction', reward: 1, group: 'easy', length: 1 },
      { role: 'solve', taskType: 'deduction', reward: 1, group: 'easy', length: 1 },
      { role: 'solve', taskType: 'deduction', reward: 1, group: 'hard', length: 1 },
      { role: 'solve', taskType: 'deduction', reward: -0.5, group: 'hard', length: 1 },
    ];
    const values = advantages(inputs, { ...trr, solver: 'task' });
    expect(values.slice(0, 2)).toEqual([0, 0]);
    expect(values[2]).toBeCloseTo(-values[3]!, 9);
  });

  it('scales a task type by its weight', () => {
    const inputs: AdvantageInput[] = [1, -1].map((reward) => ({ role: 'solve', taskType: 'induction', reward, group: null, length: 1 }));
    const triple = advantages(inputs, { ...trr, typeWeight: { ...typeWeight, induction: 3 } });
    expect(triple).toEqual(advantages(inputs, trr).map((value) => value * 3));
  });

  it('scales the proposer by λ', () => {
    const inputs: AdvantageInput[] = [1, -1].map((reward) => ({ role: 'propose', taskType: 'deduction', reward, group: null, length: 1 }));
    const half = advantages(inputs, { ...trr, proposerWeight: 0.5 });
    expect(half).toEqual(advantages(inputs, trr).map((value) => value / 2));
  });
});
