import type { StopReason } from '../../core/types.ts';
import type { Environment } from '../../environment/port.ts';
import { argumentsOf, codeOf, mathOf, programOf, refusal, valueOf } from './answers.ts';
import { assertProgram, callProgram, referenceProgram, stdinProgram } from './harness.ts';
import { pythonLiteral } from './json.ts';
import type { MathJudge } from './math/judge.ts';
import type { Check, MathCheck, Problem } from './problem.ts';
import { samePrinted } from './printed.ts';

export interface Judgement {
  readonly correct: boolean;
  /** One human sentence. */
  readonly detail: string;
}

export interface JudgeParts {
  /** A Python sandbox without rules for tasks: answers may import what it has. Asked for when a program is judged first. */
  readonly python: () => Promise<Environment>;
  readonly mathematics: MathJudge;
}

const right = (detail: string): Judgement => ({ correct: true, detail });
const wrong = (detail: string): Judgement => ({ correct: false, detail });
const short = (text: string): string => (text.length > 120 ? `${text.slice(0, 120)}…` : text);

/** Judges one completion. Whatever the answer is or does, the verdict is a value; promises reject only when a judge is broken. */
export async function judge(problem: Problem, completion: string, stopReason: StopReason, parts: JudgeParts): Promise<Judgement> {
  const { check } = problem;
  switch (check.kind) {
    case 'value':
      return judgeValue(valueOf(completion), check.expected, await parts.python());
    case 'input':
      return judgeInput(argumentsOf(completion), check, await parts.python());
    case 'math':
      return judgeMath(mathOf(completion, stopReason), check, parts.mathematics);
    case 'asserts':
    case 'reference': {
      const program = programOf(completion, check);
      const refused = codeOf(completion).trim() === '' ? NO_PROGRAM : refusal(program);
      if (refused !== null) return wrong(refused);
      const python = await parts.python();
      const run = await python.execute(check.kind === 'asserts' ? assertProgram(program, check) : referenceProgram(program, check), '0');
      return run.verdict === 'ok' ? right('It passes the tests.') : wrong(run.detail);
    }
    case 'stdin':
    case 'calls': {
      const program = codeOf(completion);
      const refused = program.trim() === '' ? NO_PROGRAM : refusal(program);
      return refused === null ? judgeCases(program, check, await parts.python()) : wrong(refused);
    }
  }
}

const NO_PROGRAM = 'The answer holds no program.';

const same = (python: Environment, a: string, b: string): boolean => python.sameValue?.(a, b) ?? a === b;

function judgeValue(answer: string, expected: string, python: Environment): Judgement {
  const value = python.canonicalValue(answer);
  if (value === null) return wrong(`The answer is not one Python literal: ${short(answer)}`);
  const output = python.canonicalValue(expected);
  if (output === null ? answer === expected.trim() : same(python, value, output)) return right('The output is right.');
  return wrong(`It answers ${short(answer)}, the output is ${short(expected)}.`);
}

async function judgeInput(answer: string, check: Extract<Check, { kind: 'input' }>, python: Environment): Promise<Judgement> {
  const output = python.canonicalValue(check.expected);
  if (python.canonicalArguments(answer) === null) return wrong(`The answer is not a list of Python literals: ${short(answer)}`);
  // As it was written: the canonical form sorts dictionaries, and a program may depend on their order.
  const run = await python.execute(check.program, answer);
  if (run.verdict !== 'ok') return wrong(`On that input the program fails: ${run.detail}`);
  return output !== null && same(python, run.output, output)
    ? right('The input yields the output.')
    : wrong(`On that input the program returns ${short(run.output)}, not ${short(check.expected)}.`);
}

/** One case after the other: the first that fails decides. Results are compared here, where the answer cannot reach. */
async function judgeCases(program: string, check: Extract<Check, { kind: 'stdin' | 'calls' }>, python: Environment): Promise<Judgement> {
  const cases = check.cases();
  for (const [i, { input, output }] of cases.entries()) {
    const run = await python.execute(check.kind === 'stdin' ? stdinProgram(program, input) : callProgram(program, check.name, input), '0');
    const which = `case ${i + 1} of ${cases.length}`;
    if (run.verdict !== 'ok') return wrong(`On ${which}: ${run.detail}`);
    const passed = check.kind === 'stdin' ? samePrinted(printedText(run.output), output) : sameResult(run.output, output, python);
    if (!passed) return wrong(`On ${which} it gives ${short(run.output)}, not ${short(output)}.`);
  }
  return right(`It passes all ${cases.length} cases.`);
}

/** Canonical texts are written as JSON. */
const printedText = (canonical: string): string => JSON.parse(canonical) as string;

function sameResult(result: string, json: string, python: Environment): boolean {
  const literal = pythonLiteral(json);
  const expected = literal === null ? null : python.canonicalValue(literal);
  return expected !== null && same(python, result, expected);
}

/** Every expected answer is asked for; an answer to all of them at once may hold them in any order. */
async function judgeMath(answer: string | null, check: MathCheck, mathematics: MathJudge): Promise<Judgement> {
  const expected = check.expected.join(', ');
  if (answer === null) return wrong('There is no final answer.');
  const verdict = await mathematics.compare({ answer, expected, tolerance: check.tolerance });
  if (verdict === 'equal') return right(`${short(answer)} is right.`);
  return wrong(
    verdict === 'gave-up'
      ? `It answers ${short(answer)}, which took too long to compare.`
      : `It answers ${short(answer)}, not ${short(expected)}.`,
  );
}
