import type { Bits, Lexicon } from '../lexicon/lexicon.ts';
import { isIdeographic, meet, NOTHING, union, without } from '../lexicon/lexicon.ts';
import { codeConcepts } from '../lexicon/code.ts';
import type { Region } from './mask.ts';

/** A word or phrase that carries concepts. `index` counts words from the sentence's start (an unknown ideograph counts half). */
export interface Hit {
  readonly index: number;
  readonly start: number;
  readonly end: number;
  readonly bits: Bits;
  /** Words it takes: a phrase may fill several slots of a rule. */
  readonly words: number;
  /** Which part of the sentence, between commas, colons and the like. */
  readonly clause: number;
}

/** Offsets are into the folded text. */
export interface Sentence {
  readonly start: number;
  readonly end: number;
  /** Union over hits. */
  readonly bits: Bits;
  readonly hits: readonly Hit[];
}

export interface Source {
  readonly folded: string;
  /** Same length as `folded` where the fold is the identity; used for capitals only, may be the folded text itself. */
  readonly cased: string;
  readonly regions: readonly Region[];
}

/** A sentence without end is read in pieces that overlap by more words than any rule spans. */
const BREAK_TOKEN_LIMIT = 400;
const OVERLAP = 30;
/** A letter of a spelled word counts a fraction of a word. */
const SPELLED_WEIGHT = 0.2;

/** Splits a folded text into sentences of concept hits. One pass; each character is looked at a bounded number of times. */
export class SentenceReader {
  private readonly lexicon: Lexicon;
  private readonly source: Source;
  private readonly intent: Bits;
  private readonly negation: Bits;
  private readonly opaque: Bits;
  private readonly contexts: Bits;
  private readonly selfContained: Bits;
  private readonly sentences: Sentence[] = [];
  private words: string[] = [];
  private starts: number[] = [];
  private ends: number[] = [];
  private fixed: (Bits | null)[] = [];
  private weights: number[] = [];
  private clauses: number[] = [];
  private clause = 0;
  /** Obfuscated words found on the way (spelled with spaces), folded offsets. */
  readonly spelled: { start: number; end: number }[] = [];

  constructor(lexicon: Lexicon, source: Source) {
    this.lexicon = lexicon;
    this.source = source;
    this.intent = lexicon.bitsOf('intent');
    this.negation = lexicon.bitsOf('negation');
    this.contexts = lexicon.bitsOf('game|data|develop|ordinary|domain|machine|biology|defence|request|refusal|other|accepts|harmless');
    this.opaque = lexicon.bitsOf('neutral|disavow');
    this.selfContained = lexicon.bitsOf(
      'stealth|skip-work|cannot-read|wrong-inside|pass-purpose|self-passive|hide|deceive|resist|early-cue|bypass|exit-words|sandbagging|strategy|awareness|inferior',
    );
  }

  read(): readonly Sentence[] {
    const { folded, regions } = this.source;
    let region = 0;
    for (let at = 0; at < folded.length;) {
      while (region < regions.length && (regions[region]?.end ?? 0) <= at) region++;
      const here = regions[region];
      if (here !== undefined && here.start <= at) {
        if (here.kind === 'block') this.flush();
        else this.push(' ', here.start, here.end, codeConcepts(folded.slice(here.start, here.end)), 1);
        at = here.end;
        continue;
      }
      const code = folded.charCodeAt(at);
      if (isWordCode(code)) at = this.word(at, here?.start ?? folded.length);
      else if (isIdeographic(code)) at = this.ideograph(at);
      else {
        if (this.endsSentence(at, code)) this.flush();
        else if (isClauseMark(code)) this.clause++;
        at++;
      }
    }
    this.flush();
    return this.sentences;
  }

