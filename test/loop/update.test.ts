/** What one update hands to the engine: losses, normalisers, schedules, epochs, staleness. */
import { describe, expect, it } from 'vitest';
import { ESTIMATORS } from '../../src/core/advantages.ts';
import type { Datum, Rollout } from '../../src/core/types.ts';
import type { Engine, LossSpec, OptimParams } from '../../src/engine/ports.ts';
import { run } from '../../src/loop/run.ts';
import { update, withAdvantages } from '../../src/loop/update.ts';
import type { TrainingItem } from '../../src/loop/update.ts';
import { harness } from './harness.ts';
import type { Harness } from './harness.ts';

interface Call {
  readonly data: readonly Datum[];
  readonly loss: LossSpec;
}

/** A harness whose engine notes what it is asked. */
function spied(overrides: readonly string[]): Harness & { readonly calls: Call[]; readonly steps: OptimParams[] } {
  const made = harness({ overrides });
  const calls: Call[] = [];
  const steps: OptimParams[] = [];
  const { engine } = made;
  const spy: Engine = Object.create(engine, {
    policyVersion: { get: () => engine.policyVersion },
    forwardBackward: {
      value: (data: readonly Datum[], loss: LossSpec) => (calls.push({ data, loss }), engine.forwardBackward(data, loss)),
    },
    optimStep: { value: (params: OptimParams) => (steps.push(params), engine.optimStep(params)) },
  }) as Engine;
  return { ...made, context: { ...made.context, engine: spy }, calls, steps };
}

/** Solutions of one task as the scripted policy gives them; the first is right. */
async function batch(made: Harness): Promise<TrainingItem[]> {
  const prompt = '### solve deduction\nprogram: function f(a){return a+1}\ninput: 4\n';
  const promptTokens = made.engine.tokenize(prompt);
  const [sequences = []] = await made.engine.sample([{ prompt: promptTokens, n: 6, maxTokens: 60, temperature: 1, seed: 3 }]);
  return withAdvantages(
    made.context,
    sequences.map(({ tokens, logprobs, stopReason, policyVersion }, i) => {
      const rollout: Rollout = {
        id: `r${i}`, step: 1, role: 'solve', taskType: 'deduction', taskId: 't', prompt, completion: '', thought: '', answer: '',
        program: null, promptTokens, tokens, logprobs, stopReason, policyVersion,
      }; // prettier-ignore
      return { rollout, outcome: 'passable', reward: i % 3 === 0 ? 1 : -0.5, detail: '', group: 't' };
    }),
  );
}

