/** `algorithm.staleness` 1: the next step is played while a step trains. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parseConfig } from '../../src/config.ts';
import { datumOf } from '../../src/core/datum.ts';
import type { RunEvent } from '../../src/core/events.ts';
import type { Curriculum } from '../../src/core/types.ts';
import { refuseStale } from '../../src/engine/ports.ts';
import type { LossSpec } from '../../src/engine/ports.ts';
import { run } from '../../src/loop/run.ts';
import type { RunHooks } from '../../src/loop/run.ts';
import { restoreState, storeState } from '../../src/loop/state.ts';
import type { StoredState } from '../../src/loop/state.ts';
import { update, withAdvantages } from '../../src/loop/update.ts';
import type { Monitor } from '../../safety/types.ts';
import { harness, hooks, quiet, scratch, stable } from './harness.ts';
import type { Harness, HarnessOptions } from './harness.ts';

const AHEAD = ['algorithm.staleness=1', 'engine.kind=tinker', 'engine.mode=lora', 'engine.tinker.url=http://127.0.0.1:1'];
const ahead = ({ overrides = [], ...options }: HarnessOptions = {}): Harness =>
  harness({ ...options, overrides: [...AHEAD, ...overrides] });
const metricsOf = (events: readonly RunEvent[]) => events.flatMap((event) => (event.type === 'step' ? [stable(event.metrics)] : []));
const rolloutsOf = (events: readonly RunEvent[]) => events.flatMap((event) => (event.type === 'rollouts' ? event.rollouts : []));
const soon = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 1));

/** Calls of the engine and their ends, in order; `version` is that of the policy that a sample asks for. */
function watched(made: Harness): string[] {
  const { engine } = made;
  const order: string[] = [];
  const [sample, forwardBackward, optimStep] = [engine.sample, engine.forwardBackward, engine.optimStep].map((method) =>
    method.bind(engine),
  );
  engine.sample = async (...args: Parameters<typeof engine.sample>) => {
    order.push(`sample ${args[1]?.policy ?? engine.policyVersion}`);
    const result = await (sample as typeof engine.sample)(...args);
    order.push('sampled');
    return result;
  };
  engine.forwardBackward = async (...args: Parameters<typeof engine.forwardBackward>) => {
    order.push('train');
    await soon();
    return await (forwardBackward as typeof engine.forwardBackward)(...args);
  };
  engine.optimStep = async (...args: Parameters<typeof engine.optimStep>) => {
    const result = await (optimStep as typeof engine.optimStep)(...args);
    order.push('stepped');
    return result;
  };
  return order;
}

