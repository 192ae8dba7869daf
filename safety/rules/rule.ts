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
  /** Concepts that must occur somewhere in the sentence. */
  readonly with?: readonly string[];
  /** Concepts that silence the rule when they occur in the sentence. */
  readonly unless?: readonly string[];
  /** A negation shortly before the first slot silences the rule (default), or does not. */
  readonly negatable?: boolean;
  /** A disavowal in this sentence or in the next ("but that would be cheating") silences the rule (default), or does not. */
  readonly disavowable?: boolean;
}

export interface RuleSet {
  readonly category: Category;
  readonly rules: readonly Rule[];
}
