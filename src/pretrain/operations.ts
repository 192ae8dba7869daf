import type { Rng } from '../core/rng.ts';

/**
 * The operations that the generator's programs are made of. Constants and values are small on purpose: a model of
 * under a million parameters learns the steps of a computation, not a table of large sums.
 */
export type Value = number | string | readonly number[];
export type Kind = 'int' | 'text' | 'list';
export type Constant = number | string;

export interface Operation {
  /** Word for it in messages and plans. */
  readonly name: string;
  readonly from: Kind;
  readonly to: Kind;
  /** Allowed values of each constant. */
  readonly ranges: readonly (readonly Constant[])[];
  /** A second parameter of the program may stand in for the (only) constant. */
  readonly operand: boolean;
  /** Source text, given the name of the value and the source texts of the constants. */
  readonly source: (value: string, constants: readonly string[]) => string;
  readonly apply: (value: Value, constants: readonly Constant[]) => Value;
}

/** Letters of string values; none of them names a variable. */
export const LETTERS = ['k', 'i', 'p', 'o'] as const;

const range = (low: number, high: number): number[] => Array.from({ length: high - low + 1 }, (_, i) => low + i);
const letter: readonly Constant[] = LETTERS;

type Source = (v: string, k: readonly string[]) => string;

function define<V extends Value>(from: Kind, to: Kind) {
  return (
    name: string,
    ranges: readonly (readonly Constant[])[],
    source: Source,
    apply: (v: V, ...k: never[]) => Value,
    operand = false,
  ) => {
    const run = apply as unknown as (v: V, ...k: Constant[]) => Value;
    return { name, from, to, ranges, source, operand, apply: (v: Value, k: readonly Constant[]) => run(v as V, ...k) } satisfies Operation;
  };
}

const intToInt = define<number>('int', 'int');
const intToList = define<number>('int', 'list');
const intToText = define<number>('int', 'text');
const textToText = define<string>('text', 'text');
const textToInt = define<string>('text', 'int');
const listToList = define<readonly number[]>('list', 'list');
const listToInt = define<readonly number[]>('list', 'int');