  private word(at: number, limit: number): number {
    const { folded, cased } = this.source;
    let end = at + 1;
    let code = false;
    for (; end < limit; end++) {
      const unit = folded.charCodeAt(end);
      if (isWordCode(unit)) continue;
      const dotted = unit === 46 && end + 1 < limit && isWordCode(folded.charCodeAt(end + 1));
      if (!dotted || isUpper(cased.charCodeAt(end + 1))) break;
      code = true;
    }
    const elision = elided(folded, at, end);
    if (elision > 0) {
      this.push(folded.charCodeAt(at) === 106 ? 'je' : folded.slice(at, at + elision - 1), at, at + elision, null, 1);
      return at + elision;
    }
    const text = folded.slice(at, Math.min(end, at + 64));
    const call = folded.charCodeAt(end) === 40 && !folded.startsWith('(s)', end);
    if (code || call || text.includes('_') || isCamel(cased, at, end))
      this.push(' ', at, end, codeConcepts(folded.slice(at, Math.min(end, at + 80))), 1);
    else if (text === 'i' && cased.charCodeAt(at) === 105) this.push('(i)', at, end, null, 1);
    else this.push(text, at, end, null, 1);
    return end;
  }

  private ideograph(at: number): number {
    const match = this.lexicon.ideograph(this.source.folded, at);
    if (match.length === 0) {
      this.push(' ', at, at + 1, NOTHING, 0.5);
      return at + 1;
    }
    this.push(' ', at, at + match.length, match.bits, 1);
    return at + match.length;
  }

  private push(word: string, start: number, end: number, fixed: Bits | null, weight: number): void {
    this.words.push(word);
    this.starts.push(start);
    this.ends.push(end);
    this.fixed.push(fixed);
    this.weights.push(weight);
    this.clauses.push(this.clause);
    if (this.words.length >= BREAK_TOKEN_LIMIT) this.flush(OVERLAP);
  }

  private endsSentence(at: number, code: number): boolean {
    const { folded, cased } = this.source;
    // . ! ? ; and their ideographic forms
    if (code === 46 || code === 33 || code === 63 || code === 0x3002 || code === 0x061f || code === 0x0964) return true;
    if (code !== 10) return false;
    // A line that goes on in lower case is the same sentence, wrapped.
    let next = at + 1;
    while (next < folded.length && next - at < 40 && folded.charCodeAt(next) === 32) next++;
    const first = cased.charCodeAt(next);
    return !(first >= 97 && first <= 122) && !isIdeographic(first);
  }

  private flush(keep = 0): void {
    const count = this.words.length;
    if (count === 0) return;
    const hits: Hit[] = [];
    let bits = NOTHING;
    let index = 0;
    let covered = 0;
    let sealed = false;
    for (let at = 0; at < count;) {
      const spelled = at < covered ? 0 : this.spelledAt(at);
      if (spelled > 0) {
        this.addSpelled(at, spelled, index, hits);
        index += spelled * SPELLED_WEIGHT;
        at += spelled;
        continue;
      }
      const phrase = this.lexicon.phrase(this.words, at);
      // Phrases may overlap (`protect my` and `my values`); one that lies within another says nothing new.
      if (at >= covered || (phrase.length > 1 && at + phrase.length > covered && !sealed)) {
        const length = Math.max(1, phrase.length);
        const own = phrase.length === 0 ? (this.fixed[at] ?? this.single(at)) : this.withParts(phrase.bits, at, length);
        if (own !== NOTHING) hits.push(this.hit(at, length, index, own));
        sealed = meet(own, this.opaque);
        covered = at + length;
      }
      index += this.weights[at] ?? 1;
      at++;
    }
    for (const hit of hits) bits = union(bits, hit.bits);
    if (hits.length > 0) this.sentences.push({ start: this.starts[0] ?? 0, end: this.ends[count - 1] ?? 0, bits, hits });
    for (const list of [this.words, this.starts, this.ends, this.fixed, this.weights, this.clauses]) list.splice(0, list.length - keep);
    if (keep > 0) return;
    this.clause = 0;
  }

  private hit(at: number, words: number, index: number, bits: Bits): Hit {
    return { index, start: this.starts[at] ?? 0, end: this.ends[at + words - 1] ?? 0, bits, words, clause: this.clauses[at] ?? 0 };
  }

