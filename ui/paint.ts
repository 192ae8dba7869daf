import { inspect } from 'node:util';
import { isNarrow } from './text.ts';
import type { Line, Span } from './text.ts';
import type { Style, Theme } from './theme.ts';

/**
 * Draws lines on the terminal and, after that, only what changed in them. Ink lays out and compares every cell of the window for each
 * frame, which takes a tenth of a core at ten frames a second; the lines of the screens have their places already.
 */

const BEGIN = '\x1b[?2026h';
const END = '\x1b[?2026l';
const CLEAR = '\x1b[m\x1b[H\x1b[J';
const ERASE_RIGHT = '\x1b[K';
const PLAIN = '\x1b[m';

const COLOURS = new Map(Object.entries({ ...inspect.colors } as Record<string, readonly [number, number]>));
const ATTRIBUTES = { bold: 1, dimColor: 2, underline: 4 } as const;
const INVERSE = 7;

function codesOf(style: Style): string {
  const colour = style.color === undefined ? undefined : COLOURS.get(style.color)?.[0];
  const names = ['bold', 'dimColor', 'underline'] as const;
  return [...names.filter((name) => style[name]).map((name) => ATTRIBUTES[name]), ...(colour === undefined ? [] : [colour])].join(';');
}

const known = new WeakMap<Theme, Map<string, string>>();

/** Parameters of the SGR sequence that a span asks for; empty: plain. */
function sgrOf({ tone = 'plain', bold = false, inverse = false }: Span, theme: Theme): string {
  if (!theme.attributes) return '';
  let codes = known.get(theme);
  if (!codes) known.set(theme, (codes = new Map()));
  const key = `${tone}/${bold}/${inverse}`;
  let code = codes.get(key);
  if (code === undefined) {
    const own = codesOf(bold ? { ...theme.styles[tone], bold } : theme.styles[tone]);
    codes.set(key, (code = [own, inverse ? String(INVERSE) : ''].filter(Boolean).join(';')));
  }
  return code;
}

/** Spans as text with SGR sequences; it begins and ends plain. */
export function styled(line: Line, theme: Theme): string {
  let out = '';
  let now = '';
  for (const span of line) {
    const code = sgrOf(span, theme);
    if (code !== now) out += code === '' ? PLAIN : now === '' ? `\x1b[${code}m` : `\x1b[0;${code}m`;
    now = code;
    out += span.text;
  }
  return now === '' ? out : out + PLAIN;
}

const alike = (a: Span, b: Span): boolean =>
  a === b || (a.text === b.text && (a.tone ?? 'plain') === (b.tone ?? 'plain') && !a.inverse === !b.inverse && !a.bold === !b.bold);

const certain = (line: Line, from: number, till: number): boolean => {
  for (let at = from; at < till; at++) if (!isNarrow(line[at]!.text)) return false;
  return true;
};

/**
 * What turns a row of the screen into another one of the same width, or nothing. Terminals do not agree on the width of some characters:
 * from the first of those that is in the way on, the row is written anew.
 */
export function rowChange(before: Line, after: Line, row: number, theme: Theme): string {
  if (before === after) return '';
  let first = 0;
  while (first < before.length && first < after.length && alike(before[first]!, after[first]!)) first++;
  if (first === before.length && first === after.length) return '';
  const doubtful = after.findIndex(({ text }) => !isNarrow(text));
  if (doubtful >= 0 && doubtful < first) first = doubtful;
  let till = after.length;
  let old = before.length;
  while (till > first && old > first && alike(before[old - 1]!, after[till - 1]!)) {
    till--;
    old--;
  }
  const sure = certain(before, first, old) && certain(after, first, till);
  const changed = after.slice(first, sure ? till : after.length);
  let column = 1;
  for (let at = 0; at < first; at++) column += after[at]!.text.length;
  const [now, then] = [changed[0], before[first]];
  if (sure && now && then && alike({ ...now, text: '' }, { ...then, text: '' })) {
    let same = 0;
    while (same < now.text.length && now.text[same] === then.text[same]) same++;
    column += same;
    changed[0] = { ...now, text: now.text.slice(same) };
  }
  return `\x1b[${row};${column}H${sure ? '' : ERASE_RIGHT}${styled(changed, theme)}`;
}

/** Keeps a terminal showing the lines it was given last. */
export class Painter {
  readonly #write: (text: string) => void;
  #shown: readonly Line[] | null = null;
  #columns = 0;

  constructor(write: (text: string) => void) {
    this.#write = write;
  }

  /** Something else wrote to the terminal: the next frame is drawn whole. */
  invalidate(): void {
    this.#shown = null;
  }

  /** Lines from the upper edge on, each as wide as the terminal; one write, none when nothing changed. */
  paint(lines: readonly Line[], columns: number, theme: Theme): void {
    const before = this.#columns === columns && this.#shown?.length === lines.length ? this.#shown : null;
    const text = before
      ? lines.map((line, index) => rowChange(before[index]!, line, index + 1, theme)).join('')
      : CLEAR + lines.map((line, index) => `\x1b[${index + 1};1H${styled(line, theme)}`).join('');
    this.#shown = lines;
    this.#columns = columns;
    if (text !== '') this.#write(BEGIN + text + END);
  }
}
