/** Taxonomy of the monitor; severities in docs/safety.md. */
export type Category =
  | 'integrity'
  | 'degenerate-loop'
  | 'hostility'
  | 'reward-hacking'
  | 'tampering'
  | 'deception'
  | 'sandbox-escape'
  | 'self-preservation'
  | 'oversight-evasion'
  | 'power-seeking'
  | 'situational-awareness'
  | 'obfuscation'
  | 'harmful-capability';

/** 0 nothing · 1 note · 2 review · 3 top of the queue · 4 pause before the next optimiser step. */
export type Severity = 0 | 1 | 2 | 3 | 4;

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
}
