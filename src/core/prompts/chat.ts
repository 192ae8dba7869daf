import type { Language, Task, TaskType, TripletTask } from '../types.ts';
import { shownPairs } from './dialect.ts';
import type { Dialect, Proposal } from './dialect.ts';
import { LANGUAGES } from './languages.ts';

/**
 * The six prompts for instruction and base models. Plain wording: no "test", no "subject", no rivalry between models
 * (docs/algorithm.md says why). The model is asked to think inside <think> and to answer in fences inside <answer>.
 */
const FORMAT = 'Think inside <think> and </think>, then answer inside <answer> and </answer>.';

const fenced = (label: string, text: string): string => `\`\`\`${label}\n${text}\n\`\`\``;

export function chatDialect(language: Language): Dialect {
  const { fence, name, define, values, arguments: literals, allowed, banned } = LANGUAGES[language];
  const triplet = (task: TripletTask): string =>
    [fenced(fence, task.program), fenced('input', task.input), fenced('output', task.output)].join('\n');
  const rules = [
    `The entry function is named f: ${define}`,
    `It takes at least one parameter and returns a value made of ${values}.`,
    'The same input always gives the same output: no randomness, no clock, no files, no network, no printing.',
    ...(allowed === '' ? [] : [allowed]),
    `It ends within a second. Do not use: ${banned}.`,
  ];
  const numbered = (lines: readonly string[]): string => lines.map((line, i) => `${i + 1}. ${line}`).join('\n');

  return {
    name: 'chat',
    opening: '<think>',
    stop: ['</answer>'],
    proposePrompt(type, references) {
      const hidden =
        type === 'deduction'
          ? 'A solver will see the program and the input, and must work out the output.'
          : 'A solver will see the program and the output, and must find an input that yields it.';
      return [
        `Invent one ${name} task: a program and an input for it. ${hidden}`,
        `Rules for the program:\n${numbered(rules)}`,
        `Rules for the input: ${literals}.`,
        'A good task takes several steps of reasoning, can be solved by careful work, and differs from the examples below in what it computes.',
        `Write the program between \`\`\`${fence} and \`\`\`, the input between \`\`\`input and \`\`\`. Plan first. ${FORMAT}`,
        ...references.map((task, i) => `Example ${i + 1}:\n${triplet(task)}`),
      ].join('\n\n');
    },
    proposeInductionPrompt(program, inputs) {
      return [
        `Here is a ${name} program:\n${fenced(fence, program)}`,
        `Write ${inputs} different inputs for it, each between \`\`\`input and \`\`\`: ${literals}. Together they should show everything the program does.`,
        'Then write a message between ```message and ``` that helps a solver, who sees only inputs, outputs and your message, to find the program. The message describes the function in words and holds no code.',
        FORMAT,
      ].join('\n\n');
    },
    solvePrompt(task) {
      return [...solveParts(task), FORMAT].join('\n\n');
    },
    parseProposal,
    parseSolution(type, answer) {
      const label = type === 'induction' ? fence : type === 'deduction' ? 'output' : 'input';
      const blocks = fences(answer, label);
      const solution = blocks.length === 1 ? blocks[0] : blocks.length === 0 && !answer.includes('```') ? answer.trim() : undefined;
      return solution ? { solution } : { malformed: `The answer must hold one \`\`\`${label} block.` };
    },
  };

  function solveParts(task: Task): string[] {
    switch (task.type) {
      case 'deduction':
        return [
          `What does this program return for this input?\n${fenced(fence, task.program)}\n${fenced('input', task.input)}`,
          'Answer with the value between ```output and ```.',
        ];
      case 'abduction':
        return [
          `Find an input for which this program returns this output. Any input that works is right.\n${fenced(fence, task.program)}\n${fenced('output', task.output)}`,
          'Answer with the arguments of f, separated by commas, between ```input and ```.',
        ];
      case 'induction':
        return [
          `Find the ${name} program f behind these inputs and outputs.\n${shownPairs(task)
            .map((pair) => `${fenced('input', pair.input)}\n${fenced('output', pair.output)}`)
            .join('\n')}\n${fenced('message', task.message)}`,
          `Answer with the whole program (${define}) between \`\`\`${fence} and \`\`\`. It is checked on more inputs than these.`,
        ];
    }
  }

  function parseProposal(type: TaskType, answer: string, inputs: number): Proposal | { malformed: string } {
    if (type === 'induction') {
      const found = fences(answer, 'input');
      const [message, ...more] = fences(answer, 'message');
      if (!message || more.length > 0) return { malformed: 'A proposal holds one ```message block.' };
      if (found.length < 2 || found.length > inputs)
        return { malformed: `${inputs} \`\`\`input blocks were asked for, ${found.length} came.` };
      return { type, inputs: found, message };
    }
    const [program, ...morePrograms] = fences(answer, fence);
    const [input, ...moreInputs] = fences(answer, 'input');
    if (!program || morePrograms.length > 0) return { malformed: `A proposal holds one \`\`\`${fence} block.` };
    if (input === undefined || moreInputs.length > 0) return { malformed: 'A proposal holds one ```input block.' };
    return { type, program, input };
  }
}

/** Contents of all fences with this label, in order, trimmed. Linear in the text. */
export function fences(text: string, label: string): string[] {
  const found: string[] = [];
  const open = `\`\`\`${label}\n`;
  for (let from = text.indexOf(open); from !== -1;) {
    const start = from + open.length;
    const end = text.indexOf('```', start);
    if (end === -1) break;
    found.push(text.slice(start, end).trim());
    from = text.indexOf(open, end + 3);
  }
  return found;
}
