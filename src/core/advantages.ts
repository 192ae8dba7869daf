import type { Role, TaskType } from './types.ts';

/**
 * Task-relative advantages. TRR++ (Absolute Zero, Eq. 8): A = (R − μ) / σ with μ, σ of the rollout's own
 * (role, task type): six baselines.
 *
 * D10: the reference code takes μ, σ over response tokens, so long answers weigh more; the paper's formula is over
 * samples, and so is ours. Key: `advantages.over` (`samples` | `tokens`).
 * D11: solver rollouts of one task may share a baseline of their own (`advantages.solver: task`), the group mean of GRPO,
 * divided by the σ of the (role, task type).
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

export interface AdvantageOptions {
  readonly over: 'samples' | 'tokens';
  readonly solver: 'trr++' | 'task';
  /** λ of Eq. 3: weight of the proposer's share of the objective. */
  readonly proposerWeight: number;
  /** Weight of each task type in the objective; 1 = as in the paper. */
  readonly typeWeight: Readonly<Record<TaskType, number>>;
}

/** Keeps a constant reward (σ = 0) at advantage 0 instead of 0/0. */
const EPSILON = 1e-4;

interface Baseline {
  readonly mean: number;
  readonly deviation: number;
}

/** One advantage per input, in order. Within a key and over samples they sum to zero (before λ). */
export function advantages(inputs: readonly AdvantageInput[], options: AdvantageOptions): number[] {
  const weight = (input: AdvantageInput): number => (options.over === 'tokens' ? input.length : 1);
  const byKey = baselines(inputs, (input) => `${input.role}/${input.taskType}`, weight);
  const byTask = baselines(inputs, (input) => input.group ?? '', weight);
  return inputs.map((input) => {
    const key = byKey.get(`${input.role}/${input.taskType}`) as Baseline;
    const ownGroup = options.solver === 'task' && input.role === 'solve' && input.group !== null;
    const mean = ownGroup ? (byTask.get(input.group ?? '') as Baseline).mean : key.mean;
    const lambda = options.typeWeight[input.taskType] * (input.role === 'propose' ? options.proposerWeight : 1);
    return (lambda * (input.reward - mean)) / (key.deviation + EPSILON);
  });
}

function baselines(
  inputs: readonly AdvantageInput[],
  keyOf: (input: AdvantageInput) => string,
  weightOf: (input: AdvantageInput) => number,
): Map<string, Baseline> {
  const groups = Map.groupBy(inputs, keyOf);
  return new Map(
    [...groups].map(([key, members]) => {
      const total = members.reduce((sum, member) => sum + weightOf(member), 0) || 1;
      const mean = members.reduce((sum, member) => sum + weightOf(member) * member.reward, 0) / total;
      const variance = members.reduce((sum, member) => sum + weightOf(member) * (member.reward - mean) ** 2, 0) / total;
      return [key, { mean, deviation: Math.sqrt(variance) }];
    }),
  );
}