describe('rollouts ahead', () => {
  it('are sampled while a step trains, by the policy before its update', async () => {
    const made = ahead();
    const order = watched(made);
    await run(made.context, hooks);
    const seeding = order.indexOf('train') - 3;
    // The first step's own rollouts, then those of the second before the first is trained on.
    expect(order.slice(seeding)).toEqual([
      ...['sample 0', 'sampled', 'sample 0', 'train', 'sampled', 'stepped'],
      ...['sample 1', 'train', 'sampled', 'stepped'],
      ...['train', 'stepped'],
    ]);
    expect(made.events.at(-1)).toMatchObject({ type: 'end', cause: 'finished' });
    expect(rolloutsOf(made.events).map(({ rollout: { step, policyVersion } }) => policyVersion - Math.max(0, step - 2))).toEqual(
      rolloutsOf(made.events).map(() => 0),
    );
    expect(metricsOf(made.events).map((metrics) => [metrics['staleness/mean'], metrics['staleness/max']])).toEqual([
      [0, 0],
      [1, 1],
      [1, 1],
    ]);
  });

  it('by default there are none: a step is sampled when the one before it is stepped', async () => {
    const made = harness();
    const order = watched(made);
    await run(made.context, hooks);
    const seeding = order.indexOf('train') - 2;
    expect(order.slice(seeding)).toEqual([0, 1, 2].flatMap((version) => [`sample ${version}`, 'sampled', 'train', 'stepped']));
    expect(Object.keys(metricsOf(made.events)[0] ?? {}).filter((path) => path.startsWith('staleness/'))).toEqual([]);
  });

  it('a step whose sampling takes several calls has one policy, whatever training does meanwhile', async () => {
    const made = ahead({ overrides: ['algorithm.solver=separate', 'algorithm.solveBatch=4'] });
    const { engine } = made;
    const sample = engine.sample.bind(engine);
    engine.sample = async (...args) => {
      // Long enough for the update beside it to end.
      for (let i = 0; i < 5; i++) await soon();
      return await sample(...args);
    };
    await run(made.context, hooks);
    for (const { rollout } of rolloutsOf(made.events)) expect(rollout.policyVersion).toBe(Math.max(0, rollout.step - 2));
  });

  it('learns: the rewarded answers become likelier', async () => {
    const curriculum: Curriculum = (type, from, count) =>
      Array.from({ length: count }, (_, i) => {
        const input = (from + i) % 4;
        const base = { id: `${type}-${from + i}`, program: 'function f(a){return a+1}', step: 0, parents: [] };
        const pairs = [1, 2, 3, 4, 5].map((n) => ({ input: String(n), output: String(n + 1) }));
        return {
          task:
            type === 'induction'
              ? { ...base, type, pairs, shown: 3, message: '' }
              : { ...base, type, input: String(input), output: String(input + 1) },
          trace: null,
        };
      });
    const overrides = ['paradigm=rlvr', 'data=generated', 'optim.gradClip=0', 'steps=25', 'optim.lr=200'];
    const made = ahead({ overrides, curriculum });
    await run(made.context, hooks);
    const accuracy = metricsOf(made.events).map((metrics) => metrics['accuracy/solve/deduction'] ?? 0);
    expect(accuracy.at(-1)).toBeGreaterThan((accuracy[0] ?? 1) + 0.2);
  });

  it('a resumed run samples with the policy of the unbroken one, and gets its numbers', async () => {
    using folder = scratch();
    const saved = new Map<number, StoredState>();
    const dir = (step: number): string => join(folder.dir, String(step));
    const saving = (made: Harness): RunHooks => ({
      ...hooks,
      checkpoint: async (step) => {
        // Whatever is played ahead changes nothing of what is stored.
        await soon();
        saved.set(step, JSON.parse(JSON.stringify(storeState({ ...made.state, step }))) as StoredState);
        mkdirSync(dir(step), { recursive: true });
        await made.engine.saveState(dir(step));
        return { dir: dir(step) };
      },
    });
    const whole = ahead({ overrides: ['steps=5'] });
    await run(whole.context, saving(whole));
    for (const step of [1, 3]) {
      const again = ahead({ overrides: ['steps=5'] });
      Object.assign(again.state, restoreState(saved.get(step)!));
      await again.engine.loadState(dir(step));
      await run(again.context, hooks);
      expect(metricsOf(again.events)).toEqual(metricsOf(whole.events).slice(step));
      expect(rolloutsOf(again.events)).toEqual(rolloutsOf(whole.events).filter(({ rollout }) => rollout.step > step));
      // Without staleness it goes on with the current policy.
      const strict = harness({ overrides: ['steps=5'] });
      Object.assign(strict.state, restoreState(saved.get(step)!));
      await strict.engine.loadState(dir(step));
      await run(strict.context, hooks);
      expect(new Set(rolloutsOf(strict.events).map(({ rollout }) => rollout.policyVersion - rollout.step))).toEqual(new Set([-1]));
      expect(storeState(strict.state).policy).toBeUndefined();
    }
  });
});

describe('the gate with rollouts ahead', () => {
  const alarmIn = (step: number): Monitor => ({
    ...quiet,
    scan: ({ id, thought }) => ({
      id,
      severity: id.startsWith(`s${step}.`) ? 4 : 0,
      findings: id.startsWith(`s${step}.`)
        ? [
            {
              category: 'hostility',
              severity: 4,
              detector: 't/x@1',
              where: 'thought',
              start: 0,
              end: thought.length,
              quote: thought,
              why: 'x',
            },
          ]
        : [],
    }),
  });
  const untilPaused = async (made: Harness): Promise<void> => {
    for (let i = 0; i < 2000 && !made.conductor.paused; i++) await soon();
    expect(made.conductor.paused).toBe(true);
  };

  it('a finding pauses before the update of its own step, not of the one before', async () => {
    const made = ahead({ monitor: alarmIn(2), stream: null });
    const order = watched(made);
    const running = run(made.context, hooks);
    await untilPaused(made);
    expect(order.filter((call) => call === 'train')).toHaveLength(1);
    expect(made.engine.policyVersion).toBe(1);
    expect(made.events.findLast((event) => event.type === 'pause')).toMatchObject({ step: 2, cause: 'finding' });
    expect(rolloutsOf(made.events).some(({ rollout }) => rollout.step === 2)).toBe(true);
    // What comes after it is not begun.
    expect(order.filter((call) => call === 'sample 1')).toHaveLength(0);
    made.conductor.resume('read, a planted one', 'tester');
    await running;
    expect(made.engine.policyVersion).toBe(3);
  });

  it('nothing unread is trained on', async () => {
    let readable = false;
    const blind: Monitor = {
      ...quiet,
      scan: (item) => {
        if (item.id.startsWith('s2.') && !readable) throw new Error('cannot read');
        return { id: item.id, severity: 0, findings: [] };
      },
    };
    const made = ahead({ monitor: blind, stream: null });
    const order = watched(made);
    const running = run(made.context, hooks);
    await untilPaused(made);
    expect(order.filter((call) => call === 'train')).toHaveLength(1);
    readable = true;
    made.conductor.resume('mended', 'tester');
    await running;
    expect(made.engine.policyVersion).toBe(3);
  });

  it('a stop leaves the step before it complete and records nothing of the step ahead', async () => {
    const made = ahead();
    const { engine, conductor } = made;
    const forwardBackward = engine.forwardBackward.bind(engine);
    let signal: AbortSignal | undefined;
    const sample = engine.sample.bind(engine);
    engine.sample = (requests, options) => {
      signal = options?.signal;
      return sample(requests, options);
    };
    engine.forwardBackward = (data, loss) => {
      conductor.requestStop();
      return forwardBackward(data, loss);
    };
    expect(await run(made.context, hooks)).toBe('stopped');
    expect(made.state.step).toBe(1);
    expect(made.state.policy).toBe(0);
    expect(made.events.at(-2)).toMatchObject({ type: 'checkpoint', step: 1 });
    expect(rolloutsOf(made.events).every(({ rollout }) => rollout.step < 2)).toBe(true);
    expect(signal?.aborted).toBe(true);
  });

  it('a fault of training ends the run, and what was ahead with it', async () => {
    const made = ahead();
    made.engine.forwardBackward = () => Promise.reject(new Error('the server is gone'));
    await expect(run(made.context, hooks)).rejects.toThrow('the server is gone');
  });

  it('a fault of sampling ahead ends the run at that step, not before', async () => {
    const made = ahead();
    const sample = made.engine.sample.bind(made.engine);
    let calls = 0;
    made.engine.sample = (requests, options) => {
      if (options?.policy !== undefined && ++calls === 2) return Promise.reject(new Error('no answer'));
      return sample(requests, options);
    };
    await expect(run(made.context, hooks)).rejects.toThrow('no answer');
    expect(made.state.step).toBe(1);
    expect(made.events.at(-1)).toMatchObject({ type: 'checkpoint', step: 1 });
  });
});

