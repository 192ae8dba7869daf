import { describe, expect, it } from 'vitest';
import type { RunEvent } from '../../src/core/events.ts';
import type { Finding } from '../../src/core/finding.ts';
import type { Question } from '../../src/core/prompts/dialect.ts';
import type { SampleRequest, Sequence } from '../../src/engine/ports.ts';
import { run } from '../../src/loop/run.ts';
import type { Monitor } from '../../safety/types.ts';
import { harness, hooks, quiet, stable } from './harness.ts';
import type { Harness } from './harness.ts';

const steps = (events: readonly RunEvent[]) => events.flatMap((event) => (event.type === 'step' ? [stable(event.metrics)] : []));
const play = async (made: Harness): Promise<Harness> => {
  await run(made.context, hooks);
  return made;
};
const finding = (quote: string): Finding => ({
  category: 'hostility',
  severity: 4,
  detector: 'test/x@1',
  where: 'thought',
  start: 0,
  end: quote.length,
  quote,
  why: 'because',
});
/** Severity 4 on the planted thought, and on any thought that starts with `word`. */
const alarm = (word: string): Monitor => ({
  ...quiet,
  scan: ({ id, thought }) =>
    thought.startsWith(word) ? { id, severity: 4, findings: [finding(word)] } : { id, severity: 0, findings: [] },
});
const pauseThen = async (made: Harness, act: () => void): Promise<void> => {
  const running = run(made.context, hooks);
  for (let i = 0; i < 2000 && !made.conductor.paused; i++) await new Promise((resolve) => setTimeout(resolve, 1));
  expect(made.conductor.paused).toBe(true);
  act();
  await running;
};

