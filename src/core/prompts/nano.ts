import type { Task, TaskType, TripletTask } from '../types.ts';
import { shownPairs } from './dialect.ts';
import type { Dialect, Proposal } from './dialect.ts';

/**
 * The compact dialect of the bundled model: one header line, one line a field, no prose. A model of under a
 * million parameters has no room for instructions; what each header means it learned in pre-training.
 */
export const NANO_TAGS = ['<think>', '</think>', '<answer>', '</answer>'] as const;

export function nanoSolvePrompt(task: Task): string {
  switch (task.type) {
    case 'deduction':
      return `### solve deduction\nprogram: ${task.program}\ninput: ${task.input}\n`;
    case 'abduction':
      return `### solve abduction\nprogram: ${task.program}\noutput: ${task.output}\n`;
    case 'induction':
      return `### solve induction\n${shownPairs(task)
        .map((pair) => `${pair.input} -> ${pair.output}\n`)
        .join('')}message: ${task.message}\n`;
  }
}

export function nanoProposePrompt(
  type: 'deduction' | 'abduction',
  references: readonly Pick<TripletTask, 'program' | 'input' | 'output'>[],
): string {
  const fields = references.map((task) => `program: ${task.program}\ninput: ${task.input}\noutput: ${task.output}\n`);
  return `### propose ${type}\n${fields.join('')}`;
}

export const nanoProposeInductionPrompt = (program: string): string => `### propose induction\nprogram: ${program}\n`;

/** Words that structure a prompt; an answer that holds one is malformed. */
const MARKS = ['###', 'program: ', 'input: ', 'output: '];

function parseProposal(type: TaskType, answer: string, inputs: number): Proposal | { malformed: string } {
  const mark = MARKS.find((word) => answer.includes(word));
  if (mark) return { malformed: `The answer holds "${mark}", a word of the prompt.` };
  const lines = answer.split('\n');
  if (type === 'induction') {
    const last = lines.pop() ?? '';
    if (!last.startsWith('message: ') || last.length === 'message: '.length) return { malformed: 'The last line must be "message: …".' };
    if (lines.length !== inputs) return { malformed: `${inputs} inputs were asked for, ${lines.length} came.` };
    return { type, inputs: lines, message: last.slice('message: '.length) };
  }
  const [program, input] = lines;
  if (lines.length !== 2 || !program || input === undefined) return { malformed: 'A proposal is a program line and an input line.' };
  return { type, program, input };
}

export const nanoDialect: Dialect = {
  name: 'nano',
  opening: '',
  stop: [],
  proposePrompt: nanoProposePrompt,
  proposeInductionPrompt: nanoProposeInductionPrompt,
  solvePrompt: nanoSolvePrompt,
  parseProposal,
  parseSolution: (_type, answer) => {
    const mark = MARKS.find((word) => answer.includes(word));
    if (mark) return { malformed: `The answer holds "${mark}", a word of the prompt.` };
    return answer.includes('\n') || answer === '' ? { malformed: 'An answer is one line.' } : { solution: answer };
  },
  writeSolution: (_type, solution) => solution,
};
