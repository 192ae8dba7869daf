import type { Line } from './text.ts';
import { widthOf } from './text.ts';

/** The mouse, for those who ask for it (`KELVIN_MOUSE=1`): a terminal that reports it no longer marks text by itself. */
export const MOUSE_ON = '\x1b[?1000h\x1b[?1006h';
export const MOUSE_OFF = '\x1b[?1006l\x1b[?1000l';

export interface Mouse {
  readonly kind: 'up' | 'down' | 'press';
  /** Counted from 0. */
  readonly column: number;
  readonly row: number;
}

// eslint-disable-next-line no-control-regex
const REPORT = /\x1b\[<(\d{1,3});(\d{1,4});(\d{1,4})([Mm])/g;
const KINDS: Readonly<Record<string, Mouse['kind']>> = { 0: 'press', 64: 'up', 65: 'down' };

/** The reports in what a terminal sent (SGR coding), and the rest; releases and other buttons are taken out and mean nothing. */
export function mouseIn(text: string): { readonly found: readonly Mouse[]; readonly rest: string } {
  const found: Mouse[] = [];
  const rest = text.replace(REPORT, (_, button: string, column: string, row: string, end: string) => {
    const kind = KINDS[button];
    if (kind && end === 'M') found.push({ kind, column: Number(column) - 1, row: Number(row) - 1 });
    return '';
  });
  return { found, rest };
}

/** Takes reports of the mouse out of what is read from a terminal: Ink drops what it does not know. Returns what ends that. */
export function listenToMouse(stdin: NodeJS.ReadStream, onMouse: (mouse: Mouse) => void): () => void {
  const { read } = stdin;
  stdin.read = (size?: number): unknown => {
    const chunk: unknown = read.call(stdin, size);
    if (typeof chunk !== 'string') return chunk;
    const { found, rest } = mouseIn(chunk);
    found.forEach(onMouse);
    return rest;
  };
  return () => void (stdin.read = read);
}

/** Index of the span under a column; −1 beyond the line. */
export function spanAt(line: Line, column: number): number {
  let end = 0;
  return line.findIndex((span) => (end += widthOf(span.text)) > column);
}
