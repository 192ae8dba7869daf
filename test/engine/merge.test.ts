import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { openGgmlEngine } from '../../src/engine/ggml/engine.ts';
import { readGguf } from '../../src/engine/ggml/gguf.ts';
import { fromF16, toF16 } from '../../src/engine/ggml/half.ts';
import { readAdapter } from '../../src/engine/ggml/adapter.ts';
import { exportMerged } from '../../src/engine/ggml/merge.ts';
import { shapeOf } from '../../src/engine/ggml/shape.ts';
import { readTrained } from '../../src/engine/ggml/state.ts';
import { folder, options, writeTiny } from './models.ts';
import { mkdirSync } from 'node:fs';

describe('half precision', () => {
  it('goes there and back for every finite number of 16 bits', () => {
    const bits = Uint16Array.from({ length: 65536 }, (_, i) => i).filter((x) => (x & 0x7c00) !== 0x7c00);
    const bytes = new Uint8Array(bits.buffer);
    expect(Buffer.from(toF16(fromF16(bytes))).equals(Buffer.from(bytes))).toBe(true);
  });
  it('rounds to nearest, ties to even', () => {
    const half = (x: number): number => fromF16(toF16(Float32Array.of(x)))[0] as number;
    expect(half(1 + 2 ** -11)).toBe(1);
    expect(half(1 + 3 * 2 ** -11)).toBe(1 + 2 ** -9);
    expect(half(1 + 2 ** -11 + 2 ** -20)).toBe(1 + 2 ** -10);
    expect(half(65520)).toBe(Infinity);
    expect(half(65519)).toBe(65504);
    expect([half(2 ** -25), half(1.5 * 2 ** -25), half(-(2 ** -24))]).toEqual([0, 2 ** -24, -(2 ** -24)]);
  });
});

describe('what was learned', () => {
  it('is the same as an adapter beside the model and merged into it', async () => {
    using home = folder();
    const model = writeTiny(`${home.path}/tiny.gguf`);
    const adapterFile = `${home.path}/adapter.gguf`;
    const state = `${home.path}/state`;
    mkdirSync(state);
    const prompt = [1, 2, 3, 4, 5];
    {
      await using engine = await openGgmlEngine(options(model, { mode: 'lora' }));
      const datum = {
        tokens: Int32Array.of(1, 2, 3, 4),
        targets: Int32Array.of(2, 3, 4, 5),
        weights: Float32Array.of(0, 1, 1, 1),
        logprobs: new Float32Array(4),
        advantages: Float32Array.of(0, 1, 1, 1),
      };
      for (let i = 0; i < 3; i++) {
        await engine.forwardBackward([datum], { kind: 'cross_entropy', normaliser: 3 });
        await engine.optimStep({ lr: 0.05, beta1: 0.9, beta2: 0.95, eps: 1e-8, weightDecay: 0, gradClip: 0 });
      }
      await engine.exportModel(adapterFile);
      await engine.saveState(state);
    }
    const file = readGguf(model);
    const adapter = readAdapter(adapterFile, shapeOf(file));
    // A saved state gives the same adapter without an engine.
    const trained = readTrained(state);
    expect(trained).toMatchObject({ mode: 'lora', lora: { rank: adapter.rank, alpha: adapter.alpha } });
    for (const [name, values] of adapter.values) expect(trained.values.get(name), name).toEqual(values);

    const merged = `${home.path}/merged.gguf`;
    await exportMerged(merged, file, adapter);
    const read = readGguf(merged);
    expect([...read.metadata]).toEqual([...file.metadata]);
    expect(read.tokens).toEqual(file.tokens);
    const ask = { prompt, n: 1, maxTokens: 12, temperature: 0, seed: 1 };
    await using beside = await openGgmlEngine(options(model, { mode: 'lora', adapter: adapterFile, inference: true }));
    await using inside = await openGgmlEngine(options(merged, { inference: true }));
    await using before = await openGgmlEngine(options(model, { inference: true }));
    const [a, b, c] = await Promise.all([beside, inside, before].map(async (engine) => (await engine.sample([ask]))[0]?.[0]));
    expect(b?.tokens).toEqual(a?.tokens);
    a?.logprobs.forEach((x, i) => expect(b?.logprobs[i]).toBeCloseTo(x, 4));
    expect(c?.logprobs[0]).not.toBeCloseTo(a?.logprobs[0] ?? 0, 2);
    expect(readFileSync(merged).length).toBeGreaterThan(1000);
  });
});
