import type { Role, TaskType } from './types.ts';

/**
 * Advantages: how much better than its baseline a rollout was (docs/algorithm.md).
 *
 * - `trr++` (Absolute Zero, Eq. 8): A = (R − μ) / σ with μ, σ of the rollout's own (role, task type): six baselines.
 *   D10: the reference code takes μ, σ over response tokens, so long answers weigh more; the paper's formula is over
 *   samples, and so is ours. Key: `advantages.over` (`samples` | `tokens`).
 *   D11: solver rollouts of one task may share a baseline of their own (`advantages.solver: task`), the group mean of GRPO,
 *   divided by the σ of the (role, task type).
 * - `grpo` (DeepSeekMath 2024): A = (R − μ) / σ with μ, σ of the group, the rollouts of one task.
 * - `rloo` (Ahmadian et al. 2024): A = R − mean reward of the others in the group.
 * - `dr-grpo` (Liu et al. 2025): A = R − μ of the group; dividing by σ favours tasks that are too easy or too hard.
 *
 * A rollout without companions (every proposal; an answer that is the only one to its task) is grouped with the others
 * of its (role, task type) that have none.
 */
export interface AdvantageInput {
  readonly role: Role;
  readonly taskType: TaskType;
  readonly reward: number;
  /** Rollouts on the same task share it; null for proposals. */
  readonly group: string | null;
  /** Generated tokens. */
  readonly length: number;
}

export const ESTIMATORS = ['trr++', 'grpo', 'rloo', 'dr-grpo'] as const;
export type Estimator = (typeof ESTIMATORS)[number];

export interface AdvantageOptions {
  readonly estimator: Estimator;
  /** Of `trr++` only. */
  readonly over: 'samples' | 'tokens';
  /** Of `trr++` only. */
  readonly solver: 'trr++' | 'task';
  /** Of `trr++` only; `global`, one μ and σ for all rollouts of a step, is the ablation of the six baselines. `six` when absent. */
  readonly baselines?: 'six' | 'global' | undefined;
  /** λ of Eq. 3: weight of the proposer's share of the objective. */
  readonly proposerWeight: number;
  /** Weight of each task type in the objective; 1 = as in the paper. */
  readonly typeWeight: Readonly<Record<TaskType, number>>;
}

/** Keeps a constant reward (σ = 0) at advantage 0 instead of 0/0. */
const EPSILON = 1e-4;

interface Baseline {
  readonly mean: number;
  /** Of the population: divided by n, not n − 1. */
  readonly deviation: number;
  readonly count: number;
}

/** One advantage per input, in order. Within a group (over samples) they sum to zero before λ and the type weights. */
export function advantages(inputs: readonly AdvantageInput[], options: AdvantageOptions): number[] {
  const compare = options.estimator === 'trr++' ? taskRelative(inputs, options) : groupRelative(inputs, options.estimator);
  return inputs.map((input) => {
    const { above, unit } = compare(input);
    const lambda = options.typeWeight[input.taskType] * (input.role === 'propose' ? options.proposerWeight : 1);
    return (lambda * above) / unit;
  });
}

/** The reward less its baseline, and what it is measured in. */
type Compare = (input: AdvantageInput) => { readonly above: number; readonly unit: number };

const keyOf = (input: AdvantageInput): string => `${input.role}/${input.taskType}`;

function taskRelative(inputs: readonly AdvantageInput[], options: AdvantageOptions): Compare {
  const weight = (input: AdvantageInput): number => (options.over === 'tokens' ? input.length : 1);
  const baselineOf = options.baselines === 'global' ? (): string => '' : keyOf;
  const byKey = baselines(inputs, baselineOf, weight);
  const byTask = baselines(inputs, (input) => input.group ?? '', weight);
  return (input) => {
    const key = byKey.get(baselineOf(input)) as Baseline;
    const ownGroup = options.solver === 'task' && input.role === 'solve' && input.group !== null;
    const mean = ownGroup ? (byTask.get(input.group ?? '') as Baseline).mean : key.mean;
    return { above: input.reward - mean, unit: key.deviation + EPSILON };
  };
}

function groupRelative(inputs: readonly AdvantageInput[], estimator: Exclude<Estimator, 'trr++'>): Compare {
  const own = (input: AdvantageInput): string => `${keyOf(input)}/${input.group ?? ''}`;
  const sizes = Map.groupBy(inputs, own);
  const alone = (input: AdvantageInput): boolean => input.group === null || sizes.get(own(input))?.length === 1;
  const groupOf = (input: AdvantageInput): string => (alone(input) ? keyOf(input) : `=${own(input)}`);
  const groups = baselines(inputs, groupOf, () => 1);
  return (input) => {
    const { mean, deviation, count } = groups.get(groupOf(input)) as Baseline;
    const above = input.reward - mean;
    if (estimator === 'grpo') return { above, unit: deviation + EPSILON };
    // R − (nμ − R) / (n − 1) = (R − μ)·n / (n − 1)
    return { above, unit: estimator === 'rloo' && count > 1 ? (count - 1) / count : 1 };
  };
}

function baselines(
  inputs: readonly AdvantageInput[],
  groupOf: (input: AdvantageInput) => string,
  weightOf: (input: AdvantageInput) => number,
): Map<string, Baseline> {
  const groups = Map.groupBy(inputs, groupOf);
  return new Map(
    [...groups].map(([key, members]) => {
      const total = members.reduce((sum, member) => sum + weightOf(member), 0) || 1;
      const mean = members.reduce((sum, member) => sum + weightOf(member) * member.reward, 0) / total;
      const variance = members.reduce((sum, member) => sum + weightOf(member) * (member.reward - mean) ** 2, 0) / total;
      return [key, { mean, deviation: Math.sqrt(variance), count: members.length }];
    }),
  );
}
