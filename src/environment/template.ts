// An environment of your own, in one file: a stack machine. Copy it, change every part, check it with
// `kelvin environment my-env.ts`, train in it with "language": "./my-env.ts" (docs/environments.md).
// It imports types only (of the Kelvin folder; without them it runs just as well).
import type { EnvironmentDefinition, Problem } from './definition.ts';

// 1. What a program and an input are once they are read. Anything will do.
type Program = readonly (number | string)[];
type Stack = readonly number[];

const LARGEST = 1_000_000;

// A number as models write it: nothing else may pass, so `1e9`, ` 0x1` or `2;` do not.
const numberOf = (word: string): number | null => {
  const value = /^[+-]?\d{1,7}$/.test(word) ? Number(word) + 0 : NaN;
  return Math.abs(value) <= LARGEST ? value : null;
};
const wordsOf = (text: string): string[] => text.split(/[\s,]+/).filter((word) => word !== '');

// 2. What each word does to the stack. Programs are interpreted; never evaluate text as code.
const WORDS: Readonly<Record<string, (stack: number[]) => void>> = {
  add: (stack) => stack.push(stack.pop()! + stack.pop()!),
  sub: (stack) => stack.push(-stack.pop()! + stack.pop()!),
  mul: (stack) => stack.push(stack.pop()! * stack.pop()!),
  swap: (stack) => stack.push(stack.pop()!, stack.pop()!),
  dup: (stack) => stack.push(stack.at(-1)!),
  drop: (stack) => stack.pop(),
};
const NEEDS: Readonly<Record<string, number>> = { add: 2, sub: 2, mul: 2, swap: 2, dup: 1, drop: 1 };

// 3. Reading: the thing, or the reason why not as a sentence. Never throw.
function readProgram(text: string): Program | Problem {
  const program: (number | string)[] = [];
  for (const word of wordsOf(text)) {
    const value = numberOf(word);
    if (value === null && !Object.hasOwn(WORDS, word)) return { problem: `"${word.slice(0, 20)}" is neither a number nor a word.` };
    program.push(value ?? word);
  }
  return program.length >= 1 && program.length <= 50 ? program : { problem: 'A program has 1 to 50 words.' };
}

function readStack(text: string): Stack | Problem {
  const values = wordsOf(text).map(numberOf);
  if (values.length === 0) return { problem: 'A stack holds at least one number.' };
  return values.includes(null) ? { problem: 'A stack is whole numbers, the top last.' } : (values as number[]);
}

const environment: EnvironmentDefinition<Program, Stack> = {
  name: 'stack',
  // 4. What the model is told. Nouns in the singular; the rest completes a sentence.
  texts: {
    program: 'program',
    input: 'starting stack',
    output: 'final stack',
    programForm: 'such as dup add 1 sub',
    inputForm: 'whole numbers with the top last, such as 2 5',
    outputForm: 'the numbers with the top last, such as 2 28',
    rules: [
      'A program is numbers and the words add, sub, mul, swap, dup and drop, separated by spaces.',
      'A number is put on the stack; add, sub and mul take the two topmost and put back the result; sub takes the top from the one below.',
      'It never takes more than is there, and something is left at the end.',
    ],
    // Worked examples for small models: they are checked, so they must be true.
    examples: [
      {
        idea: 'Add three.',
        program: '3 add',
        input: '4',
        output: '7',
        forwards: '4 and 3 make 7.',
        backwards: '7 less 3 is 4.',
        more: [['10', '13'], ['-3', '0']], // prettier-ignore
      },
      {
        idea: 'The square.',
        program: 'dup mul',
        input: '5',
        output: '25',
        forwards: '5 times 5 is 25.',
        backwards: '25 is 5 times 5.',
        more: [['2', '4'], ['1 3', '1 9']], // prettier-ignore
      },
    ],
  },
  // 5. The first task, from which all others grow: the simplest that is worth asking.
  seed: { program: '1 add', input: '3' },
  // 6. Notations: write(read(text)) is the canonical form, on one line.
  program: { read: readProgram, write: (program) => program.join(' ') },
  input: { read: readStack, write: (stack) => stack.join(' ') },
  output(text) {
    const stack = readStack(text);
    return 'problem' in stack ? stack : stack.join(' ');
  },
  // 7. The run: the same question, the same answer. Call tick for each step: it ends what takes too long.
  run(program, input, tick) {
    const stack = [...input];
    for (const word of program) {
      tick();
      if (typeof word === 'string' && stack.length < (NEEDS[word] ?? 0))
        return { problem: `There is too little on the stack for ${word}.` };
      if (typeof word === 'string') WORDS[word]?.(stack);
      else stack.push(word);
      if (stack.some((value) => Math.abs(value) > LARGEST)) return { problem: `A number is beyond ${LARGEST}.` };
    }
    return stack.length === 0 ? { problem: 'Nothing is left on the stack.' } : stack.map((value) => value + 0).join(' ');
  },
  // 8. Why a proposal is not worth asking, or null.
  trivial: (_program, inputs, outputs) =>
    inputs.every((input, i) => input.join(' ') === outputs[i]) ? 'The program leaves the stack as it is.' : null,
  // 9. Answers that you worked out by hand: `kelvin environment` checks everything against them.
  samples: [
    {
      program: 'dup mul 3 add',
      pairs: [['2 5', '2 28'], ['5', '28'], ['-5', '28'], ['0', '3']], // prettier-ignore
      same: ['dup mul 1 2 add add', '3 swap dup mul add'],
      wrong: ['dup add 3 add', 'dup mul', 'mul 3 add', 'dup mul 3 plus'],
    },
    { program: 'sub', pairs: [['7 2', '5'], ['2 7', '-5']], same: ['-1 mul add'], wrong: ['swap sub', 'add', 'drop'] }, // prettier-ignore
  ],
};
export default environment;
