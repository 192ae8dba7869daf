import type { Bits } from '../lexicon/lexicon.ts';
import { isIdeographic, NOTHING, union } from '../lexicon/lexicon.ts';
import type { Region } from '../text/mask.ts';
import { DIMS, rowOf, wordVectors } from './words.ts';

/** Buckets of the hashed n-grams. */
export const BUCKETS = 1 << 15;
/** A sentence without end is cut; what is longer says no more. */
const LONGEST = 60;
const LONGEST_WORD = 40;
/** Words behind a negation that it denies, up to a comma or a word that turns the sentence. */
const DENIED = 7;
const NEGATIONS: ReadonlySet<string> = new Set(
  (
    'not no never nor neither cannot without nicht kein keine keinen keinem keiner nie niemals ohne ne pas jamais sans ' +
    'nunca jamás sin não nem sem non mai senza не нет никогда без ни'
  ).split(' '),
);
const TURNS: ReadonlySet<string> = new Set(
  'but however instead because so therefore sondern aber weil mais car donc pero porque но а потому'.split(' '),
);

/** A sentence as the classifier sees it. Offsets are into the folded text. */
export interface Segment {
  readonly start: number;
  readonly end: number;
  readonly words: number;
  /** Sum of the word vectors. */
  readonly dense: Float32Array;
  /** Words that have a vector. */
  readonly known: number;
  /** Buckets of its n-grams, with repetitions. */
  readonly grams: Uint16Array;
  /** Concepts of the lexicon that it speaks of: the same in every language. */
  readonly concepts: Bits;
}

/** A stretch of the folded text with the concepts in it. */
export interface Spoken {
  readonly start: number;
  readonly end: number;
  readonly bits: Bits;
}

/** Cuts a folded text into sentences and reads their features; code in `regions` is skipped. One pass, linear. */
export function segments(folded: string, regions: readonly Region[] = [], sentences: readonly Spoken[] = []): Segment[] {
  const reader = new Reader(folded, sentences);
  let region = 0;
  for (let at = 0; at < folded.length;) {
    while (region < regions.length && (regions[region]?.end ?? 0) <= at) region++;
    const here = regions[region];
    if (here !== undefined && here.start <= at) {
      if (here.kind === 'block') reader.flush();
      else reader.word('`', at, here.end);
      at = here.end;
      continue;
    }
    at = reader.take(at, here?.start ?? folded.length);
  }
  reader.flush();
  return reader.found;
}

class Reader {
  readonly found: Segment[] = [];
  private readonly text: string;
  private readonly vectors = wordVectors();
  private readonly grams = new Uint16Array(8192);
  private count = 0;
  private dense = new Float32Array(DIMS);
  private known = 0;
  private words = 0;
  private start = -1;
  private end = 0;
  private before = 0;
  private earlier = 0;
  /** Words that a negation before them still denies. */
  private denied = 0;

  private readonly sentences: readonly Spoken[];
  private sentence = 0;

  constructor(text: string, sentences: readonly Spoken[]) {
    this.text = text;
    this.sentences = sentences;
  }

  /** Reads the word or mark at `at`; gives the offset behind it. */
  take(at: number, limit: number): number {
    const code = this.text.charCodeAt(at);
    if (isIdeographic(code)) {
      this.place(at, at + 1);
      this.sequence(Math.imul(0x811c9dc5 ^ code, 0x01000193));
      return at + 1;
    }
    if (isLetter(code) && code !== 39) {
      let end = at + 1;
      while (end < limit && isLetter(this.text.charCodeAt(end)) && !isIdeographic(this.text.charCodeAt(end))) end++;
      this.word(plainWord(this.text.slice(at, Math.min(end, at + LONGEST_WORD))), at, end);
      return end;
    }
    // . ! ? 。 ！ ？ and a line end with a blank line or a new paragraph behind it
    if (code === 46 || code === 33 || code === 63 || code === 0x3002 || code === 10) {
      if (code !== 46 || !isLetter(this.text.charCodeAt(at + 1))) this.flush();
    } else if (code === 59 || code === 0xff1b) this.flush();
    else if (code === 44 || code === 58) this.denied = 0;
    return at + 1;
  }

  word(text: string, start: number, end: number): void {
    this.place(start, end);
    this.look(text);
    let hash = 0x811c9dc5;
    for (let at = 0; at < text.length; at++) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
    if (text.length > 3 || text.charCodeAt(0) > 0x24f) this.characters(text);
    this.negate(text, hash);
    this.sequence(hash);
  }

  /** A denied word is a feature of its own beside the word: "I would not copy my weights" is no plan. */
  private negate(text: string, hash: number): void {
    if (TURNS.has(text)) this.denied = 0;
    else if (NEGATIONS.has(text) || text.endsWith("n't")) this.denied = DENIED;
    else if (this.denied > 0) {
      this.denied--;
      this.gram(Math.imul(hash, 0x9e3779b1) ^ 0x7f4a7c15);
    }
  }

  private place(start: number, end: number): void {
    if (this.start === -1) this.start = start;
    this.end = end;
    this.words++;
  }

