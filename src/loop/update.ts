import { advantages } from '../core/advantages.ts';
import { datumOf } from '../core/datum.ts';
import type { Graded, Metrics } from '../core/types.ts';
import type { LoopContext } from './context.ts';

/** A rollout with the advantage it trains with. */
export interface TrainingItem extends Graded {
  /** Rollouts of one task share it; null for proposals. */
  readonly group: string | null;
  readonly advantage: number;
}

/** Advantages of one step's batch (Eq. 8). `control.advantages = zero` is the control of the learning claim. */
export function withAdvantages(context: LoopContext, batch: readonly (Graded & { readonly group: string | null })[]): TrainingItem[] {
  const { config } = context;
  const values = advantages(
    batch.map(({ rollout, reward, group }) => ({
      role: rollout.role,
      taskType: rollout.taskType,
      reward,
      group,
      length: rollout.tokens.length,
    })),
    config.advantages,
  );
  return batch.map((item, i) => ({ ...item, advantage: config.control.advantages === 'zero' ? 0 : (values[i] as number) }));
}

/**
 * One policy-gradient update on the step's own rollouts (strictly on-policy, one epoch): forward and backward, then AdamW.
 * Rollouts with advantage 0 carry no gradient and are left out, unless all are.
 */
export async function update(context: LoopContext, items: readonly TrainingItem[]): Promise<Metrics> {
  const { engine, config, observer } = context;
  const stale = items.find((item) => item.rollout.policyVersion !== engine.policyVersion);
  if (stale)
    throw new Error(
      `${stale.rollout.id} was sampled by policy ${stale.rollout.policyVersion}, the trainer holds ${engine.policyVersion}: a stale rollout.`,
    );
  const moving = items.filter((item) => item.advantage !== 0);
  const used = moving.length > 0 ? moving : items;
  if (used.length === 0) return {};
  observer.phase('update', 0, used.length);
  const { lr, importanceCap, ...adam } = config.optim;
  const result = await engine.forwardBackward(
    used.map((item) => datumOf(item.rollout, item.advantage)),
    {
      kind: 'reinforce',
      normaliser: items.reduce((sum, item) => sum + item.rollout.tokens.length, 0),
      ...(importanceCap > 0 ? { importanceCap } : {}),
    },
  );
  const { gradNorm } = await engine.optimStep({ lr, ...adam });
  observer.phase('update', used.length, used.length);
  return { ...result.metrics, loss: result.loss, 'optim/grad_norm': gradNorm, 'optim/lr': lr, 'optim/sequences': used.length };
}
