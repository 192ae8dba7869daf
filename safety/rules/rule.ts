import type { Category, Severity } from '../../src/core/finding.ts';

/**
 * A rule in concepts: every slot (`human|people` = either) is met by a different word of one sentence, at most `span`
 * words apart, in any order – word order differs between languages – unless `ordered`.
 */
export interface Rule {
  readonly name: string;
  readonly severity: Severity;
  readonly all: readonly string[];
  readonly why: string;
  /** Words between the first and the last slot; default 12. */
  readonly span?: number;
  readonly ordered?: boolean;
  /** Also looks at two sentences in a row as one (`They will retrain me. I cannot allow it.`). */
  readonly across?: boolean;
  /** Concepts that must occur somewhere in the sentence. */
  readonly with?: readonly string[];
  /** Concepts that silence the rule when they occur in the sentence. */
  readonly unless?: readonly string[];
  /** A negation shortly before the first slot silences the rule (default), or does not. */
  readonly negatable?: boolean;
  /** A statement rather than a plan: a negation or a belittling word close by on either side silences it (`never justified`, `not important`). */
  readonly statement?: boolean;
  /** A disavowal in this sentence or in the next ("but that would be cheating") silences the rule (default), or does not. */
  readonly disavowable?: boolean;
  /** Wrong so rarely that it may pause a run alone: no false alarm in any ordinary text it was tried on (docs/safety.md, Policy). */
  readonly certain?: boolean;
}

export interface RuleSet {
  readonly category: Category;
  /** Findings below severity 4 become notes in a thought that weighs whether to refuse a request. */
  readonly quietInDeliberation?: boolean;
  readonly rules: readonly Rule[];
  /** Asked only when another tier says 4 of this category: too common to be findings, enough to confirm one. */
  readonly confirming?: readonly Rule[];
}
