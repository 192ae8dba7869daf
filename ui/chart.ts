import { pad } from './text.ts';
import type { Line, Span } from './text.ts';
import type { Theme, Tone } from './theme.ts';

/**
 * Dense line charts. A braille cell holds 2 × 4 dots (a plain cell 1 × 2 in ASCII); when there are more values than
 * dot columns, a column spans the minimum and maximum of its values, so that a spike is never averaged away.
 */
export interface Series {
  readonly values: readonly number[];
  readonly tone: Tone;
  readonly label: string;
}

/** Dot rows [first, last] per dot column, or null where the series has no value. Row 0 is at the top. */
type Columns = readonly (readonly [number, number] | null)[];

const BRAILLE = [
  [0x01, 0x08],
  [0x02, 0x10],
  [0x04, 0x20],
  [0x40, 0x80],
] as const;

/** Least and greatest finite value of all series, or null when there is none. */
export function extent(series: readonly Series[]): readonly [number, number] | null {
  let low = Infinity;
  let high = -Infinity;
  for (const { values } of series) {
    for (const value of values) {
      if (!Number.isFinite(value)) continue;
      if (value < low) low = value;
      if (value > high) high = value;
    }
  }
  return low <= high ? [low, high] : null;
}

function columnsOf(values: readonly number[], width: number, height: number, low: number, high: number, domain: number): Columns {
  const span = high - low || 1;
  const row = (value: number): number => height - 1 - Math.round(Math.min(1, Math.max(0, (value - low) / span)) * (height - 1));
  const out: ([number, number] | null)[] = Array.from({ length: width }, () => null);
  const put = (x: number, y: number): void => {
    const at = out[x];
    if (at) out[x] = [Math.min(at[0], y), Math.max(at[1], y)];
    else if (x >= 0 && x < width) out[x] = [y, y];
  };
  const last = Math.max(1, domain - 1);
  let before: { x: number; y: number } | null = null;
  values.forEach((value, index) => {
    if (!Number.isFinite(value)) return;
    const x = Math.round((index * (width - 1)) / last);
    const y = row(value);
    put(x, y);
    if (before && x > before.x) {
      for (let at = before.x + 1; at <= x; at++) {
        const from = before.y + ((y - before.y) * (at - 1 - before.x)) / (x - before.x);
        const to = before.y + ((y - before.y) * (at - before.x)) / (x - before.x);
        put(at, Math.round(from));
        put(at, Math.round(to));
      }
    }
    before = { x, y };
  });
  return out;
}

export interface PlotOptions {
  readonly low?: number | undefined;
  readonly high?: number | undefined;
  /** Values that fill the whole width; a young run does not stretch over it. */
  readonly domain?: number | undefined;
}

/**
 * Draws the series over each other into `height` lines of `width` columns. A cell takes the tone of the series with most dots in it.
 */
export function plot(series: readonly Series[], width: number, height: number, theme: Theme, options: PlotOptions = {}): Line[] {
  const range = extent(series);
  if (!range || width < 1 || height < 1)
    return Array.from({ length: Math.max(0, height) }, () => [{ text: ' '.repeat(Math.max(0, width)) }]);
  const [dotsX, dotsY] = theme.ascii ? [1, 2] : [2, 4];
  const low = options.low ?? range[0];
  const high = options.high ?? range[1];
  const domain = Math.max(options.domain ?? 0, ...series.map((s) => s.values.length));
  const bits = series.map(() => new Uint8Array(width * height));
  series.forEach(({ values }, index) => {
    columnsOf(values, width * dotsX, height * dotsY, low, high, domain).forEach((column, x) => {
      if (!column) return;
      for (let y = column[0]; y <= column[1]; y++) {
        const cell = Math.floor(y / dotsY) * width + Math.floor(x / dotsX);
        bits[index]![cell]! |= theme.ascii ? 1 << (y % 2) : BRAILLE[y % 4]![x % 2]!;
      }
    });
  });
  return Array.from({ length: height }, (_, y) => cellsOf(series, bits, y, width, theme));
}

const popcount = (n: number): number => {
  let count = 0;
  for (let rest = n; rest; rest &= rest - 1) count++;
  return count;
};

function cellsOf(series: readonly Series[], bits: readonly Uint8Array[], y: number, width: number, theme: Theme): Line {
  const { ascii, styles } = theme;
  const spans: Span[] = [];
  for (let x = 0; x < width; x++) {
    let all = 0;
    let best = 0;
    let tone: Tone | undefined;
    bits.forEach((cells, index) => {
      const own = cells[y * width + x]!;
      all |= own;
      if (popcount(own) > best) {
        best = popcount(own);
        tone = series[index]!.tone;
      }
    });
    const char = all === 0 ? ' ' : ascii ? " '.:"[all]! : String.fromCharCode(0x2800 + all);
    const last = spans.at(-1);
    // Blanks belong to what stands before them, unless they would be underlined.
    if (last && (last.tone === tone || (all === 0 && !styles[last.tone ?? 'plain'].underline)))
      spans[spans.length - 1] = { ...last, text: last.text + char };
    else spans.push({ text: char, tone });
  }
  return spans;
}

/** A number in at most six columns: `0.41`, `128`, `12.3k`. */
export function short(value: number): string {
  if (!Number.isFinite(value)) return '-';
  const size = Math.abs(value);
  if (size >= 1e9) return value.toExponential(0).replace('e+', 'e');
  if (size >= 1e6) return `${(value / 1e6).toFixed(size >= 1e7 ? 0 : 1)}M`;
  if (size >= 1e4) return `${(value / 1e3).toFixed(size >= 1e5 ? 0 : 1)}k`;
  if (Number.isInteger(value)) return String(value);
  if (size >= 100) return value.toFixed(0);
  if (size >= 10) return value.toFixed(1);
  return size >= 0.01 ? value.toFixed(2) : value.toExponential(0);
}

/** The plot with an axis of `low` and `high` labels on its left. */
export function chart(
  series: readonly Series[],
  width: number,
  height: number,
  theme: Theme,
  options: PlotOptions & { readonly format?: (value: number) => string } = {},
): Line[] {
  const range = extent(series);
  const low = options.low ?? range?.[0] ?? 0;
  // A flat line sits in the middle of its axis, not on its floor.
  const flat = range !== null && options.low === undefined && range[0] === range[1];
  const [from, to] = flat ? [low - (Math.abs(low) || 1) / 2, low + (Math.abs(low) || 1) / 2] : [low, options.high ?? range?.[1] ?? 1];
  const format = options.format ?? short;
  const axis = Math.max(format(from).length, format(to).length, 3);
  const rows = plot(series, width - axis - 1, height, theme, { ...options, low: from, high: to });
  return rows.map((row, y) => {
    const label = y === 0 ? format(to) : y === rows.length - 1 ? format(from) : '';
    return [{ text: pad(label, axis, 'right') + (theme.ascii ? '|' : '┤'), tone: 'muted' as const }, ...row];
  });
}
