import stringWidth from 'string-width';
import type { Tone } from './theme.ts';

/**
 * Text for the screen. Everything a model wrote passes `sanitise` before it is drawn: nothing in it can move the
 * cursor, change a colour, reorder a line or hide. What comes out measures the same code point by code point
 * as it does in the terminal, so that a line never grows past its pane.
 */
export interface Span {
  readonly text: string;
  readonly tone?: Tone | undefined;
  readonly inverse?: boolean | undefined;
}
export type Line = readonly Span[];

const PLAIN = /^[\x20-\x7e\n]*$/;
// Format, private, unassigned, surrogate, separators, enclosing marks, variation selectors and Hangul fillers draw nothing or draw differently in every terminal.
const HIDDEN =
  /[\p{Cf}\p{Co}\p{Cn}\p{Zl}\p{Zp}\p{Me}]|[\u{FE00}-\u{FE0F}]|[\u{E0100}-\u{E01EF}]|\u034F|\u115F|\u1160|\u17B4|\u17B5|[\u180B-\u180F]|\u3164|\uFFA0/u;
const MARK = /\p{M}/u;
/** Combining marks kept on one character; more than any living script needs would smear over the neighbouring lines. */
const MAX_MARKS = 3;

const escapeOf = (point: number): string => `<U+${point.toString(16).toUpperCase().padStart(4, '0')}>`;

function control(point: number, ascii: boolean): string {
  if (point === 0x09) return '  ';
  if (point > 0x7f) return `<${point.toString(16).toUpperCase()}>`;
  if (ascii) return point === 0x7f ? '^?' : `^${String.fromCharCode(point + 64)}`;
  return String.fromCodePoint(point === 0x7f ? 0x2421 : 0x2400 + point);
}

function pictograph(point: number): string | null {
  if (point >= 0x1f1e6 && point <= 0x1f1ff) return `[${String.fromCharCode(point - 0x1f1e6 + 65)}]`;
  return point >= 0x1f3fb && point <= 0x1f3ff ? '▪' : null;
}

/**
 * Makes hostile text inert and its width certain. Line feeds survive; a tab becomes two spaces; controls become
 * their pictures (`␛`, or `^[` in ASCII); invisible and reordering characters become `<U+202E>`.
 */
export function sanitise(text: string, ascii = false): string {
  if (PLAIN.test(text)) return text;
  let out = '';
  let marks = 0;
  let previous = '';
  for (const char of text) {
    const point = char.codePointAt(0)!;
    const isMark = point > 0x2ff && MARK.test(char);
    marks = isMark ? marks + 1 : 0;
    const before = previous;
    previous = char;
    if (point === 0x0a || (point >= 0x20 && point < 0x7f)) out += char;
    else if (point < 0xa0) out += control(point, ascii);
    else if (point >= 0xd800 && point <= 0xdfff) out += ascii ? '?' : '\uFFFD';
    // The presentation selector after an emoji only chooses its colours; its width differs between terminals.
    else if ((point === 0xfe0f || point === 0xfe0e) && /\p{Extended_Pictographic}/u.test(before)) continue;
    else if (HIDDEN.test(char)) out += escapeOf(point);
    else if (/\p{Zs}/u.test(char)) out += ' ';
    else if (marks > MAX_MARKS) out += marks === MAX_MARKS + 1 ? (ascii ? '?' : '…') : '';
    else if (isMark && (before === '' || before === '\n')) out += ascii ? '?' : `◌${char}`;
    else out += ascii ? '?' : (pictograph(point) ?? char);
  }
  return out;
}

/** One line of sanitised text: line feeds are shown, too. */
export const inline = (text: string, ascii = false): string => sanitise(text, ascii).replaceAll('\n', ascii ? ' ' : '⏎');

const widths = new Map<string, number>();

function charWidth(char: string): number {
  const point = char.charCodeAt(0);
  if (point >= 0x20 && point < 0x7f) return 1;
  let width = widths.get(char);
  if (width === undefined) {
    width = stringWidth(char);
    if (widths.size > 20_000) widths.clear();
    widths.set(char, width);
  }
  return width;
}

/** Columns that sanitised text takes. */
export function widthOf(text: string): number {
  if (PLAIN.test(text)) return text.length;
  let width = 0;
  for (const char of text) width += charWidth(char);
  return width;
}

export const lineWidth = (line: Line): number => line.reduce((sum, span) => sum + widthOf(span.text), 0);

