import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { canonicalArgumentList, canonicalLiteral, readArguments } from '../../src/environment/python/literal.ts';
import { CODE_MARK, decodeMarshal, encodeMarshal } from '../../src/environment/python/marshal.ts';
import { Unwritable, encodeValue, floatText } from '../../src/environment/python/value.ts';
import type { PyValue } from '../../src/environment/python/value.ts';
import { anyPythonValue } from './python-values.ts';
import { anyText } from './values.ts';

describe('canonical text', () => {
  test('of any value is a literal that reads back as the same text', () => {
    fc.assert(
      fc.property(anyPythonValue, (value) => {
        const text = encodeValue(value);
        expect(canonicalLiteral(text, Infinity)).toBe(text);
      }),
      { numRuns: 1_000 },
    );
  });

  test.each<readonly [string, string]>([
    ['None', 'None'],
    ['True', 'True'],
    ['-0', '0'],
    ['-0.0', '-0.0'],
    ['1_000', '1000'],
    ['0xFF', '255'],
    ['0b101', '5'],
    ['0o17', '15'],
    ['1e3', '1000.0'],
    ['1E+22', '1e+22'],
    ['.5', '0.5'],
    ['5.', '5.0'],
    ['1e999', 'inf'],
    ['float("-inf")', '-inf'],
    ['float("nan")', 'nan'],
    ['math.inf', 'inf'],
    ['-inf', '-inf'],
    ['1+2j', 'complex(1.0,2.0)'],
    ['complex(1, -2)', 'complex(1.0,-2.0)'],
    ['3j', 'complex(0.0,3.0)'],
    ['--1', '1'],
    ['+True', '1'],
    ['-True', '-1'],
    ["'it''s'", '"its"'],
    [`"a" 'b' """c"""`, '"abc"'],
    ["r'\\n'", '"\\\\n"'],
    ["'\\x41\\u0042\\U00000043\\104'", '"ABCD"'],
    ["'\\q'", '"\\\\q"'],
    ["'a\\\nb'", '"ab"'],
    ["'''a\nb'''", '"a\\nb"'],
    ["b'\\xff\\x00a'", 'b"\\xff\\x00a"'],
    ["rb'\\x'", 'b"\\\\x"'],
    ['u"é"', '"é"'],
    ['"a"*3+"b"', '"aaab"'],
    ['3*[0]', '[0,0,0]'],
    ['[1,]+[2]', '[1,2]'],
    ['(1)', '1'],
    ['(1,)', '(1,)'],
    ['()', '()'],
    ['[]', '[]'],
    ['{}', '{}'],
    ['set()', 'set()'],
    ['{2, 10, 1}', '{1,10,2}'],
    ['set([1, 1])', '{1}'],
    ['frozenset({1})', 'frozenset({1})'],
    ['frozenset()', 'frozenset()'],
    ['{1, True, 1.0}', '{1}'],
    ['{1: "a", True: "b"}', '{1:"b"}'],
    ["{'b': 1, 'a': [2, (3,)]}", '{"a":[2,(3,)],"b":1}'],
    ['dict(b=1, a=2)', '{"a":2,"b":1}'],
    ['[ # comment\n 1 ]', '[1]'],
  ])('%s is %s', (text, canonical) => {
    expect(canonicalLiteral(text)).toBe(canonical);
  });

  test.each([
    '',
    'x',
    '1, 2',
    '1,',
    '__import__("os")',
    '().__class__',
    '1) or (1',
    '1 if 1 else 2',
    'f"{1}"',
    't"a"',
    '[x for x in [1]]',
    'lambda: 1',
    '*[1]',
    '{**{}}',
    '{[]: 1}',
    '{[1]}',
    '{{}}',
    'set([[]])',
    '"a',
    "'a\nb'",
    '"\\N{DIGIT ONE}"',
    '"\\x4"',
    'b"é"',
    'b"a" "b"',
    'bytes(3)',
    'range(3)',
    'eval("1")',
    '1__0',
    '1_',
    '012',
    '1if',
    '10**10',
    '1<<3',
    '1+1',
    '"a"-"b"',
    '"a"*10000000000',
    '["a"*1000]*1000',
    '9'.repeat(300_000),
    '['.repeat(102) + ']'.repeat(102),
    '-'.repeat(5_000) + '1',
    '(('.repeat(50_000),
    'print(1)',
    'float("1")',
    'dict([1])',
    'math.pi',
    'None.x',
    '1;2',
    '\\',
    '`1`',
    'ｆ(1)',
  ])('%j is no literal', (text) => {
    expect(canonicalLiteral(text)).toBeNull();
  });

  test('of an argument list', () => {
    expect(canonicalArgumentList(' 1, [2, 3] , "x" ')).toBe('1,[2,3],"x"');
    expect(canonicalArgumentList('1,')).toBe('1');
    expect(canonicalArgumentList('')).toBe('');
    expect(canonicalArgumentList('# nothing')).toBe('');
    expect(canonicalArgumentList('1,,2')).toBeNull();
    expect(canonicalArgumentList(',')).toBeNull();
  });

  test('no text makes the reader fail', () => {
    const piece = fc.oneof(
      anyText,
      fc.constantFrom(
        '[',
        ']',
        '(',
        ')',
        '{',
        '}',
        ',',
        ':',
        '"',
        "'",
        '"""',
        '\\',
        '-',
        '+',
        '*',
        '1',
        '1e',
        '0x',
        'j',
        'b',
        'r"',
        'set(',
        '#',
        '\n',
        '=',
      ),
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
        const text = pieces.join('');
        const canonical = canonicalLiteral(text);
        if (canonical !== null) expect(canonicalLiteral(canonical)).toBe(canonical);
      }),
      { numRuns: 2_000 },
    );
  });
});