describe('an update', () => {
  it('is REINFORCE over tokens with a truncated importance weight by default', async () => {
    const made = spied([]);
    const items = await batch(made);
    const metrics = await update(made.context, items);
    expect(made.calls).toHaveLength(1);
    const { data, loss } = made.calls[0]!;
    expect(loss).toMatchObject({ kind: 'reinforce', importanceCap: 2 });
    expect(loss.kl).toBeUndefined();
    expect(loss.normaliser).toBe(items.reduce((sum, item) => sum + item.rollout.tokens.length, 0));
    expect(data.every((datum) => datum.old === undefined)).toBe(true);
    expect(metrics['optim/lr']).toBe(0.5);
    expect(made.engine.policyVersion).toBe(1);
  });

  it('with several epochs measures the later ones from the first pass, and counts each as a policy', async () => {
    const made = spied(['optim.epochs=3', 'loss.kind=ppo', 'loss.clipHigh=0.3']);
    const items = await batch(made);
    await update(made.context, items);
    expect(made.calls.map(({ data }) => data.some((datum) => datum.old !== undefined))).toEqual([false, true, true]);
    expect(made.calls[0]!.loss).toMatchObject({ kind: 'ppo', clipLow: 0.2, clipHigh: 0.3 });
    const first = made.calls[0]!.data[0]!;
    const at = first.weights.findIndex((w) => w > 0);
    // The scripted sampler and trainer are one policy, so what the first pass saw is what was sampled with.
    for (const { data } of made.calls.slice(1)) expect(data[0]!.old![at]).toBeCloseTo(first.logprobs[at]!, 6);
    expect(made.engine.policyVersion).toBe(3);
    await expect(update(made.context, items)).rejects.toThrow(/sampled by policy 0, the trainer holds 3.*stale/);
    expect(made.calls).toHaveLength(3);
  });

  it.each([
    ['tokens', [], (items: TrainingItem[]) => items.reduce((sum, item) => sum + item.rollout.tokens.length, 0)],
    ['constant', ['loss.normaliser=constant'], (items: TrainingItem[]) => 128 * items.length],
    ['constant for dr-grpo', ['advantages.estimator=dr-grpo'], (items: TrainingItem[]) => 128 * items.length],
    [
      'tokens for dr-grpo when asked',
      ['advantages.estimator=dr-grpo', 'loss.normaliser=tokens'],
      (items: TrainingItem[]) => items.reduce((sum, item) => sum + item.rollout.tokens.length, 0),
    ],
    ['sequences', ['loss.normaliser=sequences'], (items: TrainingItem[]) => items.length],
  ])('divides by %s', async (_, overrides, wanted) => {
    const made = spied(overrides);
    const items = await batch(made);
    await update(made.context, items);
    const { data, loss } = made.calls[0]!;
    expect(loss.normaliser).toBe(wanted(items));
    const weights = data.map((datum) => datum.weights.reduce((sum, w) => sum + w, 0));
    if (overrides.includes('loss.normaliser=sequences')) weights.forEach((sum) => expect(sum).toBeCloseTo(1, 5));
    else expect(weights.every(Number.isInteger)).toBe(true);
  });

  it('keeps rollouts of advantage 0 when a KL term moves them too', async () => {
    for (const [kl, count] of [
      ['0', 2],
      ['0.1', 6],
    ] as const) {
      const made = spied([`loss.kl=${kl}`, 'engine.mode=lora']);
      const items = (await batch(made)).map((item, i) => ({ ...item, advantage: i < 2 ? 1 : 0 }));
      await update(made.context, items);
      expect(made.calls[0]!.data).toHaveLength(count);
      expect(made.calls[0]!.loss.kl).toEqual(kl === '0' ? undefined : { coefficient: 0.1, estimator: 'k3' });
    }
  });

  it('takes its learning rate from the step alone, so that a resumed run goes on with it', async () => {
    const overrides = ['steps=6', 'optim.schedule.kind=cosine', 'optim.schedule.warmupSteps=2', 'optim.schedule.minFactor=0.1'];
    const rates = async (from: number): Promise<number[]> => {
      const out: number[] = [];
      for (let step = from; step <= 6; step++) {
        const made = spied(overrides);
        made.state.current = step;
        const metrics = await update(made.context, await batch(made));
        expect(metrics['optim/lr']).toBe(made.steps[0]!.lr);
        out.push(metrics['optim/lr'] as number);
      }
      return out;
    };
    const all = await rates(1);
    expect(all[0]).toBe(0.25);
    expect(all[1]).toBe(0.5);
    expect(all[5]!).toBeGreaterThan(0.05);
    expect(all[5]!).toBeLessThan(all[4]!);
    expect(await rates(4)).toEqual(all.slice(3));
  });
});

describe('runs with every loss and estimator', () => {
  it.each(ESTIMATORS.flatMap((estimator) => (['reinforce', 'ppo', 'cispo'] as const).map((kind) => [estimator, kind] as const)))(
    '%s with %s moves the policy',
    async (estimator, kind) => {
      const made = harness({ overrides: [`advantages.estimator=${estimator}`, `loss.kind=${kind}`, 'steps=2'] });
      await run(made.context, { evaluate: null, checkpoint: (step) => Promise.resolve({ dir: `step-${step}` }), firstEval: null });
      expect(made.engine.policyVersion).toBe(2);
      const norms = made.events.flatMap((event) => (event.type === 'step' ? [event.metrics['optim/grad_norm'] ?? 0] : []));
      expect(norms.every((norm) => norm > 0 && Number.isFinite(norm))).toBe(true);
    },
  );
});
