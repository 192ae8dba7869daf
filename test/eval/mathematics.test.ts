import { afterAll, describe, expect, it } from 'vitest';
import { boxed, mathOf } from '../../src/eval/benchmarks/answers.ts';
import { equivalent } from '../../src/eval/benchmarks/math/compare.ts';
import { MathJudge } from '../../src/eval/benchmarks/math/judge.ts';
import { numberOf } from '../../src/eval/benchmarks/math/numbers.ts';
import { createSymbolic } from '../../src/eval/benchmarks/math/symbolic.ts';

const symbolic = createSymbolic();
const equal = (answer: string, expected: string, tolerance: number | null = null): boolean =>
  equivalent(answer, expected, { tolerance, symbolic });

const SAME: readonly (readonly [string, string])[] = [
  // Numbers and fractions.
  ['1/2', '\\frac{1}{2}'],
  ['0.5', '\\dfrac12'],
  ['.5', '\\frac{1}{2}'],
  ['-\\frac{3}{4}', '\\frac{-3}{4}'],
  ['\\tfrac{6}{8}', '\\frac34'],
  ['12,345', '12345'],
  ['12{,}345', '12345'],
  ['12\\,345', '12345'],
  ['11,\\! 111,\\! 100', '11111100'],
  ['{1, 2}', '\\{2,1\\}'],
  ['$1,200.00', '1200'],
  ['42.', '42'],
  ['+7', '7'],
  ['3\\frac{1}{2}', '\\frac{7}{2}'],
  ['4.32 \\times 10^{5}', '432000'],
  ['4.32e5', '4.32\\cdot 10^5'],
  ['10^{-3}', '0.001'],
  ['3.14159', '3.1416'],
  ['100000000000000000001', '100000000000000000001'],
  // Wrappers, units, words.
  ['$\\boxed{5}$', '5'],
  ['\\text{(C)}', 'C'],
  ['(C)', '\\text{C}'],
  ['\\text{east}', 'East'],
  ['\\textbf{Evelyn}', '\\text{Evelyn}'],
  ['5\\text{ cm}', '5'],
  ['5 cm^2', '5'],
  ['\\$18', '18'],
  ['75\\%', '75'],
  ['90^\\circ', '90'],
  ['60 \\text{ miles per hour}', '60'],
  ['x = 5', '5'],
  ['f(x) = 2x+1', '2x + 1'],
  // Expressions.
  ['\\sqrt8', '2\\sqrt{2}'],
  ['\\frac{2\\sqrt3}{3}', '\\frac{2}{\\sqrt{3}}'],
  ['(x+1)^2', 'x^2+2x+1'],
  ['\\frac{\\pi}{3}', '\\pi/3'],
  ['2^{10}', '1024'],
  ['5!', '120'],
  ['\\binom{10}{3}', '120'],
  ['1+2i', '2i+1'],
  ['\\sin^2 x + \\cos^2 x', '1'],
  ['\\ln(e^2)', '2'],
  ['\\frac{a^2-b^2}{a-b}', 'a+b'],
  // Intervals, sets, tuples, lists, matrices, equations.
  ['[-2,2]', '\\left[-2, 2\\right]'],
  ['x \\in [-2, 2]', '[-2,2]'],
  ['(-\\infty, 0) \\cup (1, \\infty)', '(1,\\infty)\\cup(-\\infty,0)'],
  ['\\{3, 1\\}', '\\{1,3\\}'],
  ['3, -3', '-3,3'],
  ['3 \\text{ and } -3', '-3, 3'],
  ['\\pm 3', '3, -3'],
  ['1 \\pm \\sqrt{2}', '1-\\sqrt2, 1+\\sqrt2'],
  ['(0.5, 2)', '\\left(\\frac{1}{2}, 2\\right)'],
  ['\\begin{pmatrix} 1 & 2 \\\\ 3 & 0.5 \\end{pmatrix}', '\\begin{pmatrix}1&2\\\\3&\\frac12\\end{pmatrix}'],
  ['y = 2x + 3', '2x + 3 = y'],
  ['2x - y + 3 = 0', 'y = 2x + 3'],
  ['(5)', '5'],
];

