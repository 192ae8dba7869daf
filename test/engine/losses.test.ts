/** Policy losses: values and gradients against PyTorch (fixtures of test/fixtures/losses/make.py) and finite differences. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Datum } from '../../src/core/types.ts';
import { openDevice } from '../../src/engine/ggml/backend.ts';
import { loadFrozen } from '../../src/engine/ggml/frozen.ts';
import { readGguf } from '../../src/engine/ggml/gguf.ts';
import { Parameters } from '../../src/engine/ggml/parameters.ts';
import { shapeOf } from '../../src/engine/ggml/shape.ts';
import { Trainer } from '../../src/engine/ggml/trainer.ts';
import { tokenLoss, type LossToken } from '../../src/engine/loss.ts';
import type { LossSpec } from '../../src/engine/ports.ts';
import { folder, numbers } from './models.ts';
import { dataOf, json, relative, sumOfLanes, tensors, TOLERANCE, writeBase, type Small } from './reference.ts';

interface Case {
  readonly name: string;
  readonly loss: LossSpec;
  /** The data carry the trainer's log-probabilities at sampling time. */
  readonly later: boolean;
  readonly expected: number;
  readonly gradients: Readonly<Record<string, readonly number[]>>;
}
const wanted = JSON.parse(readFileSync(path.join(import.meta.dirname, '../fixtures/losses/losses.json'), 'utf8')) as {
  readonly bScale: number;
  readonly sampled: readonly (readonly number[])[];
  readonly old: readonly (readonly number[])[];
  readonly base: readonly (readonly number[])[];
  readonly cases: readonly Case[];
};
const fixture = json<Small & { rank: number; alpha: number }>('lora');

const home = folder();
let trainer: Trainer;
let start: Map<string, Float32Array>;
beforeAll(async () => {
  const gguf = readGguf(writeBase(path.join(home.path, 'base.gguf'), fixture));
  const shape = shapeOf(gguf);
  const device = openDevice('cpu', 2);
  const frozen = await loadFrozen(device, gguf, shape, 'lora');
  start = new Map(
    [...tensors('lora', fixture, 'a/')].map(([name, data]) => [name, name.endsWith('lora_b') ? data.map((x) => x * wanted.bScale) : data]),
  );
  const lora = { rank: fixture.rank, alpha: fixture.alpha };
  trainer = new Trainer(device, new Parameters(device, { shape, mode: 'lora', lora, values: start, frozen }), { tokenBudget: 64 });
});
afterAll(() => {
  trainer.dispose();
  trainer.parameters.dispose();
  home[Symbol.dispose]();
});

/** The data of ../fixtures/gradients with samplers near the trainer. */
function data(later: boolean): Datum[] {
  return dataOf(fixture).map((datum, i) => ({
    ...datum,
    logprobs: Float32Array.from(wanted.sampled[i]!),
    ...(later ? { old: Float32Array.from(wanted.old[i]!) } : {}),
  }));
}

describe('loss and gradients equal those of PyTorch', () => {
  it.each(wanted.cases.map((c) => [c.name, c] as const))('%s', async (_, { loss, later, expected, gradients }) => {
    trainer.parameters.clearGradients();
    const result = await trainer.forwardBackward(data(later), loss);
    expect(Math.abs(result.loss - expected) / Math.abs(expected)).toBeLessThan(TOLERANCE);
    const found = sumOfLanes(trainer);
    for (const [name, reference] of Object.entries(gradients)) expect(relative(found.get(name)!, reference), name).toBeLessThan(TOLERANCE);
    if (loss.kl === undefined) expect(result.metrics).not.toHaveProperty(['loss/kl']);
    else expect(result.metrics['loss/kl']).toBeGreaterThan(0);
    if (loss.kind === 'ppo' || loss.kind === 'cispo') {
      expect(result.metrics['loss/clipped']).toBeGreaterThan(0.05);
      expect(result.metrics['loss/clipped']).toBeLessThan(0.95);
    }
  });

  it('the base model is the one without the adapter', async () => {
    // With k3 alone and coefficient 1 the loss is the mean estimate itself.
    const zero = data(false).map((datum) => ({ ...datum, advantages: new Float32Array(datum.tokens.length) }));
    const loss: LossSpec = { kind: 'reinforce', normaliser: 1, kl: { coefficient: 1, estimator: 'k3' } };
    const result = await trainer.forwardBackward(zero, loss, false);
    let sum = 0;
    zero.forEach((datum, d) =>
      datum.weights.forEach((w, i) => {
        const log = wanted.base[d]![i]! - result.logprobs[d]![i]!;
        if (w !== 0) sum += w * (Math.exp(log) - 1 - log);
      }),
    );
    expect(Math.abs(result.loss / sum - 1)).toBeLessThan(TOLERANCE);
  });
});

