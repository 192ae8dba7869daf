import type { Task } from '../../../core/types.ts';
import { optional, text, textOrNumber } from '../fields.ts';
import type { Problem } from '../problem.ts';
import type { Row } from '../rows.ts';
import type { Suite } from './suite.ts';

/** CRUXEval (Gu et al. 2024): `cruxeval.jsonl`, {code, input, output, id}. -O asks for the output, -I for an input. */
const SOURCE = ['hf:cruxeval-org/cruxeval/test.jsonl'];
const FIELDS = ['code', 'input', 'output', 'id'];

const deduction = (id: string, program: string, input: string, output: string): Task => ({
  id,
  type: 'deduction',
  program,
  input,
  output,
  step: 0,
  parents: [],
});

const isPlain = (row: Row): boolean => optional(row, 'function_name') === null;

export const cruxevalO: Suite = {
  name: 'cruxeval-o',
  title: 'CRUXEval-O',
  area: 'code',
  source: SOURCE,
  fields: FIELDS,
  isMine: isPlain,
  read(row): Problem {
    const [id, code, input, output] = [textOrNumber(row, 'id'), text(row, 'code'), text(row, 'input'), text(row, 'output')];
    return {
      id,
      question: `Here is a Python function:\n\`\`\`python\n${code}\n\`\`\`\nWhat does f(${input}) return? Answer with one Python literal between \`\`\`output and \`\`\`.`,
      task: deduction(id, code, input, output),
      check: { kind: 'value', expected: output },
    };
  },
};

export const cruxevalI: Suite = {
  name: 'cruxeval-i',
  title: 'CRUXEval-I',
  area: 'code',
  source: SOURCE,
  fields: FIELDS,
  isMine: isPlain,
  read(row): Problem {
    const [id, code, input, output] = [textOrNumber(row, 'id'), text(row, 'code'), text(row, 'input'), text(row, 'output')];
    return {
      id,
      question: `Here is a Python function:\n\`\`\`python\n${code}\n\`\`\`\nFind arguments with which f returns ${output}. Answer with the arguments as Python literals, separated by commas, between \`\`\`input and \`\`\`.`,
      task: { ...deduction(id, code, input, output), type: 'abduction' } as Task,
      check: { kind: 'input', program: code, expected: output },
    };
  },
};

/** LiveCodeBench, code execution: {id, function_name, code, input, output, …}; the input is the call itself. */
export const livecodebenchExecution: Suite = {
  name: 'livecodebench-execution',
  title: 'LiveCodeBench (execution)',
  area: 'code',
  source: ['hf:livecodebench/execution/data/test-00000-of-00001.parquet'],
  fields: ['id', 'function_name', 'code', 'input', 'output'],
  read(row): Problem {
    const [name, code, input, output] = [text(row, 'function_name'), text(row, 'code'), text(row, 'input'), text(row, 'output')];
    const call = new RegExp(`^\\s*${name}\\s*\\(`).test(input) ? input : `${name}(${input})`;
    return {
      id: textOrNumber(row, 'id'),
      question: `Here is a Python function:\n\`\`\`python\n${code}\n\`\`\`\nWhat does ${call} return? Answer with one Python literal between \`\`\`output and \`\`\`.`,
      check: { kind: 'value', expected: output },
    };
  },
};
