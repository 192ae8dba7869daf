import { a, textsOf } from '../core/prompts/languages.ts';
import type { Task } from '../core/types.ts';
import type { Environment } from './port.ts';

export interface Grade {
  readonly correct: boolean;
  /** Share of pairs reproduced (induction), else 0 or 1; used where `reward.induction` is `fraction`. */
  readonly share: number;
  /** One human sentence. */
  readonly detail: string;
}

const grade = (correct: boolean, detail: string): Grade => ({ correct, share: correct ? 1 : 0, detail });

/**
 * Judges a solver's answer (Eq. 5) on canonical values. Deduction compares values, abduction accepts any input that
 * works, induction must reproduce every pair, shown and hidden. The model's text is data: it is parsed on the host and
 * never pasted into a program (D6).
 */
export async function verifyAnswer(environment: Environment, task: Task, answer: string): Promise<Grade> {
  const same = (one: string, other: string): boolean => environment.sameValue?.(one, other) ?? one === other;
  const { program, input: given, output, calls } = textsOf(environment.language);
  switch (task.type) {
    case 'deduction': {
      const value = environment.canonicalValue(answer);
      if (value === null) return grade(false, `The answer is not ${calls ? 'one literal value' : a(output)}.`);
      return same(value, task.output)
        ? grade(true, `The ${output} is right.`)
        : grade(false, `It answers ${value}, the ${output} is ${task.output}.`);
    }
    case 'abduction': {
      const input = environment.canonicalArguments(answer);
      if (input === null) return grade(false, `The answer is not ${calls ? 'a list of literal arguments' : a(given)}.`);
      const run = await environment.execute(task.program, input);
      if (run.verdict !== 'ok') return grade(false, `On that ${given} the ${program} fails: ${run.detail}`);
      return same(run.output, task.output)
        ? grade(true, `The ${given} yields the ${output}.`)
        : grade(false, `On that ${given} the ${program} ${calls ? 'returns' : 'gives'} ${run.output}, not ${task.output}.`);
    }
    case 'induction': {
      const runs = await Promise.all(task.pairs.map((pair) => environment.execute(answer, pair.input)));
      const right = runs.filter((run, i) => run.verdict === 'ok' && same(run.output, task.pairs[i]?.output ?? '')).length;
      const failed = runs.find((run) => run.verdict !== 'ok');
      return {
        correct: right === task.pairs.length,
        share: right / task.pairs.length,
        detail: failed ? `The ${program} fails: ${failed.detail}` : `It reproduces ${right} of ${task.pairs.length} pairs.`,
      };
    }
  }
}