describe('gradients equal finite differences', () => {
  const specs: [string, LossSpec, boolean][] = wanted.cases.map(({ name, loss, later }) => [name, loss, later]);
  it.each(specs)('%s', async (_, loss, later) => {
    const batch = data(later);
    trainer.parameters.clearGradients();
    const here = await trainer.forwardBackward(batch, loss);
    const gradients = sumOfLanes(trainer);
    const next = numbers(11);
    const direction = new Map([...start].map(([name, values]) => [name, values.map(() => next() - 0.5)]));
    let slope = 0;
    for (const [name, d] of direction) d.forEach((x, i) => (slope += x * (gradients.get(name)?.[i] ?? 0)));
    // What the formulae hold constant is held at its value here.
    const held = batch.map((datum, d) =>
      Array.from(datum.weights, (_, i) => {
        const lp = here.logprobs[d]![i]!;
        const ratio = (reference: number): number => Math.exp(lp - reference);
        const clip = (r: number): number => Math.min(Math.max(r, 1 - (loss.clipLow ?? 0.2)), 1 + (loss.clipHigh ?? 0.28));
        if (loss.kind === 'cispo') return clip(ratio(datum.old?.[i] ?? datum.logprobs[i]!));
        if (loss.kind === 'reinforce' && loss.importanceCap !== undefined) return Math.min(ratio(datum.logprobs[i]!), loss.importanceCap);
        return 1;
      }),
    );
    const surrogate = (logprobs: readonly Float32Array[]): number => {
      let total = 0;
      batch.forEach((datum, d) =>
        datum.weights.forEach((w, i) => {
          if (w === 0) return;
          const lp = logprobs[d]![i]!;
          const a = datum.advantages[i]!;
          const old = datum.old?.[i] ?? datum.logprobs[i]!;
          const v =
            datum.old === undefined || loss.importanceCap === undefined
              ? 1
              : Math.min(Math.exp(old - datum.logprobs[i]!), loss.importanceCap);
          const r = Math.exp(lp - old);
          const clipped = Math.min(Math.max(r, 1 - (loss.clipLow ?? 0.2)), 1 + (loss.clipHigh ?? 0.28));
          if (loss.kind === 'cross_entropy') total -= w * lp;
          else if (loss.kind === 'ppo') total -= w * v * Math.min(r * a, clipped * a);
          else total -= w * a * held[d]![i]! * lp * (loss.kind === 'cispo' ? v : 1);
          if (loss.kl === undefined) return;
          const log = wanted.base[d]![i]! - lp;
          total += loss.kl.coefficient * w * (loss.kl.estimator === 'k3' ? Math.exp(log) - 1 - log : log ** 2 / 2);
        }),
      );
      return total / loss.normaliser;
    };
    const h = 1e-3;
    const at = async (factor: number): Promise<number> => {
      trainer.parameters.write(
        'w',
        new Map([...start].map(([name, values]) => [name, values.map((x, i) => x + factor * direction.get(name)![i]!)])),
      );
      return surrogate((await trainer.forwardBackward(batch, { kind: 'cross_entropy', normaliser: 1 }, false)).logprobs);
    };
    const difference = ((await at(h)) - (await at(-h))) / (2 * h);
    trainer.parameters.write('w', start);
    expect(Math.abs(difference / slope - 1)).toBeLessThan(0.02);
  });
});