/** The longest head of sanitised `text` that fits into `width` columns. */
function head(text: string, width: number): string {
  let used = 0;
  let end = 0;
  for (const char of text) {
    used += charWidth(char);
    if (used > width) return text.slice(0, end);
    end += char.length;
  }
  return text;
}

/** Cuts sanitised text to `width` columns, with an ellipsis when something is missing. */
export function truncate(text: string, width: number, ellipsis = '…'): string {
  if (width <= 0) return '';
  if (widthOf(text) <= width) return text;
  return head(text, width - widthOf(ellipsis)) + (width >= widthOf(ellipsis) ? ellipsis : '');
}

/** Exactly `width` columns: cut or filled with spaces. */
export function pad(text: string, width: number, align: 'left' | 'right' = 'left'): string {
  const cut = truncate(text, width, '');
  const fill = ' '.repeat(Math.max(0, width - widthOf(cut)));
  return align === 'left' ? cut + fill : fill + cut;
}

/** Cuts a line of spans to `width` columns. */
export function fit(line: Line, width: number): Line {
  const out: Span[] = [];
  let left = width;
  for (const span of line) {
    if (left <= 0) break;
    const text = head(span.text, left);
    left -= widthOf(text);
    out.push(text === span.text ? span : { ...span, text });
  }
  return out;
}

/** The line filled with spaces up to `width` columns (or cut to it), all of it with `inverse` when asked. */
export function fill(line: Line, width: number, inverse = false): Line {
  const cut = fit(line, width);
  const rest = width - lineWidth(cut);
  const out = rest > 0 ? [...cut, { text: ' '.repeat(rest) }] : cut;
  return inverse ? out.map((span) => ({ ...span, inverse: true })) : out;
}

/**
 * Wraps spans of sanitised text at word boundaries; a word longer than the line is broken. Indentation after a
 * line feed stays, so programs keep their shape.
 */
export function wrap(spans: Line, width: number): Line[] {
  const columns = Math.max(1, width);
  const lines: Span[][] = [[]];
  let used = 0;
  const push = (text: string, span: Span): void => {
    const line = lines.at(-1)!;
    const last = line.at(-1);
    if (last && last.tone === span.tone && last.inverse === span.inverse) line[line.length - 1] = { ...last, text: last.text + text };
    else line.push({ ...span, text });
    used += widthOf(text);
  };
  const next = (): void => {
    lines.push([]);
    used = 0;
  };
  for (const span of spans) {
    for (const [index, paragraph] of span.text.split('\n').entries()) {
      if (index > 0) next();
      for (const token of paragraph.match(/ +|[^ ]+/g) ?? []) {
        const size = widthOf(token);
        if (used + size <= columns) push(token, span);
        else if (token.startsWith(' ')) next();
        else {
          if (used > 0) next();
          let rest = token;
          while (widthOf(rest) > columns) {
            const part = head(rest, columns) || [...rest][0]!;
            push(part, span);
            rest = rest.slice(part.length);
            if (rest !== '') next();
          }
          if (rest !== '') push(rest, span);
        }
      }
    }
  }
  return lines;
}

/** Model text with marked spans [start, end) over the raw UTF-16 offsets, sanitised piece by piece. */
export function mark(
  text: string,
  marks: readonly { readonly start: number; readonly end: number; readonly tone: Tone }[],
  ascii: boolean,
  tone?: Tone,
): Span[] {
  const cuts = new Set([0, text.length]);
  for (const { start, end } of marks) for (const at of [start, end]) if (at > 0 && at < text.length) cuts.add(at);
  const order = [...cuts].sort((a, b) => a - b);
  const spans: Span[] = [];
  for (let i = 0; i + 1 < order.length; i++) {
    const from = order[i]!;
    const covering = marks.find((m) => m.start <= from && m.end > from);
    spans.push({ text: sanitise(text.slice(from, order[i + 1]), ascii), tone: covering?.tone ?? tone, inverse: covering !== undefined });
  }
  return spans;
}

/** Longest text a pane wraps; the rest is announced, never silently lost. */
export const SHOWN_CHARACTERS = 40_000;

export const clip = (text: string): string =>
  text.length <= SHOWN_CHARACTERS
    ? text
    : `${text.slice(0, SHOWN_CHARACTERS)}\n... ${text.length - SHOWN_CHARACTERS} more characters in the journal`;
