import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { advantages } from '../../src/core/advantages.ts';
import type { AdvantageInput } from '../../src/core/advantages.ts';
import { ROLES, TASK_TYPES } from '../../src/core/types.ts';

const inputFields = {
  role: fc.constantFrom(...ROLES),
  taskType: fc.constantFrom(...TASK_TYPES),
  reward: fc.constantFrom(-1, -0.5, 0, 0.25, 0.5, 1),
  group: fc.constantFrom('a', 'b', 'c'),
  length: fc.integer({ min: 1, max: 50 }),
};
const input: fc.Arbitrary<AdvantageInput> = fc.record(inputFields);

const typeWeight = { deduction: 1, abduction: 1, induction: 1 };
const trr = { estimator: 'trr++', over: 'samples', solver: 'trr++', proposerWeight: 1, typeWeight } as const;

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

describe('the estimators over groups', () => {
  const grouped = fc.array(fc.record({ ...inputFields, group: fc.constantFrom('a', 'b', 'c', null) }), { minLength: 1, maxLength: 40 });
  const others = ['grpo', 'rloo', 'dr-grpo'] as const;
  const of = (estimator: (typeof others)[number], inputs: readonly AdvantageInput[]): number[] => advantages(inputs, { ...trr, estimator });
  const solved = (rewards: readonly number[], group: string | null = 'a'): AdvantageInput[] =>
    rewards.map((reward) => ({ role: 'solve', taskType: 'deduction', reward, group, length: 1 }));

  it.each(others)('%s: advantages of a task sum to zero, and so do those of the rollouts without companions', (estimator) => {
    fc.assert(
      fc.property(grouped, (inputs) => {
        const values = of(estimator, inputs);
        const key = (item: AdvantageInput): string => `${item.role}/${item.taskType}`;
        const own = (item: AdvantageInput): string => `${key(item)}/${item.group}`;
        const size = (item: AdvantageInput): number => inputs.filter((other) => own(other) === own(item)).length;
        const group = (item: AdvantageInput): string => (item.group === null || size(item) === 1 ? key(item) : `=${own(item)}`);
        for (const members of Map.groupBy(inputs, group).values()) {
          const sum = members.reduce((total, item) => total + values[inputs.indexOf(item)]!, 0);
          expect(Math.abs(sum)).toBeLessThan(1e-6);
        }
      }),
    );
  });

  it.each(others)('%s: order does not matter, equal rewards give 0, more reward never gives less advantage', (estimator) => {
    fc.assert(
      fc.property(grouped, (inputs) => {
        const values = of(estimator, inputs);
        of(estimator, [...inputs].reverse())
          .reverse()
          .forEach((value, i) => expect(value).toBeCloseTo(values[i]!, 9));
        of(
          estimator,
          inputs.map((item) => ({ ...item, reward: 0.25 })),
        ).forEach((value) => expect(value).toBeCloseTo(0, 12));
        inputs.forEach((a, i) =>
          inputs.forEach((b, j) => {
            if (a.role === b.role && a.taskType === b.taskType && a.group === null && b.group === null && a.reward >= b.reward)
              expect(values[i]!).toBeGreaterThanOrEqual(values[j]! - 1e-12);
          }),
        );
      }),
    );
  });

  it('grpo divides by the deviation of the group', () => {
    const values = of('grpo', [...solved([1, 1, 0, 0]), ...solved([1, -1], 'b')]);
    [1, 1, -1, -1, 1, -1].forEach((wanted, i) => expect(values[i]!).toBeCloseTo(wanted, 3));
  });
  it('dr-grpo does not', () => {
    expect(of('dr-grpo', [...solved([1, 1, 0, 0]), ...solved([1, -1], 'b')])).toEqual([0.5, 0.5, -0.5, -0.5, 1, -1]);
  });
  it('rloo takes the mean of the others', () => {
    const rewards = [1, 0.5, -0.5, -1];
    const values = of('rloo', solved(rewards));
    rewards.forEach((reward, i) => {
      const rest = rewards.filter((_, j) => j !== i);
      expect(values[i]!).toBeCloseTo(reward - rest.reduce((a, b) => a + b, 0) / 3, 12);
    });
  });
  it('proposals are compared with the proposals of their type, lone answers with lone answers of theirs', () => {
    const proposals: AdvantageInput[] = [0.5, 0, -0.5].map((reward) => ({
      role: 'propose',
      taskType: 'abduction',
      reward,
      group: null,
      length: 1,
    }));
    const inputs = [...proposals, ...solved([1, -0.5]), ...solved([1], 'x'), ...solved([0], 'y')];
    expect(of('dr-grpo', inputs)).toEqual([0.5, 0, -0.5, 0.75, -0.75, 0.5, -0.5]);
    expect(of('rloo', solved([1]))).toEqual([0]);
  });
  it('λ and the type weights apply to all of them', () => {
    const inputs = solved([1, 0]);
    for (const estimator of others)
      expect(advantages(inputs, { ...trr, estimator, typeWeight: { ...typeWeight, deduction: 2 } })).toEqual(
        of(estimator, inputs).map((a) => 2 * a),
      );
  });
});
