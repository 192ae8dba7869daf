import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fill, fit, inline, lineWidth, mark, pad, sanitise, truncate, widthOf, wrap } from '../../ui/text.ts';

const hostile = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.string({ unit: fc.constantFrom('a', ' ', '\n', '\t', '\r', '\x1b', '[', '2', 'J', '\x07', '\x9b', '\u202e', '\u200b', '行', '👍', '🏽', '\u0301', '🇩', '\ud800', 'é', '\u{e0041}', '❤', '\ufe0f') }),
); // prettier-ignore

// Controls, format characters (bidi, zero width, tags), lone surrogates: none may reach a terminal.
const LIVE = /[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Zl}\p{Zp}]/u;

describe('sanitise', () => {
  it('lets no control, reordering or invisible character through, whatever the input', () => {
    fc.assert(fc.property(hostile, (text) => !LIVE.test(sanitise(text).replaceAll('\n', ''))));
    fc.assert(fc.property(hostile, (text) => /^[\x20-\x7e\n]*$/.test(sanitise(text, true))));
  });

  it('shows what it takes away', () => {
    expect(sanitise('\x1b[2J\x07\x7f')).toBe('␛[2J␇␡');
    expect(sanitise('\x1b[2J', true)).toBe('^[[2J');
    expect(sanitise('a\u202eb\u200bc')).toBe('a<U+202E>b<U+200B>c');
    expect(sanitise('\x9b31m')).toBe('<9B>31m');
    expect(sanitise('\u{e0041}')).toBe('<U+E0041>');
    expect(sanitise('\ud800')).toBe('\ufffd');
    expect(inline('a\nb')).toBe('a⏎b');
  });

  it('keeps ordinary text of any script, and emoji of a certain width', () => {
    for (const text of ['plain text', 'füße', '行动 ok', 'привет', 'שלום', '👍']) expect(sanitise(text)).toBe(text);
    expect(sanitise('❤\ufe0f')).toBe('❤');
    expect(widthOf('行动')).toBe(4);
  });

  it('stops combining marks from smearing over other lines', () => {
    expect([...sanitise(`e${'\u0301'.repeat(500)}`)].length).toBeLessThan(8);
  });

  it('takes a megabyte of escapes in its stride', () => {
    expect(sanitise('\x1b'.repeat(1_000_000)).length).toBe(1_000_000);
  });
});

describe('measuring', () => {
  it('never makes a line wider than asked', () => {
    fc.assert(
      fc.property(hostile, fc.integer({ min: 2, max: 40 }), (raw, width) => {
        const text = sanitise(raw);
        expect(wrap([{ text }], width).every((line) => lineWidth(line) <= width)).toBe(true);
        const one = inline(raw);
        expect(widthOf(truncate(one, width))).toBeLessThanOrEqual(width);
        expect(widthOf(pad(one, width))).toBe(width);
        expect(lineWidth(fit([{ text: one }, { text: one }], width))).toBeLessThanOrEqual(width);
        expect(lineWidth(fill([{ text: one }], width))).toBe(width);
      }),
    );
  });

  it('wraps without losing a word and keeps the shape of programs', () => {
    const joined = (lines: ReturnType<typeof wrap>): string[] => lines.map((line) => line.map((span) => span.text).join(''));
    expect(joined(wrap([{ text: 'one two three four' }], 9))).toEqual(['one two ', 'three ', 'four']);
    expect(joined(wrap([{ text: 'f {\n  return 1;\n}' }], 20))).toEqual(['f {', '  return 1;', '}']);
    expect(joined(wrap([{ text: 'abcdefghij' }], 4))).toEqual(['abcd', 'efgh', 'ij']);
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom('aa', 'bbb', 'cccccccc', '行动'), { maxLength: 20 }),
        fc.integer({ min: 4, max: 30 }),
        (words, width) => {
          const out = joined(wrap([{ text: words.join(' ') }], width))
            .join('')
            .replaceAll(' ', '');
          expect(out).toBe(words.join(''));
        },
      ),
    );
  });
});

describe('mark', () => {
  it('highlights exactly the span, by raw offsets, before anything is replaced', () => {
    const raw = 'a\x1b[31mbad words\x1b[0m b';
    const start = raw.indexOf('bad');
    const spans = mark(raw, [{ start, end: start + 'bad words'.length, tone: 'flag' }], false);
    expect(spans.filter((span) => span.inverse).map((span) => span.text)).toEqual(['bad words']);
    expect(spans.map((span) => span.text).join('')).toBe(sanitise(raw));
  });

  it('survives spans beyond the text', () => {
    expect(
      mark('abc', [{ start: -5, end: 99, tone: 'flag' }], false)
        .map((span) => span.text)
        .join(''),
    ).toBe('abc');
    expect(mark('', [{ start: 0, end: 3, tone: 'flag' }], false)).toEqual([]);
  });
});