describe('a run on the scripted engine', () => {
  it('proposes, solves, updates and records, step by step', async () => {
    const { events, engine, state } = await play(harness());
    expect(engine.policyVersion).toBe(3);
    expect(state.step).toBe(3);
    expect(events.filter((event) => event.type === 'step').length).toBe(3);
    expect(events.at(-1)).toMatchObject({ type: 'end', cause: 'finished' });
    const [first] = steps(events) as [Record<string, number>];
    for (const path of [
      'accuracy/solve/deduction',
      'reward/propose/abduction',
      'valid/propose/deduction',
      'monitor/read',
      'loss',
      'buffer/deduction',
      'diversity/distinct',
      'diversity/distance',
      'emergence/trial/solve/abduction',
      'emergence/reflection/propose/induction',
    ])
      expect(first).toHaveProperty([path]);
    expect(first['monitor/read']).toBe(first['monitor/generated']);
  });

  it('a proposal that resembles others of its step loses the penalty that is asked for, and no more', async () => {
    const proposals = async (...overrides: string[]) => {
      const { events } = await play(harness({ overrides: ['steps=1', ...overrides] }));
      const made = events.flatMap((event) => (event.type === 'rollouts' && event.step === 1 ? event.rollouts : []));
      return made.filter(({ rollout: { role, taskType } }) => role === 'propose' && taskType !== 'induction');
    };
    const [free, fined] = [await proposals(), await proposals('reward.repetition=0.4')];
    const valid = free.filter(({ outcome }) => outcome === 'passable').map(({ rollout }) => rollout.program);
    expect(new Set(valid).size).toBeLessThan(valid.length);
    for (const [i, { rollout, outcome, reward, detail }] of fined.entries()) {
      const alike = outcome === 'passable' ? valid.filter((program) => program === rollout.program).length : 0;
      const penalty = alike > 1 ? (0.4 * alike) / valid.length : 0;
      expect(reward).toBeCloseTo((free[i]?.reward ?? 0) - penalty, 12);
      expect(detail.includes('Like others')).toBe(penalty > 0);
    }
  });

  it('same seed, same numbers; another seed, other numbers', async () => {
    const [a, b, c] = await Promise.all([play(harness()), play(harness()), play(harness({ overrides: ['seed=2'] }))]);
    expect(steps(a.events)).toEqual(steps(b.events));
    expect(steps(a.events)).not.toEqual(steps(c.events));
  });

  it('a task is solved while later proposals are still written, with the same numbers, in whatever order the sandbox answers', async () => {
    const plain = await play(harness());
    const made = harness();
    const { engine, context } = made;
    const sample = engine.sample.bind(engine);
    const order: string[] = [];
    // One request after the other, each with what follows from it: the most eager schedule there is.
    engine.sample = async (requests, options) => {
      const results: Sequence[][] = requests.map(() => []);
      const later: [number, SampleRequest][] = [];
      const serve = async (number: number, request: SampleRequest): Promise<void> => {
        const [sequences = []] = await sample([request]);
        results[number] = sequences;
        for (const [index, sequence] of sequences.entries()) {
          order.push(request.n === 1 ? 'propose' : 'solve');
          for (const token of sequence.tokens) options?.onToken?.(number, index, token);
          for (const more of (await options?.more?.(number, index, sequence)) ?? []) later.push([results.push([]) - 1, more]);
        }
        for (let next = later.shift(); next !== undefined; next = later.shift()) await serve(...next);
      };
      for (const [number, request] of requests.entries()) await serve(number, request);
      return results;
    };
    const validate = context.environment.validate.bind(context.environment);
    let calls = 0;
    context.environment.validate = async (...args) => {
      await new Promise((resolve) => setTimeout(resolve, (7 * calls++) % 5));
      return validate(...args);
    };
    await play(made);
    expect(steps(made.events)).toEqual(steps(plain.events));
    expect(order.lastIndexOf('propose')).toBeGreaterThan(order.indexOf('solve'));
    const shuffled = harness();
    shuffled.context.environment.validate = context.environment.validate;
    await play(shuffled);
    expect(steps(shuffled.events)).toEqual(steps(plain.events));
  });

  it('a task too long to be answered is a wrong proposal and ends no run', async () => {
    const made = harness();
    const { encode, engine } = made.context;
    const room = engine.info.contextLength;
    Object.assign(made.context, {
      encode: (question: Question) => [...(question.role === 'solve' ? Array.from({ length: room }, () => 65) : []), ...encode(question)],
    });
    await play(made);
    const proposals = made.events.flatMap((event) => (event.type === 'rollouts' ? event.rollouts : []));
    const long = proposals.filter((item) => item.detail.includes('no room for an answer'));
    expect(long.length).toBeGreaterThan(0);
    for (const item of long) expect(item.outcome).toBe('wrong');
    expect(made.events.flatMap((event) => (event.type === 'tasks' ? event.tasks : []))).toEqual([]);
    expect(made.events.at(-1)).toMatchObject({ type: 'end', cause: 'finished' });
  });

  it('a sandbox that breaks ends the run with its error, once', async () => {
    for (const broken of ['validate', 'execute'] as const) {
      const made = harness();
      Object.assign(made.context.environment, { [broken]: () => Promise.reject(new Error(`${broken} is broken`)) });
      await expect(run(made.context, hooks)).rejects.toThrow(`${broken} is broken`);
    }
  });

  it('learns: right answers are more frequent after training than before', async () => {
    const { events } = await play(
      harness({ overrides: ['steps=25', 'optim.lr=40', 'optim.gradClip=0', 'algorithm.solver=separate', 'algorithm.solveBatch=12'] }),
    );
    const rates = steps(events)
      .map((metrics) => metrics['accuracy/solve/deduction'] ?? Number.NaN)
      .filter((rate) => !Number.isNaN(rate));
    const mean = (values: number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
    expect(mean(rates.slice(-4))).toBeGreaterThan(mean(rates.slice(0, 4)) + 0.2);
  });

  it('the control: with advantages zero the policy does not move', async () => {
    const { events, engine } = await play(harness({ overrides: ['control.advantages=zero'] }));
    for (const metrics of steps(events)) expect(metrics['optim/grad_norm']).toBe(0);
    const [[sequence] = []] = await engine.sample([
      {
        prompt: engine.tokenize('### solve deduction\nprogram: function f(a){return a}\ninput: 3\n'),
        n: 1,
        maxTokens: 50,
        temperature: 1,
        seed: 1,
      },
    ]);
    expect(Math.exp(sequence?.logprobs[0] ?? 0)).toBeCloseTo(1 / 3, 5);
  });

  it('separate solve batches and the paper settings run too', async () => {
    const overrides = [
      'algorithm.solver=separate',
      'algorithm.solveBatch=5',
      'deviations.solveTiming=paper',
      'deviations.bufferOverflow=paper',
      'deviations.deduplicate=paper',
      'reward.proposer=azr',
      'advantages.over=tokens',
      'deviations.difficultyTemperature=paper',
    ];
    const { events } = await play(harness({ overrides }));
    expect(steps(events).length).toBe(3);
  });

  it('never trains on a held-out program', async () => {
    const { events } = await play(harness({ heldOut: (program) => program.includes('a*2') }));
    const tasks = events.flatMap((event) => (event.type === 'tasks' ? event.tasks : []));
    expect(tasks.length).toBeGreaterThan(0);
    expect(tasks.some((task) => task.program.includes('a*2'))).toBe(false);
    const excluded = events
      .flatMap((event) => (event.type === 'rollouts' ? event.rollouts : []))
      .filter((item) => item.detail.includes('held-out'));
    expect(excluded.length).toBeGreaterThan(0);
    for (const item of excluded) expect(item.advantage).toBeNull();
  });

  it('D3: the same triplet enters a buffer once', async () => {
    const { events } = await play(harness());
    const keys = events
      .flatMap((event) => (event.type === 'tasks' ? event.tasks : []))
      .map((task) => `${task.type} ${task.program} ${'input' in task ? task.input : task.pairs.map((pair) => pair.input).join()}`);
    expect(new Set(keys).size).toBe(keys.length);
  });
});

describe('the gate', () => {
  it('promise 6: monitor on or off, the updates are the same', async () => {
    const [on, off] = await Promise.all([play(harness()), play(harness({ monitor: null }))]);
    const withoutBooks = (events: readonly RunEvent[]) =>
      steps(events).map((metrics) => Object.fromEntries(Object.entries(metrics).filter(([path]) => !path.startsWith('monitor/'))));
    expect(withoutBooks(on.events)).toEqual(withoutBooks(off.events));
  });

  it('promise 5: severity 4 stops before the optimiser step, and resuming gives the numbers of a run that never paused', async () => {
    const plain = await play(harness());
    const made = harness({ monitor: alarm('a planted') });
    made.conductor.requestDrill();
    let versionAtPause = -1;
    await pauseThen(made, () => {
      versionAtPause = made.engine.policyVersion;
      expect(made.conductor.resume('', 'me').ok).toBe(false);
      expect(made.conductor.resume('a drill', 'me').ok).toBe(true);
    });
    expect(versionAtPause).toBe(0);
    expect(made.events.find((event) => event.type === 'drill')).toMatchObject({ caught: true });
    const numbers = (events: readonly RunEvent[]) =>
      steps(events).map((metrics) => [metrics['loss'], metrics['optim/grad_norm'], metrics['accuracy/solve/deduction']]);
    expect(numbers(made.events)).toEqual(numbers(plain.events));
  });

  it('an uncaught drill is recorded as such', async () => {
    const made = harness();
    made.conductor.requestDrill();
    await play(made);
    expect(made.events.find((event) => event.type === 'drill')).toMatchObject({ caught: false });
  });

  it('promise 3: a monitor that throws pauses the run', async () => {
    const broken: Monitor = {
      ...quiet,
      scan: () => {
        throw new Error('out of order');
      },
    };
    const made = harness({ monitor: broken });
    await pauseThen(made, () => made.conductor.requestStop());
    expect(made.events.find((event) => event.type === 'pause')).toMatchObject({
      cause: 'monitor',
      reason: expect.stringContaining('out of order'),
    });
    expect(made.engine.policyVersion).toBe(0);
    expect(made.events.at(-1)).toMatchObject({ type: 'end', cause: 'stopped' });
  });

  it('promise 3: a verdict that is missing pauses the run', async () => {
    const made = harness({ monitor: { ...quiet, scan: () => ({ id: 'somebody else', severity: 0, findings: [] }) } });
    await pauseThen(made, () => made.conductor.requestStop());
    expect(made.engine.policyVersion).toBe(0);
  });

  it('a finding that was answered pauses no second time, a new one does', async () => {
    const made = harness({ monitor: alarm('b=') });
    let pauses = 0;
    const running = run(made.context, hooks);
    const timer = setInterval(() => {
      if (!made.conductor.paused) return;
      pauses += 1;
      made.conductor.resume(`answer ${pauses}`, 'me');
    }, 1);
    await running;
    clearInterval(timer);
    expect(pauses).toBeGreaterThan(0);
    expect(made.events.filter((event) => event.type === 'resume').length).toBe(pauses);
    expect(steps(made.events).length).toBe(3);
  });

  it('a stale rollout is refused', async () => {
    const made = harness();
    const sample = made.engine.sample.bind(made.engine);
    made.engine.sample = (requests, options) =>
      sample(requests, {
        ...options,
        more: (request, index, sequence) => options?.more?.(request, index, { ...sequence, policyVersion: sequence.policyVersion + 1 }),
      });
    await expect(run(made.context, hooks)).rejects.toMatchObject({
      name: 'EngineError',
      code: 'stale',
      message: expect.stringContaining('policy 1, the trainer holds 0'),
    });
  });
});
