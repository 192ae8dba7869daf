/** The embedded engine and a Tinker server step in the same direction, by the same length, on every loss and with either reduction. */
import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { datumOf } from '../../src/core/datum.ts';
import type { Datum } from '../../src/core/types.ts';
import { readAdapter } from '../../src/engine/ggml/adapter.ts';
import { openGgmlEngine } from '../../src/engine/ggml/engine.ts';
import { readGguf } from '../../src/engine/ggml/gguf.ts';
import { shapeOf } from '../../src/engine/ggml/shape.ts';
import type { Engine, LossSpec } from '../../src/engine/ports.ts';
import { RECORDS } from '../../src/engine/tinker/servers.ts';
import { folder, options } from '../engine/models.ts';
import { ALPHA, EmbeddedModel } from './embedded.ts';
import { BASE, openTinker, tiny } from './harness.ts';
import { ScriptedTinker } from './server.ts';

const RANK = 4;
/** With an eps far above every gradient Adam's step is −lr/eps·gradient. */
const BARE = { lr: 1e5, beta1: 0, beta2: 0, eps: 1e5, weightDecay: 0, gradClip: 0 };
const PROMPTS = [
  [5, 6, 7, 8],
  [9, 10, 11],
];

const LOSSES: readonly [string, LossSpec][] = [
  ['cross_entropy', { kind: 'cross_entropy', normaliser: 20 }],
  ['reinforce', { kind: 'reinforce', normaliser: 20 }],
  ['reinforce, truncated', { kind: 'reinforce', normaliser: 20, importanceCap: 1.01 }],
  ['ppo', { kind: 'ppo', normaliser: 20, clipLow: 0.02, clipHigh: 0.03 }],
  ['ppo, decoupled', { kind: 'ppo', normaliser: 20, importanceCap: 1.05 }],
  ['cispo', { kind: 'cispo', normaliser: 20, clipLow: 0.02, clipHigh: 0.03 }],
];

async function adapterOf(engine: Engine, dir: string, gguf: string): Promise<Float32Array> {
  await engine.exportModel(dir, 'peft');
  const { values } = readAdapter(dir, shapeOf(readGguf(gguf)));
  return Float32Array.from([...values].sort(([a], [b]) => (a < b ? -1 : 1)).flatMap(([, data]) => [...data]));
}
const dot = (a: Float64Array, b: Float64Array): number => a.reduce((sum, x, i) => sum + x * (b[i] ?? 0), 0);

describe.each([
  { server: 'tinker', wire: 'json', losses: 'server' },
  { server: 'tinker', wire: 'protobuf', losses: 'client' },
  { server: 'skyrl-jax', wire: 'protobuf', losses: 'server' },
  { server: 'skyrl-jax', wire: 'json', losses: 'client' },
  { server: 'skyrl-train', wire: 'protobuf', losses: 'server' },
] as const)('$server, $wire, the $losses computes the loss', ({ server, wire, losses }) => {
  it('gives the embedded gradient', async () => {
    using at = folder();
    const { gguf, tokenizer } = tiny(at.path);
    const { reduction } = RECORDS[server];
    await using scripted = new ScriptedTinker({
      ...{ wire, model: BASE, deduplicates: true },
      open: async (rank, seed) => await EmbeddedModel.open({ model: gguf, seed, rank, contextLength: 128 }, reduction),
    });
    await using tinker = await openTinker({ url: await scripted.listen(), tokenizer, server, losses, rank: RANK });
    const groups = await tinker.sample(PROMPTS.map((prompt, i) => ({ prompt, n: 3, maxTokens: 6, temperature: 1, seed: i })));
    // Off-policy by a little, so that ratios differ from 1 and bounds are met; lengths differ.
    const data: Datum[] = groups.flatMap((group, i) =>
      group.map((sequence, j) => {
        const length = 2 + ((i + 2 * j) % 5);
        const rollout = { promptTokens: PROMPTS[i]!, tokens: sequence.tokens.slice(0, length) };
        const logprobs = sequence.logprobs.slice(0, length).map((lp, t) => lp + 0.04 * Math.sin(7 * i + 3 * j + t));
        const datum = datumOf({ ...rollout, logprobs }, [1, -0.7, 0.4][j]! + 0.1 * i, j === 1 ? 0.5 : 1);
        return j === 2 ? { ...datum, old: datum.logprobs.map((lp, t) => (lp === 0 ? 0 : lp + 0.02 * Math.cos(t))) } : datum;
      }),
    );
    // A first step moves B away from 0, so that A has a gradient too.
    await tinker.forwardBackward(data, { kind: 'cross_entropy', normaliser: 20 });
    await tinker.optimStep({ ...BARE, lr: 2e-2, eps: 1e-8 });
    let before = await adapterOf(tinker, path.join(at.path, 'start'), gguf);
    for (const [name, loss] of LOSSES) {
      const start = path.join(at.path, `start-${name}`);
      mkdirSync(start);
      await tinker.exportModel(start, 'peft');
      await using embedded = await openGgmlEngine(options(gguf, { mode: 'lora', lora: { rank: RANK, alpha: ALPHA }, adapter: start }));
      const [there, here] = [await tinker.forwardBackward(data, loss), await embedded.forwardBackward(data, loss)];
      expect(there.loss).toBeCloseTo(here.loss, 4);
      there.logprobs.forEach((row, i) => row.forEach((lp, t) => expect(Math.abs(lp - here.logprobs[i]![t]!)).toBeLessThan(1e-4)));
      expect(Object.keys(there.metrics)).toEqual(Object.keys(here.metrics));
      for (const key of ['mismatch/kl', 'mismatch/max', 'loss/clipped'])
        if (here.metrics[key] !== undefined) expect(there.metrics[key]).toBeCloseTo(here.metrics[key], 4);
      const [normThere, normHere] = [(await tinker.optimStep(BARE)).gradNorm, (await embedded.optimStep(BARE)).gradNorm];
      expect(normThere / normHere).toBeCloseTo(1, 3);
      const after = await adapterOf(tinker, path.join(at.path, `there-${name}`), gguf);
      const own = await adapterOf(embedded, path.join(at.path, `here-${name}`), gguf);
      const [a, b] = [after, own].map((weights) => Float64Array.from(weights, (w, i) => w - before[i]!)) as [Float64Array, Float64Array];
      const cosine = dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b));
      expect(Math.sqrt(dot(a, a))).toBeGreaterThan(1e-3);
      expect(cosine, name).toBeGreaterThanOrEqual(0.999);
      before = after;
    }
  });
});
