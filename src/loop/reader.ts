import type { Rollout } from '../core/types.ts';
import { SafetyGate } from '../../safety/gate.ts';
import type { GateDecision, GateOptions } from '../../safety/gate.ts';
import type { Monitor, Severity, Verdict } from '../../safety/types.ts';

/**
 * Hands the loop's rollouts to the safety gate and keeps what was found. Findings never touch rewards, advantages or
 * batch membership (promise 6): nothing here is visible to the update. Without a monitor it only counts.
 */
export interface Reader {
  readonly on: boolean;
  /** Forgets the last step's books. */
  begin(step: number): void;
  read(rollout: Rollout): void;
  verdict(rolloutId: string): Verdict | null;
  severity(rolloutId: string): Severity;
  counts(): { readonly generated: number; readonly read: number };
  /** Reads once more what has no verdict yet, then says whether the optimiser step may run. */
  decide(rollouts: readonly Rollout[]): GateDecision;
  /** A person let the run go on: what was found so far is theirs. What is unread stays unread. */
  resolve(): void;
}

export function createReader(monitor: Monitor | null, options: GateOptions = {}): Reader {
  const gate = monitor ? new SafetyGate(monitor, options) : null;
  let generated = 0;
  return {
    on: gate !== null,
    begin(step) {
      generated = 0;
      gate?.begin(step);
    },
    read(rollout) {
      generated += 1;
      gate?.expect(rollout.id);
      gate?.read(thoughtOf(rollout));
    },
    verdict: (id) => gate?.verdict(id) ?? null,
    severity: (id) => gate?.verdict(id)?.severity ?? 0,
    counts: () => (gate ? gate.counts() : { generated, read: 0 }),
    decide(rollouts) {
      if (!gate) return { decision: 'pass', generated, read: 0 };
      const unread = new Set(gate.unread());
      for (const rollout of rollouts) if (unread.has(rollout.id)) gate.read(thoughtOf(rollout));
      return gate.decide();
    },
    resolve: () => gate?.resolve(),
  };
}

const thoughtOf = (rollout: Rollout) => ({
  id: rollout.id,
  thought: rollout.thought,
  answer: rollout.answer,
  program: rollout.program ?? undefined,
  role: rollout.role,
  task: rollout.taskType,
});
