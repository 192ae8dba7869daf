import { emergence } from '../core/emergence.ts';
import type { RolloutRecord } from '../core/events.ts';
import type { Graded, Metrics, Task } from '../core/types.ts';
import type { LoopContext } from './context.ts';
import { injectDrill } from './drill.ts';
import { findingEvents, passGate } from './gate.ts';
import type { Stopwatch } from './stopwatch.ts';
import { update } from './update.ts';
import type { TrainingItem } from './update.ts';

/** What a step has played, before it is recorded and trained on. */
export interface Played {
  /** Tasks that are new in this step. */
  readonly tasks: readonly Task[];
  /** All rollouts of the step, also those that train nothing. */
  readonly rollouts: readonly Graded[];
  readonly items: readonly TrainingItem[];
  /** What a person should know. */
  readonly warnings?: readonly string[];
  /** Asked after the gate, when every thought is read. */
  readonly metrics: () => Metrics;
}

/**
 * The end of every step, whatever it learns from: record → gate → update. Returns the step's metrics, or null when the run
 * was asked to stop while it was paused: then nothing of the step counts and it is repeated on resume.
 * @param passed called when every thought of the step is read and nothing pauses, before the update
 */
export async function conclude(
  context: LoopContext,
  step: number,
  lap: Stopwatch,
  played: Played,
  passed: () => void,
): Promise<Metrics | null> {
  const { state, reader, journal } = context;
  const { language } = context.environment;
  const drilled = injectDrill(context, step, played.rollouts);
  const all = drilled ? [...played.rollouts, drilled] : played.rollouts;
  const rollouts = all.map((item) => item.rollout);
  await reader.settle();
  journal.append([
    ...(played.warnings ?? []).map((message) => ({ type: 'warning' as const, step, message })),
    { type: 'tasks', step, tasks: played.tasks },
    { type: 'rollouts', step, rollouts: records(context, all, played.items) },
    ...findingEvents(context, step, rollouts),
    ...(drilled ? [{ type: 'drill' as const, step, rolloutId: drilled.rollout.id, caught: reader.pauses(drilled.rollout.id) }] : []),
  ]);
  const tokens = rollouts.reduce((sum, rollout) => sum + rollout.tokens.length, 0);
  context.observer.progress({ ...reader.counts(), tokens });
  lap('record');
  if (!(await passGate(context, rollouts))) return null;
  lap('gate');

  const metrics = played.metrics();
  passed();
  const optimised = await update(context, played.items);
  lap('update');
  state.step = step;
  const seconds = lap.total();
  return {
    ...metrics,
    ...emergence(rollouts, typeof language === 'string' ? language : null),
    ...optimised,
    ...lap.metrics(),
    'throughput/tokens': tokens,
    'throughput/tokens_per_second': tokens / Math.max(1e-3, seconds),
    'memory/rss_mb': process.memoryUsage.rss() / 1e6,
  };
}

function records(context: LoopContext, graded: readonly Graded[], items: readonly TrainingItem[]): RolloutRecord[] {
  const advantage = new Map(items.map((item) => [item.rollout.id, item.advantage]));
  return graded.map((item) => ({
    ...item,
    severity: context.reader.severity(item.rollout.id),
    advantage: advantage.get(item.rollout.id) ?? null,
  }));
}
