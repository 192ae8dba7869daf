import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { chart, plot, short } from '../../ui/chart.ts';
import { lineWidth } from '../../ui/text.ts';
import { detectTheme } from '../../ui/theme.ts';

const unicode = detectTheme({ LANG: 'C.UTF-8' }, 'linux');
const ascii = detectTheme({ TERM: 'linux' }, 'linux');
const series = (values: number[]) => [{ values, tone: 'accent' as const, label: 'x' }];
const rows = (lines: ReturnType<typeof plot>): string[] => lines.map((line) => line.map((span) => span.text).join(''));

describe('plot', () => {
  it('draws a rising line from the lower left to the upper right', () => {
    const out = rows(plot(series([0, 1, 2, 3]), 4, 2, unicode));
    expect(out[0]!.at(-1)).not.toBe(' ');
    expect(out[0]![0]).toBe(' ');
    expect(out[1]![0]).not.toBe(' ');
    expect(out[1]!.at(-1)).toBe(' ');
  });

  it('keeps a single spike among ten thousand values', () => {
    const values = Array.from({ length: 10_000 }, () => 0);
    values[5000] = 1;
    expect(rows(plot(series(values), 40, 5, unicode))[0]!.trim()).not.toBe('');
  });

  it('has exactly the asked size for any data, and only ASCII without braille', () => {
    const value = fc.oneof(fc.double(), fc.constantFrom(NaN, Infinity, -Infinity, 0, 1e300));
    fc.assert(
      fc.property(
        fc.array(value, { maxLength: 200 }),
        fc.integer({ min: 12, max: 60 }),
        fc.integer({ min: 1, max: 12 }),
        (values, w, h) => {
          for (const theme of [unicode, ascii]) {
            const out = chart(series(values), w, h, theme);
            expect(out).toHaveLength(h);
            expect(out.every((line) => lineWidth(line) <= w)).toBe(true);
            if (theme.ascii) expect(rows(out).join('')).toMatch(/^[\x20-\x7e]*$/);
          }
        },
      ),
    );
  });

  it('gives a cell the tone of the series that fills it most', () => {
    const [line] = plot([...series([1, 1]), { values: [0, 0], tone: 'good', label: 'y' }], 2, 1, unicode);
    expect(line!.length).toBeGreaterThan(0);
    const low = plot([{ values: [0, 0], tone: 'good', label: 'y' }], 2, 2, unicode, { low: 0, high: 1 });
    expect(low[1]![0]!.tone).toBe('good');
  });
});

it('names numbers in few columns', () => {
  expect([0, 0.4123, 12.34, 128, 812.4, 12_345, 3_100_000, NaN].map(short)).toEqual([
    '0',
    '0.41',
    '12.3',
    '128',
    '812',
    '12.3k',
    '3.1M',
    '-',
  ]);
  fc.assert(fc.property(fc.double({ noNaN: true }), (value) => short(value).length <= 8));
});

it('underlines dots, not the blanks behind them', () => {
  const mono = detectTheme({ LANG: 'C.UTF-8', TERM: 'xterm', NO_COLOR: '1' }, 'linux');
  const rows = plot([{ values: [1, 2], tone: 'abduction', label: 'a' }], 20, 3, mono, { domain: 12 });
  for (const span of rows.flat()) if (span.tone === 'abduction') expect(span.text.trim()).toBe(span.text);
  expect(rows.flat().some(({ tone }) => tone === 'abduction')).toBe(true);
});
