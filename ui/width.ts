import { createRequire } from 'node:module';
import type stringWidth from 'string-width';

type Measure = typeof stringWidth;

/** One column each: printable ASCII, and what charts, borders and signs of the app are made of (arrows, box drawing, blocks, dots, braille). */
const NARROW = /^[ -~\u00b7\u2010-\u2027\u2190-\u2193\u2212\u2500-\u259f\u25b2\u25b8\u25cf\u2713\u2717\u2800-\u28ff]*$/;
// eslint-disable-next-line no-control-regex
const STYLES = /\x1b\[[\d;]*m/g;

/** Whether every character takes one column, in every terminal and by any measure. */
export const isNarrow = (text: string): boolean => NARROW.test(text);

let measure: Measure | null = null;
/** Loaded when the first text needs it: it prepares expressions over all of Unicode. */
const load = (): Measure => (measure ??= (createRequire(import.meta.url)('string-width') as { default: Measure }).default);

/** Columns that a text takes. The bundle measures with this wherever a library asks string-width (bin/quick.mjs). */
export default function widthOf(text: string, options?: Parameters<Measure>[1]): number {
  const plain = text.includes('\x1b') && !options?.countAnsiEscapeCodes ? text.replace(STYLES, '') : text;
  return NARROW.test(plain) ? plain.length : load()(text, options);
}