describe('floats', () => {
  test.each<readonly [number, string]>([
    [0, '0.0'],
    [-0, '-0.0'],
    [1, '1.0'],
    [0.1, '0.1'],
    [1e-4, '0.0001'],
    [1.5e-5, '1.5e-05'],
    [1e16, '1e+16'],
    [123456789012345680, '1.2345678901234568e+17'],
    [9007199254740992, '9007199254740992.0'],
    [1e100, '1e+100'],
    [5e-324, '5e-324'],
    [100, '100.0'],
  ])('%d is written as Python writes it', (value, text) => {
    expect(floatText(value)).toBe(text);
  });
});

describe('marshal records', () => {
  test('of any value give the value back', () => {
    fc.assert(
      fc.property(anyPythonValue, (value) => {
        expect(encodeValue(decodeMarshal(encodeMarshal(value)))).toBe(encodeValue(value));
      }),
      { numRuns: 1_000 },
    );
  });

  test('never begin like the mark of code', () => {
    const record = Buffer.from(encodeMarshal({ kind: 'tuple', items: [] })).toString('latin1');
    expect(record.startsWith(CODE_MARK)).toBe(false);
  });

  test('of code objects, cycles and endless sharing are refused', () => {
    expect(() => decodeMarshal(Buffer.from('c', 'latin1'))).toThrow(Unwritable);
    // A list that holds itself: a referable list of one item, which is a reference to record 0.
    expect(() => decodeMarshal(Uint8Array.of(0xdb, 1, 0, 0, 0, 0x72, 0, 0, 0, 0))).toThrow(/contains itself/);
    // Each of 40 lists holds the one before twice.
    let record: number[] = [0xdb, 0, 0, 0, 0];
    for (let level = 0; level < 40; level++) record = [0xdb, 2, 0, 0, 0, ...record, 0x72, ...reference(level + 1)];
    expect(() => decodeMarshal(Uint8Array.from(record))).toThrow(/parts|itself|levels/);
  });

  const reference = (index: number): number[] => [index & 0xff, 0, 0, 0];
});

test('an argument list longer than its limit is refused before it is read', () => {
  expect(readArguments('"aaaa"', 5)).toBeNull();
  const value: PyValue = { kind: 'str', value: 'a'.repeat(10) };
  expect(() => encodeValue(value, 5)).toThrow(/longer than 5 characters/);
  expect(() => encodeValue({ kind: 'int', value: 1n << 100_000n }, 1_000)).toThrow(Unwritable);
});
