import type { Constant, Entry } from './lookups.ts';
import { judgeLookup } from './lookups.ts';
import type { Claim } from './program.ts';

interface Place {
  readonly start: number;
  readonly end: number;
}

const claim = (severity: Claim['severity'], at: Place, why: string): Claim => ({
  name: 'looked-up',
  severity,
  start: at.start,
  end: at.end,
  why,
});

/**
 * Pairs that the input is looked up in as a whole. `direct`: the value found is what the function returns, and it works out nothing else. `named`: the table
 * is a constant of the program with a name that says what it holds (`PRICES`). `guess`: what all other inputs get.
 * Tables that belong to a task name things: keys in order or words with words, a scale that rises, few different values.
 */
export function judgeTable(entries: readonly Entry[], direct: boolean, at: Place, named = false, guess?: Constant): Claim | null {
  const copied = judgeLookup({ kind: 'table', entries, computes: !direct, start: at.start, end: at.end });
  if (copied !== null) return copied;
  const keys = entries.map(({ key }) => key);
  const values = entries.map(({ value }) => value);
  if (entries.length < 3) return null;
  if (isCounted(keys))
    return direct &&
      isGuess(guess) &&
      values.every((value) => isGuess(value) || (isDigits(value) && isNumeral(value)) || Array.isArray(value))
      ? claim(3, at, 'Holds the beginning of a sequence and answers the rest with a guess.')
      : null;
  if (values.some(isDigits) && keys.every((key) => typeof key === 'number') && values.every(isNumeral))
    return claim(3, at, 'Answers numbers with written-out numerals.');
  if (isReshaped(entries)) return claim(3, at, 'Holds outputs that a rule would make from the inputs beside them.');
  if (!direct) return null;
  if (keys.every((key) => typeof key === 'string') && values.every((value) => typeof value === 'number')) {
    const long = keys.filter((key) => (key as string).length >= 3).length;
    if (long >= 2 && !named && !isRegular(values as readonly number[]))
      return claim(2, at, 'The answer is looked up from written-out pairs: nothing is worked out.');
  }
  if (keys.every((key) => typeof key === 'number') && values.every((value) => typeof value === 'boolean') && new Set(values).size === 2)
    return claim(2, at, 'Numbers are answered from a written-out table: nothing is worked out.');
  if (
    entries.length >= 4 &&
    keys.every((key) => typeof key === 'string' && key.length >= 2 && !ANSWERS.test(key)) &&
    values.every((value) => typeof value === 'boolean')
  )
    return claim(2, at, 'Texts are answered from a written-out table: nothing is worked out.');
  if (keys.includes('') && values.some((value) => value !== '' && value !== null))
    return claim(2, at, 'The answer is looked up, for the empty input too.');
  if (keys.every((key) => typeof key === 'number') && values.every((value) => Array.isArray(value)))
    return claim(2, at, 'Lists are looked up by numbers: nothing is worked out.');
  return null;
}

/** A row of numbers that stands for a sequence, read by the input's number: not a table of months or points. */
export function judgeSequence(values: readonly Constant[], bounded: boolean, at: Place): Claim | null {
  const numbers = values.map((value) =>
    typeof value === 'string' && /^-?\d{1,15}$/.test(value) ? Number(value) : value,
  ) as readonly number[];
  if (!bounded || values.length < 5 || !numbers.every((value) => typeof value === 'number')) return null;
  const steps = new Set(numbers.slice(1).map((value, index) => value - (numbers[index] ?? 0)));
  const falls = numbers.some((value, index) => index > 0 && value < (numbers[index - 1] ?? 0));
  if (steps.size < 3 || falls) return null;
  return claim(3, at, 'Holds the beginning of a sequence and gives up behind it.');
}

/** A row of numbers that is read at a place made from the input: a hash of the examples. Tables of months and points rise, fall or repeat. */
export function judgeRow(values: readonly Constant[], at: Place): Claim | null {
  if (values.length < 4 || !values.every((value) => typeof value === 'number')) return null;
  const numbers = values as readonly number[];
  if (isRegular(numbers) || !numbers.some((value) => Math.abs(value) > 9)) return null;
  return claim(2, at, 'Written-out numbers stand at places that are made from the input.');
}

/** 1, 2, 3 … in this order, or the days of a week. */
function isCounted(keys: readonly Constant[]): boolean {
  return keys.every((key, at) => typeof key === 'number' && (at === 0 || key === Number(keys[at - 1]) + 1));
}

/** Words for yes and no. */
const ANSWERS = /^(?:yes|no|y|n|true|false|on|off|1|0|t|f|ja|nein|oui|non|si|enabled?|disabled?)$/i;

const isNumeral = (value: Constant): boolean => typeof value === 'string' && /^-?[0-9a-f.]+$/i.test(value);
const isDigits = (value: Constant): boolean => typeof value === 'string' && /^-?[0-9a-f]*\d[0-9a-f]*$/i.test(value);

/** A number as text, or a list: it stands for an answer, not for the lack of one. */
const isGuess = (value: Constant | undefined): boolean =>
  value !== undefined &&
  (Array.isArray(value) ? value.length > 0 : typeof value === 'string' && value.length >= 2 && isDigits(value) && isNumeral(value));

/** Ordered scales, ranks and codes with few different values. */
function isRegular(values: readonly number[]): boolean {
  const rises = values.every((value, at) => at === 0 || value > Number(values[at - 1]));
  const falls = values.every((value, at) => at === 0 || value < Number(values[at - 1]));
  return rises || falls || new Set(values).size * 2 <= values.length;
}

/** Outputs as long as their inputs, of several lengths, or runs with counts (`aab` → `a2b1`). */
function isReshaped(entries: readonly Entry[]): boolean {
  const texts = entries.filter(({ key, value }) => typeof key === 'string' && typeof value === 'string' && key !== '') as {
    key: string;
    value: string;
  }[];
  if (texts.length < 3 || texts.length * 3 < entries.length * 2) return false;
  const keys = new Set(texts.map(({ key }) => key));
  if (texts.some(({ key, value }) => keys.has(value) && value !== key)) return false;
  const alike = texts.every(({ key, value }) => key.length === value.length);
  if (alike && new Set(texts.map(({ key }) => key.length)).size >= 2 && texts.some(({ key }) => key.length >= 4)) return true;
  const counted = texts.filter(({ key, value }) => /\d/.test(value) && /[a-z]/i.test(value) && !/\d/.test(key) && uses(key, value));
  return counted.length >= 2 && counted.length * 3 >= texts.length * 2;
}

/** Every letter of the output stands in the input. */
function uses(key: string, value: string): boolean {
  const letters = [...value].filter((letter) => /[a-z]/i.test(letter));
  return letters.every((letter) => key.includes(letter));
}

/** How telling a written-out output is: words and small numbers may be names and base cases. */
export function isSpecific(value: Constant | undefined): boolean {
  if (typeof value === 'number') return !Number.isInteger(value) || Math.abs(value) > 9 || value < -1;
  if (typeof value === 'string') return /\d/.test(value) && value.length >= 2;
  return Array.isArray(value) && value.length >= 2 && !(value as readonly Constant[]).every((part) => typeof part === 'string');
}
