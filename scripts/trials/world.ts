import { parseConfig } from '../../src/config.ts';
import type { Config } from '../../src/config.ts';
import type { SessionParts } from '../../src/commands/session.ts';
import { scriptedEngine } from '../../src/engine/scripted.ts';
import { openScriptedEnvironment } from '../../src/environment/scripted.ts';

/** Programs that the scripted environment knows, and what they do. */
const RULES: Readonly<Record<string, (input: string) => string>> = {
  'function f(a){return a}': (input) => input,
  'function f(a){return a+1}': (input) => String(Number(input) + 1),
  'function f(a){return a*2}': (input) => String(Number(input) * 2),
  'function f(a){return a-3}': (input) => String(Number(input) - 3),
};
const PROGRAMS = Object.keys(RULES);
const INPUTS = Array.from({ length: 12 }, (_, i) => i + 1);

const say = (thought: string, answer: string): string => `<think>${thought}</think><answer>${answer}</answer>`;

/** What the policy may say to a prompt: right, wrong and malformed replies. There are finitely many prompts, so its table stops growing. */
function replies(prompt: string): string[] {
  const field = (name: string): string => new RegExp(`${name}: (.*)\n`).exec(prompt)?.[1] ?? '';
  if (prompt.startsWith('### propose induction'))
    return [say('some inputs', '1\n2\n3\n4\n5\nmessage: a number'), say('', '1\n1\n1\n1\n1\nmessage: the same'), 'nothing'];
  if (prompt.startsWith('### propose'))
    return PROGRAMS.flatMap((program) => INPUTS.map((input) => say(`what of ${input}?`, `${program}\n${input}`)));
  if (prompt.startsWith('### solve deduction')) {
    const output = RULES[field('program')]?.(field('input')) ?? '0';
    return [say(`it gives ${output}`, output), say('', String(Number(output) + 7)), 'no idea'];
  }
  if (prompt.startsWith('### solve abduction')) {
    const output = Number(field('output'));
    return [output, output - 1, output / 2, output + 3].map((input) => say('try it', String(input)));
  }
  return PROGRAMS.map((program) => say('a rule', program));
}

/** A session without a model: everything but engine and sandbox is the real thing, the record first of all. */
export const parts: SessionParts = {
  openEngine: () => Promise.resolve(scriptedEngine({ replies })),
  openEnvironment: () => Promise.resolve(openScriptedEnvironment(RULES)),
  // Nothing is executed, so there is nothing to isolate.
  knownIsolation: () => Promise.resolve({ layers: [], tried: [] }),
};

export const configOf = (steps: number, overrides: readonly string[] = []): Config =>
  parseConfig(
    {
      name: 'trial',
      steps,
      algorithm: {
        proposals: 3,
        rollouts: 3,
        solver: 'separate',
        solveBatch: 3,
        references: 1,
        inductionInputs: 5,
        inductionShown: 3,
        seedFactor: 1,
        seedRounds: 3,
        bufferCapacity: 64,
      },
      novelty: { repeats: 0 },
      optim: { lr: 0.3 },
      eval: { suite: 'none' },
    },
    overrides,
  );
