import type { TripletTask } from '../../../core/types.ts';
import { optional, text, textOrNumber } from '../fields.ts';
import type { Problem } from '../problem.ts';
import type { Suite } from './suite.ts';

const about = (program: string, question: string): string => `Here is a Python function:\n\`\`\`python\n${program}\n\`\`\`\n${question}`;
const outputOf = (program: string, call: string): string =>
  about(program, `What does ${call} return? Answer with one Python literal between \`\`\`output and \`\`\`.`);

/** CRUXEval (Gu et al. 2024): `cruxeval.jsonl`, {code, input, output, id}. */
const cruxeval = (name: string, title: string, problemOf: (given: Omit<TripletTask, 'type'>) => Problem): Suite => ({
  name,
  title,
  source: ['hf:cruxeval-org/cruxeval/test.jsonl'],
  fields: ['code', 'input', 'output', 'id'],
  isMine: (row) => optional(row, 'function_name') === null,
  read(row) {
    const [id, program, input, output] = [textOrNumber(row, 'id'), text(row, 'code'), text(row, 'input'), text(row, 'output')];
    return problemOf({ id, program, input, output, step: 0, parents: [] });
  },
});

export const cruxevalO = cruxeval('cruxeval-o', 'CRUXEval-O', (given) => ({
  id: given.id,
  question: outputOf(given.program, `f(${given.input})`),
  task: { ...given, type: 'deduction' },
  check: { kind: 'value', expected: given.output },
}));

export const cruxevalI = cruxeval('cruxeval-i', 'CRUXEval-I', (given) => ({
  id: given.id,
  question: about(
    given.program,
    `Find arguments with which f returns ${given.output}. Answer with the arguments as Python literals, separated by commas, between \`\`\`input and \`\`\`.`,
  ),
  task: { ...given, type: 'abduction' },
  check: { kind: 'input', program: given.program, expected: given.output },
}));

/** LiveCodeBench, code execution: {id, function_name, code, input, output, …}; the input is the call itself. */
export const livecodebenchExecution: Suite = {
  name: 'livecodebench-execution',
  title: 'LiveCodeBench (execution)',
  source: ['hf:livecodebench/execution/data/test-00000-of-00001.parquet'],
  fields: ['id', 'function_name', 'code', 'input', 'output'],
  read(row) {
    const [name, program, input, output] = [text(row, 'function_name'), text(row, 'code'), text(row, 'input'), text(row, 'output')];
    const call = new RegExp(`^\\s*${name}\\s*\\(`).test(input) ? input : `${name}(${input})`;
    return { id: textOrNumber(row, 'id'), question: outputOf(program, call), check: { kind: 'value', expected: output } };
  },
};
