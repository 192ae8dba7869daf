/** llama.cpp as a second opinion: our trainer and our sampler agree with it on every architecture and rotary scaling, adapter included. */
import { afterAll, describe, expect, it } from 'vitest';
import { openGgmlEngine } from '../../src/engine/ggml/engine.ts';
import { writeGguf, type MetadataValue, type WritableTensor } from '../../src/engine/ggml/gguf-write.ts';
import { describe as describeModel, tensorsOf } from '../../src/engine/ggml/model-file.ts';
import type { Shape } from '../../src/engine/ggml/shape.ts';
import { datum, EOS, folder, numbers, options, SHAPE, vocabulary, weightsFor } from './models.ts';

const home = folder();
afterAll(() => home[Symbol.dispose]());

const BIASES = ['attn_q', 'attn_k', 'attn_v'] as const;
const factors = Float32Array.from({ length: SHAPE.headWidth / 2 }, (_, i) => 1 + i);
const scaling = (architecture: string, type: string, more: Record<string, MetadataValue> = {}): Record<string, MetadataValue> => ({
  [`${architecture}.rope.scaling.type`]: { text: type },
  [`${architecture}.rope.scaling.factor`]: { f32: 4 },
  ...more,
});
const yarn = (architecture: string): Record<string, MetadataValue> =>
  scaling(architecture, 'yarn', { [`${architecture}.rope.scaling.original_context_length`]: { u32: 32 } });
const MODELS: readonly [name: string, shape: Shape, metadata?: Record<string, MetadataValue>, tensors?: Record<string, WritableTensor>][] =
  [
    ['llama', { ...SHAPE, tied: false }],
    ['llama with biases', { ...SHAPE, biases: [...BIASES, 'attn_output'] }],
    ['llama with linear scaling', SHAPE, scaling('llama', 'linear')],
    ['llama with YaRN', SHAPE, yarn('llama')],
    ['llama with rotary factors', SHAPE, {}, { 'rope_freqs.weight': { shape: [factors.length], data: factors } }],
    ['qwen2', { ...SHAPE, architecture: 'qwen2', biases: BIASES }],
    ['qwen2 with YaRN', { ...SHAPE, architecture: 'qwen2', biases: BIASES, kvHeads: 4, tied: false }, yarn('qwen2')],
    ['qwen3', { ...SHAPE, architecture: 'qwen3', headNorms: true, headWidth: 32 }],
  ];

function write(name: string, shape: Shape, metadata: Record<string, MetadataValue>, more: Record<string, WritableTensor>): string {
  const file = `${home.path}/${name}.gguf`;
  const next = numbers(3);
  const weights = weightsFor(shape);
  for (const [tensor, data] of weights) if (tensor.endsWith('bias')) data.forEach((_, i) => (data[i] = next() - 0.5));
  const all = { name, shape, vocabulary: vocabulary(), eosToken: EOS, dialect: 'nano', metadata };
  writeGguf(file, describeModel(all), new Map([...tensorsOf(shape, weights), ...Object.entries(more)]));
  return file;
}

describe.each(MODELS)('%s', (name, shape, metadata = {}, tensors = {}) => {
  it.each(['graph', 'llama'] as const)('is sampled by the %s sampler with the log-probabilities of the trainer', async (sampler) => {
    await using engine = await openGgmlEngine(options(write(name, shape, metadata, tensors), { mode: 'lora' }), { sampler });
    const prompt = Array.from({ length: 50 }, (_, i) => 40 + ((i * 7) % 80));
    const step = async (tokens: readonly number[], logprobs: readonly number[]): Promise<Float32Array> => {
      const result = await engine.forwardBackward([datum(prompt, tokens, logprobs, 1)], { kind: 'cross_entropy', normaliser: 1 });
      return (result.logprobs[0] as Float32Array).subarray(prompt.length - 1);
    };
    // An adapter that changes something.
    await step([50, 60, 70, 80], [0, 0, 0, 0]);
    await engine.optimStep({ lr: 0.01, beta1: 0.9, beta2: 0.95, eps: 1e-8, weightDecay: 0, gradClip: 0 });
    const [[sampled] = []] = await engine.sample([{ prompt, n: 1, maxTokens: 20, temperature: 1, seed: 5 }]);
    const { tokens = [], logprobs = [] } = sampled ?? {};
    expect(tokens.length).toBeGreaterThan(0);
    const trained = await step(tokens, logprobs);
    // llama.cpp keeps keys and values in half precision.
    const tolerance = sampler === 'graph' ? 1e-4 : 2e-2;
    trained.forEach((lp, i) => expect(Math.abs(lp - (logprobs[i] ?? NaN)), `token ${i}`).toBeLessThan(tolerance));
  });
});

it.each<[string, Shape, Record<string, MetadataValue>, RegExp]>([
  [
    'turns a part of each head',
    { ...SHAPE, architecture: 'qwen2' },
    { 'qwen2.rope.dimension_count': { u32: 10 } },
    /turns 10 of the 16.*Choose/,
  ],
  ['turns a part of each head, as llama', SHAPE, { 'llama.rope.dimension_count': { u32: 10 } }, /turns 10 of the 16/],
  ['has heads wider than its width', { ...SHAPE, architecture: 'qwen2', headWidth: 18 }, {}, /4 heads of 18 elements in a width of 64/],
])('a model that %s is trained, and refused where llama.cpp would sample', async (name, shape, metadata, message) => {
  const file = write(name, shape, metadata, {});
  await expect(openGgmlEngine(options(file, { mode: 'lora' }), { sampler: 'llama' })).rejects.toThrow(message);
  await using engine = await openGgmlEngine(options(file, { mode: 'lora' }), { sampler: 'graph' });
  const data = [datum([50, 60], [70, 80], [-5, -5], 1)];
  expect((await engine.forwardBackward(data, { kind: 'cross_entropy', normaliser: 1 })).loss).toBeGreaterThan(0);
});
