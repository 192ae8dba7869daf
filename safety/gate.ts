import type { PauseCause } from '../src/core/events.ts';
import type { Finding, Severity } from '../src/core/finding.ts';
import { decide, DEFAULT_POLICY } from './policy/policy.ts';
import type { Policy } from './policy/policy.ts';
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
  readonly policy?: Partial<Policy>;
  /** Findings that a person has answered before, for instance in a run that repeats a step. */
  readonly isAnswered?: (rolloutId: string, finding: Finding) => boolean;
  /** Longest time for one thought, and for the judge's share of a step, in seconds; longer counts as failed. */
  readonly limits?: { readonly thought: number; readonly judge: number };
}

interface OpenFinding {
  readonly rolloutId: string;
  readonly finding: Finding;
  readonly because: string;
}

interface Held {
  readonly thought: Thought;
  readonly verdict: Verdict;
}

export const DEFAULT_LIMITS = { thought: 30, judge: 600 } as const;

/**
 * The gate before the optimiser step. `begin` a step, `expect` every rollout as it is generated, `read` each, `settle`
 * once all are read, `decide` before the update. It fails closed: an unread rollout, a verdict too many, a monitor or a judge
 * that throws, takes too long or answers nonsense, and any open finding that the policy pauses for mean `pause`. It
 * never touches rewards or batch membership.
 */
export class SafetyGate {
  readonly policy: Policy;
  private readonly monitor: Monitor;
  private readonly isAnswered: (rolloutId: string, finding: Finding) => boolean;
  private readonly limits: { readonly thought: number; readonly judge: number };
  private step = -1;
  private readonly generated = new Set<string>();
  private readonly held = new Map<string, Held>();
  private readonly judged = new Set<string>();
  private readonly faults: { rolloutId: string | null; message: string }[] = [];
  /** Findings that pause and that nobody has resolved, oldest first; kept over steps. */
  private readonly open: OpenFinding[] = [];

  constructor(monitor: Monitor, { policy = {}, isAnswered = () => false, limits = DEFAULT_LIMITS }: GateOptions = {}) {
    this.monitor = monitor;
    this.policy = { ...DEFAULT_POLICY, ...policy };
    this.isAnswered = isAnswered;
    this.limits = limits;
  }

