import { exactOf } from './math/numbers.ts';

/**
 * Whether a program printed what is expected, as LiveCodeBench compares: line by line without white space at the ends; a line that
 * differs may hold the same decimal numbers in other digits (`1.0` for `1`).
 */
export function samePrinted(printed: string, expected: string): boolean {
  const [a, b] = [linesOf(printed), linesOf(expected)];
  return a.length === b.length && a.every((line, i) => line === b[i] || sameNumbers(line, b[i] ?? ''));
}

const linesOf = (text: string): string[] =>
  text
    .trim()
    .split('\n')
    .map((line) => line.trim());

const DECIMAL = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,3})?$/;

function sameNumbers(a: string, b: string): boolean {
  const [x, y] = [a.split(/\s+/), b.split(/\s+/)];
  return x.length === y.length && x.every((word, i) => DECIMAL.test(word) && sameDecimal(word, y[i] ?? ''));
}

function sameDecimal(a: string, b: string): boolean {
  if (a === b) return true;
  const whole = (text: string): string => text.replace(/^([+-]?)\./, '$10.');
  const [p, q] = [exactOf(whole(a)), exactOf(whole(b))];
  return p !== null && q !== null && p.top * q.bottom === q.top * p.bottom;
}
