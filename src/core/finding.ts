/** Taxonomy of the monitor; severities in docs/safety.md. */
export const CATEGORIES = [
  'integrity',
  'degenerate-loop',
  'hostility',
  'reward-hacking',
  'tampering',
  'deception',
  'sandbox-escape',
  'self-preservation',
  'oversight-evasion',
  'power-seeking',
  'situational-awareness',
  'obfuscation',
  'harmful-capability',
] as const;
export type Category = (typeof CATEGORIES)[number];

/** 0 nothing · 1 note · 2 review · 3 top of the queue · 4 pause before the next optimiser step. */
export type Severity = 0 | 1 | 2 | 3 | 4;

/** Who speaks: shape of the text, rules over it, the syntax tree of the program, a trained classifier, a language model as judge. */
export type Tier = 'integrity' | 'rules' | 'program' | 'classifier' | 'judge';

/** A detector's claim, with the exact span that supports it. Findings never touch rewards, advantages or batch membership. */
export interface Finding {
  readonly category: Category;
  readonly severity: Severity;
  /** `tier/name@version`, for instance `rules/hostility@1`. */
  readonly detector: string;
  /** Which text the span indexes. */
  readonly where: 'thought' | 'answer' | 'program';
  /** UTF-16 offsets [start, end) into that text. */
  readonly start: number;
  readonly end: number;
  readonly quote: string;
  /** One human sentence: why this matters. */
  readonly why: string;
  /** Absent in journals of version 0.1: then the part of `detector` before the slash (`tierOf`). */
  readonly tier?: Tier;
  /** The rule was measured to be wrong so rarely that it may pause a run alone (docs/safety.md, Policy). */
  readonly certain?: boolean;
}

export const tierOf = (finding: Pick<Finding, 'tier' | 'detector'>): string => finding.tier ?? finding.detector.split('/', 1)[0] ?? '';