const DIFFERENT: readonly (readonly [string, string])[] = [
  ['0.33', '\\frac{1}{3}'],
  ['10001', '10000'],
  ['100000000000000000001', '100000000000000000002'],
  ['4.9999999', '5'],
  ['(1,2)', '[1,2]'],
  ['(1,2)', '(2,1)'],
  ['(0,1]', '(0,1)'],
  ['\\{1,2\\}', '\\{1,2,2\\}'],
  ['1, 2', '1, 2, 3'],
  ['3', '3, -3'],
  ['-3', '3'],
  ['\\sqrt{2}', '\\sqrt{3}'],
  ['x^2', 'x^3'],
  ['x+1', 'x+2'],
  ['a+b', 'a-b'],
  ['east', 'west'],
  ['B', 'C'],
  ['', '5'],
  ['5', '50\\%'],
  ['12', '1,2'],
  ['\\begin{pmatrix}1\\\\2\\end{pmatrix}', '\\begin{pmatrix}2\\\\1\\end{pmatrix}'],
  ['y = 2x + 3', 'y = 2x - 3'],
  ['I do not know', '7'],
  ['\\frac{1}{0}', '1'],
  ['{{{{((((', '4'],
];

describe('mathematical answers', () => {
  it.each(SAME)('%s means %s', (answer, expected) => {
    expect(equal(answer, expected)).toBe(true);
    expect(equal(expected, answer)).toBe(true);
  });

  it.each(DIFFERENT)('%s does not mean %s', (answer, expected) => {
    expect(equal(answer, expected)).toBe(false);
  });

  it('take a published tolerance', () => {
    expect([equal('3.145', '3.14', 0.01), equal('3.16', '3.14', 0.01), equal('3.15', '3.14', 0.01)]).toEqual([true, false, true]);
  });

  it('are read as exact numbers', () => {
    expect([numberOf('1.5e3'), numberOf('2\\frac{1}{4}'), numberOf('1/0'), numberOf('x'), numberOf('9'.repeat(500))]).toEqual([
      1500,
      2.25,
      null,
      null,
      null,
    ]);
    expect(numberOf('0.000000001')).toBeCloseTo(1e-9, 20);
  });
});

describe('the final answer of a completion', () => {
  it('is what stands in the last box, the answer part or after "the answer is"', () => {
    expect(boxed('first \\boxed{1}, then \\boxed{\\frac{a}{b}}.')).toBe('\\frac{a}{b}');
    expect([boxed('\\boxed 5$'), boxed('\\fbox{x}'), boxed('\\boxed{never closed'), boxed('none')]).toEqual(['5', 'x', null, null]);
    expect(mathOf('<think>\\boxed{1}</think><answer>\\boxed{2}</answer>', 'stop')).toBe('2');
    expect(mathOf('thought 3</think>\n<answer>So 4\n5</answer>', 'stop')).toBe('5');
    expect(mathOf('I add them. The answer is $12$.', 'stop')).toBe('$12$');
    expect(mathOf('First 3, then 1,204 of them', 'stop')).toBe('1204');
    expect(mathOf('Final answer: 19 apples are left.', 'stop')).toBe('19');
    expect(mathOf('the answer is inside \\boxed{}. It is 3', 'stop')).not.toBe('');
    // Cut in the middle: the last number is no result.
    expect(mathOf('First 3, then 4', 'length')).toBeNull();
    expect(mathOf('', 'stop')).toBeNull();
  });
});

describe('the judge of mathematics', () => {
  const judge = new MathJudge(4_000);
  afterAll(() => judge[Symbol.asyncDispose]());

  it('ends a comparison that would never end, and answers the next one', async () => {
    const hostile = judge.compare({ answer: '9^{9^{9^{9}}}', expected: 'x^2', tolerance: null });
    const next = judge.compare({ answer: '\\sqrt{8}', expected: '2\\sqrt2', tolerance: null });
    expect(await hostile).not.toBe('equal');
    expect(await next).toBe('equal');
    expect(await judge.compare({ answer: `${'('.repeat(900)}1`, expected: '1', tolerance: null })).not.toBe('equal');
    expect(await judge.compare({ answer: '7', expected: '7', tolerance: null })).toBe('equal');
  }, 60_000);
});
