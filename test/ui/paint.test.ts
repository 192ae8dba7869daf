import xterm from '@xterm/headless';
import { describe, expect, it } from 'vitest';
import { above, beside, centred, panel, space } from '../../ui/blocks.ts';
import { Painter, rowChange, styled } from '../../ui/paint.ts';
import { fill, inline, lineWidth } from '../../ui/text.ts';
import type { Line, Span } from '../../ui/text.ts';
import { detectTheme } from '../../ui/theme.ts';
import type { Tone } from '../../ui/theme.ts';

const theme = detectTheme({ LANG: 'C.UTF-8', TERM: 'xterm' }, 'linux', { name: 'dark' });
const COLUMNS = 30;
const ROWS = 6;

let seed = 5;
const random = (n: number): number => (seed = (seed * 1_103_515_245 + 12_345) & 0x7fffffff) % n;
const TEXTS = [
  '',
  ' ',
  'step 12',
  'step 13',
  '─────',
  '⣿⣀⡇',
  '行动',
  'e\u0301e',
  '👍🏽',
  inline('\x1b[2Jx', false),
  'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa',
];
const TONES: readonly (Tone | undefined)[] = [undefined, 'plain', 'accent', 'bad', 'muted'];
const span = (): Span => ({ text: TEXTS[random(TEXTS.length)]!, tone: TONES[random(5)], inverse: random(4) === 0, bold: random(4) === 0 });
const randomLine = (): Line => fill(Array.from({ length: 1 + random(6) }, span), COLUMNS);
/** Most rows stay, some change in one place, as on a screen. */
const next = (lines: readonly Line[]): Line[] =>
  lines.map((line) => {
    if (random(2) === 0) return line;
    if (random(2) === 0) return randomLine();
    const at = random(line.length);
    return fill([...line.slice(0, at), span(), ...line.slice(at + 1)], COLUMNS);
  });

function terminal() {
  const term = new xterm.Terminal({ cols: COLUMNS, rows: ROWS, allowProposedApi: true });
  let sent = '';
  const painter = new Painter((text) => {
    sent += text;
    term.write(text);
  });
  return {
    painter,
    sent: () => sent,
    cells: async () => {
      await new Promise<void>((resolve) => term.write('', resolve));
      return Array.from({ length: ROWS }, (_, y) =>
        Array.from({ length: COLUMNS }, (_column, x) => {
          const cell = term.buffer.active.getLine(y)!.getCell(x)!;
          // An erased cell and a space look alike.
          return `${cell.getChars() || ' '}${cell.getFgColor()}${cell.isBold()}${cell.isInverse()}`;
        }),
      );
    },
  };
}

describe('painting', () => {
  it('shows after any changes what a whole new drawing shows', async () => {
    const changing = terminal();
    let lines: Line[] = Array.from({ length: ROWS }, randomLine);
    for (let i = 0; i < 150; i++) {
      changing.painter.paint(lines, COLUMNS, theme);
      const whole = terminal();
      whole.painter.paint(lines, COLUMNS, theme);
      expect(await changing.cells()).toEqual(await whole.cells());
      lines = next(lines);
    }
  });

  it('writes what changed, and nothing when nothing did', () => {
    const { painter, sent } = terminal();
    const row = (text: string): Line => fill([{ text: '│ ' }, { text, tone: 'accent' }, { text: ' │' }], COLUMNS);
    const lines = Array.from({ length: ROWS }, () => row('step 12'));
    painter.paint(lines, COLUMNS, theme);
    const before = sent().length;
    painter.paint(
      lines.map((line) => line.map((each) => ({ ...each }))),
      COLUMNS,
      theme,
    );
    expect(sent()).toHaveLength(before);
    painter.paint([...lines.slice(0, 3), row('step 13'), ...lines.slice(4)], COLUMNS, theme);
    expect(sent().slice(before)).toBe('\x1b[?2026h\x1b[4;9H\x1b[36m3\x1b[m\x1b[?2026l');
    painter.invalidate();
    painter.paint(lines, COLUMNS, theme);
    expect(sent()).toContain('\x1b[m\x1b[H\x1b[J\x1b[1;1H│ \x1b[36mstep 12\x1b[m');
  });

  it('never skips characters whose width is in doubt', () => {
    const before: Line = [{ text: 'a' }, { text: '行' }, { text: 'b' }, { text: 'same' }];
    const after: Line = [{ text: 'a' }, { text: '行' }, { text: 'c' }, { text: 'same' }];
    expect(rowChange(before, after, 2, theme)).toBe('\x1b[2;2H\x1b[K行csame');
    expect(rowChange(before, [...before], 2, theme)).toBe('');
  });

  it('sends no attribute to a terminal that knows none', () => {
    const dumb = detectTheme({ LANG: 'C.UTF-8', TERM: 'dumb' }, 'linux');
    expect(styled([{ text: 'x', tone: 'bad', inverse: true, bold: true }], dumb)).toBe('x');
    expect(styled([{ text: 'x', tone: 'bad', inverse: true }], theme)).toBe('\x1b[1;91;7mx\x1b[m');
  });
});

describe('blocks', () => {
  it('are rectangles, whatever stands in them', () => {
    for (let i = 0; i < 60; i++) {
      const [width, height] = [8 + random(40), 2 + random(9)];
      const lines = Array.from({ length: random(12) }, randomLine);
      const box = panel({ title: TEXTS[random(TEXTS.length)]!, note: TEXTS[random(TEXTS.length)]!, width, height, theme, lines });
      expect(box).toHaveLength(height);
      for (const line of box) expect(lineWidth(line)).toBe(width);
      const both = beside(box, space(5, height));
      for (const line of above(both, both)) expect(lineWidth(line)).toBe(width + 5);
      const middle = centred(box, width + 7, height + 3);
      expect(middle).toHaveLength(height + 3);
      for (const line of middle) expect(lineWidth(line)).toBe(width + 7);
    }
  });

  it('cut a title, drop a note that has no room, and show the rows that fit', () => {
    const box = panel({
      title: 'a long title',
      note: 'a note',
      width: 16,
      height: 4,
      theme,
      lines: [[{ text: '1' }], [{ text: '2' }], [{ text: '3' }]],
    });
    expect(box.map((line) => line.map(({ text }) => text).join(''))).toEqual([
      '╭─ a long ti… ─╮',
      '│ 1            │',
      '│ 2            │',
      '╰──────────────╯',
    ]);
  });
});