describe('the loss of a token', () => {
  const token: fc.Arbitrary<LossToken> = fc.record({
    weight: fc.constantFrom(0, 0.5, 1),
    advantage: fc.double({ min: -3, max: 3, noNaN: true }),
    sampled: fc.double({ min: -40, max: 0, noNaN: true }),
    old: fc.option(fc.double({ min: -40, max: 0, noNaN: true })),
    base: fc.double({ min: -40, max: 0, noNaN: true }),
  });
  const spec: fc.Arbitrary<LossSpec> = fc.record(
    {
      kind: fc.constantFrom('reinforce', 'ppo', 'cispo', 'cross_entropy') as fc.Arbitrary<LossSpec['kind']>,
      normaliser: fc.constantFrom(1, 10),
      importanceCap: fc.constantFrom(0.5, 2),
      clipLow: fc.constantFrom(0.2, 1),
      clipHigh: fc.constantFrom(0.28, 4),
      kl: fc.constantFrom({ coefficient: 0.1, estimator: 'k2' } as const, { coefficient: 0.1, estimator: 'k3' } as const),
    },
    { requiredKeys: ['kind', 'normaliser'] },
  ) as fc.Arbitrary<LossSpec>;

  it('is finite whatever the ratio, and zero for a token of weight zero', () => {
    fc.assert(
      fc.property(spec, token, fc.double({ min: -90, max: 0, noNaN: true }), (loss, item, logprob) => {
        const { value, gradient, kl } = tokenLoss(loss, item, logprob);
        expect(Number.isFinite(value) && Number.isFinite(gradient) && kl >= 0).toBe(true);
        if (item.weight === 0) expect(Math.abs(value) + Math.abs(gradient)).toBe(0);
      }),
    );
  });
  it('is the same for all three policy losses where sampler, trainer and bounds agree', () => {
    const item: LossToken = { weight: 1, advantage: 0.7, sampled: -1.3, old: null, base: 0 };
    const slopes = (['reinforce', 'ppo', 'cispo'] as const).map(
      (kind) => tokenLoss({ kind, normaliser: 2, importanceCap: 2 }, item, -1.3).gradient,
    );
    expect(slopes).toEqual([-0.35, -0.35, -0.35]);
  });
  it('ppo has no gradient where the ratio went far enough in the direction wanted, and keeps it in the other', () => {
    const slope = (advantage: number, logRatio: number): number =>
      tokenLoss({ kind: 'ppo', normaliser: 1 }, { weight: 1, advantage, sampled: -2, old: null, base: 0 }, -2 + logRatio).gradient;
    expect([slope(1, 0.3), slope(-1, -0.3)]).toEqual([0, 0]);
    expect(slope(1, -0.3)).toBeCloseTo(-Math.exp(-0.3), 12);
    expect(slope(-1, 0.3)).toBeCloseTo(Math.exp(0.3), 12);
  });
});

describe('refusals', () => {
  it('a KL term in full-parameter mode, and caps and clips out of range', async () => {
    const device = openDevice('cpu', 1);
    const full = json<Small>('full');
    const parameters = new Parameters(device, {
      shape: full.shape,
      mode: 'full',
      lora: { rank: 1, alpha: 1 },
      values: tensors('full', full, 'w/'),
    });
    const other = new Trainer(device, parameters, { tokenBudget: 512 });
    const kl = { coefficient: 0.1, estimator: 'k3' } as const;
    await expect(other.forwardBackward(dataOf(full), { ...full.loss, kl })).rejects.toThrow(/engine\.mode to "lora".*loss\.kl to 0/);
    for (const bad of [{ clipLow: 0 }, { clipLow: 1.5 }, { clipHigh: -1 }, { importanceCap: 0 }, { normaliser: 0 }])
      await expect(other.forwardBackward(dataOf(full), { kind: 'ppo', normaliser: 1, ...bad })).rejects.toThrow(RangeError);
    other.dispose();
    parameters.dispose();
  });
});
