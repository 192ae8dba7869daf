import { describe, expect, it } from 'vitest';
import { advantages } from '../../src/core/advantages.ts';
import type { AdvantageInput, AdvantageOptions } from '../../src/core/advantages.ts';
import { learnability } from '../../src/core/rewards.ts';
import { run } from '../../src/loop/run.ts';
import { harness, hooks } from './harness.ts';

const options: AdvantageOptions = {
  estimator: 'trr++',
  over: 'samples',
  solver: 'trr++',
  proposerWeight: 1,
  typeWeight: { deduction: 1, abduction: 1, induction: 1 },
};
const input = (role: 'propose' | 'solve', taskType: 'deduction' | 'abduction', reward: number): AdvantageInput => ({
  role,
  taskType,
  reward,
  group: null,
  length: 1,
});

describe('one idea of the algorithm at a time switched off', () => {
  it('one baseline for all: μ and σ are of the whole batch', () => {
    const batch = [
      input('propose', 'deduction', 0),
      input('propose', 'deduction', 1),
      input('solve', 'abduction', 3),
      input('solve', 'abduction', 4),
    ];
    const six = advantages(batch, options);
    expect(six.map((value) => value.toFixed(2))).toEqual(['-1.00', '1.00', '-1.00', '1.00']);
    const global = advantages(batch, { ...options, baselines: 'global' });
    const deviation = Math.sqrt((4 + 1 + 1 + 4) / 4);
    global.forEach((value, i) => expect(value).toBeCloseTo(([-2, -1, 1, 2][i] as number) / deviation, 3));
  });
  it('no learnability: every valid task is worth the same', () => {
    expect([0, 0.2, 0.5, 1].map((rate) => learnability(rate, 'constant'))).toEqual([1, 1, 1, 1]);
  });
  it('no references, a frozen proposer and a buffer of one run, and seeding ends when the buffers are full', async () => {
    for (const override of ['algorithm.references=0', 'advantages.proposerWeight=0', 'algorithm.bufferCapacity=1']) {
      const { context, events, state } = harness({ overrides: [override] });
      await run(context, hooks);
      expect(events.at(-1)).toMatchObject({ type: 'end', cause: 'finished' });
      const rollouts = events.flatMap((event) => (event.type === 'rollouts' && event.step > 0 ? event.rollouts : []));
      if (override.includes('references'))
        expect(
          rollouts
            .filter(({ rollout }) => rollout.prompt.startsWith('### propose deduction'))
            .every(({ rollout }) => !rollout.prompt.includes('program:')),
        ).toBe(true);
      if (override.includes('Weight'))
        expect(rollouts.filter(({ rollout }) => rollout.role === 'propose').every(({ advantage }) => advantage === 0)).toBe(true);
      if (override.includes('Capacity')) {
        expect(state.buffers.deduction.length).toBe(1);
        expect(events.filter((event) => event.type === 'phase' && event.phase === 'seed').length).toBeLessThanOrEqual(1);
      }
    }
  });
});
