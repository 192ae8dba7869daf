/**
 * Folds a text so that look-alikes read alike: NFKC, diacritics dropped, lower case, invisible and bidi characters
 * removed. One pass, linear, with a map from every folded UTF-16 unit back to the original offset.
 */
export interface Folded {
  readonly text: string;
  /** `map[i]` = offset in the original of folded unit `i`; one extra element: the original's length. `null` = identity. */
  readonly map: Int32Array | null;
  /** Original offsets of removed invisible characters (zero-width, bidi, tags), at most 64 kept. */
  readonly invisible: readonly number[];
}

const KEPT_INVISIBLE = 64;

export function fold(original: string): Folded {
  if (isPlain(original)) return { text: original.toLowerCase(), map: null, invisible: [] };
  const parts: string[] = [];
  const map: number[] = [];
  const invisible: number[] = [];
  for (let at = 0; at < original.length;) {
    const code = original.codePointAt(at) ?? 0;
    const width = code > 0xffff ? 2 : 1;
    if (isInvisible(code)) {
      if (invisible.length < KEPT_INVISIBLE) invisible.push(at);
    } else {
      const folded = code < 0x80 ? String.fromCharCode(code).toLowerCase() : foldCharacter(code);
      for (let unit = 0; unit < folded.length; unit++) map.push(at);
      if (folded !== '') parts.push(folded);
    }
    at += width;
  }
  map.push(original.length);
  return { text: parts.join(''), map: Int32Array.from(map), invisible };
}

/** Folds a lexicon word with the same eyes as the texts. */
export function foldWord(word: string): string {
  return fold(word).text;
}

/** Span of the original that produced folded units [start, end). */
export function unfold(folded: Folded, start: number, end: number, original: string): { start: number; end: number } {
  if (folded.map === null) return { start, end };
  const from = folded.map[start] ?? original.length;
  const last = folded.map[Math.max(start, end - 1)] ?? from;
  const code = original.codePointAt(last) ?? 0;
  return { start: from, end: end > start ? Math.min(original.length, last + (code > 0xffff ? 2 : 1)) : from };
}

export function isInvisible(code: number): boolean {
  if (code < 0xad) return false;
  return (
    code === 0xad ||
    code === 0x034f ||
    code === 0x061c ||
    code === 0x115f ||
    code === 0x1160 ||
    code === 0x180e ||
    (code >= 0x200b && code <= 0x200f) ||
    (code >= 0x202a && code <= 0x202e) ||
    (code >= 0x2060 && code <= 0x206f) ||
    code === 0x3164 ||
    (code >= 0xfe00 && code <= 0xfe0f) ||
    code === 0xfeff ||
    (code >= 0xe0000 && code <= 0xe0fff)
  );
}

function isPlain(text: string): boolean {
  for (let at = 0; at < text.length; at++) if (text.charCodeAt(at) >= 0x80) return false;
  return true;
}

const cache = new Map<number, string>();

function foldCharacter(code: number): string {
  const known = cache.get(code);
  if (known !== undefined) return known;
  if (cache.size > 20_000) cache.clear();
  const folded = computeFold(code);
  cache.set(code, folded);
  return folded;
}

function computeFold(code: number): string {
  if (isMark(code)) return '';
  const character = String.fromCodePoint(code);
  if (code === 0x2018 || code === 0x2019 || code === 0x02bc) return "'";
  if (code === 0x2010 || code === 0x2011 || code === 0x2212) return '-';
  if (code === 0xdf) return 'ss';
  // Decompose only where Latin, Greek or Cyrillic letters carry marks; kana and Hangul keep their composed form.
  const decomposed = code < 0x0530 || (code >= 0x1e00 && code < 0x2000);
  const normal = decomposed ? dropMarks(character.normalize('NFKD')) : character.normalize('NFKC');
  return normal.toLowerCase();
}

function dropMarks(text: string): string {
  let out = '';
  for (const character of text) if (!isMark(character.codePointAt(0) ?? 0)) out += character;
  return out;
}

function isMark(code: number): boolean {
  return (
    (code >= 0x300 && code <= 0x36f) ||
    (code >= 0x1ab0 && code <= 0x1aff) ||
    (code >= 0x20d0 && code <= 0x20ff) ||
    (code >= 0xfe20 && code <= 0xfe2f)
  );
}
