import type { RunEvent } from '../core/events.ts';
import type { Rollout } from '../core/types.ts';
import type { LoopContext } from './context.ts';

/** What the gate needs of a run; a drill has only this. */
export type GateContext = Pick<LoopContext, 'reader' | 'conductor' | 'journal' | 'answered'> & {
  readonly observer: Pick<LoopContext['observer'], 'phase'>;
  readonly state: { readonly step: number };
};

/**
 * The safety gate in the loop: no optimiser step before every thought of the step is read and nothing that pauses is open.
 * After a resume the question is asked again, so that a thought which the monitor still cannot read pauses again
 * (promise 2). Returns false when the run was asked to stop while it waited.
 */
export async function passGate(context: GateContext, rollouts: readonly Rollout[]): Promise<boolean> {
  const { reader, conductor, observer, journal } = context;
  observer.phase('gate', 0, rollouts.length);
  for (;;) {
    const decision = await reader.decide(rollouts);
    // What was read again, or judged only now, is recorded before anything waits on it.
    const { step } = rollouts[0] ?? { step: context.state.step };
    const late = findingEvents(context, Math.max(0, step), rollouts);
    const warnings = reader.warnings().map((message): RunEvent => ({ type: 'warning', step: Math.max(0, step), message }));
    if (late.length + warnings.length > 0) journal.append([...late, ...warnings]);
    if (decision.decision === 'pause') conductor.pause(decision.cause, decision.reason, decision.rolloutId);
    if (!(await conductor.proceed())) return false;
    if (decision.decision === 'pass') break;
    reader.resolve();
  }
  observer.phase('gate', rollouts.length, rollouts.length);
  return true;
}

/** Findings of these rollouts that the journal does not hold yet, as events. */
export function findingEvents(context: Pick<GateContext, 'reader' | 'answered'>, step: number, rollouts: readonly Rollout[]): RunEvent[] {
  return rollouts.flatMap((rollout) =>
    (context.reader.verdict(rollout.id)?.findings ?? []).flatMap((finding, index) =>
      context.answered.recorded(rollout.id, finding) ? [] : [{ type: 'finding' as const, step, rolloutId: rollout.id, index, finding }],
    ),
  );
}
