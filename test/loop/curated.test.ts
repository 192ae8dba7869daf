import { describe, expect, it } from 'vitest';
import type { RunEvent } from '../../src/core/events.ts';
import { dialectFor } from '../../src/core/prompts/index.ts';
import type { Curated, Curriculum, TaskType } from '../../src/core/types.ts';
import { run } from '../../src/loop/run.ts';
import type { Monitor } from '../../safety/types.ts';
import { harness, hooks, quiet, stable } from './harness.ts';
import type { Harness, HarnessOptions } from './harness.ts';

const DATA = ['data=generated', 'optim.gradClip=0'];

/** Tasks on the program a + 1, whose answers the scripted policy can give. */
const curated = (type: TaskType, n: number, output = String(n + 1), id = n): Curated => {
  const base = { id: `${type}-${id}`, program: 'function f(a){return a+1}', step: 0, parents: [] };
  const pairs = [1, 2, 3, 4, 5].map((input) => ({ input: String(input), output: String(input + 1) }));
  return type === 'induction'
    ? { task: { ...base, type, pairs, shown: 3, message: 'add' }, trace: 'plan' }
    : { task: { ...base, type, input: String(n), output }, trace: type === 'deduction' ? `b=${n + 1}` : 'try' };
};
const curriculum: Curriculum = (type, from, count) =>
  Array.from({ length: count }, (_, i) => curated(type, (from + i) % 4, undefined, from + i));
const play = async (options: HarnessOptions): Promise<Harness> => {
  const made = harness({ curriculum, ...options });
  await run(made.context, hooks);
  return made;
};
const metrics = (events: readonly RunEvent[]) => events.flatMap((event) => (event.type === 'step' ? [stable(event.metrics)] : []));
const rollouts = (events: readonly RunEvent[]) => events.flatMap((event) => (event.type === 'rollouts' ? event.rollouts : []));

describe('RLVR on curated tasks', () => {
  const rlvr = ['paradigm=rlvr', ...DATA];
  it('asks no proposer, seeds nothing, and answers the tasks that it is given', async () => {
    const { events, engine, state } = await play({ overrides: rlvr });
    expect(engine.policyVersion).toBe(3);
    expect(state.buffers.deduction).toEqual([]);
    expect(new Set(rollouts(events).map(({ rollout }) => rollout.role))).toEqual(new Set(['solve']));
    expect(rollouts(events).length).toBe(3 * 3 * 4 * 4);
    expect(metrics(events)[0]).toMatchObject({ 'data/used': 12, 'data/refused': 0, 'monitor/read': 48, 'monitor/generated': 48 });
  });
  it('learns: right answers are more frequent at the end', async () => {
    const { events } = await play({ overrides: [...rlvr, 'steps=25', 'optim.lr=200'] });
    const rates = metrics(events).map((item) => item['accuracy/solve/deduction'] ?? 0);
    expect(rates.at(-1)).toBeGreaterThan((rates[0] ?? 1) + 0.2);
  });
  it('a row that is false, held out or too long trains nothing, and a person is told', async () => {
    const wrong: Curriculum = (type, from, count) =>
      curriculum(type, from, count).map((item, i) => (i === 0 && type === 'deduction' ? curated(type, 3, '77') : item));
    const { events } = await play({ overrides: rlvr, curriculum: wrong });
    expect(metrics(events)[0]).toMatchObject({ 'data/used': 11, 'data/refused': 1 });
    expect(events.find((event) => event.type === 'warning')).toMatchObject({ message: expect.stringContaining('returns 4, not 77') });
    const held = await play({ overrides: rlvr, heldOut: () => true });
    expect(rollouts(held.events)).toEqual([]);
    expect(held.events.at(-1)).toMatchObject({ type: 'end', cause: 'finished' });
  });
  it('the monitor reads its thoughts: severity 4 stops before the optimiser', async () => {
    const alarm: Monitor = {
      ...quiet,
      scan: ({ id, thought }) =>
        thought.startsWith('b=')
          ? {
              id,
              severity: 4,
              findings: [
                { category: 'hostility', severity: 4, detector: 'test/x@1', where: 'thought', start: 0, end: 2, quote: 'b=', why: 'x' },
              ],
            }
          : { id, severity: 0, findings: [] },
    };
    for (const paradigm of ['rlvr', 'sft']) {
      const made = harness({ overrides: [`paradigm=${paradigm}`, ...DATA], curriculum, monitor: alarm });
      const running = run(made.context, hooks);
      for (let i = 0; i < 2000 && !made.conductor.paused; i++) await new Promise((resolve) => setTimeout(resolve, 1));
      expect(made.conductor.paused).toBe(true);
      expect(made.engine.policyVersion).toBe(0);
      made.conductor.requestStop();
      await running;
    }
  });
  it('same seed, same numbers', async () => {
    const [a, b] = await Promise.all([play({ overrides: rlvr }), play({ overrides: rlvr })]);
    expect(metrics(a.events)).toEqual(metrics(b.events));
  });
});

describe('SFT on expert traces', () => {
  const sft = ['paradigm=sft', ...DATA];
  it('samples nothing, imitates every trace, and the monitor has read each', async () => {
    const made = harness({ overrides: sft, curriculum });
    made.engine.sample = () => Promise.reject(new Error('it samples'));
    await run(made.context, hooks);
    const [first] = metrics(made.events);
    expect(first).toMatchObject({ 'data/used': 48, 'monitor/read': 48, 'monitor/generated': 48, 'optim/sequences': 48 });
    const [record] = rollouts(made.events);
    expect(record?.rollout).toMatchObject({
      thought: 'b=1',
      answer: '1',
      completion: '<think>b=1</think><answer>1</answer>',
      role: 'solve',
    });
  });
  it('makes the expert answer likely', async () => {
    const { engine } = await play({ overrides: [...sft, 'steps=25', 'optim.lr=200'] });
    const prompt = engine.tokenize('### solve deduction\nprogram: function f(a){return a+1}\ninput: 3\n');
    const [answers = []] = await engine.sample([{ prompt, n: 20, maxTokens: 60, temperature: 1, seed: 1 }]);
    const right = answers.filter(({ tokens }) => engine.detokenize(tokens).includes('<answer>4</answer>'));
    expect(right.length).toBeGreaterThan(15);
  });
  it('leaves out what has no trace, and a trace that breaks the format', async () => {
    const broken: Curriculum = (type, from, count) =>
      curriculum(type, from, count).map((item, i) =>
        i === 0 ? { ...item, trace: null } : i === 1 ? { ...item, trace: '</think> done' } : item,
      );
    const { events } = await play({ overrides: sft, curriculum: broken });
    expect(metrics(events)[0]).toMatchObject({ 'data/used': 42, 'data/refused': 6 });
  });
});

describe('writing a solution', () => {
  it('every dialect reads back what it writes', () => {
    for (const dialect of [
      dialectFor('nano', 'javascript'),
      dialectFor('', 'javascript'),
      dialectFor('', 'python', 'brief'),
      dialectFor('', 'python'),
    ])
      for (const [type, solution] of [
        ['deduction', '[1,2]'],
        ['abduction', '[1,2],"a"'],
        ['induction', 'function f(a){return a}'],
      ] as const)
        expect(dialect.parseSolution(type, dialect.writeSolution(type, solution))).toEqual({ solution });
  });
});
