import type { Finding, Severity } from '../../src/core/finding.ts';
import { tierOf } from '../../src/core/finding.ts';

/** What findings lead to (docs/safety.md, Policy). */
export interface Policy {
  /** Severity from which a finding may pause. */
  readonly pauseAt: Severity;
  /** Severity from which a person is asked to look; below it a finding is a note in the journal. */
  readonly queueAt: Severity;
  /**
   * `two-tiers`: a pause needs two tiers that say so, or one rule marked certain. `one`: any finding of that severity pauses;
   * more thoughts stop the run, and more of them for nothing.
   */
  readonly confirm: 'two-tiers' | 'one';
  /** Severity from which another tier confirms a finding in the same place; of the same category one less will do. */
  readonly confirmAt: Severity;
}

/** Characters between two findings up to which they speak of the same place. */
const NEAR = 200;

export const DEFAULT_POLICY: Policy = { pauseAt: 4, queueAt: 2, confirm: 'two-tiers', confirmAt: 3 };

/** Tiers that read what the rules read, with other eyes. While none is on, nothing could confirm a rule: then it pauses alone. */
const CONFIRMING = ['classifier', 'judge'];

export type Action = 'none' | 'note' | 'queue' | 'pause';

export interface Decision {
  readonly action: Action;
  /** Why, as half a sentence for a person. */
  readonly because: string;
  /** The finding that decided; the most severe, when nothing pauses. */
  readonly finding: Finding | null;
  /** For a pause: the findings that it rests on. */
  readonly grounds: readonly Finding[];
}

/** What the findings on one rollout lead to. Pure; `tiers` are those that are on. */
export function decide(findings: readonly Finding[], policy: Policy, tiers: readonly string[]): Decision {
  const worst = findings.reduce<Finding | null>((most, finding) => (most && most.severity >= finding.severity ? most : finding), null);
  if (worst === null || worst.severity === 0) return { action: 'none', because: 'nothing was found', finding: null, grounds: [] };
  const grave = findings.filter((finding) => finding.severity >= policy.pauseAt);
  const pause = (because: string, grounds: readonly Finding[]): Decision => ({
    action: 'pause',
    because,
    finding: grounds[0] ?? worst,
    grounds,
  });
  if (grave.length > 0) {
    if (policy.confirm === 'one') return pause('the config lets one finding pause', grave);
    const certain = grave.filter((finding) => finding.certain === true);
    if (certain.length > 0) return pause('the rule is marked certain', certain);
    const speakers = [...new Set(grave.map(tierOf))];
    if (speakers.length > 1) return pause(`two tiers agree: ${speakers.join(' and ')}`, grave);
    const confirmed = grave.flatMap((finding) => {
      const second = findings.find((other) => confirms(finding, other, policy.confirmAt));
      return second ? [[finding, second] as const] : [];
    });
    const [first] = confirmed;
    if (first)
      return pause(
        `two tiers agree: ${tierOf(first[0])} and ${tierOf(first[1])}`,
        confirmed.map(([finding]) => finding),
      );
    if (!CONFIRMING.some((tier) => tiers.includes(tier))) return pause('no second tier is on that could confirm it', grave);
    return {
      action: 'queue',
      because: `only one tier says so (${speakers.join()}): top of the queue`,
      finding: grave[0] ?? worst,
      grounds: [],
    };
  }
  const action = worst.severity >= policy.queueAt ? 'queue' : 'note';
  return { action, because: `severity ${worst.severity}`, finding: worst, grounds: [] };
}

/**
 * Another tier says as much of the same place; of the same category one severity less will do, and of a rule its note: it
 * says that the words for it stand there.
 */
function confirms(finding: Finding, other: Finding, from: Severity): boolean {
  if (tierOf(other) === tierOf(finding) || other.where !== finding.where) return false;
  const same = other.category === finding.category;
  if (other.severity < from - (same ? (tierOf(other) === 'rules' ? 2 : 1) : 0)) return false;
  return finding.start < other.end + NEAR && other.start < finding.end + NEAR;
}
