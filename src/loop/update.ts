import { advantages } from '../core/advantages.ts';
import { datumOf } from '../core/datum.ts';
import { rateFactor } from '../core/schedule.ts';
import type { Graded, Metrics } from '../core/types.ts';
import type { Config } from '../config.ts';
import { EngineError, isFresh } from '../engine/ports.ts';
import type { LossSpec } from '../engine/ports.ts';
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
 * `optim.epochs` policy-gradient updates on the step's own rollouts (one by default, strictly on-policy unless
 * `algorithm.staleness` allows more): forward and backward, then AdamW. Later epochs measure the policy's change from the trainer's log-probabilities in the first.
 * Rollouts with advantage 0 carry no gradient and are left out, unless all are, or the KL term moves them. `sft` imitates
 * every rollout it is given by cross-entropy; there the advantages say nothing.
 */
export async function update(context: LoopContext, items: readonly TrainingItem[]): Promise<Metrics> {
  const { engine, config, observer } = context;
  const trained = engine.policyVersion;
  const staleness = config.algorithm.staleness * config.optim.epochs;
  const stale = items.find((item) => !isFresh(item.rollout.policyVersion, trained, staleness));
  if (stale)
    throw new EngineError(
      'stale',
      `${stale.rollout.id} was sampled by policy ${stale.rollout.policyVersion}, the trainer holds ${trained}: a stale rollout. Resume the run; it repeats the step.`,
    );
  const moving = config.loss.kl > 0 || config.paradigm === 'sft' ? items : items.filter((item) => item.advantage !== 0);
  const used = moving.length > 0 ? moving : items;
  if (used.length === 0) return {};
  const { importanceCap, epochs, schedule, lr: base, ...adam } = config.optim;
  const lr = base * rateFactor(schedule, context.state.current, config.steps);
  const { weightOf, normaliser } = normalisation(config, items);
  const { kind, clipLow, clipHigh, kl, klEstimator } = config.loss;
  const loss: LossSpec = {
    kind: config.paradigm === 'sft' ? 'cross_entropy' : kind,
    normaliser,
    clipLow,
    clipHigh,
    ...(staleness > 0 ? { staleness } : {}),
    ...(importanceCap > 0 ? { importanceCap } : {}),
    ...(kl > 0 ? { kl: { coefficient: kl, estimator: klEstimator } } : {}),
  };
  let data = used.map((item) => datumOf(item.rollout, item.advantage, weightOf(item)));
  let metrics: Metrics = {};
  for (let epoch = 0; epoch < epochs; epoch++) {
    observer.phase('update', epoch * used.length, epochs * used.length);
    const result = await engine.forwardBackward(data, loss);
    const { gradNorm } = await engine.optimStep({ lr, ...adam });
    // The first pass is the one on the policy that sampled; later ones tell how far the update went.
    const clipped = result.metrics['loss/clipped'];
    if (epoch === 0) {
      metrics = { ...result.metrics, loss: result.loss, ...(Number.isNaN(gradNorm) ? {} : { 'optim/grad_norm': gradNorm }) };
      data = data.map((datum, i) => ({ ...datum, old: result.logprobs[i] as Float32Array }));
    } else if (clipped !== undefined) metrics = { ...metrics, 'loss/clipped': clipped };
  }
  observer.phase('update', epochs * used.length, epochs * used.length);
  const behind = staleness > 0 ? stalenessOf(used.map(({ rollout }) => trained - rollout.policyVersion)) : {};
  return { ...metrics, ...behind, 'optim/lr': lr, 'optim/sequences': used.length };
}

const stalenessOf = (steps: readonly number[]): Metrics => ({
  'staleness/mean': steps.reduce((sum, value) => sum + value, 0) / steps.length,
  'staleness/max': Math.max(...steps),
});

/** What a rollout's tokens weigh, and what their sum is divided by; rollouts of advantage 0 count too. */
function normalisation(config: Config, items: readonly TrainingItem[]): { weightOf: (item: TrainingItem) => number; normaliser: number } {
  const { normaliser } = config.loss;
  const sum = (of: (item: TrainingItem) => number): number => items.reduce((total, item) => total + of(item), 0);
  const kind = normaliser !== 'auto' ? normaliser : config.advantages.estimator === 'dr-grpo' ? 'constant' : 'tokens';
  if (kind === 'sequences') return { weightOf: ({ rollout }) => 1 / rollout.tokens.length, normaliser: items.length };
  if (kind === 'constant') return { weightOf: () => 1, normaliser: sum(({ rollout }) => config.algorithm.maxTokens[rollout.role]) };
  return { weightOf: () => 1, normaliser: sum(({ rollout }) => rollout.tokens.length) };
}
