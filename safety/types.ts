import type { Role, TaskType } from '../src/core/types.ts';
import type { Finding, Severity } from '../src/core/finding.ts';

export type { Category, Finding, Severity, Tier } from '../src/core/finding.ts';

/** What the monitor reads: generated text only (the prompt is kept for display, never scanned). */
export interface Thought {
  readonly id: string;
  readonly thought: string;
  /** Generated text outside the thought (the answer), when there is any. */
  readonly answer?: string | undefined;
  readonly program?: string | undefined;
  readonly role?: Role | undefined;
  readonly task?: TaskType | undefined;
}

/** Exactly one per thought. `severity` is the maximum over findings: it is never lost by grouping. */
export interface Verdict {
  readonly id: string;
  readonly severity: Severity;
  readonly findings: readonly Finding[];
}

/** The monitor port. A throw means the thought is unread: the caller pauses (fail closed). */
export interface Monitor {
  /** Version string over all detectors, written into the journal. */
  readonly version: string;
  /** Tiers that are on, for the health line: `integrity`, `rules`, … */
  readonly tiers: readonly string[];
  scan(thought: Thought): Verdict;
  /**
   * The slow tier, when one is on: called once a step with every thought and its verdict so far, before the optimiser step.
   * Returns whole new verdicts (old findings included) for the thoughts that it looked at. A rejection, or a verdict that drops
   * a finding, pauses the run.
   */
  judge?(items: readonly Read[]): Promise<readonly Verdict[]>;
}

/** A thought with the verdict of the tiers that have read it. */
export interface Read {
  readonly thought: Thought;
  readonly verdict: Verdict;
}
