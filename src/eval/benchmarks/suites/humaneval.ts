import { SuiteError } from '../errors.ts';
import { text, textOrNumber } from '../fields.ts';
import { pythonLiteral } from '../json.ts';
import type { Problem, ReferenceCheck } from '../problem.ts';
import type { Row } from '../rows.ts';
import type { Suite } from './suite.ts';

/**
 * HumanEval (Chen et al. 2021): `HumanEval.jsonl.gz`, {task_id, prompt, entry_point, canonical_solution, test}.
 * HumanEval+ (EvalPlus, Liu et al. 2023) comes in two forms: the same fields with longer tests (on the hub), or
 * `HumanEvalPlus.jsonl` with {base_input, plus_input, atol} instead of tests; there the canonical solution is the reference.
 */
const ask = (prompt: string): string =>
  `Complete this Python function. Answer with the whole function, with the imports it needs, between \`\`\`python and \`\`\`.\n\`\`\`python\n${prompt.trimEnd()}\n\`\`\``;

/** Both have the same fields on the hub: EvalPlus writes a function that compares results, the original a block of metadata. */
const testOf = (row: Row): string => (typeof row.fields['test'] === 'string' ? row.fields['test'] : '');
const isPlusTest = (row: Row): boolean => /^def assertion\(/m.test(testOf(row));
const isPlainTest = (row: Row): boolean => /^METADATA *=/m.test(testOf(row));
const hasInputs = (row: Row): boolean => 'base_input' in row.fields;

function fromTests(row: Row): Problem {
  const [prompt, entry] = [text(row, 'prompt'), text(row, 'entry_point')];
  const tests = text(row, 'test');
  if (!/^def check\(/m.test(tests)) throw new SuiteError(`${row.where}: the field "test" does not define check(candidate).`);
  return { id: textOrNumber(row, 'task_id'), question: ask(prompt), check: { kind: 'asserts', prefix: prompt, entry, tests, call: true } };
}

export const humaneval: Suite = {
  name: 'humaneval',
  title: 'HumanEval',
  source: ['hf:openai/openai_humaneval/openai_humaneval/test-00000-of-00001.parquet'],
  fields: ['task_id', 'prompt', 'entry_point', 'canonical_solution', 'test'],
  isMine: (row) => !hasInputs(row) && !isPlusTest(row),
  read: fromTests,
};

export const humanevalPlus: Suite = {
  name: 'humaneval+',
  title: 'HumanEval+',
  source: ['hf:evalplus/humanevalplus/test.jsonl'],
  fields: ['task_id', 'prompt', 'entry_point', 'canonical_solution', 'test|plus_input'],
  isMine: (row) => (hasInputs(row) ? !String(row.fields['task_id']).startsWith('Mbpp') : !isPlainTest(row) && !('test_list' in row.fields)),
  read: (row) => (hasInputs(row) ? fromInputs(row, text(row, 'prompt')) : fromTests(row)),
};

/** A problem with inputs and a reference. `prefix` stands before an answer that does not repeat it. */
export function fromInputs(row: Row, prefix: string, question?: string): Problem {
  const [id, prompt, entry] = [textOrNumber(row, 'task_id'), text(row, 'prompt'), text(row, 'entry_point')];
  const inputs = inputsOf(row, id);
  const { atol = 0 } = row.fields;
  if (typeof atol !== 'number') throw new SuiteError(`${row.where}: the field "atol" is not a number.`);
  const check: ReferenceCheck = {
    kind: 'reference',
    prefix,
    entry,
    reference: prompt + text(row, 'canonical_solution'),
    inputs,
    atol,
    compare: compareOf(entry),
  };
  return { id, question: question ?? ask(prompt), check };
}

function inputsOf(row: Row, id: string): string {
  for (const field of ['base_input', 'plus_input'])
    if (!Array.isArray(row.fields[field])) throw new SuiteError(`${row.where}: the field "${field}" is not a list of argument lists.`);
  const both = (value: unknown): unknown => {
    const { base_input: base, plus_input: plus } = value as { base_input: unknown[]; plus_input: unknown[] };
    return [...base, ...plus];
  };
  const literal = pythonLiteral(row.text ?? JSON.stringify(row.fields), both);
  if (literal === null) throw new SuiteError(`${row.where}: base_input and plus_input cannot be read.`);
  return restored(id, literal);
}

/**
 * MBPP+ publishes tuples, sets and complex numbers as JSON lists and texts. Which tasks take which: EvalPlus,
 * evalplus/data/mbpp.py.
 */
const RESTORE: readonly (readonly [readonly number[], string])[] = [
  [[2, 116, 132, 143, 222, 261, 273, 394, 399, 421, 424, 429, 470, 560, 579, 596, 616, 630, 726, 740, 744, 809], '[tuple(a) for a in i]'],
  [[63, 64, 70, 94, 120, 237, 272, 299, 400, 409, 417, 438, 473, 614, 780], '[[tuple(b) for b in a] for a in i]'],
  [[75, 413, 444, 753], '[[tuple(a) for a in i[0]], i[1]]'],
  [[106, 750], '[i[0], tuple(i[1])]'],
  [[115], '[[set(a) if isinstance(a, list) and a else {} for a in i[0]]]'],
  [[124], '[float(i[0]), complex(i[1])]'],
  [[250, 405, 446, 617, 720, 763, 808], '[tuple(i[0]), i[1]]'],
  [[259, 401, 445], '[tuple(tuple(b) for b in a) for a in i]'],
  [[278], '[tuple(tuple(a) if isinstance(a, list) else a for a in i[0])]'],
  [[307], '[tuple(i[0]), i[1], i[2]]'],
  [[722], '[{k: tuple(v) for k, v in i[0].items()}] + i[1:]'],
  [[252], '[complex(i[0])]'],
  [[580, 615, 791], '(lambda again: again(again, i))(lambda again, v: tuple(again(again, a) for a in v) if isinstance(v, list) else v)'],
];

function restored(id: string, literal: string): string {
  const number = /^Mbpp\/(\d+)$/.exec(id)?.[1];
  const found = RESTORE.find(([tasks]) => tasks.includes(Number(number)));
  return found ? `[${found[1]} for i in ${literal}]` : literal;
}

/** Functions with more than one right result (EvalPlus, evalplus/eval/_special_oracle.py). */
const AS_SETS = 'similar_elements find_char_long common_in_nested_lists extract_singly larg_nnum intersection_array find_dissimilar Diff';
const NOT_NONE = 'check_str text_match_three text_starta_endb';

function compareOf(entry: string): ReferenceCheck['compare'] {
  if (AS_SETS.split(' ').includes(entry)) return 'set';
  if (NOT_NONE.split(' ').includes(entry)) return 'not-none';
  return entry === 'find_zero' ? 'root' : 'equal';
}
