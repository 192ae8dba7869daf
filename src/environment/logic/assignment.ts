import type { Problem } from '../definition.ts';
import { isVariable } from './formula.ts';

/** What is known of some variables. */
export type Assignment = ReadonlyMap<string, boolean>;

/** What an assignment makes of a formula: forced to be true, forced to be false, or neither. */
export type Value = 'true' | 'false' | 'open';

const TRUTH: Readonly<Record<string, Value>> = {
  true: 'true',
  t: 'true',
  '1': 'true',
  false: 'false',
  f: 'false',
  '0': 'false',
  open: 'open',
  '?': 'open',
};
const truth = (word: string): Value | undefined => (Object.hasOwn(TRUTH, word.toLowerCase()) ? TRUTH[word.toLowerCase()] : undefined);

const MOST_NAMES = 32;

/** `a=true b=false`; commas, `1` and `0`, `{…}` around it and other spacing are read as well. */
export function readAssignment(text: string): Assignment | Problem {
  const named = readNamed(text);
  if ('problem' in named) return named;
  const assignment = new Map<string, boolean>();
  for (const [name, value] of named.values) {
    if (value === 'open') return { problem: `"${name}" is neither true nor false; leave it out.` };
    assignment.set(name, value === 'true');
  }
  return assignment;
}

export const writeAssignment = (assignment: Assignment): string =>
  [...assignment]
    .sort(([one], [other]) => (one < other ? -1 : 1))
    .map(([name, value]) => `${name}=${value}`)
    .join(' ');

/** One value, or the values of named outputs in any order. */
export function readValue(text: string): string | Problem {
  const single = truth(text.trim());
  if (single !== undefined) return single;
  const named = readNamed(text);
  if ('problem' in named) return named;
  return named.values.size === 0 ? { problem: 'There is no value: true, false or open.' } : writeValues(named.values);
}

export const writeValues = (values: ReadonlyMap<string, Value>): string =>
  [...values]
    .sort(([one], [other]) => (one < other ? -1 : 1))
    .map(([name, value]) => `${name}=${value}`)
    .join(' ');

function readNamed(text: string): { readonly values: ReadonlyMap<string, Value> } | Problem {
  const inner = /^\s*\{([^{}]*)\}\s*$/.exec(text)?.[1] ?? text;
  const values = new Map<string, Value>();
  for (const part of inner.replaceAll(/\s*[=:]\s*/g, '=').split(/[\s,;]+/)) {
    if (part === '') continue;
    const [name = '', word = '', ...more] = part.split('=');
    const value = truth(word);
    if (value === undefined || more.length > 0 || !isVariable(name)) return { problem: `"${part.slice(0, 20)}" is not like a=true.` };
    if (values.has(name)) return { problem: `"${name}" has two values.` };
    values.set(name, value);
    if (values.size > MOST_NAMES) return { problem: `There are more than ${MOST_NAMES} names.` };
  }
  return { values };
}
