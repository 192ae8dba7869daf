/**
 * Prints what docs/engine.md quotes: tokens per CPU-second of pre-training, sampling and self-play at the nano shape, and
 * memory. It asserts no speed, because machines are noisy; only that the work was done.
 */
import { expect, it } from 'vitest';
import { openFullTrainer } from '../../src/engine/ggml/open.ts';
import { openGgmlEngine } from '../../src/engine/ggml/engine.ts';
import { writeModel } from '../../src/engine/ggml/model-file.ts';
import type { Shape } from '../../src/engine/ggml/shape.ts';
import type { SampleRequest } from '../../src/engine/ports.ts';
import { datum, EOS, folder, numbers, options, SHAPE, vocabulary, weightsFor } from './models.ts';

const NANO: Shape = {
  ...SHAPE,
  layers: 4,
  width: 128,
  feedForward: 352,
  heads: 4,
  kvHeads: 4,
  headWidth: 32,
  vocabulary: 448,
  context: 256,
};
const ADAM = { lr: 1e-4, beta1: 0.9, beta2: 0.95, eps: 1e-8, weightDecay: 0, gradClip: 1 };
const words = [...vocabulary(), ...Array.from({ length: 183 }, (_, i) => ({ bytes: `fragment${i}` }))];

async function timed<T>(what: string, tokens: (result: T) => number, work: () => Promise<T>): Promise<T> {
  const cpu = process.cpuUsage();
  const start = performance.now();
  const result = await work();
  const { user, system } = process.cpuUsage(cpu);
  const seconds = (user + system) / 1e6;
  const n = tokens(result);
  const report = {
    what,
    tokens: n,
    wallSeconds: +((performance.now() - start) / 1000).toFixed(2),
    cpuSeconds: +seconds.toFixed(2),
    tokensPerCpuSecond: Math.round(n / seconds),
  };
  console.log(JSON.stringify({ ...report, peakMegabytes: Math.round(process.resourceUsage().maxRSS / 1024) }));
  return result;
}

it('a self-play step: 48 proposals and 48 tasks with 8 rollouts each', { timeout: 300_000 }, async () => {
  using home = folder();
  const file = `${home.path}/nano.gguf`;
  writeModel(file, { name: 'nano', shape: NANO, vocabulary: words, eosToken: EOS, dialect: 'nano' }, weightsFor(NANO));
  const threads = Number(process.env['KELVIN_THREADS'] ?? 2);
  await using engine = await openGgmlEngine(options(file, { threads, parallel: 128, contextLength: 256, tokenBudget: 1024 }));
  const next = numbers(5);
  const request = (n: number, i: number): SampleRequest => ({
    prompt: Array.from({ length: 50 + Math.floor(next() * 20) }, () => Math.floor(next() * 256)),
    n,
    maxTokens: 20 + (i % 21),
    temperature: 1,
    seed: i,
  });
  const wanted = Array.from({ length: 96 }, (_, i) => request(i < 48 ? 1 : 8, i));
  for (const round of ['first step (builds the graphs)', 'second step']) {
    const count = (all: { tokens: readonly number[] }[][]): number => all.flat().reduce((a, s) => a + s.tokens.length, 0);
    const sampled = await timed(`${round}: sampled tokens`, count, () => engine.sample(wanted));
    const data = sampled.flatMap((all, r) => all.map((s, j) => datum(wanted[r]?.prompt ?? [], s.tokens, s.logprobs, j % 2 === 0 ? 1 : -1)));
    const total = data.reduce((a, d) => a + d.tokens.length, 0);
    const result = await timed(
      `${round}: trained tokens, shared prompts counted each time`,
      () => total,
      async () => {
        const out = await engine.forwardBackward(data, { kind: 'reinforce', normaliser: 10_000, importanceCap: 2 });
        await engine.optimStep(ADAM);
        return out;
      },
    );
    expect(result.logprobs).toHaveLength(48 + 384);
    expect(result.metrics['mismatch/max']).toBeLessThan(1e-3);
  }
});

it('pre-training: documents of 255 tokens, Muon', { timeout: 300_000 }, async () => {
  const trainer = openFullTrainer({ shape: NANO, values: weightsFor(NANO) }, { threads: 1, tokenBudget: 1024 });
  const next = numbers(6);
  const documents = Array.from({ length: 32 }, () =>
    datum(
      [Math.floor(next() * 400)],
      Array.from({ length: 255 }, () => Math.floor(next() * 400)),
      [],
      1,
    ),
  );
  for (const round of ['first', 'second'])
    await timed(
      `${round} pre-training step: tokens`,
      () => 32 * 255,
      async () => {
        const { loss } = await trainer.forwardBackward(documents, { kind: 'cross_entropy', normaliser: 32 * 255 });
        await trainer.muon(ADAM, { lr: 0.01, momentum: 0.95, weightDecay: 0.3 });
        expect(loss).toBeGreaterThan(0);
      },
    );
  trainer.dispose();
  trainer.parameters.dispose();
});
