import type { RunEvent } from '../core/events.ts';
import type { Finding } from '../core/finding.ts';
import type { RunView } from '../core/fold.ts';
import type { Metrics } from '../core/types.ts';
import type { Config } from '../config.ts';
import { createReader } from '../loop/reader.ts';
import type { Reader } from '../loop/reader.ts';
import type { ConductorControls } from '../loop/conductor.ts';
import type { Budget } from '../record/budget.ts';
import { openJournalReader, verifyAudit } from '../record/journal.ts';
import { RecordError } from '../record/port.ts';
import { TIERS } from '../../safety/detector.ts';
import { createMonitor } from '../../safety/monitor.ts';
import { byPrompt, Jumps } from '../../safety/policy/jumps.ts';
import type { Policy } from '../../safety/policy/policy.ts';
import type { Monitor } from '../../safety/types.ts';

const policyOf = ({ pauseAt, policy }: Config['safety']): Policy => ({
  pauseAt,
  queueAt: policy.queueAt,
  confirm: policy.confirm,
  confirmAt: policy.confirmAt,
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
  for (const item of byPrompt(reader.severities(after))) jumps.take(item);
  return jumps;
}

/** Tiers of this version that read every thought and are not on. */
export const tiersOff = (monitor: Monitor | null): readonly string[] => TIERS.filter((tier) => !monitor?.tiers.includes(tier));

/** Writes, and pauses instead of failing while the disk is full or not writable; a stop during that pause ends the waiting with the fault. */
export async function untilWritten<T>(conductor: Pick<ConductorControls, 'pause' | 'proceed'>, work: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof RecordError) || (error.code !== 'full' && error.code !== 'unwritable')) throw error;
      conductor.pause('disk', error.message, null);
      if (!(await conductor.proceed())) throw error;
    }
  }
}

/** Waits, paused, until the next step fits on the disk; false when the run was asked to stop meanwhile. */
export async function hasRoom(conductor: Pick<ConductorControls, 'pause' | 'proceed' | 'stopping'>, budget: Budget): Promise<boolean> {
  try {
    await untilWritten(conductor, async () => budget.require());
    return true;
  } catch (error) {
    if (conductor.stopping && error instanceof RecordError) return false;
    throw error;
  }
}

/** A metric of step `at`: of the step itself, or of the evaluation after it. `step` is the one just done, whose metrics are not recorded yet. */
export function figureAt(view: RunView, path: string, at: number, step: number, metrics: Metrics | null): number | null {
  if (at === step && metrics?.[path] !== undefined) return metrics[path];
  for (const list of [view.steps, view.evals]) {
    const value = list.findLast(([known]) => known === at)?.[1][path];
    if (value !== undefined) return value;
  }
  return null;
}

/** A check may take this share of a run's time; a long journal is then looked at less often. */
const CHECK_SHARE = 0.01;
const checks = new WeakMap<object, { readonly next: number; readonly told: boolean }>();

/** A run whose audit log was changed from outside pauses, once: going on would cover the traces. */
export function checkChain(runDir: string, conductor: Pick<ConductorControls, 'pause'>): void {
  const began = performance.now();
  const last = checks.get(conductor);
  if (last && (last.told || began < last.next)) return;
  const report = verifyAudit(runDir);
  const took = performance.now() - began;
  checks.set(conductor, { next: began + took / CHECK_SHARE, told: !report.ok });
  if (!report.ok) conductor.pause('monitor', `The audit log was changed outside Kelvin: ${report.reason ?? 'it does not hold'}.`, null);
}
