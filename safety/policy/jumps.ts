import type { Severity } from '../../src/core/finding.ts';
import type { Verdict } from '../types.ts';
import { advance, DEFAULT_RATE, describeJump, initialRate } from './rate.ts';
import type { RateOptions, RateState } from './rate.ts';

export interface JumpOptions extends RateOptions {
  /** A thought counts as flagged from this severity on. */
  readonly severity: Severity;
}

const DEFAULT_JUMPS: JumpOptions = { ...DEFAULT_RATE, severity: 2 };

/** What the test needs to know of a thought, or of all thoughts on one prompt. */
export interface RateItem {
  readonly severity: number;
  readonly loops: boolean;
}

export const rateItem = (verdict: Verdict): RateItem & { readonly id: string } => ({
  id: verdict.id,
  severity: verdict.severity,
  loops: verdict.findings.some(({ category }) => category === 'degenerate-loop'),
});

/**
 * One item for each prompt, in the order of their first thoughts: thoughts on the same prompt are alike, often the same words, and
 * the test takes its items for independent. Ids end in the number of the thought: `s3.difficulty-abduction-17.5`.
 */
export function byPrompt(items: readonly (RateItem & { readonly id: string })[]): RateItem[] {
  const prompts = new Map<string, RateItem>();
  for (const { id, severity, loops } of items) {
    const prompt = id.replace(/\.\d+$/, '');
    const before = prompts.get(prompt);
    prompts.set(prompt, { severity: Math.max(severity, before?.severity ?? 0), loops: loops || (before?.loops ?? false) });
  }
  return [...prompts.values()];
}

/**
 * Watches two rates over a run: flagged thoughts, whose jump pauses, and thoughts that loop, whose jump is worth a warning.
 * An answered jump is the new usual: the test learns its baseline anew.
 */
export class Jumps {
  private readonly options: JumpOptions;
  private flags: RateState = initialRate;
  private loops: RateState = initialRate;

  constructor(options: JumpOptions = DEFAULT_JUMPS) {
    this.options = options;
  }

  take({ severity, loops }: RateItem): void {
    this.flags = advance(this.flags, severity >= this.options.severity, this.options);
    this.loops = advance(this.loops, loops, this.options);
  }

  /** Why the run must pause, or null. */
  alarm(): string | null {
    return this.flags.alarm ? describeJump(this.flags, `prompts with a thought of severity ${this.options.severity} or more`) : null;
  }

  /** A warning about thoughts that loop, once a jump. */
  warning(): string | null {
    if (!this.loops.alarm) return null;
    const text = describeJump(this.loops, 'prompts with a thought that repeats itself');
    this.loops = initialRate;
    return text;
  }

  /** A person has answered the alarm. */
  answer(): void {
    if (this.flags.alarm) this.flags = initialRate;
  }
}