  /** The word, and the word with each of the two before it. */
  private sequence(hash: number): void {
    this.gram(hash);
    if (this.before !== 0) this.gram(Math.imul(this.before, 31) ^ hash);
    if (this.earlier !== 0) this.gram(Math.imul(this.earlier, 131) ^ Math.imul(hash, 7));
    this.earlier = this.before;
    this.before = hash;
    if (this.words >= LONGEST) this.flush();
  }

  /** Four and five characters in a row, the word's edges included. */
  private characters(text: string): void {
    const length = text.length + 2;
    for (let from = 0; from + 4 <= length; from++) {
      let hash = 0x9e3779b9;
      for (let at = from; at < from + 4; at++) hash = Math.imul(hash ^ edge(text, at), 0x01000193);
      this.gram(hash);
      if (from + 5 <= length) this.gram(Math.imul(hash ^ edge(text, from + 4), 0x01000193) ^ 0x5bd1e995);
    }
  }

  private look(text: string): void {
    const row = rowOf(text);
    if (row >= 0) return this.add(row);
    const mark = text.indexOf("'");
    if (mark <= 0) return;
    const denied = text.endsWith("n't");
    this.add(rowOf(denied ? text.slice(0, -3) : text.slice(0, mark)));
    if (denied) this.add(rowOf('not'));
  }

  private add(row: number): void {
    if (row < 0) return;
    this.known++;
    const from = row * DIMS;
    for (let at = 0; at < DIMS; at++) this.dense[at] = (this.dense[at] ?? 0) + (this.vectors[from + at] ?? 0);
  }

  private gram(hash: number): void {
    if (this.count >= this.grams.length) return;
    const mixed = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d);
    this.grams[this.count++] = (mixed ^ (mixed >>> 13)) & (BUCKETS - 1);
  }

  flush(): void {
    if (this.words > 0) {
      this.found.push({
        start: this.start,
        end: this.end,
        words: this.words,
        dense: this.dense,
        known: this.known,
        grams: this.grams.slice(0, this.count),
        concepts: this.conceptsHere(),
      });
      this.dense = new Float32Array(DIMS);
    }
    this.count = this.known = this.words = this.before = this.earlier = this.denied = 0;
    this.start = -1;
  }

  /** Concepts of the sentences that this one overlaps; both run in the order of the text. */
  private conceptsHere(): Bits {
    while (this.sentence < this.sentences.length && (this.sentences[this.sentence] as Spoken).end <= this.start) this.sentence++;
    let bits = NOTHING;
    for (let at = this.sentence; at < this.sentences.length; at++) {
      const here = this.sentences[at] as Spoken;
      if (here.start >= this.end) break;
      bits = union(bits, here.bits);
    }
    return bits;
  }
}

/** Numbers are one word, identifiers another: which ones says nothing. */
function plainWord(word: string): string {
  let letters = false;
  for (let at = 0; at < word.length; at++) {
    const code = word.charCodeAt(at);
    if (code === 95) return '`';
    if (code > 57) letters = true;
  }
  return letters || word.startsWith("'") ? word : '0';
}

function edge(text: string, at: number): number {
  return at === 0 ? 94 : at > text.length ? 36 : text.charCodeAt(at - 1);
}

function isLetter(code: number): boolean {
  if (code < 128) return (code >= 97 && code <= 122) || (code >= 48 && code <= 57) || code === 39 || code === 95;
  return code >= 0xc0 && !(code >= 0x2000 && code <= 0x2bff) && !(code >= 0x3000 && code <= 0x3040) && !(code >= 0xff00 && code <= 0xff0f);
}

/** A sentence, or two in a row, as one vector; what the model scores. */
export interface Window {
  readonly start: number;
  readonly end: number;
  readonly parts: readonly Segment[];
}

/** Words of the shortest sentence that is scored alone. */
const SHORTEST = 4;

/** Every sentence of at least four words, and every two neighbours of at most 80 words together. */
export function windows(all: readonly Segment[]): Window[] {
  const found: Window[] = [];
  for (let at = 0; at < all.length; at++) {
    const one = all[at] as Segment;
    if (one.words >= SHORTEST) found.push({ start: one.start, end: one.end, parts: [one] });
    const two = all[at + 1];
    if (two !== undefined && one.words + two.words >= SHORTEST && one.words + two.words <= 80)
      found.push({ start: one.start, end: two.end, parts: [one, two] });
  }
  return found;
}

/** Words up to which neighbours are read beside a window. */
const AROUND = 64;

/** A window with the sentences before and behind it, by turns, as long as they are few words together. */
export function surroundings(all: readonly Segment[], { parts }: Window, first: number): Window {
  let [from, to] = [first, first + parts.length];
  let words = parts.reduce((sum, part) => sum + part.words, 0);
  const fits = (segment: Segment | undefined): boolean => segment !== undefined && words + segment.words <= AROUND;
  for (let grown = true; grown;) {
    grown = false;
    if (fits(all[to])) [words, to, grown] = [words + (all[to] as Segment).words, to + 1, true];
    if (fits(all[from - 1])) [words, from, grown] = [words + (all[from - 1] as Segment).words, from - 1, true];
  }
  const around = all.slice(from, to);
  return { start: (around[0] as Segment).start, end: (around.at(-1) as Segment).end, parts: around };
}
