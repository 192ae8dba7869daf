/**
 * Folds a text so that look-alikes read alike: NFKC, diacritics dropped, lower case, invisible and bidi characters
 * removed. One pass, linear, with a map from every folded UTF-16 unit back to the original offset.
 */
export interface Folded {
  readonly text: string;
  /** The same text with the original's ASCII capitals. */
  readonly cased: string;
  /** `map[i]` = offset in the original of folded unit `i`; one extra element: the original's length. `null` = identity. */
  readonly map: Int32Array | null;
  /** Original offsets of removed invisible characters (zero-width, bidi, tags), at most 64 kept. */
  readonly invisible: readonly number[];
}

const KEPT_INVISIBLE = 64;

export function fold(original: string): Folded {
  if (plainEnd(original, 0) === original.length) return { text: original.toLowerCase(), cased: original, map: null, invisible: [] };
  let text = '';
  let cased = '';
  let map = new Int32Array(original.length + 1024);
  let length = 0;
  const invisible: number[] = [];
  for (let at = 0; at < original.length;) {
    const plain = plainEnd(original, at);
    if (plain > at) {
      // Most of most texts: a stretch of ASCII is copied as a whole.
      const stretch = original.slice(at, plain);
      text += stretch.toLowerCase();
      cased += stretch;
      if (length + stretch.length + 1 > map.length) map = grown(map, length + stretch.length);
      for (; at < plain; at++) map[length++] = at;
      continue;
    }
    const code = original.codePointAt(at) ?? 0;
    if (isInvisible(code)) {
      if (invisible.length < KEPT_INVISIBLE) invisible.push(at);
    } else {
      const folded = foldCharacter(code);
      text += folded;
      cased += folded;
      if (length + folded.length + 1 > map.length) map = grown(map, length + folded.length);
      for (let unit = 0; unit < folded.length; unit++) map[length++] = at;
    }
    at += code > 0xffff ? 2 : 1;
  }
  map[length] = original.length;
  return { text, cased, map: map.subarray(0, length + 1), invisible };
}

function grown(map: Int32Array<ArrayBuffer>, least: number): Int32Array<ArrayBuffer> {
  const larger = new Int32Array(least * 2 + 1024);
  larger.set(map);
  return larger;
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

function isInvisible(code: number): boolean {
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

/** End of the stretch of ASCII that begins at `from`. */
function plainEnd(text: string, from: number): number {
  let at = from;
  while (at < text.length && text.charCodeAt(at) < 0x80) at++;
  return at;
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
