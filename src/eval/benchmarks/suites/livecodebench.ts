import { readCases } from '../cases.ts';
import type { TestCases } from '../cases.ts';
import { SuiteError } from '../errors.ts';
import { optional, text, textOrNumber } from '../fields.ts';
import type { Problem } from '../problem.ts';
import type { Row } from '../rows.ts';
import type { Suite } from './suite.ts';

/**
 * LiveCodeBench, code generation (Jain et al. 2024): `test.jsonl` … `test6.jsonl`, {question_title, question_content, platform,
 * question_id, starter_code, difficulty, public_test_cases, private_test_cases, metadata}. Public cases are a JSON text,
 * private ones mostly packed (cases.ts). `metadata.func_name` names the function where cases are calls.
 */
function casesOf(row: Row, field: string): TestCases {
  try {
    return readCases(text(row, field));
  } catch (error) {
    if (error instanceof RangeError) throw new SuiteError(`${row.where}: the field "${field}" ${error.message}.`);
    throw error;
  }
}

function functionName(row: Row): string | null {
  const metadata = optional(row, 'metadata');
  if (metadata === null || metadata === '') return null;
  try {
    const { func_name: name } = JSON.parse(metadata) as { func_name?: unknown };
    return typeof name === 'string' ? name : null;
  } catch {
    throw new SuiteError(`${row.where}: the field "metadata" is not JSON.`);
  }
}

export const livecodebench: Suite = {
  name: 'livecodebench',
  title: 'LiveCodeBench (generation)',
  source: ['', '2', '3', '4', '5'].map((part) => `hf:livecodebench/code_generation_lite/test${part}.jsonl`),
  fields: ['question_id', 'question_content', 'starter_code', 'public_test_cases', 'private_test_cases'],
  read(row): Problem {
    const [content, starter] = [text(row, 'question_content'), optional(row, 'starter_code') ?? ''];
    const [publicText, privateText] = [text(row, 'public_test_cases'), text(row, 'private_test_cases')];
    const found = [casesOf(row, 'public_test_cases'), casesOf(row, 'private_test_cases')];
    const name = functionName(row);
    const stdin = found.every((cases) => cases.stdin);
    if (found.every(({ cases }) => cases.length === 0)) throw new SuiteError(`${row.where}: it has no test cases.`);
    if (!stdin && name === null) throw new SuiteError(`${row.where}: its cases are calls, but "metadata" names no function (func_name).`);
    // Thousands of unpacked cases would fill the memory: they are unpacked again when an answer is judged.
    const cases = (): TestCases['cases'] => [publicText, privateText].flatMap((published) => readCases(published).cases);
    const how =
      starter.trim() === ''
        ? 'Write a Python program that reads standard input and prints the answer. Answer with the whole program between ```python and ```.'
        : `Start from this code:\n\`\`\`python\n${starter.trimEnd()}\n\`\`\`\nAnswer with the whole program between \`\`\`python and \`\`\`.`;
    return {
      id: textOrNumber(row, 'question_id'),
      question: `${content.trim()}\n\n${how}`,
      check: stdin || name === null ? { kind: 'stdin', cases } : { kind: 'calls', name, cases },
    };
  },
};
