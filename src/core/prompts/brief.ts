import type { Language, Role, Task, TaskType } from '../types.ts';
import { shownPairs } from './dialect.ts';
import type { Dialect, Proposal, Turn } from './dialect.ts';
import { a, textsOf } from './languages.ts';
import type { TaskTexts, WorkedProgram } from './languages.ts';

/**
 * The six prompts for models of a few hundred million parameters. They hold no rules, which such models do not follow, but
 * two worked examples as earlier turns; programs and calls stand as they are, without fences.
 */
export function briefDialect(language: Language | TaskTexts): Dialect {
  const texts = textsOf(language);
  const { examples: worked, calls } = texts;
  const { invent, inputsFor, deduce, abduce, pair, write, call, shape, listed } = calls ? functionWords(texts) : plainWords(texts);
  const argumentsOf = calls ? argumentsOfCall : (line: string): string | null => line.trim() || null;
  const reply = (thought: string, answer: string): string => `<think>${thought}</think><answer>${answer}</answer>`;
  const induce = (pairs: readonly (readonly [string, string])[], message: string): string =>
    `${pairs.map(([input, output]) => pair(input, output)).join('\n')}\n${message}\n${write}`;

  function example(role: Role, type: TaskType, it: WorkedProgram): Turn {
    const { idea, program, input, output } = it;
    const pairs = [[input, output] as const, ...it.more];
    if (role === 'propose' && type === 'induction')
      return {
        user: inputsFor(program, pairs.length),
        assistant: reply('Inputs that differ.', `${pairs.map(([each]) => call(each)).join('\n')}\nmessage: ${idea}`),
      };
    if (role === 'propose')
      return { user: invent(type as 'deduction' | 'abduction'), assistant: reply(idea, `${program}\n${call(input)}`) };
    if (type === 'deduction') return { user: deduce(program, input), assistant: reply(it.forwards, output) };
    if (type === 'abduction') return { user: abduce(program, output), assistant: reply(it.backwards, call(input)) };
    return { user: induce(pairs, idea), assistant: reply(idea, program) };
  }

  return {
    name: 'brief',
    opening: '<think>',
    stop: ['</answer>'],
    examples: (role, taskType) => worked.map((it) => example(role, taskType, it)),
    proposePrompt(type, references) {
      const known = references.map((task) => task.program).join('\n');
      return known === '' ? invent(type) : `${invent(type)} Known:\n${known}`;
    },
    proposeInductionPrompt: inputsFor,
    solvePrompt(task: Task) {
      switch (task.type) {
        case 'deduction':
          return deduce(task.program, task.input);
        case 'abduction':
          return abduce(task.program, task.output);
        case 'induction':
          return induce(
            shownPairs(task).map((pair) => [pair.input, pair.output]),
            task.message,
          );
      }
    },
    parseProposal(type, answer, inputs): Proposal | { malformed: string } {
      const lines = linesOf(answer);
      if (type !== 'induction') {
        const input = argumentsOf(lines.at(-1) ?? '');
        const program = lines.slice(0, -1).join('\n').trim();
        if (input === null || program === '') return { malformed: `A proposal is ${shape}.` };
        return { type, program, input };
      }
      const message = /^message:(.*)$/i.exec(lines.at(-1) ?? '')?.[1]?.trim();
      if (!message) return { malformed: 'The last line must be "message: …".' };
      const found = lines.slice(0, -1).map(argumentsOf);
      if (found.length < 2 || found.length > inputs) return { malformed: `${inputs} ${listed}s were asked for, ${found.length} came.` };
      return found.some((input) => input === null)
        ? { malformed: `Each line before the message is ${a(listed)}.` }
        : { type, inputs: found as string[], message };
    },
    parseSolution(type, answer) {
      const lines = linesOf(answer);
      const text = lines.join('\n');
      if (text === '') return { malformed: 'The answer is empty.' };
      if (type === 'induction') return { solution: text };
      if (lines.length > 1) return { malformed: 'An answer is one line.' };
      return { solution: type === 'abduction' ? (argumentsOf(text) ?? text) : text };
    },
    writeSolution: (type, solution) => (type === 'abduction' ? call(solution) : solution),
  };
}

/** Lines that hold something, without the fences that a model may have put around them. */
const linesOf = (answer: string): string[] =>
  answer
    .split('\n')
    .map((line) => line.trimEnd())
    .filter((line) => line !== '' && !line.startsWith('```'));

/** What stands between the brackets of a call of f, or null. */
const argumentsOfCall = (line: string): string | null => /^f\((.*)\);?$/.exec(line.trim())?.[1]?.trim() ?? null;

/** The sentences of the six prompts. */
interface Words {
  invent(type: 'deduction' | 'abduction'): string;
  inputsFor(program: string, inputs: number): string;
  deduce(program: string, input: string): string;
  abduce(program: string, output: string): string;
  pair(input: string, output: string): string;
  /** The question of an induction, after pairs and message. */
  readonly write: string;
  /** An input as it stands in prompts and answers. */
  call(input: string): string;
  /** What a proposal is made of. */
  readonly shape: string;
  /** What an induction proposal lists. */
  readonly listed: string;
}

function functionWords({ name }: TaskTexts): Words {
  const call = (input: string): string => `f(${input})`;
  return {
    invent: (type) => `Write a new ${name} function and ${type === 'deduction' ? 'call it' : 'a call that can be found from its result'}.`,
    inputsFor: (program, inputs) => `${program}\nCall f with ${inputs} different inputs, then describe it in words.`,
    deduce: (program, input) => `${program}\nWhat does ${call(input)} return?`,
    abduce: (program, output) => `${program}\nWhich call of f returns ${output}?`,
    pair: (input, output) => `${call(input)} is ${output}`,
    write: `Write the ${name} function f.`,
    call,
    shape: 'a function and, on the last line, a call f(…)',
    listed: 'call',
  };
}

/** Programs that are no functions; an input stands as it is, on one line. */
function plainWords({ name, program: noun, input: given, output: result }: TaskTexts): Words {
  return {
    invent: (type) =>
      `Write a new ${name} ${noun}, then ${a(given)}${type === 'deduction' ? '' : ` that can be found from the ${result}`} on the last line.`,
    inputsFor: (program, inputs) => `${program}\nWrite ${inputs} different lines, each ${a(given)}, then describe the ${noun} in words.`,
    deduce: (program, input) => `${program}\nWhat is the ${result} for ${input}?`,
    abduce: (program, output) => `${program}\nWhich ${given} gives ${output}?`,
    pair: (input, output) => `${input} gives ${output}`,
    write: `Write the ${name} ${noun}.`,
    call: (input) => input,
    shape: `${a(noun)} and, on the last line, ${a(given)}`,
    listed: given,
  };
}
