import type { PauseCause } from '../src/core/events.ts';
import type { Finding, Severity } from '../src/core/finding.ts';
import type { Monitor, Thought, Verdict } from './types.ts';

/** `pass`: the optimiser step may run. `pause`: it must not. */
export type GateDecision =
  | { readonly decision: 'pass'; readonly read: number; readonly generated: number }
  | {
      readonly decision: 'pause';
      readonly cause: Extract<PauseCause, 'finding' | 'monitor'>;
      readonly reason: string;
      readonly rolloutId: string | null;
      readonly read: number;
      readonly generated: number;
    };

export interface GateOptions {
  /** Severity from which a finding pauses; default 4. */
  readonly pauseAt?: Severity;
  /** Findings that a person has answered before, for instance in a run that repeats a step. */
  readonly isAnswered?: (rolloutId: string, finding: Finding) => boolean;
}

export interface OpenFinding {
  readonly rolloutId: string;
  readonly finding: Finding;
}

/**
 * The gate before the optimiser step. `begin` a step, `expect` every rollout as it is generated, `read` each, `decide`
 * before the update. It fails closed: an unread rollout, a verdict too many, a monitor that throws or answers
 * nonsense, and any open finding of severity 4 mean `pause`. It never touches rewards or batch membership.
 */
export class SafetyGate {
  private readonly monitor: Monitor;
  private readonly pauseAt: Severity;
  private readonly isAnswered: (rolloutId: string, finding: Finding) => boolean;
  private step = -1;
  private readonly generated = new Set<string>();
  private readonly verdicts = new Map<string, Verdict>();
  private readonly faults: { rolloutId: string | null; message: string }[] = [];
  /** Findings of severity 4 that nobody has resolved; kept over steps. */
  private readonly open: OpenFinding[] = [];

  constructor(monitor: Monitor, { pauseAt = 4, isAnswered = () => false }: GateOptions = {}) {
    this.monitor = monitor;
    this.pauseAt = pauseAt;
    this.isAnswered = isAnswered;
  }

  /** Begins a step: counts start at 0, open findings stay. */
  begin(step: number): void {
    this.step = step;
    this.generated.clear();
    this.verdicts.clear();
    this.faults.length = 0;
  }

  /** Announces a generated rollout. Twice the same id in one step is a fault. */
  expect(rolloutId: string): void {
    if (this.generated.has(rolloutId)) this.fault(rolloutId, `rollout ${rolloutId} was generated twice in step ${this.step}`);
    this.generated.add(rolloutId);
  }

  /** Reads one thought; never throws. `null`: it could not be read, and `decide` will pause. */
  read(thought: Thought): Verdict | null {
    try {
      const verdict = this.monitor.scan(thought);
      const complaint = malformed(verdict, thought);
      if (complaint !== null) throw new Error(complaint);
      if (this.verdicts.has(thought.id)) throw new Error(`rollout ${thought.id} was read twice`);
      this.verdicts.set(thought.id, verdict);
      for (const finding of verdict.findings)
        if (finding.severity >= this.pauseAt && !this.isAnswered(thought.id, finding)) this.open.push({ rolloutId: thought.id, finding });
      return verdict;
    } catch (error) {
      this.fault(thought.id, `the monitor failed on rollout ${thought.id}: ${error instanceof Error ? error.message : String(error)}`);
      return null;
    }
  }

  /** May the optimiser step run? */
  decide(): GateDecision {
    const counts = { read: this.verdicts.size, generated: this.generated.size };
    const first = this.open[0];
    if (first !== undefined) {
      const { category, quote, severity, why } = first.finding;
      return {
        decision: 'pause',
        cause: 'finding',
        reason: `severity ${severity}, ${category}: “${shorten(quote)}”. ${why}`,
        rolloutId: first.rolloutId,
        ...counts,
      };
    }
    const fault = this.faults[0];
    if (fault !== undefined) return { decision: 'pause', cause: 'monitor', reason: fault.message, rolloutId: fault.rolloutId, ...counts };
    const unread = firstMissing(this.generated, this.verdicts);
    if (unread !== null)
      return {
        decision: 'pause',
        cause: 'monitor',
        reason: `${counts.generated} rollouts were generated and ${counts.read} read; ${unread} is unread`,
        rolloutId: unread,
        ...counts,
      };
    const unknown = firstMissing(this.verdicts, this.generated);
    if (unknown !== null)
      return {
        decision: 'pause',
        cause: 'monitor',
        reason: `rollout ${unknown} was read but never announced as generated`,
        rolloutId: unknown,
        ...counts,
      };
    return { decision: 'pass', ...counts };
  }

  /** Open findings of severity 4, oldest first. */
  get openFindings(): readonly OpenFinding[] {
    return this.open;
  }

  /** Rollouts of this step without a verdict. After a person resumed, the loop reads them again: no step uses an unread one. */
  unread(): readonly string[] {
    return [...this.generated].filter((id) => !this.verdicts.has(id));
  }

  /** A person resumed with a reason: what was open is theirs now. The loop records who and why. Unread rollouts stay unread. */
  resolve(): void {
    this.open.length = 0;
    this.faults.length = 0;
  }

  /** The verdict on a rollout of this step, or null when it is unread. */
  verdict(rolloutId: string): Verdict | null {
    return this.verdicts.get(rolloutId) ?? null;
  }

  /** Numbers for the health line: generated and read in this step, verdicts by severity. */
  counts(): { readonly generated: number; readonly read: number; readonly bySeverity: readonly number[] } {
    const bySeverity = [0, 0, 0, 0, 0];
    for (const { severity } of this.verdicts.values()) bySeverity[severity] = (bySeverity[severity] ?? 0) + 1;
    return { generated: this.generated.size, read: this.verdicts.size, bySeverity };
  }

  private fault(rolloutId: string | null, message: string): void {
    this.faults.push({ rolloutId, message });
  }
}

/** What is wrong with a verdict, or null: it must be of this thought, its severity the maximum of its findings. */
function malformed(verdict: Verdict, thought: Thought): string | null {
  if (verdict === null || typeof verdict !== 'object' || !Array.isArray(verdict.findings)) return 'the verdict is not a verdict';
  if (verdict.id !== thought.id) return `the verdict is of ${String(verdict.id)}`;
  let highest: Severity = 0;
  for (const finding of verdict.findings as readonly Finding[]) {
    if (!Number.isInteger(finding.severity) || finding.severity < 0 || finding.severity > 4) return 'a finding has no severity from 0 to 4';
    if (finding.severity > highest) highest = finding.severity;
  }
  return verdict.severity === highest ? null : `the verdict says severity ${String(verdict.severity)}, its findings ${highest}`;
}

function firstMissing(wanted: Iterable<string> | ReadonlyMap<string, unknown>, held: { has(id: string): boolean }): string | null {
  for (const id of wanted instanceof Map ? wanted.keys() : (wanted as Iterable<string>)) if (!held.has(id)) return id;
  return null;
}

function shorten(text: string): string {
  const oneLine = text.replaceAll(/\s+/g, ' ');
  return oneLine.length > 160 ? `${oneLine.slice(0, 157)}…` : oneLine;
}
