import type { Language } from '../types.ts';
import { PYTHON } from './python.ts';

/** A worked example for small models: a thought and a program with a call and its result. */
export interface WorkedProgram {
  readonly idea: string;
  readonly program: string;
  readonly input: string;
  readonly output: string;
  /** How the output follows from the input. */
  readonly forwards: string;
  /** How an input is found for the output. */
  readonly backwards: string;
  /** Further inputs with their outputs. */
  readonly more: readonly (readonly [string, string])[];
}

/** What prompts say differently in each language. */
export interface LanguageTexts {
  /** Label of a fenced program. */
  readonly fence: string;
  readonly name: string;
  /** How the entry function is declared. */
  readonly define: string;
  /** Kinds of values that count, for `returns a value made of …`. */
  readonly values: string;
  /** How the arguments of a call are written. */
  readonly arguments: string;
  /** What a program may use besides the language itself, as a sentence, or empty. */
  readonly allowed: string;
  readonly banned: string;
  /** Source of each worked example, in the order of `workedPrograms`. */
  readonly programs: readonly [string, string, string];
}

export const LANGUAGES: Readonly<Record<Language, LanguageTexts>> = {
  javascript: {
    fence: 'javascript',
    name: 'JavaScript',
    define: 'function f(…) { … return …; }',
    values: 'numbers, strings, booleans, lists and plain objects',
    arguments: 'the arguments of f as literals, separated by commas, strings in quotes',
    allowed: '',
    banned: 'require, import, process, eval, Function, Math.random, Date, fetch, setTimeout',
    programs: ['function f(a){return a+1}', 'function f(a,b){return a+b}', 'function f(a){return Math.max(...a)}'],
  },
  python: PYTHON,
};

/** What the examples are about, with literals that every language shares. */
const EXAMPLES: readonly Omit<WorkedProgram, 'program'>[] = [
  {
    idea: 'Add one.',
    input: '3',
    output: '4',
    forwards: '3+1 is 4.',
    backwards: '4-1 is 3.',
    more: [
      ['8', '9'],
      ['0', '1'],
    ],
  },
  {
    idea: 'Join two words.',
    input: '"cat","dog"',
    output: '"catdog"',
    forwards: 'cat and dog make catdog.',
    backwards: 'catdog is made of cat and dog.',
    more: [
      ['"a","b"', '"ab"'],
      ['"on","ly"', '"only"'],
    ],
  },
  {
    idea: 'The largest number.',
    input: '[4,9,2]',
    output: '9',
    forwards: '9 is larger than 4 and 2.',
    backwards: 'The largest of them must be 9.',
    more: [
      ['[7]', '7'],
      ['[1,3]', '3'],
    ],
  },
];

export const workedPrograms = ({ programs }: LanguageTexts): WorkedProgram[] =>
  EXAMPLES.map((example, i) => ({ ...example, program: programs[i] as string }));
