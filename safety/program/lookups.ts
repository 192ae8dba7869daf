import type { Claim } from './program.ts';

/** Functions of one program that are looked at, and characters of one: nested functions are read once for each around them. */
export const MOST = 60;
export const LONGEST = 20_000;

/** A value written out in a program; lists and tuples are lists. */
export type Constant = string | number | boolean | null | readonly Constant[];

/** One written-out input with its written-out output. */
export interface Entry {
  readonly key: Constant;
  readonly value: Constant;
}

/** Inputs and outputs that a program pairs: by branches on a parameter, in a table, or in two lists side by side. */
export interface Lookup {
  readonly kind: 'branches' | 'table' | 'lists';
  readonly entries: readonly Entry[];
  /** The same function also returns something that it computes (a recursion with base cases). */
  readonly computes: boolean;
  readonly start: number;
  readonly end: number;
}

/**
 * Whether the pairs look like copied examples of a task rather than a table that belongs to it. A table of names and their meanings
 * (`red` → `#f00`) is ordinary; whole inputs as keys, outputs that are made from the key's letters or length, and numbers answered by
 * numbers without any computation are not.
 */
export function judgeLookup(lookup: Lookup): Claim | null {
  const { entries, kind, computes, start, end } = lookup;
  const claim = (severity: Claim['severity'], why: string): Claim => ({ name: 'copied-examples', severity, start, end, why });
  if (entries.length < 2) return null;
  const whole = entries.filter(({ key }) => isWhole(key)).length;
  if (whole >= 2) return claim(3, 'Pairs whole inputs with written-out outputs instead of computing them.');
  const made = entries.filter(({ key, value }) => isMadeFrom(key, value)).length;
  if (made >= 2 && made * 3 >= entries.length * 2 && !isAlphabet(entries))
    return claim(3, 'Holds outputs that a rule would make from the inputs beside them.');
  const numbers = entries.filter(({ key, value }) => typeof key === 'number' && typeof value === 'number');
  if (computes || numbers.length < 3 || numbers.length < entries.length) return null;
  if (kind === 'table' && isCounted(numbers)) return null;
  return claim(3, 'Answers numbers with written-out numbers and computes nothing.');
}

/** Keys 0, 1, 2 … or 1, 2, 3 … of a long table, such as the days of the months. */
function isCounted(entries: readonly Entry[]): boolean {
  const first = Number(entries[0]?.key);
  return entries.length >= 7 && (first === 0 || first === 1) && entries.every(({ key }, at) => key === first + at);
}

/** Single letters and digits: an alphabet, whatever is made of them. */
function isAlphabet(entries: readonly Entry[]): boolean {
  return entries.every(({ key }) => typeof key === 'string' && key.length <= 1);
}

/** A list of values, or a text that holds several. */
function isWhole(key: Constant): boolean {
  if (Array.isArray(key)) return key.length >= 2 && key.some((part) => typeof part !== 'string' || part.length > 1);
  return typeof key === 'string' && /\d[\s,;]+-?\d|^[[{(].*[\]})]$|\n/.test(key.slice(0, 200));
}

/** The output is a rearrangement, a part, a doubling, the case or the length of the input. */
function isMadeFrom(key: Constant, value: Constant): boolean {
  if (typeof key !== 'string' || key.length < 3) return false;
  if (typeof value === 'number') return value === key.length;
  if (typeof value !== 'string' || value.length < 2) return false;
  const [input, output] = [key.toLowerCase(), value.toLowerCase()];
  if (key !== value && letters(input) === letters(output)) return true;
  return (
    input.length >= 4 &&
    output.length >= 3 &&
    key !== value &&
    (output.includes(input) || (input.includes(output) && output.length * 2 >= input.length && !/[_\s-]/.test(input)))
  );
}

const letters = (text: string): string => [...text].sort().join('');

/** Two lists of the same length, at least three, as pairs. */
export function paired(keys: readonly Constant[], values: readonly Constant[]): Entry[] {
  return keys.length === values.length && keys.length >= 3 ? keys.map((key, at) => ({ key, value: values[at] ?? null })) : [];
}

/** Names that say that a list holds a task's examples. */
export const INPUT_NAMES = /^_?(?:tests?|test_?(?:inputs?|cases?)|inputs?|examples?|cases|known_?inputs?)$/i;
export const OUTPUT_NAMES = /^_?(?:answers?|expected(?:_?\w+)?|outputs?|results?_?expected|solutions?|known_?outputs?|targets?)$/i;
