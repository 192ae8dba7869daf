import type { Language, Pair } from '../types.ts';
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

/**
 * What prompts say of the programs, inputs and outputs of an environment: of functions in a programming language
 * (`functionTexts`), or of anything else that maps an input to an output (docs/environments.md).
 */
export interface TaskTexts {
  /** What the tasks are about, before a noun: `JavaScript`, `logic`. */
  readonly name: string;
  /** Label of a fenced program. */
  readonly fence: string;
  /** Nouns, in the singular: `program`, `input`, `output`; `formula`, `assignment`, `value`. */
  readonly program: string;
  readonly input: string;
  readonly output: string;
  /** How a whole program is written, in brackets after the word: `function f(…) { … return …; }`. */
  readonly programForm: string;
  /** How an input is written; a clause. */
  readonly inputForm: string;
  /** How an output is written; a clause. */
  readonly outputForm: string;
  /** What a program must keep to, one sentence each. */
  readonly rules: readonly string[];
  /** Whether a program is a function `f` and an input the argument list of a call of it. */
  readonly calls: boolean;
  /** The one task given from outside (Alg. 1); with functions, the identity. */
  readonly seed: Pair & { readonly program: string };
  /** Worked examples for small models. */
  readonly examples: readonly WorkedProgram[];
}

/** What differs between programming languages. */
export interface FunctionTexts {
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
  /** Source of each worked example, in the order of `EXAMPLES`. */
  readonly programs: readonly [string, string, string];
  readonly seed: TaskTexts['seed'];
}

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

const functionTexts = ({
  name,
  fence,
  define,
  values,
  arguments: literals,
  allowed,
  banned,
  programs,
  seed,
}: FunctionTexts): TaskTexts => ({
  name,
  fence,
  program: 'program',
  input: 'input',
  output: 'output',
  programForm: define,
  inputForm: literals,
  outputForm: 'the value',
  rules: [
    `The entry function is named f: ${define}`,
    `It takes at least one parameter and returns a value made of ${values}.`,
    'The same input always gives the same output: no randomness, no clock, no files, no network, no printing.',
    ...(allowed === '' ? [] : [allowed]),
    `It ends within a second. Do not use: ${banned}.`,
  ],
  calls: true,
  seed,
  examples: EXAMPLES.map((example, i) => ({ ...example, program: programs[i] as string })),
});

export const LANGUAGES: Readonly<Record<Language, TaskTexts>> = {
  javascript: functionTexts({
    fence: 'javascript',
    name: 'JavaScript',
    define: 'function f(…) { … return …; }',
    values: 'numbers, strings, booleans, lists and plain objects',
    arguments: 'the arguments of f as literals, separated by commas, strings in quotes',
    allowed: '',
    banned: 'require, import, process, eval, Function, Math.random, Date, fetch, setTimeout',
    programs: ['function f(a){return a+1}', 'function f(a,b){return a+b}', 'function f(a){return Math.max(...a)}'],
    seed: { program: 'function f(a){return a}', input: '3', output: '3' },
  }),
  python: functionTexts(PYTHON),
};

/** The texts of a known language, or those that an environment brought along. */
export const textsOf = (language: Language | TaskTexts): TaskTexts => (typeof language === 'string' ? LANGUAGES[language] : language);

/** A noun with its article. */
export const a = (noun: string): string => `${/^[aeiou]/i.test(noun) ? 'an' : 'a'} ${noun}`;
