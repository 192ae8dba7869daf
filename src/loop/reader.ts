import type { Rollout } from '../core/types.ts';
import type { Monitor, Severity, Verdict } from '../../safety/types.ts';

/**
 * Reads thoughts for the loop and keeps the books of one step: how many were generated, how many were read, what was
 * found. Fail closed: a monitor that throws leaves its thought unread, and the gate then refuses the update. Findings
 * never touch rewards, advantages or batch membership (promise 6): nothing here is visible to the update.
 */
export interface Reader {
  readonly on: boolean;
  read(rollout: Rollout): void;
  verdict(rolloutId: string): Verdict | null;
  severity(rolloutId: string): Severity;
  /** Rollouts handed in, and those with a verdict. */
  counts(): { readonly generated: number; readonly read: number };
  /** Why the monitor failed in this step, or null. */
  failure(): string | null;
  /** Forgets the step's books. */
  reset(): void;
}

export function createReader(monitor: Monitor | null): Reader {
  const verdicts = new Map<string, Verdict>();
  let generated = 0;
  let failure: string | null = null;
  return {
    on: monitor !== null,
    read(rollout) {
      generated += 1;
      if (!monitor) return;
      try {
        const verdict = monitor.scan({
          id: rollout.id,
          thought: rollout.thought,
          answer: rollout.answer,
          program: rollout.program ?? undefined,
          role: rollout.role,
          task: rollout.taskType,
        });
        if (verdict.id !== rollout.id) throw new Error(`the verdict carries the id ${verdict.id} instead of ${rollout.id}`);
        verdicts.set(rollout.id, verdict);
      } catch (error) {
        failure ??= `The monitor failed on ${rollout.id}: ${error instanceof Error ? error.message : String(error)}`;
      }
    },
    verdict: (id) => verdicts.get(id) ?? null,
    severity: (id) => verdicts.get(id)?.severity ?? 0,
    counts: () => ({ generated, read: verdicts.size }),
    failure: () => failure,
    reset() {
      verdicts.clear();
      generated = 0;
      failure = null;
    },
  };
}
