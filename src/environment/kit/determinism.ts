import type { Sample } from '../definition.ts';
import type { Environment } from '../port.ts';
import { HOSTILE, PLAIN } from './hostile.ts';
import { shown } from './probe.ts';
import type { Finding, Probe } from './probe.ts';

const DAY = 86_400_000;

/**
 * The same questions three times: once, again in the same environment, and in a new one in the other order, with other random
 * numbers and another day. All answers must agree: nothing is kept between questions.
 */
export async function checkDeterminism(
  open: () => Environment | Promise<Environment>,
  probe: (environment: Environment) => Probe,
  samples: readonly Sample[],
): Promise<{ readonly tried: number; readonly findings: readonly Finding[] }> {
  const programs = samples.flatMap(({ program, same = [], wrong = [] }) => [program, ...same, ...wrong]);
  const inputs = samples.flatMap(({ pairs }) => pairs.map(([input]) => input)).slice(0, 12);
  const questions = [
    ...programs.slice(0, 24).flatMap((program) => inputs.map((input) => [program, input] as const)),
    ...[...HOSTILE, ...PLAIN].map((text) => [text, inputs[0] ?? ''] as const),
  ];
  const findings: Finding[] = [];
  let tried = 0;
  const ask = async (environment: Environment, order: readonly number[]): Promise<string[]> => {
    const asked = probe(environment);
    const answers: string[] = [];
    for (const at of order) {
      const [program, input] = questions[at] as (typeof questions)[number];
      const answer = [
        await asked.execute(program, input),
        await asked.validate(program, [input]),
        asked.input(input),
        asked.normal(program),
      ];
      answers[at] = JSON.stringify(answer);
    }
    tried += asked.result().tried;
    findings.push(...asked.result().findings);
    return answers;
  };
  const order = questions.map((_, at) => at);
  await using environment = await open();
  const first = await ask(environment, order);
  const second = await ask(environment, order);
  const third = await inAnotherWorld(async () => {
    await using other = await open();
    return await ask(other, order.toReversed());
  });
  for (const [at, [program, input]] of questions.entries())
    for (const [when, answers] of [
      ['the second time', second],
      ['in another order, with other chance and time', third],
    ] as const)
      // prettier-ignore
      if (answers[at] !== first[at]) findings.push(`${shown(program)} on ${shown(input)} has another answer ${when}`);
  return { tried, findings };
}

/** Random numbers that alternate between the ends, and a clock that is a day ahead. */
async function inAnotherWorld<T>(work: () => Promise<T>): Promise<T> {
  const { random } = Math;
  const { now } = Date;
  let flip = false;
  Math.random = () => {
    flip = !flip;
    return flip ? 0.999_999 : 0;
  };
  Date.now = () => now() + DAY + 1;
  try {
    return await work();
  } finally {
    Math.random = random;
    Date.now = now;
  }
}
