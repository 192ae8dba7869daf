import type { PauseCause } from '../core/events.ts';
import type { Rollout } from '../core/types.ts';
import { SafetyGate } from '../../safety/gate.ts';
import type { GateDecision, GateOptions } from '../../safety/gate.ts';
import { byPrompt, Jumps, rateItem } from '../../safety/policy/jumps.ts';
import { decide } from '../../safety/policy/policy.ts';
import { createStreamer } from '../../safety/policy/stream.ts';
import type { Monitor, Severity, Verdict } from '../../safety/types.ts';

export type ReaderDecision =
  | GateDecision
  | {
      readonly decision: 'pause';
      readonly cause: Extract<PauseCause, 'jump'>;
      readonly reason: string;
      readonly rolloutId: null;
      readonly read: number;
      readonly generated: number;
    };

/**
 * Hands the loop's rollouts to the safety gate and keeps what was found. Findings never touch rewards, advantages or
 * batch membership (promise 6): nothing here is visible to the update. Without a monitor it only counts.
 */
export interface Reader {
  readonly on: boolean;
  /** Forgets the last step's books. */
  begin(step: number): void;
  /** `planted`: a drill, which is no part of the run's statistics. */
  read(rollout: Rollout, planted?: boolean): void;
  /**
   * Looks at a completion while it is generated (`text`: all of it so far); `cut` ends it. It is read whole afterwards.
   * A cut always comes with a pause, so without one the run is the same with and without this.
   */
  watch?(id: string, text: string): 'cut' | 'go';
  /** Lets the judge look at what was read; before the rollouts are recorded, so that the record holds its findings too. */
  settle(): Promise<void>;
  verdict(rolloutId: string): Verdict | null;
  severity(rolloutId: string): Severity;
  /** True when this rollout alone pauses the run. */
  pauses(rolloutId: string): boolean;
  counts(): { readonly generated: number; readonly read: number };
  /** Reads once more what has no verdict yet, then says whether the optimiser step may run. */
  decide(rollouts: readonly Rollout[]): Promise<ReaderDecision>;
  /** What a person should know though nothing pauses; each is told once. */
  warnings(): readonly string[];
  /** A person let the run go on: what was found so far is theirs. What is unread stays unread. */
  resolve(): void;
}

export interface ReaderOptions extends GateOptions {
  /** Reads thoughts while they are generated; null: none is cut. Default: the monitor itself. */
  readonly stream?: Monitor | null;
  /** The test for a jump of the flag rate, with what it has learned; null: off. Default: a new one. */
  readonly jumps?: Jumps | null;
  /** Steps up to this one are in `jumps` already, or were answered. */
  readonly jumpsAfter?: number;
}

export function createReader(monitor: Monitor | null, options: ReaderOptions = {}): Reader {
  return monitor ? new MonitoredReader(monitor, options) : unmonitored();
}

function unmonitored(): Reader {
  let generated = 0;
  return {
    on: false,
    begin: () => void (generated = 0),
    read: () => void (generated += 1),
    settle: () => Promise.resolve(),
    verdict: () => null,
    severity: () => 0,
    pauses: () => false,
    counts: () => ({ generated, read: 0 }),
    decide: () => Promise.resolve({ decision: 'pass', generated, read: 0 }),
    warnings: () => [],
    resolve: () => {},
  };
}

class MonitoredReader implements Reader {
  readonly on = true;
  readonly watch?: (id: string, text: string) => 'cut' | 'go';
  private readonly gate: SafetyGate;
  private readonly monitor: Monitor;
  private readonly jumps: Jumps | null;
  private readonly jumpsAfter: number;
  private readonly forget: () => void;
  private readonly planted = new Set<string>();
  private step = 0;
  private counted = false;

  constructor(monitor: Monitor, { stream = monitor, jumps = new Jumps(), jumpsAfter = -1, ...gate }: ReaderOptions) {
    this.monitor = monitor;
    this.gate = new SafetyGate(monitor, gate);
    this.jumps = jumps;
    this.jumpsAfter = jumpsAfter;
    this.forget = () => {};
    if (stream === null) return;
    const { policy } = this.gate;
    const streamer = createStreamer({
      quick: stream,
      full: monitor,
      from: policy.pauseAt,
      decide: (findings) => decide(findings, policy, monitor.tiers),
    });
    this.watch = (id, text) => streamer.watch(id, text);
    this.forget = () => streamer.clear();
  }

  begin(step: number): void {
    this.step = step;
    this.counted = false;
    this.planted.clear();
    this.forget();
    this.gate.begin(step);
  }

  read(rollout: Rollout, planted = false): void {
    if (planted) this.planted.add(rollout.id);
    this.gate.expect(rollout.id);
    this.gate.read(thoughtOf(rollout));
  }

  settle(): Promise<void> {
    return this.gate.settle();
  }

  verdict(id: string): Verdict | null {
    return this.gate.verdict(id);
  }

  severity(id: string): Severity {
    return this.gate.verdict(id)?.severity ?? 0;
  }

  pauses(id: string): boolean {
    const verdict = this.gate.verdict(id);
    return verdict !== null && decide(verdict.findings, this.gate.policy, this.monitor.tiers).action === 'pause';
  }

  counts(): { readonly generated: number; readonly read: number } {
    return this.gate.counts();
  }

  async decide(rollouts: readonly Rollout[]): Promise<ReaderDecision> {
    const unread = new Set(this.gate.unread());
    for (const rollout of rollouts) if (unread.has(rollout.id)) this.gate.read(thoughtOf(rollout));
    await this.gate.settle();
    const decision = this.gate.decide();
    if (decision.decision === 'pause') return decision;
    this.count(rollouts);
    const reason = this.jumps?.alarm() ?? null;
    if (reason === null) return decision;
    return { decision: 'pause', cause: 'jump', reason, rolloutId: null, read: decision.read, generated: decision.generated };
  }

  warnings(): readonly string[] {
    const warning = this.jumps?.warning() ?? null;
    return warning === null ? [] : [warning];
  }

  resolve(): void {
    this.gate.resolve();
    this.jumps?.answer();
  }

  /** The step's thoughts enter the test for a jump once, when all of them are read. */
  private count(rollouts: readonly Rollout[]): void {
    if (this.counted) return;
    this.counted = true;
    if (this.step <= this.jumpsAfter) return;
    const verdicts = rollouts.flatMap(({ id }) => (this.planted.has(id) ? [] : (this.gate.verdict(id) ?? [])));
    for (const item of byPrompt(verdicts.map(rateItem))) this.jumps?.take(item);
  }
}

const thoughtOf = (rollout: Rollout) => ({
  id: rollout.id,
  thought: rollout.thought,
  answer: rollout.answer,
  program: rollout.program ?? undefined,
  role: rollout.role,
  task: rollout.taskType,
});