export const OPERATIONS: readonly Operation[] = [
  intToInt(
    'plus',
    [range(1, 5)],
    (v, [k]) => `${v}+${k}`,
    (v, k: number) => v + k,
    true,
  ),
  intToInt(
    'minus',
    [range(1, 5)],
    (v, [k]) => `${v}-${k}`,
    (v, k: number) => v - k,
    true,
  ),
  intToInt(
    'double',
    [],
    (v) => `${v}*2`,
    (v) => v * 2,
  ),
  intToInt(
    'mod',
    [range(3, 5)],
    (v, [k]) => `${v}%${k}`,
    (v, k: number) => v % k,
  ),
  intToInt(
    'atleast',
    [range(3, 8)],
    (v, [k]) => `Math.max(${v},${k})`,
    (v, k: number) => Math.max(v, k),
    true,
  ),
  intToInt(
    'atmost',
    [range(3, 8)],
    (v, [k]) => `Math.min(${v},${k})`,
    (v, k: number) => Math.min(v, k),
    true,
  ),
  intToInt(
    'if',
    [range(4, 7), range(1, 3), range(1, 3)],
    (v, [a, b, c]) => `${v}>${a}?${v}-${b}:${v}+${c}`,
    (v, a: number, b: number, c: number) => (v > a ? v - b : v + c),
  ),
  intToList(
    'pair',
    [range(0, 9)],
    (v, [k]) => `[${v},${k}]`,
    (v, k: number) => [v, k],
    true,
  ),
  intToList(
    'cons',
    [range(0, 9)],
    (v, [k]) => `[${k},${v}]`,
    (v, k: number) => [k, v],
    true,
  ),
  intToText(
    'repeat',
    [letter],
    (v, [k]) => `"${k}".repeat(${v})`,
    (v, k: string) => (v < 0 ? Number.NaN : k.repeat(Math.min(v, 20))),
  ),
  textToText(
    'append',
    [letter],
    (v, [k]) => `${v}+"${k}"`,
    (v, k: string) => v + k,
  ),
  textToText(
    'prepend',
    [letter],
    (v, [k]) => `"${k}"+${v}`,
    (v, k: string) => k + v,
  ),
  textToText(
    'drop',
    [range(1, 2)],
    (v, [k]) => `${v}.slice(${k})`,
    (v, k: number) => v.slice(k),
    true,
  ),
  textToText(
    'take',
    [range(1, 3)],
    (v, [k]) => `${v}.slice(0,${k})`,
    (v, k: number) => v.slice(0, k),
    true,
  ),
  textToText(
    'reverse',
    [],
    (v) => `${v}.split("").reverse().join("")`,
    (v) => [...v].reverse().join(''),
  ),
  textToText(
    'twice',
    [],
    (v) => `${v}+${v}`,
    (v) => v + v,
  ),
  textToText(
    'upper',
    [],
    (v) => `${v}.toUpperCase()`,
    (v) => v.toUpperCase(),
  ),
  textToText(
    'swap',
    [letter, letter],
    (v, [a, b]) => `${v}.replaceAll("${a}","${b}")`,
    (v, a: string, b: string) => v.replaceAll(a, b),
  ),
  textToInt(
    'length',
    [],
    (v) => `${v}.length`,
    (v) => v.length,
  ),
  textToInt(
    'find',
    [letter],
    (v, [k]) => `${v}.indexOf("${k}")`,
    (v, k: string) => v.indexOf(k),
  ),
  listToList(
    'map',
    [range(1, 3)],
    (v, [k]) => `${v}.map(x=>x+${k})`,
    (v, k: number) => v.map((x) => x + k),
    true,
  ),
  listToList(
    'scale',
    [],
    (v) => `${v}.map(x=>x*2)`,
    (v) => v.map((x) => x * 2),
  ),
  listToList(
    'filter',
    [range(2, 6)],
    (v, [k]) => `${v}.filter(x=>x>${k})`,
    (v, k: number) => v.filter((x) => x > k),
    true,
  ),
  listToList(
    'less',
    [range(4, 8)],
    (v, [k]) => `${v}.filter(x=>x<${k})`,
    (v, k: number) => v.filter((x) => x < k),
    true,
  ),
  listToList(
    'drop',
    [range(1, 2)],
    (v, [k]) => `${v}.slice(${k})`,
    (v, k: number) => v.slice(k),
    true,
  ),
  listToList(
    'take',
    [range(1, 3)],
    (v, [k]) => `${v}.slice(0,${k})`,
    (v, k: number) => v.slice(0, k),
    true,
  ),
  listToList(
    'reverse',
    [],
    (v) => `${v}.slice().reverse()`,
    (v) => [...v].reverse(),
  ),
  listToList(
    'sort',
    [],
    (v) => `${v}.slice().sort((x,y)=>x-y)`,
    (v) => [...v].sort((x, y) => x - y),
  ),
  listToList(
    'append',
    [range(0, 9)],
    (v, [k]) => `${v}.concat([${k}])`,
    (v, k: number) => [...v, k],
    true,
  ),
  listToList(
    'prepend',
    [range(0, 9)],
    (v, [k]) => `[${k}].concat(${v})`,
    (v, k: number) => [k, ...v],
    true,
  ),
  listToInt(
    'length',
    [],
    (v) => `${v}.length`,
    (v) => v.length,
  ),
  listToInt(
    'sum',
    [],
    (v) => `${v}.reduce((x,y)=>x+y,0)`,
    (v) => v.reduce((x, y) => x + y, 0),
  ),
  listToInt(
    'max',
    [],
    (v) => `Math.max(...${v})`,
    (v) => Math.max(...v),
  ),
  listToInt(
    'min',
    [],
    (v) => `Math.min(...${v})`,
    (v) => Math.min(...v),
  ),
  listToInt(
    'first',
    [],
    (v) => `${v}[0]`,
    (v) => v[0] ?? Number.NaN,
  ),
  listToInt(
    'last',
    [],
    (v) => `${v}.at(-1)`,
    (v) => v.at(-1) ?? Number.NaN,
  ),
];

export const operationsFrom = (kind: Kind): readonly Operation[] => BY_KIND[kind];
const BY_KIND: Record<Kind, readonly Operation[]> = {
  int: OPERATIONS.filter((o) => o.from === 'int'),
  text: OPERATIONS.filter((o) => o.from === 'text'),
  list: OPERATIONS.filter((o) => o.from === 'list'),
};

/** Whether a value is small enough to appear in a program's run: other runs are thrown away by the generator. */
export function withinLimits(value: Value): boolean {
  if (typeof value === 'number') return Number.isInteger(value) && value >= -9 && value <= 40 && !Object.is(value, -0);
  if (typeof value === 'string') return value.length <= 8;
  return value.length <= 5 && value.every((x) => Number.isInteger(x) && x >= 0 && x <= 20);
}

/** Canonical text of a value, equal to the environment's. */
export const literal = (value: Value): string => JSON.stringify(value);

export const pick = <T>(items: readonly T[], random: Rng): T => items[random.int(items.length)] as T;

/** A fresh argument of a kind: ints 0 – 9, strings of 2 – 4 letters, lists of 2 – 4 ints 0 – 9. */
export function randomValue(kind: Kind, random: Rng): Value {
  if (kind === 'int') return random.int(10);
  const size = 2 + random.int(3);
  if (kind === 'text') return Array.from({ length: size }, () => pick(LETTERS, random)).join('');
  return Array.from({ length: size }, () => random.int(10));
}
