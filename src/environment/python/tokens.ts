import type { PyValue } from './value.ts';

/** Raised while a literal is read: the text is none. */
export class NotALiteral extends Error {}

export type Token =
  { readonly kind: 'value'; readonly text: string; readonly value: PyValue } | { readonly kind: 'name' | 'mark'; readonly text: string };

/** White space, line ends and comments, as between brackets. */
const SPACE = /(?:[ \t\f\r\n]|#[^\n]*)+/y;
const NAME = /[A-Za-z_]\w*/y;
const MARK = /[-+*,:.=()[\]{}]/y;
const DIGITS = '[0-9](?:_?[0-9])*';
const NUMBER = new RegExp(
  `0[xX](?:_?[0-9a-fA-F])+|0[oO](?:_?[0-7])+|0[bB](?:_?[01])+|(?:${DIGITS}\\.(?:${DIGITS})?|\\.${DIGITS}|${DIGITS})(?:[eE][-+]?${DIGITS})?[jJ]?`,
  'y',
);
const PREFIXED_QUOTE = /([rRbBuU]{0,2})("""|'''|"|')/y;
const PREFIXES = ['', 'r', 'b', 'u', 'br', 'rb'];

/** Takes the text of a literal apart. Throws `NotALiteral` at anything that no literal holds, f-strings among them. */
export function tokenise(text: string): Token[] {
  const tokens: Token[] = [];
  let at = 0;
  const take = (pattern: RegExp): RegExpExecArray | null => {
    pattern.lastIndex = at;
    const match = pattern.exec(text);
    if (match !== null) at = pattern.lastIndex;
    return match;
  };
  while (at < text.length) {
    const start = at;
    if (take(SPACE) !== null) continue;
    const quote = take(PREFIXED_QUOTE);
    if (quote !== null) {
      const [, prefix = '', mark = ''] = quote;
      const string = readString(text, at, prefix.toLowerCase(), mark);
      at = string.end;
      tokens.push({ kind: 'value', text: text.slice(start, at), value: string.value });
      continue;
    }
    const number = take(NUMBER)?.[0];
    if (number !== undefined) {
      tokens.push({ kind: 'value', text: number, value: readNumber(number) });
      // `1if` and `1_` are errors, or warnings at best.
      if (/\w/.test(text[at] ?? '')) throw new NotALiteral();
      continue;
    }
    const name = take(NAME)?.[0];
    const mark = name ?? take(MARK)?.[0];
    if (mark === undefined) throw new NotALiteral();
    tokens.push({ kind: name === undefined ? 'mark' : 'name', text: mark });
  }
  return tokens;
}

function readNumber(text: string): PyValue {
  const plain = text.replaceAll('_', '').toLowerCase();
  if (/^0[xob]/.test(plain)) return { kind: 'int', value: BigInt(plain) };
  if (plain.endsWith('j')) return { kind: 'complex', real: 0, imaginary: Number(plain.slice(0, -1)) };
  if (/[.e]/.test(plain)) return { kind: 'float', value: Number(plain) };
  // Leading zeros were octal once and are an error since.
  if (/^0+[1-9]/.test(plain)) throw new NotALiteral();
  return { kind: 'int', value: BigInt(plain) };
}

const SIMPLE_ESCAPES: ReadonlyMap<string, string> = new Map(
  Object.entries({ '\n': '', '\\': '\\', "'": "'", '"': '"', a: '\x07', b: '\b', f: '\f', n: '\n', r: '\r', t: '\t', v: '\v' }),
);

function readString(text: string, from: number, prefix: string, quote: string): { readonly value: PyValue; readonly end: number } {
  if (!PREFIXES.includes(prefix)) throw new NotALiteral();
  const isBytes = prefix.includes('b');
  const isRaw = prefix.includes('r');
  const parts: string[] = [];
  let at = from;
  while (!text.startsWith(quote, at)) {
    const character = text[at];
    if (character === undefined || (character === '\n' && quote.length === 1)) throw new NotALiteral();
    if (character !== '\\') {
      parts.push(character);
      at++;
      continue;
    }
    const escape = isRaw ? rawEscape(text, at) : readEscape(text, at, isBytes);
    parts.push(escape.text);
    at = escape.end;
  }
  const content = parts.join('');
  if (!isBytes) return { value: { kind: 'str', value: content }, end: at + quote.length };
  if (/[^\0-\xff]/.test(content) || /[^\0-\x7f]/.test(text.slice(from, at))) throw new NotALiteral();
  return { value: { kind: 'bytes', value: Buffer.from(content, 'latin1') }, end: at + quote.length };
}

interface Escape {
  readonly text: string;
  readonly end: number;
}

/** A backslash keeps the next character from ending the string, and both stay. */
function rawEscape(text: string, at: number): Escape {
  if (at + 1 >= text.length) throw new NotALiteral();
  return { text: text.slice(at, at + 2), end: at + 2 };
}

function readEscape(text: string, at: number, isBytes: boolean): Escape {
  const next = text[at + 1];
  if (next === undefined) throw new NotALiteral();
  const simple = SIMPLE_ESCAPES.get(next);
  if (simple !== undefined) return { text: simple, end: at + 2 };
  const octal = /^[0-7]{1,3}/.exec(text.slice(at + 1, at + 4))?.[0];
  if (octal !== undefined) return { text: String.fromCharCode(parseInt(octal, 8) & (isBytes ? 0xff : 0x1ff)), end: at + 1 + octal.length };
  const width = next === 'x' ? 2 : isBytes ? 0 : next === 'u' ? 4 : next === 'U' ? 8 : 0;
  if (width > 0) {
    const hex = text.slice(at + 2, at + 2 + width);
    const code = /^[0-9a-fA-F]+$/.test(hex) && hex.length === width ? parseInt(hex, 16) : Infinity;
    if (code > 0x10ffff) throw new NotALiteral();
    return { text: String.fromCodePoint(code), end: at + 2 + width };
  }
  // Characters by name would need Unicode's table of names.
  if (next === 'N' && !isBytes) throw new NotALiteral();
  return { text: `\\${next}`, end: at + 2 };
}
