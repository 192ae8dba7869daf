/** A token of a Python-looking program. `indent` is the column of its line's first token, `line` counts logical lines. */
export interface Token {
  readonly kind: 'name' | 'number' | 'string' | 'op';
  /** Names, numbers and operators as written; strings without prefix and quotes. */
  readonly text: string;
  readonly start: number;
  readonly end: number;
  readonly indent: number;
  readonly line: number;
}

const MOST_TOKENS = 300_000;

export function looksLikePython(text: string): boolean {
  let at = 0;
  for (let lines = 0; lines < 400 && at < text.length; lines++) {
    const newline = text.indexOf('\n', at);
    const line = text.slice(at, Math.min(newline === -1 ? text.length : newline, at + 400)).trim();
    if (startsLikePython(line)) return true;
    if (newline === -1) break;
    at = newline + 1;
  }
  return false;
}

function startsLikePython(line: string): boolean {
  const first = line.split(/[\s(:]/, 1)[0] ?? '';
  if (line.endsWith(':') && ['def', 'class', 'if', 'for', 'while', 'try', 'except', 'with', 'elif', 'async'].includes(first)) return true;
  if (first === 'def' && line.includes('):')) return true;
  if (first === 'from' && line.includes(' import ')) return true;
  if (first === 'import' && !line.includes(' from ') && !line.includes('(') && !line.includes('"') && !line.includes("'")) return true;
  return first === 'class' && line.includes(':') && !line.includes('{');
}

/** Tokens of the program; comments dropped, tolerant of anything. Linear. */
export function tokenizePython(text: string): Token[] {
  const tokens: Token[] = [];
  let line = 0;
  let lineStart = 0;
  let indent = -1;
  let depth = 0;
  const push = (kind: Token['kind'], value: string, start: number, end: number): void => {
    if (indent === -1) indent = start - lineStart;
    tokens.push({ kind, text: value, start, end, indent, line });
  };
  for (let at = 0; at < text.length && tokens.length < MOST_TOKENS;) {
    const character = text[at] ?? '';
    const code = text.charCodeAt(at);
    if (character === '\n') {
      at++;
      if (depth === 0) {
        line++;
        lineStart = at;
        indent = -1;
      }
    } else if (character === '#') {
      const newline = text.indexOf('\n', at);
      at = newline === -1 ? text.length : newline;
    } else if (character === ';' && depth === 0) {
      line++;
      at++;
    } else if (character === '"' || character === "'") at = readString(text, at, at, push);
    else if (isNameStart(code)) {
      let end = at + 1;
      while (end < text.length && isNamePart(text.charCodeAt(end))) end++;
      const quote = text[end];
      if (end - at <= 2 && (quote === '"' || quote === "'")) at = readString(text, at, end, push);
      else {
        // Python folds identifiers by NFKC: look-alike letters name the same thing.
        push('name', text.slice(at, Math.min(end, at + 200)).normalize('NFKC'), at, end);
        at = end;
      }
    } else if (code >= 48 && code <= 57) {
      let end = at + 1;
      while (end < text.length && (isNamePart(text.charCodeAt(end)) || text[end] === '.')) end++;
      push('number', text.slice(at, Math.min(end, at + 200)), at, end);
      at = end;
    } else {
      if (!/\s/.test(character) && character !== '\\') {
        const two = text.slice(at, at + 2);
        const operator = TWO.has(two) ? two : character;
        if ('([{'.includes(operator)) depth++;
        if (')]}'.includes(operator)) depth = Math.max(0, depth - 1);
        push('op', operator, at, at + operator.length);
        at += operator.length;
      } else if (character === '\\' && text[at + 1] === '\n') at += 2;
      else at++;
    }
  }
  return tokens;
}

const TWO = new Set(['==', '!=', '<=', '>=', '->', '+=', '-=', '*=', '/=', '**', '//', ':=', '=>', '&&', '||']);

function readString(
  text: string,
  start: number,
  quoteAt: number,
  push: (kind: Token['kind'], value: string, start: number, end: number) => void,
): number {
  const quote = text[quoteAt] ?? '"';
  const triple = text.startsWith(quote.repeat(3), quoteAt);
  const open = quoteAt + (triple ? 3 : 1);
  let at = open;
  for (; at < text.length; at++) {
    const character = text[at];
    if (character === '\\') at++;
    else if (triple ? text.startsWith(quote.repeat(3), at) : character === quote || character === '\n') break;
  }
  const close = Math.min(text.length, at);
  const end = Math.min(text.length, close + (triple ? 3 : text[close] === quote ? 1 : 0));
  push('string', text.slice(open, Math.min(close, open + 2000)), start, Math.max(end, start + 1));
  return Math.max(end, start + 1);
}

function isNameStart(code: number): boolean {
  return (code >= 97 && code <= 122) || (code >= 65 && code <= 90) || code === 95 || code > 0xc0;
}

function isNamePart(code: number): boolean {
  return isNameStart(code) || (code >= 48 && code <= 57);
}

/** Dotted name that begins at `tokens[at]` (`os._exit`) and how many tokens it takes. */
export function dotted(tokens: readonly Token[], at: number): { readonly name: string; readonly length: number } {
  const first = tokens[at];
  if (first?.kind !== 'name') return { name: '', length: 0 };
  let name = first.text;
  let length = 1;
  while (length < 24 && tokens[at + length]?.text === '.' && tokens[at + length + 1]?.kind === 'name') {
    name += `.${tokens[at + length + 1]?.text ?? ''}`;
    length += 2;
  }
  return { name, length };
}
