import type { RunEvent } from '../core/events.ts';
import type { Finding } from '../core/finding.ts';
import type { Answered } from './context.ts';

const keyOf = (rolloutId: string, finding: Finding): string =>
  [rolloutId, finding.detector, finding.where, finding.start, finding.end, finding.quote].join('\u0000');

/**
 * Which findings a person has answered: a `resume` answers all that were recorded before it. Fed with the journal's
 * events, old and new, so that a step repeated after a restart neither records a finding twice nor pauses on it again.
 */
export function createAnswered(): Answered & { readonly take: (event: RunEvent) => void } {
  const recorded = new Set<string>();
  let answered = new Set<string>();
  return {
    has: (rolloutId, finding) => answered.has(keyOf(rolloutId, finding)),
    recorded: (rolloutId, finding) => recorded.has(keyOf(rolloutId, finding)),
    take(event) {
      if (event.type === 'finding') recorded.add(keyOf(event.rolloutId, event.finding));
      if (event.type === 'resume') answered = new Set(recorded);
    },
  };
}
