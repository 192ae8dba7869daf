import { asWord, MOST_CHARS, normalise } from './normalise.ts';
import { exactOf, numberOf } from './numbers.ts';

/** Decides whether two expressions are the same where text and numbers do not say; LaTeX in, and null for "cannot tell". */
export type Symbolic = (a: string, b: string) => boolean | null;

export interface CompareOptions {
  /** Absolute tolerance of numbers; null: exact, but a decimal fraction may be off by a relative 1e-4. */
  readonly tolerance: number | null;
  readonly symbolic: Symbolic;
}

const RELATIVE = 1e-4;
const DEPTH = 6;

/** Whether an answer means what is expected: text, number, interval, set, list, matrix, equation or expression. */
export function equivalent(answer: string, expected: string, options: CompareOptions): boolean {
  if (answer.length > MOST_CHARS || expected.length > MOST_CHARS) return answer.trim() === expected.trim();
  return same(normalise(answer), normalise(expected), options, 0);
}

function same(a: string, b: string, options: CompareOptions, depth: number): boolean {
  if (a === '' || b === '') return false;
  if (squeeze(a) === squeeze(b)) return true;
  if (depth > DEPTH) return false;
  const next = (x: string, y: string): boolean => same(x.trim(), y.trim(), options, depth + 1);

  const numbers = sameNumber(a, b, options.tolerance);
  if (numbers !== null) return numbers;
  if (isWord(a) && isWord(b)) {
    if (asWord(a) === asWord(b)) return true;
    // A few letters may be a product of variables.
    if (!/^[a-z]{2,3}$/i.test(b)) return false;
  }

  const signs = [plusMinus(a), plusMinus(b)] as const;
  if (signs[0] || signs[1]) return unordered(signs[0] ?? parts(a), signs[1] ?? parts(b), next);

  const [listA, listB] = [parts(a), parts(b)];
  if (listA.length > 1 || listB.length > 1) return unordered(listA, listB, next);

  const [unionA, unionB] = [a.split(/\\cup(?![a-zA-Z])/), b.split(/\\cup(?![a-zA-Z])/)];
  if (unionA.length > 1 || unionB.length > 1) return unordered(unionA, unionB, next);

  const [sideA, sideB] = [sides(a), sides(b)];
  if (sideA && sideB) return sameEquation(sideA, sideB, options, next);
  // `x = 5` for `5`, `f(x) = 2x` for `2x`, `x \in [0, 1]` for the interval.
  if (sideA && isName(sideA[0])) return next(sideA[1], b);
  if (sideB && isName(sideB[0])) return next(a, sideB[1]);

  const [groupA, groupB] = [group(a), group(b)];
  if (groupA && groupB) {
    if (groupA.kind !== groupB.kind) return false;
    const both = [parts(groupA.inside), parts(groupB.inside)] as const;
    if (groupA.kind === 'set') return unordered(both[0], both[1], next);
    if (both[0].length > 1 || both[1].length > 1)
      return both[0].length === both[1].length && both[0].every((part, i) => next(part, both[1][i] ?? ''));
    return next(groupA.inside, groupB.inside);
  }
  // `(5)` and `5`, `\{5\}` and `5`.
  if (groupA && groupA.kind !== '[]' && parts(groupA.inside).length === 1) return next(groupA.inside, b);
  if (groupB && groupB.kind !== '[]' && parts(groupB.inside).length === 1) return next(a, groupB.inside);
  if (groupA || groupB) return false;

  const [cellsA, cellsB] = [matrix(a), matrix(b)];
  if (cellsA || cellsB)
    return (
      cellsA !== null &&
      cellsB !== null &&
      cellsA.length === cellsB.length &&
      cellsA.every((row, i) => row.length === cellsB[i]?.length && row.every((cell, j) => next(cell, cellsB[i]?.[j] ?? '')))
    );
  return options.symbolic(a, b) ?? false;
}

/** Null when one of them is no number. Whole numbers and fractions are exact. */
function sameNumber(a: string, b: string, tolerance: number | null): boolean | null {
  const [x, y] = [numberOf(a), numberOf(b)];
  if (x === null || y === null) return null;
  if (tolerance !== null) return Math.abs(x - y) <= tolerance * (1 + 1e-9);
  const [p, q] = [exactOf(a), exactOf(b)];
  if (p !== null && q !== null && !isDecimal(a) && !isDecimal(b)) return p.top * q.bottom === q.top * p.bottom;
  // A whole number is not met by a decimal near it.
  if (Number.isInteger(y) && !isDecimal(b)) return Math.abs(x - y) <= 1e-9 * Math.abs(y);
  return Math.abs(x - y) <= RELATIVE * Math.abs(y);
}

