/**
 * Every configuration that comes with Kelvin runs a step on a small model of its model's architecture, types and settings: the
 * models themselves are too large for a test.
 */
import path from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { readConfig } from '../../src/config.ts';
import { datumOf } from '../../src/core/datum.ts';
import { openGgmlEngine } from '../../src/engine/ggml/engine.ts';
import { writeGguf, type WritableTensor } from '../../src/engine/ggml/gguf-write.ts';
import { describe as describeModel, tensorsOf } from '../../src/engine/ggml/model-file.ts';
import { shapeOf, type Shape } from '../../src/engine/ggml/shape.ts';
import { CATALOGUE, type CatalogueModel } from '../../src/models/catalogue.ts';
import { headerOf } from '../../src/models/header.ts';
import { EOS, folder, numbers, vocabulary, weightsFor } from './models.ts';

const ROOT = path.join(import.meta.dirname, '../..');
const home = folder();
afterAll(() => home[Symbol.dispose]());

/** ggml type → bytes of a block of 32 or 256, and where in it the half-precision scales lie. */
const BLOCKS: Readonly<Record<number, readonly [elements: number, bytes: number, scales: readonly number[]]>> = {
  3: [32, 20, [0, 2]],
  8: [32, 34, [0]],
  12: [256, 144, [0, 2]],
  14: [256, 210, [208]],
};

/** Random bits are weights of a quantised type as long as the scales are small numbers. */
function blocks(type: number, count: number, next: () => number): Uint8Array {
  const [elements, size, scales] = BLOCKS[type] ?? [1, 4, []];
  const bytes = Uint8Array.from({ length: (count / elements) * size }, () => Math.floor(next() * 256));
  // 2⁻¹⁵ as a half-precision number.
  for (let at = 0; at < bytes.length; at += size) for (const scale of scales) bytes.set([0x00, 0x02], at + scale);
  return bytes;
}

/** A model with the architecture, biases, types, head and context of a listed one, two blocks deep. */
function small(model: CatalogueModel): string {
  const header = headerOf(model);
  const { architecture = 'llama', heads, kvHeads, biases = [], tied, context, epsilon, ropeBase } = shapeOf(header);
  const size = { layers: 2, width: 256, feedForward: 256, heads: 4, kvHeads: heads / kvHeads > 3 ? 1 : 2, headWidth: 64 };
  const shape: Shape = { architecture, ...size, vocabulary: vocabulary().length, biases, tied, context, epsilon, ropeBase };
  const next = numbers(heads);
  const tensors = new Map<string, WritableTensor>(
    [...tensorsOf(shape, weightsFor(shape))].map(([name, tensor]) => {
      const type = header.tensors.get(name)?.type ?? 0;
      const count = tensor.shape.reduce((a, b) => a * b, 1);
      return [name, type === 0 ? tensor : { shape: tensor.shape, data: { type, bytes: blocks(type, count, next) } }];
    }),
  );
  const file = path.join(home.path, `${model.name}.gguf`);
  writeGguf(file, describeModel({ name: model.name, shape, vocabulary: vocabulary(), eosToken: EOS, dialect: 'chat' }), tensors);
  return file;
}

describe('the settings of', () => {
  it.each(CATALOGUE.map((model) => [model.config, model] as const))('%s sample and train', async (config, model) => {
    const { engine: settings, optim, loss, seed } = readConfig(path.join(ROOT, config));
    await using engine = await openGgmlEngine({ ...settings, threads: 1, backend: 'cpu', model: small(model), seed }, { sampler: 'llama' });
    expect(engine.info.architecture).toBe(model.shape.architecture);
    expect(engine.info.contextLength).toBe(settings.contextLength);
    const next = numbers(2);
    const requests = [0, 1].map((i) => ({
      prompt: Array.from({ length: 20 + 30 * i }, () => Math.floor(next() * 256)),
      ...{ n: 3, maxTokens: 5, temperature: 1, seed: i },
    }));
    const sampled = await engine.sample(requests);
    const data = sampled.flatMap((all, i) =>
      all.map((s, j) => datumOf({ promptTokens: requests[i]?.prompt ?? [], tokens: s.tokens, logprobs: s.logprobs }, j - 1)),
    );
    const { metrics } = await engine.forwardBackward(data, {
      kind: loss.kind,
      normaliser: data.length,
      importanceCap: optim.importanceCap,
    });
    expect(metrics['mismatch/kl']).toBeLessThan(1);
    const { gradNorm } = await engine.optimStep(optim);
    expect(gradNorm).toBeGreaterThan(0);
    expect(engine.policyVersion).toBe(1);
  });
});
