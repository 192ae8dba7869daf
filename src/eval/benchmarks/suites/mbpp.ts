import { SuiteError } from '../errors.ts';
import { optional, text, textOrNumber, texts } from '../fields.ts';
import type { Problem } from '../problem.ts';
import type { Row } from '../rows.ts';
import { fromInputs } from './humaneval.ts';
import type { Suite } from './suite.ts';

/**
 * MBPP (Austin et al. 2021): `mbpp.jsonl`, {text, code, task_id, test_setup_code, test_list, challenge_test_list}, or
 * `sanitized-mbpp.json`, {prompt, code, task_id, test_imports, test_list}. Measured are tasks 11 to 510, its test split.
 * MBPP+ (EvalPlus): the sanitised fields with a program `test` (on the hub), or `MbppPlus.jsonl` with inputs and a reference.
 */
const TEST_SPLIT = [11, 510] as const;

const ask = (problem: string, tests: readonly string[]): string =>
  `${problem.trim()}\nThe answer must pass these tests:\n\`\`\`python\n${tests.join('\n')}\n\`\`\`\nAnswer with the whole Python function, with the imports it needs, between \`\`\`python and \`\`\`.`;

/** The function that the tests call: one that the published solution defines. Null where it cannot be told. */
function entryOf(tests: readonly string[], code: string): string | null {
  const called = [...tests.join('\n').matchAll(/([A-Za-z_]\w*)\s*\(/g)].map((match) => match[1] ?? '');
  return called.find((name) => new RegExp(`^(?:def|class) +${name}\\b`, 'm').test(code)) ?? null;
}

const imports = (row: Row): string =>
  ('test_imports' in row.fields ? texts(row, 'test_imports') : [optional(row, 'test_setup_code') ?? '']).join('\n');

export const mbpp: Suite = {
  name: 'mbpp',
  title: 'MBPP',
  source: ['hf:google-research-datasets/mbpp/full/test-00000-of-00001.parquet'],
  fields: ['task_id', 'text|prompt', 'code', 'test_list'],
  isMine: (row) => !('test' in row.fields),
  read(row): Problem | null {
    const id = textOrNumber(row, 'task_id');
    const tests = texts(row, 'test_list');
    if (tests.length === 0) throw new SuiteError(`${row.where}: the field "test_list" is empty.`);
    const entry = entryOf(tests, text(row, 'code'));
    const problem = optional(row, 'text') ?? text(row, 'prompt');
    const source = [imports(row), ...tests].join('\n');
    if (Number(id) < TEST_SPLIT[0] || Number(id) > TEST_SPLIT[1]) return null;
    return {
      id: `Mbpp/${id}`,
      question: ask(problem, tests),
      check: { kind: 'asserts', prefix: '', entry, tests: source, call: false },
    };
  },
};

export const mbppPlus: Suite = {
  name: 'mbpp+',
  title: 'MBPP+',
  source: ['hf:evalplus/mbppplus/data/test-00000-of-00001-d5781c9c51e02795.parquet'],
  fields: ['task_id', 'prompt', 'test|plus_input'],
  isMine: (row) => ('base_input' in row.fields ? String(row.fields['task_id']).startsWith('Mbpp') : 'test_list' in row.fields),
  read(row): Problem {
    if ('base_input' in row.fields) {
      const described = text(row, 'prompt').replace(/^\s*"""|"""\s*$/g, '');
      const tests = described.split('\n').filter((line) => /^\s*assert /.test(line));
      const problem = described.split('\n').filter((line) => !/^\s*assert /.test(line));
      return fromInputs(row, '', ask(problem.join('\n'), tests));
    }
    const shown = texts(row, 'test_list');
    const entry = entryOf(shown, text(row, 'code'));
    return {
      id: `Mbpp/${textOrNumber(row, 'task_id')}`,
      question: ask(text(row, 'prompt'), shown),
      check: { kind: 'asserts', prefix: '', entry, tests: text(row, 'test'), call: false },
    };
  },
};
