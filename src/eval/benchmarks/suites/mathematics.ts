import { boxed } from '../answers.ts';
import { SuiteError } from '../errors.ts';
import { firstOf, optional, text, textOrNumber, texts } from '../fields.ts';
import { parts } from '../math/compare.ts';
import { normalise } from '../math/normalise.ts';
import type { Problem } from '../problem.ts';
import type { Row } from '../rows.ts';
import type { Suite } from './suite.ts';

/** Mathematics: a question, and one result or several that are compared by meaning (math/compare.ts). */
const ask = (question: string): string => `${question.trim()}\n\nReason step by step, and write the final answer inside \\boxed{}.`;

const problem = (id: string, question: string, expected: readonly string[], tolerance: number | null = null): Problem => ({
  id,
  question: ask(question),
  check: { kind: 'math', expected, tolerance },
});

const QUESTIONS = ['problem', 'question', 'Problem', 'Question'];
const ANSWERS = ['answer', 'final_answer', 'Answer', 'expected_answer'];
const IDS = ['unique_id', 'id', 'ID', 'idx', 'problem_idx'];
const idOf = (row: Row, index: number): string => {
  const field = firstOf(row, IDS);
  return field === null ? String(index + 1) : textOrNumber(row, field);
};
const questionOf = (row: Row): string => text(row, firstOf(row, QUESTIONS) ?? 'problem');

/** The field with the answer, else the last `\boxed{…}` of the solution. Competition files call and write it differently. */
function answerOf(row: Row): string {
  const field = firstOf(row, ANSWERS);
  if (field !== null) {
    const answer = textOrNumber(row, field).trim();
    if (answer === '') throw new SuiteError(`${row.where}: the field "${field}" is empty.`);
    return boxed(answer) ?? answer;
  }
  const solution = optional(row, 'solution');
  if (solution === null) throw new SuiteError(`${row.where}: there is neither "answer" nor "solution".`);
  const box = boxed(solution);
  if (box === null) throw new SuiteError(`${row.where}: the field "solution" holds no \\boxed{…}.`);
  return box;
}

/** GSM8K (Cobbe et al. 2021): {question, answer}; the result follows `####`. */
export const gsm8k: Suite = {
  name: 'gsm8k',
  title: 'GSM8K',
  source: ['hf:openai/gsm8k/main/test-00000-of-00001.parquet'],
  fields: ['question', 'answer'],
  isMine: (row) => typeof row.fields['answer'] === 'string' && row.fields['answer'].includes('####'),
  read(row, index) {
    const result = text(row, 'answer').split('####')[1]?.trim();
    if (!result) throw new SuiteError(`${row.where}: the field "answer" has no result after "####".`);
    return problem(String(index + 1), text(row, 'question'), [result.replace(/,/g, '')]);
  },
};

/** MATH-500 (Hendrycks et al. 2021; Lightman et al. 2023): {problem, solution, answer, subject, level, unique_id}. */
export const math500: Suite = {
  name: 'math500',
  title: 'MATH500',
  source: ['hf:HuggingFaceH4/MATH-500/test.jsonl'],
  fields: ['problem', 'answer', 'subject|level|unique_id'],
  read: (row, index) => problem(idOf(row, index), questionOf(row), [answerOf(row)]),
};

const competition = (name: string, title: string, source: readonly string[]): Suite => ({
  name,
  title,
  source,
  fields: [QUESTIONS.join('|'), [...ANSWERS, 'solution'].join('|')],
  isMine: (row) => !isOlympiad(row) && !gsm8k.isMine?.(row),
  read: (row, index) => problem(idOf(row, index), questionOf(row), [whole(answerOf(row))]),
});

/** Files of competitions write `27.0` for 27, and `073` for 73. */
const whole = (answer: string): string => answer.replace(/^(\d+)\.0+$/, '$1').replace(/^0+(?=\d)/, '');

export const aime24 = competition('aime24', "AIME'24", ['hf:HuggingFaceH4/aime_2024/data/train-00000-of-00001.parquet']);
export const aime25 = competition('aime25', "AIME'25", [
  'hf:opencompass/AIME2025/aime2025-I.jsonl',
  'hf:opencompass/AIME2025/aime2025-II.jsonl',
]);
export const amc = competition('amc', "AMC'23", ['hf:math-ai/amc23/test-00000-of-00001.parquet']);

/** Minerva Math (Lewkowycz et al. 2022; OCWCourses): {problem, solution} with the result in `\boxed{…}`, or {question, answer}. */
export const minerva: Suite = {
  ...competition('minerva', 'Minerva Math', ['hf:math-ai/minervamath/test.jsonl']),
  read: (row, index) => problem(idOf(row, index), questionOf(row), [answerOf(row)]),
};

const isOlympiad = (row: Row): boolean => Array.isArray(row.fields['final_answer']);

/**
 * OlympiadBench (He et al. 2024), open-ended text questions of mathematics: {question, final_answer: […], is_multiple_answer,
 * unit, answer_type, error}. `error` is the absolute tolerance of numbers. Questions with pictures are left out.
 */
export const olympiadbench: Suite = {
  name: 'olympiadbench',
  title: 'OlympiadBench',
  source: ['hf:Hothan/OlympiadBench/OlympiadBench/OE_TO_maths_en_COMP/OE_TO_maths_en_COMP.parquet'],
  fields: ['question', 'final_answer', 'is_multiple_answer|answer_type|unit'],
  read(row, index) {
    if (!isOlympiad(row))
      throw new SuiteError(`${row.where}: the field "final_answer" is no list: questions that ask for a proof cannot be graded.`);
    if (row.fields['modality'] === 'Multimodal') return null;
    const published = texts(row, 'final_answer');
    if (published.length === 0) throw new SuiteError(`${row.where}: the field "final_answer" is empty.`);
    const unit = optional(row, 'unit')?.trim() ?? '';
    const asked = `${text(row, 'question').trim()}${unit === '' ? '' : `\nThe unit is ${unit}; write the number without it.`}`;
    const expected = row.fields['is_multiple_answer'] === true ? published.flatMap((answer) => parts(normalise(answer))) : published;
    return problem(idOf(row, index), asked, expected, toleranceOf(row));
  },
};

/** `1e-1`, or nothing; several answers may have one each, separated by commas: the largest counts. */
function toleranceOf(row: Row): number | null {
  const published = optional(row, 'error')?.trim() ?? '';
  if (published === '') return null;
  const values = published.split(',').map(Number);
  if (!values.every((value) => value >= 0)) throw new SuiteError(`${row.where}: the field "error" is not a tolerance.`);
  return Math.max(...values);
}
