import { latinised, unleeted } from '../text/confusables.ts';
import { foldWord } from '../text/normalise.ts';
import { expand } from './inflect.ts';

/** Concepts of one word or phrase as a set of bits; four words of 32. */
export type Bits = readonly [number, number, number, number, number];
export const NOTHING: Bits = [0, 0, 0, 0, 0];

/** Concept name → entries, separated by commas; notation in `inflect.ts`. */
export type Table = Readonly<Record<string, string>>;

interface Node {
  readonly next: Map<string, Node>;
  /** Endings of a phrase given as a prefix (`fest codier*`). */
  readonly open: { readonly prefix: string; readonly bits: Bits }[];
  bits: Bits;
}

const LONGEST_WORD = 40;
const NO_PHRASE: { readonly length: number; readonly bits: Bits } = { length: 0, bits: NOTHING };
const SHORTEST_PREFIX = 2;
const CACHE_LIMIT = 20_000;

/**
 * Words and phrases of all languages mapped to concepts. Rules speak of concepts only, so a new paraphrase or a new
 * language is a new word here. Lookups are hash lookups of bounded length: linear in the text.
 */
export class Lexicon {
  private readonly ids = new Map<string, number>();
  private readonly words = new Map<string, Bits>();
  private readonly prefixes = new Map<string, Bits>();
  private longestPrefix = 0;
  private readonly phrases: Node = leaf();
  private readonly ideographs: Node = leaf();
  private readonly cache = new Map<string, Bits>();

  constructor(tables: readonly Table[]) {
    for (const table of tables) for (const [concept, entries] of Object.entries(table)) this.add(concept, entries);
  }

  /** Bits of a slot such as `human|people`. Throws on a concept that no table defines: a rule with a typo must not pass silently. */
  bitsOf(slot: string): Bits {
    let bits = NOTHING;
    for (const concept of slot.split('|')) {
      const id = this.ids.get(concept.trim());
      if (id === undefined) throw new Error(`The safety lexicon has no concept "${concept}"; add it to a table under safety/lexicon.`);
      bits = union(bits, single(id));
    }
    return bits;
  }

  /** Names of all concepts, in the order of their bits. */
  names(): string[] {
    return [...this.ids.keys()];
  }

  /** Concepts of one folded word. */
  word(word: string): Bits {
    if (word.length > LONGEST_WORD) return NOTHING;
    const known = this.cache.get(word);
    if (known !== undefined) return known;
    if (this.cache.size >= CACHE_LIMIT) this.cache.clear();
    const bits = this.look(word);
    this.cache.set(word, bits);
    return bits;
  }

  /** Longest phrase that begins at `words[at]`: how many words it takes, its concepts and those of shorter phrases within; 0 words when there is none. */
  phrase(words: readonly string[], at: number): { readonly length: number; readonly bits: Bits } {
    let node: Node | undefined = this.phrases;
    // Most words begin no phrase.
    if (node.open.length === 0 && !node.next.has(words[at] ?? '')) return NO_PHRASE;
    let found = NO_PHRASE;
    for (let index = at; index < words.length; index++) {
      const word = words[index] ?? '';
      for (const end of node.open) if (word.startsWith(end.prefix)) found = { length: index - at + 1, bits: union(found.bits, end.bits) };
      node = node.next.get(word);
      if (node === undefined) break;
      if (node.bits !== NOTHING) found = { length: index - at + 1, bits: union(found.bits, node.bits) };
    }
    return found;
  }

  /** Longest entry of an unspaced script at `text[at]`. */
  ideograph(text: string, at: number): { readonly length: number; readonly bits: Bits } {
    let node: Node | undefined = this.ideographs;
    let found = { length: 0, bits: NOTHING };
    for (let index = at; index < text.length; index++) {
      node = node.next.get(text[index] ?? '');
      if (node === undefined) break;
      if (node.bits !== NOTHING) found = { length: index - at + 1, bits: node.bits };
    }
    return found;
  }

  private look(word: string): Bits {
    const plain = this.exact(word) ?? this.exact(latinised(word));
    if (plain !== undefined) return plain;
    for (const reading of unleeted(word)) {
      const bits = this.words.get(reading);
      if (bits !== undefined) return bits;
    }
    return NOTHING;
  }

