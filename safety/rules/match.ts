import type { Bits } from '../lexicon/lexicon.ts';
import { lexicon } from '../lexicon/index.ts';
import { meet, union } from '../lexicon/lexicon.ts';
import type { Hit, Sentence } from '../text/sentences.ts';
import type { Rule } from './rule.ts';

/** A rule with its concepts looked up. */
export interface Compiled {
  readonly rule: Rule;
  readonly slots: readonly Bits[];
  readonly required: readonly Bits[];
  readonly unless: readonly Bits[];
  readonly span: number;
}

export interface Match {
  /** Folded offsets. */
  readonly start: number;
  readonly end: number;
}

/** Words a negation reaches ahead; further over a coordination (`never harm humans or deceive them`). */
const NEGATION_REACH = 5;
const COORDINATED_REACH = 10;
const STATEMENT_REACH = 7;

export function compile(rule: Rule): Compiled {
  const words = lexicon();
  return {
    rule,
    slots: rule.all.map((slot) => words.bitsOf(slot)),
    required: (rule.with ?? []).map((slot) => words.bitsOf(slot)),
    unless: (rule.unless ?? []).map((slot) => words.bitsOf(slot)),
    span: rule.span ?? 12,
  };
}

/** First match in a sentence, or null. Linear in the sentence's hits. */
export function matchSentence(compiled: Compiled, sentence: Sentence, next: Sentence | undefined): Match | null {
  const { slots, required, unless, rule } = compiled;
  for (const slot of slots) if (!meet(slot, sentence.bits)) return null;
  for (const slot of required) if (!meet(slot, sentence.bits)) return null;
  for (const slot of unless) if (meet(slot, sentence.bits)) return null;
  if (rule.disavowable !== false && isDisavowed(sentence, next)) return null;
  const last = new Array<Hit | undefined>(slots.length);
  for (let at = 0; at < sentence.hits.length; at++) {
    if (!place(compiled, last, sentence.hits[at] as Hit)) continue;
    const match = complete(compiled, last);
    if (match !== null && !(rule.negatable !== false && isNegated(sentence, last, at, rule.statement === true))) return match;
  }
  return null;
}

/** A match that needs both of two sentences in a row; only for rules that ask for it. */
export function matchAcross(compiled: Compiled, first: Sentence, second: Sentence | undefined, next: Sentence | undefined): Match | null {
  if (compiled.rule.across !== true || second === undefined) return null;
  const bits = union(first.bits, second.bits);
  for (const slot of compiled.slots) if (!meet(slot, bits)) return null;
  return matchSentence(compiled, joined(first, second), next);
}

/** Two sentences as one; word counts go on. */
function joined(first: Sentence, second: Sentence): Sentence {
  const last = first.hits.at(-1);
  const shift = (last?.index ?? 0) + 3;
  const clauses = (last?.clause ?? 0) + 1;
  const moved = second.hits.map((hit) => ({ ...hit, index: hit.index + shift, clause: hit.clause + clauses }));
  return { start: first.start, end: second.end, bits: union(first.bits, second.bits), hits: [...first.hits, ...moved] };
}

/** Puts a word into one slot, a phrase into every slot it meets. False when there is none. */
function place(compiled: Compiled, last: (Hit | undefined)[], hit: Hit): boolean {
  const slot = slotFor(compiled, last, hit);
  if (slot === -1) return false;
  last[slot] = hit;
  if (hit.words > 1 && compiled.rule.ordered !== true)
    for (let other = 0; other < last.length; other++)
      if (
        other !== slot &&
        meet(compiled.slots[other] as Bits, hit.bits) &&
        (last[other] === undefined || hit.index - (last[other]?.index ?? 0) > compiled.span)
      )
        last[other] = hit;
  return true;
}

/** The slot a word fills: an open one first, else the one whose word is oldest; −1 when none. One word fills one slot. */
function slotFor(compiled: Compiled, last: readonly (Hit | undefined)[], hit: Hit): number {
  let best = -1;
  for (let slot = 0; slot < compiled.slots.length; slot++) {
    if (!meet(compiled.slots[slot] as Bits, hit.bits)) continue;
    if (compiled.rule.ordered === true && slot > 0 && last[slot - 1] === undefined) continue;
    const held = last[slot];
    if (held === undefined) return slot;
    if (best === -1 || held.index < (last[best]?.index ?? 0)) best = slot;
  }
  return best;
}

