/**
 * Which parts of a thought are code. Fenced blocks are masked except their comments (models plan in comments) and
 * except blocks that are prose; inline code becomes one token. Unclosed marks mask nothing: a lone fence must not
 * hide what follows.
 */
export interface Region {
  readonly start: number;
  readonly end: number;
  readonly kind: 'block' | 'inline';
}

const MAX_INLINE = 200;

export function codeRegions(text: string): Region[] {
  const regions: Region[] = [];
  let at = text.indexOf('`');
  while (at !== -1) {
    let run = 1;
    while (text.charCodeAt(at + run) === 96) run++;
    const end = run >= 3 ? blockAt(text, at, run, regions) : inlineAt(text, at, run, regions);
    at = text.indexOf('`', end);
  }
  return regions;
}

function blockAt(text: string, open: number, run: number, regions: Region[]): number {
  const close = text.indexOf('```', open + run);
  if (close === -1) return text.length;
  const end = close + 3;
  // The rest of the opening line is the language label.
  const newline = text.indexOf('\n', open);
  const body = newline !== -1 && newline < close ? newline + 1 : open + run;
  if (looksLikeProse(text, body, close)) return end;
  let from = open;
  for (const comment of comments(text, body, close)) {
    if (comment.start > from) regions.push({ start: from, end: comment.start, kind: 'block' });
    from = comment.end;
  }
  regions.push({ start: from, end, kind: 'block' });
  return end;
}

function inlineAt(text: string, open: number, run: number, regions: Region[]): number {
  const limit = Math.min(text.length, open + MAX_INLINE);
  for (let at = open + run; at < limit; at++) {
    const code = text.charCodeAt(at);
    if (code === 10) break;
    if (code !== 96) continue;
    if (!looksLikeProse(text, open + run, at)) regions.push({ start: open, end: at + run, kind: 'inline' });
    return at + run;
  }
  return open + run;
}

/** At least four words and hardly any code punctuation. */
function looksLikeProse(text: string, start: number, end: number): boolean {
  let spaces = 0;
  let symbols = 0;
  for (let at = start; at < end; at++) {
    const character = text[at] ?? '';
    if (character === ' ') spaces++;
    else if ('(){}[];=<>_+*/\\|&$#:'.includes(character)) symbols++;
  }
  return spaces >= 3 && symbols * 40 < end - start;
}

/** Comments of C-like and Python-like code between two offsets, delimiters included. Strings are skipped, as far as one line goes. */
export function comments(text: string, start: number, end: number): { start: number; end: number }[] {
  const found: { start: number; end: number }[] = [];
  let at = start;
  while (at < end) {
    const character = text[at] ?? '';
    if (character === '"' || character === "'") {
      const triple = text.startsWith(character.repeat(3), at);
      const close = triple ? closing(text, character.repeat(3), at + 3, end) : stringEnd(text, at, end);
      // A triple-quoted string that stands alone is a docstring: prose.
      if (triple && isLineStart(text, at, start)) found.push({ start: at, end: close });
      at = close;
    } else if (character === '#' || (character === '/' && text[at + 1] === '/')) {
      const newline = text.indexOf('\n', at);
      const close = newline === -1 || newline > end ? end : newline;
      found.push({ start: at, end: close });
      at = close;
    } else if (character === '/' && text[at + 1] === '*') {
      const close = closing(text, '*/', at + 2, end);
      found.push({ start: at, end: close });
      at = close;
    } else at++;
  }
  return found;
}

function closing(text: string, mark: string, from: number, end: number): number {
  const close = text.indexOf(mark, from);
  return close === -1 || close + mark.length > end ? end : close + mark.length;
}

function stringEnd(text: string, open: number, end: number): number {
  const quote = text[open];
  for (let at = open + 1; at < end; at++) {
    const character = text[at];
    if (character === '\\') at++;
    else if (character === '\n') return at;
    else if (character === quote) return at + 1;
  }
  return end;
}

function isLineStart(text: string, at: number, start: number): boolean {
  for (let before = at - 1; before >= start; before--) {
    const character = text[before];
    if (character === '\n') return true;
    if (character !== ' ' && character !== '\t') return false;
  }
  return true;
}
