import type { Language, Task, TaskType, TripletTask } from '../types.ts';
import { shownPairs } from './dialect.ts';
import type { Dialect, Proposal } from './dialect.ts';
import { a, textsOf } from './languages.ts';
import type { TaskTexts } from './languages.ts';

/**
 * The six prompts for instruction and base models. Plain wording: no "test", no "subject", no rivalry between models
 * (docs/algorithm.md says why). The model is asked to think inside <think> and to answer in fences inside <answer>.
 */
const FORMAT = 'Think inside <think> and </think>, then answer inside <answer> and </answer>.';

const fenced = (label: string, text: string): string => `\`\`\`${label}\n${text}\n\`\`\``;

export function chatDialect(language: Language | TaskTexts): Dialect {
  const { fence, name, program: programNoun, input: inputNoun, output: outputNoun, ...texts } = textsOf(language);
  const { programForm, inputForm, outputForm, rules, calls } = texts;
  const triplet = (task: TripletTask): string =>
    [fenced(fence, task.program), fenced('input', task.input), fenced('output', task.output)].join('\n');
  const numbered = (lines: readonly string[]): string => lines.map((line, i) => `${i + 1}. ${line}`).join('\n');

  return {
    name: 'chat',
    opening: '<think>',
    stop: ['</answer>'],
    proposePrompt(type, references) {
      const hidden =
        type === 'deduction'
          ? `A solver will see the ${programNoun} and the ${inputNoun}, and must work out the ${outputNoun}.`
          : `A solver will see the ${programNoun} and the ${outputNoun}, and must find ${a(inputNoun)} that yields it.`;
      return [
        `Invent one ${name} task: ${a(programNoun)} and ${a(inputNoun)} for it. ${hidden}`,
        `Rules for the ${programNoun}:\n${numbered(rules)}`,
        `Rules for the ${inputNoun}: ${inputForm}.`,
        'A good task takes several steps of reasoning, can be solved by careful work, and differs from the examples below in what it computes.',
        `Write the ${programNoun} between \`\`\`${fence} and \`\`\`, the ${inputNoun} between \`\`\`input and \`\`\`. Plan first. ${FORMAT}`,
        ...references.map((task, i) => `Example ${i + 1}:\n${triplet(task)}`),
      ].join('\n\n');
    },
    proposeInductionPrompt(program, inputs) {
      return [
        `Here is a ${name} ${programNoun}:\n${fenced(fence, program)}`,
        `Write ${inputs} different inputs for it, each between \`\`\`input and \`\`\`: ${inputForm}. Together they should show everything the ${programNoun} does.`,
        `Then write a message between \`\`\`message and \`\`\` that helps a solver, who sees only inputs, outputs and your message, to find the ${programNoun}. The message describes the ${calls ? 'function' : programNoun} in words and holds no code.`,
        FORMAT,
      ].join('\n\n');
    },
    solvePrompt(task) {
      return [...solveParts(task), FORMAT].join('\n\n');
    },
    parseProposal,
    writeSolution: (type, solution) => fenced(labelOf(type), solution),
    parseSolution(type, answer) {
      const label = labelOf(type);
      const blocks = fences(answer, label);
      const solution = blocks.length === 1 ? blocks[0] : blocks.length === 0 && !answer.includes('```') ? answer.trim() : undefined;
      return solution ? { solution } : { malformed: `The answer must hold one \`\`\`${label} block.` };
    },
  };

  function labelOf(type: TaskType): string {
    return type === 'induction' ? fence : type === 'deduction' ? 'output' : 'input';
  }

  function solveParts(task: Task): string[] {
    switch (task.type) {
      case 'deduction':
        return [
          `${calls ? 'What does this program return for this input?' : `What is the ${outputNoun} of this ${programNoun} for this ${inputNoun}?`}\n${fenced(fence, task.program)}\n${fenced('input', task.input)}`,
          `Answer with ${outputForm} between \`\`\`output and \`\`\`.`,
        ];
      case 'abduction':
        return [
          `Find ${a(inputNoun)} for which this ${programNoun} ${calls ? 'returns' : 'gives'} this ${outputNoun}. Any ${inputNoun} that works is right.\n${fenced(fence, task.program)}\n${fenced('output', task.output)}`,
          `Answer with ${calls ? 'the arguments of f, separated by commas' : inputForm}, between \`\`\`input and \`\`\`.`,
        ];
      case 'induction':
        return [
          `Find the ${name} ${programNoun}${calls ? ' f' : ''} behind these inputs and outputs.\n${shownPairs(task)
            .map((pair) => `${fenced('input', pair.input)}\n${fenced('output', pair.output)}`)
            .join('\n')}\n${fenced('message', task.message)}`,
          `Answer with the whole ${programNoun} (${programForm}) between \`\`\`${fence} and \`\`\`. It is checked on more inputs than these.`,
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