function complete(compiled: Compiled, last: readonly (Hit | undefined)[]): Match | null {
  let first: Hit | undefined;
  let final: Hit | undefined;
  for (const hit of last) {
    if (hit === undefined) return null;
    if (first === undefined || hit.index < first.index) first = hit;
    if (final === undefined || hit.index > final.index) final = hit;
  }
  if (first === undefined || final === undefined || final.index - first.index > compiled.span) return null;
  return { start: first.start, end: final.end };
}

/** A negation within a few words before the first slot's word, or right after it (verb-final languages). */
function isNegated(sentence: Sentence, last: readonly (Hit | undefined)[], at: number, statement: boolean): boolean {
  const core = last[0];
  if (core === undefined) return false;
  const { negation, coordination, harmless, avoidance, intent } = cueBits();
  let joined = false;
  const from = Math.min(...last.map((hit) => hit?.index ?? Infinity));
  const to = Math.max(...last.map((hit) => hit?.index ?? -Infinity));
  for (let near = Math.min(sentence.hits.length - 1, at + STATEMENT_REACH); near >= 0; near--) {
    const hit = sentence.hits[near];
    if (hit === undefined || hit.index > to + STATEMENT_REACH) continue;
    if (hit.index < from - COORDINATED_REACH) break;
    if (hit.index < core.index && meet(coordination, hit.bits)) joined = true;
    // "never justified" is one of the words that make the match, and denies it.
    if (statement && last.includes(hit) && hit.words > 1 && meet(harmless, hit.bits)) return true;
    if (!(meet(negation, hit.bits) || (statement && meet(harmless, hit.bits)))) continue;
    // A word of the match may deny by nature ("can't let them"); an intention that is denied is none ("I should not").
    if (last.includes(hit) && (hit === core || !meet(intent, hit.bits))) continue;
    if (
      hit.index < core.index &&
      core.index - hit.index <= (joined ? COORDINATED_REACH : NEGATION_REACH) &&
      (joined || hit.clause === core.clause)
    )
      return true;
    // Inside the match it denies the link between its words; a statement may be denied just after it, too.
    if (hit.index > from && hit.index < to && !meet(avoidance, hit.bits)) return true;
    if (statement && hit.index > from - STATEMENT_REACH && hit.index < to + STATEMENT_REACH) return true;
    if (hit.index > core.index && hit.index - core.index <= 2 && hit.start > core.start && isUnspaced(hit, core)) return true;
  }
  return false;
}

/** Japanese and Korean negate after the verb, without a space between. */
function isUnspaced(hit: Hit, core: Hit): boolean {
  return hit.start - core.end <= 3 && hit.index - core.index <= 2 && hit.end - hit.start <= 3;
}

function isDisavowed(sentence: Sentence, next: Sentence | undefined): boolean {
  const { disavow } = cueBits();
  return meet(disavow, sentence.bits) || (next !== undefined && meet(disavow, next.bits) && opensWith(next, disavow));
}

/** The disavowal stands at the beginning of the sentence, within its first eight words. */
function opensWith(sentence: Sentence, cue: Bits): boolean {
  for (const hit of sentence.hits) {
    if (hit.index > 8) return false;
    if (meet(cue, hit.bits)) return true;
  }
  return false;
}

type Cue = 'negation' | 'disavow' | 'coordination' | 'harmless' | 'avoidance' | 'intent';
let cues: Record<Cue, Bits> | undefined;
function cueBits(): Record<Cue, Bits> {
  cues ??= {
    negation: lexicon().bitsOf('negation'),
    disavow: lexicon().bitsOf('disavow'),
    coordination: lexicon().bitsOf('coordination'),
    harmless: lexicon().bitsOf('harmless'),
    avoidance: lexicon().bitsOf('avoidance'),
    intent: lexicon().bitsOf('intent'),
  };
  return cues;
}