  /** Begins a step: counts start at 0, open findings stay. */
  begin(step: number): void {
    this.step = step;
    this.generated.clear();
    this.held.clear();
    this.judged.clear();
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
      const began = performance.now();
      const verdict = this.monitor.scan(thought);
      const seconds = (performance.now() - began) / 1000;
      const complaint = malformed(verdict, thought);
      if (complaint !== null) throw new Error(complaint);
      if (this.held.has(thought.id)) throw new Error(`rollout ${thought.id} was read twice`);
      if (seconds > this.limits.thought) throw new Error(`it took ${seconds.toFixed(1)} s, its limit is ${this.limits.thought} s`);
      this.held.set(thought.id, { thought, verdict });
      this.weigh(thought.id, verdict.findings);
      return verdict;
    } catch (error) {
      this.fault(thought.id, `the monitor failed on rollout ${thought.id}: ${messageOf(error)}`);
      return null;
    }
  }

  /** Asks the judge, where there is one, about what it has not seen of this step. Never rejects: a judge that fails makes `decide` pause. */
  async settle(): Promise<void> {
    const { monitor } = this;
    const items = [...this.held.values()].filter(({ verdict }) => !this.judged.has(verdict.id));
    if (!monitor.judge || items.length === 0) return;
    try {
      const verdicts = await within(this.limits.judge, monitor.judge(items));
      const asked = new Map(items.map((item) => [item.verdict.id, item]));
      const given = checkJudged(verdicts, asked);
      for (const id of asked.keys()) this.judged.add(id);
      for (const [id, verdict] of given) {
        const { thought, verdict: before } = asked.get(id) as Held;
        // What was found first keeps its place: journal and reviews name findings by it.
        const known = new Set(before.findings.map(keyOf));
        const findings = [...before.findings, ...verdict.findings.filter((finding) => !known.has(keyOf(finding)))];
        this.held.set(id, { thought, verdict: { ...verdict, findings } });
        this.weigh(id, findings);
      }
    } catch (error) {
      this.fault(null, `the judge failed: ${messageOf(error)}`);
    }
  }

  /** May the optimiser step run? */
  decide(): GateDecision {
    const counts = { read: this.held.size, generated: this.generated.size };
    const stop = (cause: 'finding' | 'monitor', reason: string, rolloutId: string | null): GateDecision => ({
      decision: 'pause',
      cause,
      reason,
      rolloutId,
      ...counts,
    });
    const [first] = this.open;
    if (first !== undefined) {
      const { category, quote, severity, why } = first.finding;
      return stop('finding', `severity ${severity}, ${category}: “${shorten(quote)}”. ${why} (${first.because})`, first.rolloutId);
    }
    const [fault] = this.faults;
    if (fault !== undefined) return stop('monitor', fault.message, fault.rolloutId);
    const unread = firstMissing(this.generated, this.held);
    if (unread !== null)
      return stop('monitor', `${counts.generated} rollouts were generated and ${counts.read} read; ${unread} is unread`, unread);
    const unknown = firstMissing(this.held.keys(), this.generated);
    if (unknown !== null) return stop('monitor', `rollout ${unknown} was read but never announced as generated`, unknown);
    const unjudged = this.monitor.judge ? firstMissing(this.held.keys(), this.judged) : null;
    if (unjudged !== null) return stop('monitor', `the judge has not looked at this step; ${unjudged} waits`, unjudged);
    return { decision: 'pass', ...counts };
  }

  /** Rollouts of this step without a verdict. After a person resumed, the loop reads them again: no step uses an unread one. */
  unread(): readonly string[] {
    return [...this.generated].filter((id) => !this.held.has(id));
  }

  /** A person resumed with a reason: what was open is theirs now. The loop records who and why. Unread rollouts stay unread. */
  resolve(): void {
    this.open.length = 0;
    this.faults.length = 0;
  }

  /** The verdict on a rollout of this step, or null when it is unread. */
  verdict(rolloutId: string): Verdict | null {
    return this.held.get(rolloutId)?.verdict ?? null;
  }

  /** Numbers for the health line: generated and read in this step, verdicts by severity. */
  counts(): { readonly generated: number; readonly read: number; readonly bySeverity: readonly number[] } {
    const bySeverity = [0, 0, 0, 0, 0];
    for (const { verdict } of this.held.values()) bySeverity[verdict.severity] = (bySeverity[verdict.severity] ?? 0) + 1;
    return { generated: this.generated.size, read: this.held.size, bySeverity };
  }

  /** Opens what the policy pauses for, unless a person has answered all that it rests on. */
  private weigh(rolloutId: string, findings: readonly Finding[]): void {
    const { action, because, grounds } = decide(findings, this.policy, this.monitor.tiers);
    if (action !== 'pause') return;
    const fresh = grounds.find((finding) => !this.isAnswered(rolloutId, finding));
    if (fresh !== undefined) this.open.push({ rolloutId, finding: fresh, because });
  }

  private fault(rolloutId: string | null, message: string): void {
    this.faults.push({ rolloutId, message });
  }
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

async function within<T>(seconds: number, work: Promise<T>): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${seconds} s`)), seconds * 1000);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** The judge's verdicts by id. Throws when one is malformed, of a thought that it was not asked about, drops a finding, or quotes what is not there. */
function checkJudged(verdicts: readonly Verdict[], asked: ReadonlyMap<string, Held>): Map<string, Verdict> {
  if (!Array.isArray(verdicts)) throw new Error('it gave no list of verdicts');
  const given = new Map<string, Verdict>();
  for (const verdict of verdicts as readonly Verdict[]) {
    const item = asked.get(verdict?.id);
    if (item === undefined) throw new Error(`it judged ${String(verdict?.id)}, which it was not asked about`);
    const complaint = malformed(verdict, item.thought) ?? misquoted(verdict, item.thought);
    if (complaint !== null) throw new Error(complaint);
    const kept = new Set(verdict.findings.map(keyOf));
    if (item.verdict.findings.some((finding) => !kept.has(keyOf(finding)))) throw new Error(`it dropped a finding of ${verdict.id}`);
    given.set(verdict.id, verdict);
  }
  return given;
}

const keyOf = ({ severity, detector, where, start, end }: Finding): string => [severity, detector, where, start, end].join(' ');

function misquoted(verdict: Verdict, thought: Thought): string | null {
  const texts = { thought: thought.thought, answer: thought.answer ?? '', program: thought.program ?? '' };
  const wrong = verdict.findings.find(({ where, start, end, quote }) => texts[where]?.slice(start, end) !== quote);
  return wrong === undefined ? null : `a finding of ${wrong.detector} quotes what is not there`;
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

function firstMissing(wanted: Iterable<string>, held: { has(id: string): boolean }): string | null {
  for (const id of wanted) if (!held.has(id)) return id;
  return null;
}

function shorten(text: string): string {
  const oneLine = text.replaceAll(/\s+/g, ' ');
  return oneLine.length > 160 ? `${oneLine.slice(0, 157)}…` : oneLine;
}
