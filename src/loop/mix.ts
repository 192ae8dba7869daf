import { drawSolveBatch } from '../core/buffer.ts';
import { armName, armsFor, drawSlots, learnMix, rememberRates, shares } from '../core/mix.ts';
import type { Arm, Play } from '../core/mix.ts';
import { rng } from '../core/rng.ts';
import { TASK_TYPES } from '../core/types.ts';
import type { Graded, Metrics, Task } from '../core/types.ts';
import type { LoopContext } from './context.ts';
import { evenShares } from './propose.ts';
import type { JudgedProposal, ProposalShare } from './propose.ts';
import type { SolvedTask } from './solve.ts';

/** What a step is spent on. */
export interface Spending {
  readonly proposals: readonly ProposalShare[];
  /** Past tasks that are answered again. */
  readonly practice: readonly Task[];
}

/**
 * `fixed`: `proposals` new tasks of each type, as in the paper. `progress`: the same number of slots in all, each for an
 * invention or for practice, by what the bandit has learned (`src/core/mix.ts`).
 */
export function shareOut(context: LoopContext, step: number): Spending {
  const { config, state } = context;
  const { mix, taskTypes, proposals } = config.algorithm;
  if (mix === 'fixed') return { proposals: evenShares(taskTypes, proposals), practice: [] };
  const arms = armsFor(taskTypes);
  const counts = drawSlots(shares(state.mix, arms), proposals * taskTypes.length, rng(config.seed, 'mix', step));
  const of = (arm: Arm): number => counts[arms.indexOf(arm)] ?? 0;
  return {
    proposals: arms.flatMap((arm) => (arm.role === 'propose' ? [{ type: arm.type, choice: arm.choice, count: of(arm) }] : [])),
    practice: arms.flatMap((arm) =>
      arm.role === 'solve' ? drawSolveBatch(state.buffers, arm.type, [], of(arm), rng(config.seed, 'practice', step, arm.type)) : [],
    ),
  };
}

/** Has the bandit learn from the step; returns the shares that the step was made with, as metrics. Nothing with the fixed mix. */
export function learnShares(
  context: LoopContext,
  proposals: readonly JudgedProposal[],
  graded: readonly Graded[],
  difficulty: readonly SolvedTask[],
  practised: readonly SolvedTask[],
): Metrics {
  const { config, state } = context;
  if (config.algorithm.mix === 'fixed') return {};
  const arms = armsFor(config.algorithm.taskTypes);
  const portions = shares(state.mix, arms);
  const plays: Play[] = [
    ...proposals.map(({ rollout, choice }, i) => ({
      arm: { role: 'propose', type: rollout.taskType, choice } as const,
      score: Math.min(1, Math.max(0, graded[i]?.reward ?? 0)),
    })),
    ...practised.map(({ task, solveRate }) => ({ arm: { role: 'solve', type: task.type } as const, score: solveRate })),
  ];
  const kept = TASK_TYPES.flatMap((type): readonly Task[] => state.buffers[type].slice(-config.algorithm.recent));
  state.mix = rememberRates(learnMix(state.mix, arms, plays), [...difficulty, ...practised], kept);
  return Object.fromEntries(arms.map((arm, i) => [`mix/${armName(arm)}`, portions[i] as number]));
}
