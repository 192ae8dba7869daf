import { describe, expect, it, vi } from 'vitest';
vi.hoisted(() => {
  // chalk looks once, when it is loaded: a terminal of 16 colours.
  process.env['FORCE_COLOR'] = '1';
});
import { SCREENS } from '../../ui/keys.ts';
import { cellsOf, plainText } from '../../ui/picture/cells.ts';
import { svgOf } from '../../ui/picture/svg.ts';
import { frameOf, snapshotSvg, snapshotText } from '../../ui/snapshot.ts';
import { widthOf } from '../../ui/text.ts';
import { alarm, FakeReader, record, sampleRun, startEvent } from './fakes.ts';

const options = {
  runName: 'sample',
  reader: sampleRun(30),
  screen: 'run' as const,
  columns: 120,
  rows: 40,
  theme: 'dark' as const,
  now: 1_009_000,
};

describe('cells of a frame', () => {
  it('reads colours, widths and nothing else', () => {
    const [row = []] = cellsOf('a\x1b[1;36mb\x1b[39m\x1b[22m\x1b[7m行\x1b[27m\x1b[91m!\x1b[0m\x1b]0;title\x07\x1b[2Jz');
    expect(row.map(({ text, column, width }) => [text, column, width])).toEqual([
      ['a', 0, 1],
      ['b', 1, 1],
      ['行', 2, 2],
      ['!', 4, 1],
      ['z', 5, 1],
    ]);
    expect(row[1]!.look).toMatchObject({ color: 6, bold: true, inverse: false });
    expect(row[2]!.look).toMatchObject({ color: null, bold: false, inverse: true });
    expect(row[3]!.look.color).toBe(9);
    expect(row[4]!.look.color).toBeNull();
  });
});

describe('a screen without a terminal', () => {
  it.each([
    [80, 24],
    [120, 40],
    [200, 60],
  ] as const)('draws every screen in %i x %i', (columns, rows) => {
    for (const screen of SCREENS) {
      const lines = snapshotText({ ...options, screen, columns, rows }).split('\n');
      expect(lines).toHaveLength(rows + 1);
      for (const line of lines) expect(widthOf(line)).toBeLessThanOrEqual(columns);
      expect(lines[0]).toMatch(/^ kelvin {2}● running {2}step 30\/60/);
    }
  });

  it('takes keys first', () => {
    expect(snapshotText({ ...options, screen: 'thoughts', keys: ['l', 'down', 'enter'] })).toContain('rollout r30-induction-p');
    expect(snapshotText({ ...options, keys: ['?'] })).toContain('Everywhere');
  });

  it('shows a pause with its evidence, or the screen behind it', () => {
    const reader = sampleRun(5);
    alarm(reader, 6);
    expect(snapshotText({ ...options, reader })).toContain('PAUSED by the monitor');
    expect(snapshotText({ ...options, reader, screen: 'safety' })).toContain('open findings');
  });
});

describe('the picture', () => {
  const svg = snapshotSvg(options);

  it('holds what the screen shows, in colours', () => {
    expect(svg).toMatch(/^<svg xmlns="http:\/\/www\.w3\.org\/2000\/svg" width="1220" height="820"/);
    expect(svg).toContain('solve accuracy');
    expect(svg).toContain('fill="#5ad4e6"');
    expect(svg.trimEnd().endsWith('</svg>')).toBe(true);
    // Charts and borders are strokes: no font needs to hold them.
    expect(svg).not.toMatch(/[\u2800-\u28ff─│╭╮╰╯┤]/);
    expect(snapshotSvg({ ...options, theme: 'light' })).toContain('fill="#ffffff"');
  });

  it('is small, well-formed and inert', () => {
    expect(svg.length).toBeLessThan(200_000);
    const open: string[] = [];
    for (const [, close, name, self] of svg.matchAll(/<(\/?)([a-z]+)[^>]*?(\/?)>/g)) {
      if (close) expect(open.pop()).toBe(name);
      else if (!self) open.push(name!);
    }
    expect(open).toEqual([]);
    expect(svg).not.toMatch(/<script|href|url\(|style=|on[a-z]+=/);
  });

  it('puts every letter on its column', () => {
    for (const [, x, length, text] of svg.matchAll(/<text x="(\d+)"[^>]* textLength="(\d+)"[^>]*>([^<]*)<\/text>/g)) {
      const letters = text!.replaceAll(/&[a-z]+;/g, '.');
      expect(Number(length)).toBe(10 * widthOf(letters));
      expect(Number(x) + Number(length)).toBeLessThanOrEqual(10 + 120 * 10);
    }
  });

  it('keeps hostile text inert', () => {
    const text = '<script>alert(1)</script>&"\' \x1b[31mRED\x1b[0m \u202e\ud800 ]]>';
    const reader = new FakeReader();
    reader.append(startEvent(), {
      type: 'rollouts',
      step: 1,
      rollouts: [record('r1', 1, 'solve', 'deduction', { thought: text, answer: text, program: text })],
    });
    const hostile = snapshotSvg({ ...options, reader, screen: 'thoughts', runName: text, keys: ['l', 'enter'] });
    expect(hostile).toContain('&lt;script&gt;');
    expect(hostile).not.toContain('<script');
    // eslint-disable-next-line no-control-regex
    expect(hostile).not.toMatch(/[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e]/);
    expect(hostile.isWellFormed()).toBe(true);
  });

  it('cuts a frame that is higher than it should be', () => {
    const tall = svgOf('a\nb\nc', { columns: 80, rows: 2 }, 'dark', 't');
    expect(tall).toContain('>b</text>');
    expect(tall).not.toContain('>c</text>');
  });
});

it('says the same without colours', () => {
  expect(plainText(frameOf(options))).toBe(snapshotText(options).trimEnd());
});
