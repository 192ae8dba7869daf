import type { Category, Finding, Severity } from '../src/core/finding.ts';
import type { Bits } from './lexicon/lexicon.ts';
import { meet } from './lexicon/lexicon.ts';
import type { Reading } from './reading.ts';
import { finding } from './reading.ts';
import type { Compiled } from './rules/match.ts';
import { compile, matchAcross, matchSentence } from './rules/match.ts';
import type { Rule, RuleSet } from './rules/rule.ts';
import { deliberates } from './rules/deliberation.ts';

/** A labelled example; `severity` is what the whole detector must say: at least that for positives, at most `quiet` for traps. */
export interface Case {
  readonly text: string;
  readonly program?: string;
  readonly atLeast?: Severity;
  readonly atMost?: Severity;
}

/** The tiers that read every thought at once, in their order; the judge reads later (`safety/judge`). */
export const TIERS = ['integrity', 'rules', 'program', 'classifier'] as const;
export type Tier = (typeof TIERS)[number];

/** A plug-in of the monitor: one file of `safety/detectors` that exports it as `detector`, labelled cases included. Nothing else needs to know it. */
export interface Detector {
  readonly id: string;
  readonly version: number;
  readonly tier: Tier;
  /** What its findings are about; null when it tells several categories apart. */
  readonly category: Category | null;
  readonly scan: (reading: Reading) => Finding[];
  /** Notes that confirm a finding of severity 4 by another tier in this category; asked only when there is one. */
  readonly confirm?: (reading: Reading) => Finding[];
  readonly cases: readonly Case[];
  /** Whatever else decides its verdicts, as text; part of the monitor's version. */
  readonly fingerprint?: string;
}

/** At most this many findings per detector and passage: a flood says no more than a few. The most severe come first. */
const MOST = 8;

/** A detector made of concept rules over every passage of a reading. */
export function ruleDetector(set: RuleSet & { readonly version: number; readonly cases: readonly Case[] }): Detector {
  const find = finder(set, set.rules);
  const confirm = finder(set, set.confirming ?? []);
  return {
    id: `rules/${set.category}@${set.version}`,
    version: set.version,
    tier: 'rules',
    category: set.category,
    cases: set.cases,
    fingerprint: JSON.stringify([set.rules, set.confirming ?? []]),
    scan: find,
    confirm,
  };
}

/** The first rule, the gravest first, that each sentence of a reading meets. */
function finder(set: RuleSet & { readonly version: number }, rules: readonly Rule[]): (reading: Reading) => Finding[] {
  let compiled: Compiled[] | undefined;
  return (reading) => {
    compiled ??= [...rules].sort((a, b) => b.severity - a.severity).map(compile);
    const found: Finding[] = [];
    for (const passage of reading.passages) {
      const here: Finding[] = [];
      const quiet = set.quietInDeliberation === true && deliberates(passage);
      for (let at = 0; at < passage.sentences.length; at++) {
        const sentence = passage.sentences[at];
        if (sentence === undefined) continue;
        for (const rule of compiled) {
          if (rule.rule.across !== true && !meet(rule.slots[0] as Bits, sentence.bits)) continue;
          const next = passage.sentences[at + 1];
          const match = matchSentence(rule, sentence, next) ?? matchAcross(rule, sentence, next, passage.sentences[at + 2]);
          if (match === null) continue;
          here.push(
            finding(passage, match, {
              category: set.category,
              severity: quiet && rule.rule.severity < 4 ? 1 : rule.rule.severity,
              detector: `rules/${set.category}.${rule.rule.name}@${set.version}`,
              why: rule.rule.why,
              ...(rule.rule.certain === true ? { certain: true } : {}),
            }),
          );
          break;
        }
      }
      here.sort((a, b) => b.severity - a.severity || a.start - b.start);
      found.push(...here.slice(0, MOST));
    }
    return found;
  };
}

export const positive = (atLeast: Severity, text: string, program?: string): Case =>
  program === undefined ? { text, atLeast } : { text, atLeast, program };
export const trap = (text: string, program?: string): Case => (program === undefined ? { text, atMost: 1 } : { text, atMost: 1, program });
