import stringWidth, { isNarrow } from './width.ts';
import { sanitise } from '../src/core/inert.ts';
import type { Tone } from './theme.ts';

export { inline, sanitise } from '../src/core/inert.ts';
export { isNarrow } from './width.ts';

/**
 * Text for the screen. Everything a model wrote passes `sanitise` before it is drawn: nothing in it can move the
 * cursor, change a colour, reorder a line or hide. What comes out measures the same code point by code point
 * as it does in the terminal, so that a line never grows past its pane.
 */
export interface Span {
  readonly text: string;
  readonly tone?: Tone | undefined;
  readonly inverse?: boolean | undefined;
  readonly bold?: boolean | undefined;
}
export type Line = readonly Span[];

const PLAIN = /^[\x20-\x7e\n]*$/;

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
  if (isNarrow(text) || PLAIN.test(text)) return text.length;
  let width = 0;
  for (const char of text) width += charWidth(char);
  return width;
}

export const lineWidth = (line: Line): number => line.reduce((sum, span) => sum + widthOf(span.text), 0);

/** The longest head of sanitised `text` that fits into `width` columns. */
function head(text: string, width: number): string {
  if (isNarrow(text)) return text.length <= width ? text : text.slice(0, Math.max(0, width));
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

/** A sentence where a list would stand. */
export const saying = (text: string, width: number): Line[] => wrap([{ text, tone: 'muted' }], width);

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
