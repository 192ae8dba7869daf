import { textOf } from '../../src/core/prompts/template.ts';
import { describe, expect, it } from 'vitest';
import { solve } from './solver.ts';
import { evaluate, answerTasks } from '../../src/eval/evaluate.ts';
import { heldoutTasks } from '../../src/eval/heldout.ts';
import { openScriptedEnvironment } from '../../src/environment/scripted.ts';
import type { Engine, Sequence } from '../../src/engine/ports.ts';
import type { Task } from '../../src/core/types.ts';

const tasks = heldoutTasks('tune', 60);
const prompts = new Map<string, Task>();

/** An engine whose completions are given by a function; one code point is one token. */
function scripted(answer: (task: Task, temperature: number) => string): Engine {
  const points = (text: string): number[] => Array.from(text, (c) => c.codePointAt(0) as number);
  return {
    info: {
      backend: 'scripted',
      model: 'scripted',
      modelHash: '',
      architecture: 'llama',
      parameters: 0,
      trainable: 0,
      contextLength: 4096,
      vocabularySize: 1,
      eosToken: 0,
      dialect: 'nano',
      mode: 'full',
    },
    policyVersion: 0,
    chatFormat: null,
    tokenize: (text) => points(textOf(text)),
    detokenize: (tokens) => String.fromCodePoint(...tokens),
    sample: (requests, options) =>
      Promise.resolve(
        requests.map((request, i): Sequence[] => {
          const task = prompts.get(String.fromCodePoint(...request.prompt)) as Task;
          const sequence: Sequence = {
            tokens: points(answer(task, request.temperature)),
            logprobs: [],
            stopReason: 'stop',
            policyVersion: 0,
          };
          options?.onSequence?.(i, 0, sequence);
          return [sequence];
        }),
      ),
    forwardBackward: () => Promise.reject(new Error('not used')),
    optimStep: () => Promise.reject(new Error('not used')),
    saveState: () => Promise.reject(new Error('not used')),
    loadState: () => Promise.reject(new Error('not used')),
    exportModel: () => Promise.reject(new Error('not used')),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}

/** Scripted results of exactly the programs of the suite. */
const environment = openScriptedEnvironment(
  Object.fromEntries(
    tasks.map((task) => [
      task.program,
      (input: string) => {
        const pairs = task.type === 'induction' ? task.pairs : [task];
        return pairs.find((pair) => pair.input === input)?.output ?? { verdict: 'error', detail: 'another input' };
      },
    ]),
  ),
);

for (const task of tasks) prompts.set(solve.prompt(task), task);

describe('evaluate', () => {
  it('scores perfect answers 1 and wrong ones 0, apart for each type, level and temperature', async () => {
    const seen: number[] = [];
    const metrics = await evaluate({
      engine: scripted((task, temperature) =>
        temperature === 0 || task.type === 'deduction' ? solve.right(task) : '<think></think><answer>[]</answer>',
      ),
      environment,
      tasks,
      seed: 1,
      maxTokens: 64,
      onProgress: (done, total) => {
        expect(total).toBe(120);
        seen.push(done);
      },
    });
    expect(seen).toEqual(Array.from({ length: 120 }, (_, i) => i + 1));
    expect(metrics).toMatchObject({
      'heldout/greedy': 1,
      'heldout/greedy/induction': 1,
      'heldout/greedy/abduction/level3': 1,
      'heldout/temp1/deduction': 1,
      'heldout/temp1/induction': 0,
      'heldout/format/temp1': 1,
      'heldout/thinks/greedy/deduction': 1,
      'heldout/thinks/temp1/induction': 0,
    });
    expect(metrics['heldout/temp1']).toBeLessThan(0.5);
  });

  it('counts broken, cut and hostile answers as wrong without failing', async () => {
    const answers = [
      '',
      'no tags',
      '<think>x</think>',
      '<think></think><answer>1) or (1</answer>',
      '<think></think><answer>program: f</answer>',
      '<answer>\u0000</answer>',
    ];
    let turn = 0;
    const metrics = await evaluate({
      engine: scripted(() => answers[turn++ % answers.length] as string),
      environment,
      tasks,
      seed: 1,
      maxTokens: 8,
    });
    expect(metrics['heldout/temp1']).toBe(0);
    expect(metrics['heldout/greedy']).toBe(0);
    expect(metrics['heldout/format/temp1']).toBeLessThan(0.5);
  });

  it('can force the first words of every completion', async () => {
    for (const task of tasks) prompts.set(`${solve.prompt(task)}<think>`, task);
    const answers = await answerTasks({
      engine: scripted((task) => solve.right(task).slice('<think>'.length)),
      environment,
      tasks,
      seed: 1,
      maxTokens: 64,
      temperature: 0,
      force: '<think>',
    });
    expect(answers.every((answer) => answer.correct && answer.completion.startsWith('<think>'))).toBe(true);
  });
});