  /** A phrase also says what its words say, but for a negation that is part of the phrase's own sense (`will not notice`). */
  private withParts(own: Bits, at: number, length: number): Bits {
    if (meet(own, this.opaque)) return own;
    let bits = NOTHING;
    for (let step = 0; step < length; step++) bits = union(bits, this.fixed[at + step] ?? this.single(at + step));
    bits = without(bits, this.contexts);
    return union(own, meet(own, this.selfContained) ? without(bits, this.negation) : bits);
  }

  /** `i` in lower case is a loop variable unless a word of intent follows. */
  private single(at: number): Bits {
    const word = this.words[at] ?? '';
    if (word !== '(i)') return this.lexicon.word(word);
    const next = this.lexicon.word(this.words[at + 1] ?? '');
    return meet(next, this.intent) ? this.lexicon.word('i') : NOTHING;
  }

  /** Length of a run of single letters (k i l l), at least four, each one separator apart; else 0. */
  private spelledAt(at: number): number {
    let length = 0;
    for (let index = at; index < this.words.length; index++) {
      const word = this.words[index] ?? '';
      const letter = word === '(i)' ? 'i' : word;
      if (letter.length !== 1 || letter < 'a' || letter > 'z') break;
      length++;
    }
    return length >= 4 ? length : 0;
  }

  /** Cuts the joined letters into the longest words that carry concepts. */
  private addSpelled(at: number, length: number, index: number, hits: Hit[]): void {
    let joined = '';
    for (let step = 0; step < length; step++) joined += this.words[at + step] === '(i)' ? 'i' : (this.words[at + step] ?? '');
    for (let from = 0; from < length;) {
      let taken = 1;
      for (let size = Math.min(20, length - from); size >= 4; size--) {
        const bits = this.lexicon.word(joined.slice(from, from + size));
        if (bits === NOTHING) continue;
        const start = this.starts[at + from] ?? 0;
        const end = this.ends[at + from + size - 1] ?? 0;
        hits.push({ index: index + from * SPELLED_WEIGHT, start, end, bits, words: 1, clause: this.clauses[at] ?? 0 });
        this.spelled.push({ start, end });
        taken = size;
        break;
      }
      from += taken;
    }
  }
}

function isWordCode(code: number): boolean {
  if (code < 128)
    return (code >= 97 && code <= 122) || (code >= 48 && code <= 57) || code === 95 || code === 39 || code === 64 || code === 36;
  if (isIdeographic(code)) return false;
  // General punctuation, symbols, arrows, box drawing, ideographic punctuation.
  return (
    code >= 0xc0 &&
    !(code >= 0x2000 && code <= 0x2bff) &&
    !(code >= 0x3000 && code <= 0x3040) &&
    !(code >= 0xff00 && code <= 0xff0f) &&
    code !== 0x061f &&
    code !== 0x060c &&
    code !== 0x0964
  );
}

/** Length of an elided article or pronoun (`d'`, `l'`, `qu'`) that begins a word; 0 when there is none. */
function elided(folded: string, at: number, end: number): number {
  const length = folded.charCodeAt(at + 1) === 39 && 'ldjmtsnc'.includes(folded[at] ?? '') ? 2 : folded.startsWith("qu'", at) ? 3 : 0;
  return length > 0 && end - at >= length + 2 ? length : 0;
}

/** , : ; ( ) dashes and ideographic commas. */
function isClauseMark(code: number): boolean {
  return (
    code === 44 ||
    code === 58 ||
    code === 59 ||
    code === 40 ||
    code === 41 ||
    code === 0x2013 ||
    code === 0x2014 ||
    code === 0x3001 ||
    code === 0xff0c
  );
}

function isUpper(code: number): boolean {
  return code >= 65 && code <= 90;
}

/** A capital right after a small letter: an identifier, not a word. */
function isCamel(cased: string, start: number, end: number): boolean {
  let before = 0;
  for (let at = start; at < end && at < start + 64; at++) {
    const code = cased.charCodeAt(at);
    if (isUpper(code) && before >= 97 && before <= 122) return true;
    before = code;
  }
  return false;
}