describe('the bound', () => {
  const datum = (policyVersion: number) => datumOf({ promptTokens: [1], tokens: [2], logprobs: [-1], policyVersion }, 1);

  it('is exact: as far behind as allowed, no further, and never ahead', () => {
    for (const [sampledBy, allowed, fresh] of [
      [5, 0, true],
      [4, 0, false],
      [6, 0, false],
      [4, 1, true],
      [3, 1, false],
      [6, 1, false],
      [3, 2, true],
      [2, 2, false],
    ] as const) {
      const check = (): void => refuseStale([datum(sampledBy)], 5, allowed);
      if (fresh) expect(check).not.toThrow();
      else expect(check).toThrow(/a stale rollout/);
    }
  });

  it('reaches the engine in the loss, one step for each epoch, and stops the update beyond', async () => {
    const made = ahead({ overrides: ['optim.epochs=2', 'loss.kind=ppo'] });
    const { context, engine } = made;
    const losses: LossSpec[] = [];
    const forwardBackward = engine.forwardBackward.bind(engine);
    engine.forwardBackward = (data, loss) => {
      losses.push(loss);
      return forwardBackward(data, loss);
    };
    await run(context, hooks);
    expect(engine.policyVersion).toBe(6);
    expect(new Set(losses.map((loss) => loss.staleness))).toEqual(new Set([2]));
    const items = (version: number) =>
      withAdvantages(
        context,
        rolloutsOf(made.events)
          .filter(({ rollout }) => rollout.step === 3)
          .map((item) => ({ ...item, rollout: { ...item.rollout, policyVersion: version }, group: null })),
      );
    await expect(update(context, items(3))).rejects.toThrow(/was sampled by policy 3, the trainer holds 6: a stale rollout/);
    await expect(update(context, items(7))).rejects.toThrow(/stale rollout/);
  });

  it('is refused where it gains nothing or would go uncorrected', () => {
    const tinker = { kind: 'tinker', mode: 'lora', tinker: { url: 'http://127.0.0.1:1' } };
    expect(() => parseConfig({ algorithm: { staleness: 1 } })).toThrow(/the embedded engine does one after the other/);
    expect(() => parseConfig({ algorithm: { staleness: 1 }, engine: tinker, optim: { importanceCap: 0 } })).toThrow(/optim\.importanceCap/);
    expect(() => parseConfig({ algorithm: { staleness: 1 }, engine: tinker, paradigm: 'sft', data: 'generated' })).toThrow(/samples none/);
    expect(() => parseConfig({ algorithm: { staleness: 2 }, engine: tinker })).toThrow(/algorithm\.staleness/);
    expect(parseConfig({ algorithm: { staleness: 1 }, engine: tinker }).algorithm.staleness).toBe(1);
    expect(parseConfig({}).algorithm.staleness).toBe(0);
  });
});