const isDecimal = (text: string): boolean => /\.\d*[1-9]|\\times|\\cdot|e-?\d/i.test(text);
const squeeze = (text: string): string => text.replace(/\s+/g, '');
/** Words of an answer, or the letter of a choice. */
const isWord = (text: string): boolean =>
  (/^[A-Za-z]{2,}(?:[\s'-]+[A-Za-z]+)*$/.test(text) && !/^(?:pi|sqrt|sin|cos|tan|log|ln)\b/.test(text)) || /^\(?[A-Z]\)?$/.test(text);
const isName = (text: string): boolean => /^\s*(?:[A-Za-z]|\\[a-zA-Z]+|[A-Za-z]'?\([a-z](?:,\s*[a-z])*\))(?:_\{?\w+\}?)?\s*$/.test(text);

/** Comma- or semicolon-separated parts outside all brackets. */
export function parts(text: string): string[] {
  const found: string[] = [];
  let depth = 0;
  let from = 0;
  for (let i = 0; i < text.length; i++) {
    const char = text[i] ?? '';
    if ('([{'.includes(char)) depth++;
    else if (')]}'.includes(char)) depth--;
    else if ((char === ',' || char === ';') && depth === 0) {
      found.push(text.slice(from, i));
      from = i + 1;
    }
  }
  return [...found, text.slice(from)].map((part) => part.trim()).filter((part) => part !== '');
}

/** Each of one has its own equal among the others. */
function unordered(a: readonly string[], b: readonly string[], equal: (x: string, y: string) => boolean): boolean {
  if (a.length !== b.length || a.length > 64) return false;
  const left = [...b];
  return a.every((item) => {
    const at = left.findIndex((other) => equal(item, other));
    if (at < 0) return false;
    left.splice(at, 1);
    return true;
  });
}

function plusMinus(text: string): string[] | null {
  if (!/\\pm(?![a-zA-Z])/.test(text) || parts(text).length > 1) return null;
  return ['+', '-'].map((sign) => text.replace(/\\pm(?![a-zA-Z])/g, sign).replace(/^\s*\+\s*/, ''));
}

/** Both sides of an equation or of `∈`; null for anything else. */
function sides(text: string): readonly [string, string] | null {
  const found = text.split(/=|\\in(?![a-zA-Z])/);
  const [left, right] = found;
  return found.length === 2 && left !== undefined && right !== undefined && left.trim() !== '' && right.trim() !== ''
    ? [left, right]
    : null;
}

/** Equal sides, swapped sides, or the same difference of the sides. */
function sameEquation(
  a: readonly [string, string],
  b: readonly [string, string],
  { symbolic }: CompareOptions,
  next: (x: string, y: string) => boolean,
): boolean {
  if (next(a[0], b[0]) && next(a[1], b[1])) return true;
  if (next(a[0], b[1]) && next(a[1], b[0])) return true;
  const difference = ([left, right]: readonly [string, string]): string => `(${left})-(${right})`;
  return symbolic(difference(a), difference(b)) === true || symbolic(difference(a), `-(${difference(b)})`) === true;
}

interface Group {
  /** `set`, or the two brackets. */
  readonly kind: string;
  readonly inside: string;
}

/** One pair of brackets around the whole text; `[1, 2)` counts. */
function group(text: string): Group | null {
  // Models forget to escape the braces of a set.
  const set = /^\\\{([\s\S]*)\\\}$/.exec(text) ?? /^\{([^{}]*,[^{}]*)\}$/.exec(text);
  if (set) return { kind: 'set', inside: set[1] ?? '' };
  const [first = '', last = ''] = [text[0], text.at(-1)];
  if (!'(['.includes(first) || !')]'.includes(last) || text.length < 3) return null;
  let depth = 0;
  for (let i = 0; i < text.length - 1; i++) {
    if ('([{'.includes(text[i] ?? '')) depth++;
    else if (')]}'.includes(text[i] ?? '') && --depth === 0) return null;
  }
  return { kind: first + last, inside: text.slice(1, -1) };
}

function matrix(text: string): string[][] | null {
  const body = /^\\begin\{([pbvBV]?matrix|array)\}(?:\{[^{}]*\})?([\s\S]*)\\end\{\1\}$/.exec(text)?.[2];
  if (body === undefined) return null;
  return body
    .split(/\\\\/)
    .filter((row) => row.trim() !== '')
    .map((row) => row.split('&').map((cell) => cell.trim()));
}
