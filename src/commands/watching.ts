import type { RunEvent } from '../core/events.ts';
import type { Finding } from '../core/finding.ts';
import type { Config } from '../config.ts';
import { createReader } from '../loop/reader.ts';
import type { Reader } from '../loop/reader.ts';
import { openJournalReader } from '../record/journal.ts';
import { createMonitor } from '../../safety/monitor.ts';
import { Jumps } from '../../safety/policy/jumps.ts';
import type { Policy } from '../../safety/policy/policy.ts';
import type { Monitor } from '../../safety/types.ts';

export const policyOf = ({ pauseAt, policy }: Config['safety']): Policy => ({
  pauseAt,
  queueAt: policy.queueAt,
  confirm: policy.confirm,
});

/** The reader of a run, as its config asks for, with what the test for a jump has learned in the steps so far. */
export function openThoughtReader(
  monitor: Monitor | null,
  config: Config,
  runDir: string,
  events: readonly RunEvent[],
  isAnswered: (rolloutId: string, finding: Finding) => boolean,
): Reader {
  const { safety } = config;
  const { jump, thoughtSeconds, judgeSeconds } = safety.policy;
  const answered = answeredJump(events);
  return createReader(monitor, {
    policy: policyOf(safety),
    isAnswered,
    limits: { thought: thoughtSeconds, judge: judgeSeconds },
    // Rules alone are asked while a thought is generated; all tiers confirm before it is cut.
    stream: monitor?.tiers.includes('rules') && safety.cut ? createMonitor({ tiers: ['rules'] }) : null,
    jumps: jump.test ? learned(new Jumps(jump), runDir, answered) : null,
    jumpsAfter: answered,
  });
}

/** Step of the last jump that a person has answered; −1 when there is none. */
function answeredJump(events: readonly RunEvent[]): number {
  const resume = events.findLastIndex((event) => event.type === 'resume');
  return events.slice(0, Math.max(0, resume)).findLast((event) => event.type === 'pause' && event.cause === 'jump')?.step ?? -1;
}

function learned(jumps: Jumps, runDir: string, after: number): Jumps {
  using reader = openJournalReader(runDir);
  for (const item of reader.severities(after)) jumps.take(item);
  return jumps;
}