  private exact(word: string): Bits | undefined {
    const direct = this.words.get(word) ?? this.words.get(bare(word));
    if (direct !== undefined) return direct;
    for (let length = Math.min(word.length, this.longestPrefix); length >= SHORTEST_PREFIX; length--) {
      const bits = this.prefixes.get(word.slice(0, length));
      if (bits !== undefined) return bits;
    }
    return undefined;
  }

  private add(concept: string, entries: string): void {
    const id = this.ids.get(concept) ?? this.ids.size;
    if (id >= 160) throw new Error('The safety lexicon holds 160 concepts at most.');
    this.ids.set(concept, id);
    const bits = single(id);
    for (const entry of entries.split(',')) {
      const trimmed = entry.trim();
      if (trimmed === '') continue;
      for (const form of expand(trimmed)) this.addForm(foldWord(form), bits);
    }
  }

  private addForm(form: string, bits: Bits): void {
    if (isIdeographic(form.charCodeAt(0))) return insert(this.ideographs, [...form], bits);
    const words = elide(form).split(' ');
    // Korean words carry their particles: every entry is a stem.
    if (words.length === 1 && (form.endsWith('*') || (isHangul(form) && form.length >= 2))) {
      const prefix = form.endsWith('*') ? form.slice(0, -1) : form;
      this.longestPrefix = Math.max(this.longestPrefix, prefix.length);
      this.prefixes.set(prefix, union(this.prefixes.get(prefix) ?? NOTHING, bits));
      return;
    }
    if (words.length > 1) insert(this.phrases, words, bits);
    else this.words.set(form, union(this.words.get(form) ?? NOTHING, bits));
  }
}

export function union(a: Bits, b: Bits): Bits {
  return [a[0] | b[0], a[1] | b[1], a[2] | b[2], a[3] | b[3], a[4] | b[4]];
}

/** `a` without the concepts of `b`. */
export function without(a: Bits, b: Bits): Bits {
  return [a[0] & ~b[0], a[1] & ~b[1], a[2] & ~b[2], a[3] & ~b[3], a[4] & ~b[4]];
}

export function meet(a: Bits, b: Bits): boolean {
  return ((a[0] & b[0]) | (a[1] & b[1]) | (a[2] & b[2]) | (a[3] & b[3]) | (a[4] & b[4])) !== 0;
}

/** Numbers of the concepts in a set, in falling order within each word of 32. */
export function numbersOf(bits: Bits): number[] {
  const found: number[] = [];
  for (let word = 0; word < bits.length; word++)
    for (let rest = bits[word] as number; rest !== 0; rest &= rest - 1) found.push(word * 32 + 31 - Math.clz32(rest & -rest));
  return found;
}

/** Han, kana: scripts written without spaces. */
export function isIdeographic(code: number): boolean {
  return (code >= 0x3041 && code <= 0x30ff) || (code >= 0x3400 && code <= 0x9fff) || (code >= 0xf900 && code <= 0xfaff);
}

function single(id: number): Bits {
  const bits: [number, number, number, number, number] = [0, 0, 0, 0, 0];
  bits[id >> 5] = 1 << (id & 31);
  return bits;
}

function bare(word: string): string {
  if (word.endsWith("'s")) return word.slice(0, -2);
  return word.endsWith("'") ? word.slice(0, -1) : word;
}

/** Elided articles stand apart, as the texts' do (`l'homme` → `l homme`). */
function elide(form: string): string {
  return form.replaceAll(/(^| )(qu|[ldmtsnc])'(?=\S\S)/g, '$1$2 ').replaceAll(/(^| )j'(?=\S\S)/g, '$1je ');
}

function leaf(): Node {
  return { next: new Map(), open: [], bits: NOTHING };
}

function isHangul(word: string): boolean {
  const code = word.charCodeAt(0);
  return code >= 0xac00 && code <= 0xd7a3;
}

function insert(root: Node, path: readonly string[], bits: Bits): void {
  let node = root;
  for (const part of path) {
    if (part.endsWith('*')) {
      node.open.push({ prefix: part.slice(0, -1), bits });
      return;
    }
    let next = node.next.get(part);
    if (next === undefined) {
      next = leaf();
      node.next.set(part, next);
    }
    node = next;
  }
  node.bits = union(node.bits, bits);
}
