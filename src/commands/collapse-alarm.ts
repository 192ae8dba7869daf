import type { RunEvent } from '../core/events.ts';
import type { RunView } from '../core/fold.ts';
import { riskOf } from '../core/health.ts';

/**
 * What to record when the newest step has put self-play at a high risk of collapse that it did not have the step before;
 * null otherwise. The run goes on: a person decides.
 */
export function collapseWarning({ steps }: Pick<RunView, 'steps'>, events: readonly RunEvent[]): RunEvent | null {
  const newest = steps.at(-1);
  if (!newest || !events.some((event) => event.type === 'step' && event.step === newest[0])) return null;
  const { level, reasons } = riskOf(steps);
  if (level !== 'high' || riskOf(steps.slice(0, -1)).level === 'high') return null;
  return {
    type: 'warning',
    step: newest[0],
    message: `Self-play is about to collapse. ${reasons.join(' ')} Stop and fork an earlier step with a lower optim.lr, more novelty (novelty.repeats, novelty.similarity) or a penalty (reward.repetition).`,
  };
}
