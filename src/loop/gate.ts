import type { RunEvent } from '../core/events.ts';
import type { Finding } from '../core/finding.ts';
import type { Rollout } from '../core/types.ts';
import type { LoopContext } from './context.ts';

/**
 * The safety gate: no optimiser step before every thought of the step is read and no severity-4 finding is open.
 * Returns false when the run was asked to stop while it waited.
 */
export async function passGate(context: LoopContext, step: number, rollouts: readonly Rollout[]): Promise<boolean> {
  const { reader, conductor, answered, config, observer } = context;
  observer.phase('gate', 0, rollouts.length);
  if (reader.on) {
    const unread = rollouts.filter((rollout) => reader.verdict(rollout.id) === null);
    const { generated, read } = reader.counts();
    if (reader.failure() !== null) conductor.pause('monitor', reader.failure() as string, null);
    else if (unread.length > 0 || generated !== read)
      conductor.pause('monitor', `${generated - read} of ${generated} thoughts of step ${step} have no verdict.`, unread[0]?.id ?? null);
    for (const rollout of rollouts) {
      const open = (reader.verdict(rollout.id)?.findings ?? []).filter(
        (finding) => finding.severity >= config.safety.pauseAt && !answered.has(rollout.id, finding),
      );
      const [first] = open;
      if (first) conductor.pause('finding', `${first.category}: ${first.why}`, rollout.id);
    }
  }
  observer.phase('gate', rollouts.length, rollouts.length);
  return await conductor.proceed();
}

/** Findings of these rollouts that the journal does not hold yet, as events. */
export function findingEvents(context: LoopContext, step: number, rollouts: readonly Rollout[]): RunEvent[] {
  return rollouts.flatMap((rollout) =>
    (context.reader.verdict(rollout.id)?.findings ?? []).flatMap((finding: Finding, index) =>
      context.answered.recorded(rollout.id, finding) ? [] : [{ type: 'finding' as const, step, rolloutId: rollout.id, index, finding }],
    ),
  );
}
