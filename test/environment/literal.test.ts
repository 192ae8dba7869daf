import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { canonicalArgumentList, canonicalLiteral } from '../../src/environment/javascript/literal.ts';
import { encodeValue, renderValue } from '../../src/environment/javascript/value.ts';
import { anyValue } from './values.ts';

describe('literals', () => {
  test.each([
    ['1', '1'],
    [' 1 ', '1'],
    ['-0', '-0'],
    ['0x10', '16'],
    ['1_000', '1000'],
    ['.5', '0.5'],
    ['1e400', 'Infinity'],
    ['-Infinity', '-Infinity'],
    ['NaN', 'NaN'],
    ['undefined', 'undefined'],
    ['void 0', 'undefined'],
    ['-10n', '-10n'],
    ["'it\\'s'", '"it\'s"'],
    ['`a\nb`', '"a\\nb"'],
    ['"a".repeat(3)', '"aaa"'],
    ['[1, [2, "x"], ]', '[1,[2,"x"]]'],
    ['[1,,2]', '[1,<hole>,2]'],
    ['[1,,]', '[1,<hole>]'],
    ['{b: 1, "a": 2, 3: 4}', '{"3":4,"a":2,"b":1}'],
    ['{a: 1, a: 2}', '{"a":2}'],
    ['(({a: (1)}))', '{"a":1}'],
    ['new Map([[1, "a"], [1, "b"], [-0, 2]])', 'Map{1=>"b",0=>2}'],
    ['new Set([NaN, NaN, 0, -0, {}, {}])', 'Set{NaN,0,{},{}}'],
    ['new Set()', 'Set{}'],
    ['new Date(0)', 'Date(0)'],
    ['new Uint8Array([1, 300])', 'Uint8Array[1,44]'],
    ['/* one */ 1 // two', '1'],
  ])('%s is %s', (text, canonical) => {
    expect(canonicalLiteral(text)).toBe(canonical);
  });

  test.each([
    '',
    '1 2',
    '1, 2',
    '1;',
    '1) or (1',
    '1) || (1',
    '(1',
    '1 + 1',
    'x',
    'f()',
    '[...[1]]',
    '{...{}}',
    '{get a() { return 1 }}',
    '{a() {}}',
    '{a}',
    '{__proto__: null}',
    '{"__proto__": f}',
    '{[f()]: 1}',
    '`${1}`',
    'String.raw`a`',
    '/a/',
    '() => 1',
    'function () {}',
    'class {}',
    'new Map(f())',
    'new Map([1])',
    'new Function("return 1")',
    'new Date()',
    'new Date("2020-01-01")',
    'new Uint8Array(1000000000)',
    '"a".repeat(1e9)',
    '"a"["repeat"](2)',
    'import("fs")',
    'globalThis',
    'await 1',
    'a = 1',
    'true ? 1 : 2',
    '!0',
    '<hole>',
    'Set{f()}',
    '{"a":<hole>}',
    '"unterminated',
    '[1',
  ])('%s is not a literal', (text) => {
    expect(canonicalLiteral(text)).toBeNull();
  });

  test('argument lists', () => {
    expect(canonicalArgumentList('')).toBe('');
    expect(canonicalArgumentList(' 1 , [2], "a, b" ')).toBe('1,[2],"a, b"');
    expect(canonicalArgumentList('(1, 2)')).toBeNull();
    expect(canonicalArgumentList('1,')).toBeNull();
    expect(canonicalArgumentList('1), f(2')).toBeNull();
    expect(canonicalArgumentList('...[1]')).toBeNull();
    expect(canonicalArgumentList('Map{1=>2},Set{}')).toBe('Map{1=>2},Set{}');
  });

  test('hostile sizes are refused, not endured', () => {
    expect(canonicalLiteral('['.repeat(100_000))).toBeNull();
    expect(canonicalLiteral('['.repeat(90) + ']'.repeat(90))).toBe('['.repeat(90) + ']'.repeat(90));
    expect(canonicalLiteral('['.repeat(150) + ']'.repeat(150))).toBeNull();
    expect(canonicalLiteral('-'.repeat(50_000) + '1')).toBeNull();
    expect(canonicalLiteral('1+'.repeat(50_000) + '1')).toBeNull();
    expect(canonicalLiteral(`"${'a'.repeat(300_000)}"`)).toBeNull();
    expect(canonicalLiteral('{"a":'.repeat(40_000))).toBeNull();
    expect(canonicalLiteral(`[${'1,'.repeat(99_990)}1]`)?.length).toBe(199_983);
    expect(canonicalLiteral(`/*${'*'.repeat(100_000)}`)).toBeNull();
  });

  test('a canonical text is its own canonical form', () => {
    fc.assert(
      fc.property(anyValue, (value) => {
        const text = encodeValue(value);
        expect(canonicalLiteral(text)).toBe(text);
      }),
      { numRuns: 300 },
    );
  });

  test('source written for the guest reads back as the same value', () => {
    fc.assert(
      fc.property(anyValue, (value) => {
        const source = renderValue(value).replaceAll('(0/0)', 'NaN').replaceAll('(1/0)', 'Infinity').replaceAll('(-1/0)', '-Infinity');
        expect(source).toMatch(/^[ -~]*$/);
        expect(canonicalLiteral(source)).toBe(encodeValue(value));
      }),
      { numRuns: 300 },
    );
  });

  test('whatever the text, the answer is a text or null', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 60 }), (text) => {
        const canonical = canonicalLiteral(text);
        expect(canonical === null || canonicalLiteral(canonical) === canonical).toBe(true);
      }),
      { numRuns: 500 },
    );
  });
});
