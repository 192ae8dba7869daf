/** Every architecture and file type against PyTorch F32 on the same (dequantised) weights; fixtures of test/fixtures/gradients/models.py. */
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { openDevice, type Device } from '../../src/engine/ggml/backend.ts';
import { loadFrozen } from '../../src/engine/ggml/frozen.ts';
import { readF32, readFloats } from '../../src/engine/ggml/gguf-data.ts';
import { describe as describeModel, tensorsOf } from '../../src/engine/ggml/model-file.ts';
import { writeGguf, type WritableTensor } from '../../src/engine/ggml/gguf-write.ts';
import { computeGradients, type Gradients } from '../../src/engine/ggml/gradients.ts';
import { readGguf, typeName, TYPES } from '../../src/engine/ggml/gguf.ts';
import type { Build } from '../../src/engine/ggml/libraries.ts';
import { Parameters } from '../../src/engine/ggml/parameters.ts';
import { shapeOf } from '../../src/engine/ggml/shape.ts';
import { Trainer, type TrainerOptions } from '../../src/engine/ggml/trainer.ts';
import { datum, EOS, folder, SHAPE, vocabulary, weightsFor } from './models.ts';
import { checkForward, dataOf, HERE, json, relative, sumOfLanes, TOLERANCE, type Fixture } from './reference.ts';

interface Model {
  readonly data: Fixture['data'];
  readonly rank: number;
  readonly alpha: number;
  readonly lora: Omit<Fixture, 'data'>;
  readonly full?: Omit<Fixture, 'data'>;
}
const SMALL = ['llama31', 'llama-linear', 'qwen2', 'qwen2-yarn', 'qwen3'];
const QUANTISED = ['quants-k', 'quants-32'];

const fileOf = (name: string): string => path.join(HERE, 'models', `${name}.gguf`);
const reference = (name: string, prefix: string): Map<string, Float32Array> => {
  const file = readGguf(fileOf(`${name}.reference`));
  const entries = [...file.tensors.values()].filter((entry) => entry.name.startsWith(prefix));
  return new Map(entries.map((entry) => [entry.name.slice(prefix.length), readFloats(file, entry)]));
};
const deviceFor = (build: Build, lanes = 1): Device => {
  const cpu = openDevice('cpu', lanes);
  return { ...cpu, g: { ...cpu.g, build } };
};

const fixtureOf = (name: string, mode: 'full' | 'lora'): Fixture => {
  const model = json<Model>(`models/${name}`);
  return { data: model.data, ...(model[mode] as Omit<Fixture, 'data'>) };
};

async function withTrainer<T>(
  name: string,
  mode: 'full' | 'lora',
  device: Device,
  options: TrainerOptions,
  use: (trainer: Trainer) => Promise<T>,
): Promise<T> {
  const { rank, alpha } = json<Model>(`models/${name}`);
  const file = readGguf(fileOf(name));
  const shape = shapeOf(file);
  const values = mode === 'full' ? readF32(file).values : reference(name, 'a/');
  const frozen = await loadFrozen(device, file, shape, mode);
  const parameters = new Parameters(device, { shape, mode, lora: { rank, alpha }, values, frozen });
  const trainer = new Trainer(device, parameters, options);
  try {
    return await use(trainer);
  } finally {
    trainer.dispose();
    parameters.dispose();
  }
}

const check = (name: string, mode: 'full' | 'lora', device: Device, options: TrainerOptions): Promise<void> =>
  withTrainer(name, mode, device, options, async (trainer) => {
    await checkForward(trainer, fixtureOf(name, mode));
    const gradients = sumOfLanes(trainer);
    const wanted = reference(name, `${mode}/`);
    expect([...wanted.keys()].sort()).toEqual([...gradients.keys()].sort());
    for (const [tensor, g] of wanted) expect(relative(gradients.get(tensor) ?? [], g), tensor).toBeLessThan(TOLERANCE);
  });

const gradientsOf = (name: string, mode: 'full' | 'lora', options: Partial<TrainerOptions>): Promise<Map<string, Float32Array>> =>
  withTrainer(name, mode, deviceFor('cpu'), { tokenBudget: 256, ...options }, async (trainer) => {
    const { data, loss } = fixtureOf(name, mode);
    await trainer.forwardBackward(dataOf({ data } as Fixture), loss);
    return sumOfLanes(trainer);
  });

describe('gradients equal those of PyTorch', () => {
  it.each([...SMALL, 'peaked'])('for all weights of %s', (name) => check(name, 'full', deviceFor('cpu'), { tokenBudget: 4096 }));
  it.each([...SMALL, ...QUANTISED])('for a LoRA on %s', (name) => check(name, 'lora', deviceFor('cpu'), { tokenBudget: 4096 }));
  it.each(['qwen3', ...QUANTISED])('for a LoRA on %s with two lanes and small graphs', (name) =>
    check(name, 'lora', deviceFor('cpu', 2), { tokenBudget: 64 }),
  );
  // The operations chosen for a GPU, computed here by the CPU.
  it.each(['qwen3', ...QUANTISED])('for a LoRA on %s by the operations of a GPU build', (name) =>
    check(name, 'lora', deviceFor('vulkan'), { tokenBudget: 4096 }),
  );

  it.each(['cpu', 'vulkan'] as const)('for heads that are dequantised slice by slice, by the operations of a %s build', (build) =>
    Promise.all(QUANTISED.map((name) => check(name, 'lora', deviceFor(build), { tokenBudget: 256, keptHead: 8000 }))).then(() => undefined),
  );

  it.each<[string, 'full' | 'lora']>([
    ['qwen3', 'full'],
    ['llama31', 'lora'],
    ['quants-k', 'lora'],
  ])('and are the same bits when each block of %s (%s) is computed twice', async (name, mode) => {
    const [kept, again] = [await gradientsOf(name, mode, {}), await gradientsOf(name, mode, { checkpointing: true })];
    expect(again).toEqual(kept);
  });

  it.each<[string, 'full' | 'lora']>([
    ['qwen2', 'full'],
    ['quants-32', 'lora'],
    ['quants-k', 'lora'],
  ])('within the rounding of BF16 for %s (%s)', async (name, mode) => {
    const gradients = await gradientsOf(name, mode, { compute: 'bf16' });
    const errors = [...reference(name, `${mode}/`)].map(([tensor, g]) => relative(gradients.get(tensor) ?? [], g));
    expect(Math.max(...errors)).toBeLessThan(5e-2);
    expect(Math.max(...errors)).toBeGreaterThan(TOLERANCE);
  });

  // A type that ggml cannot dequantise would end this process.
  it.each(Object.entries(TYPES).map(([type, block]) => [typeName(Number(type)), Number(type), block] as const))(
    'of a LoRA on weights of the GGUF type %s are finite, or the file is refused',
    async (name, type, [block, bytes]) => {
      const shape = { ...SHAPE, width: 256, feedForward: 256, headWidth: 64, layers: 1 };
      const tensors = tensorsOf(shape, weightsFor(shape));
      const quantised = (n: number): WritableTensor['data'] => ({ type, bytes: new Uint8Array((n / block) * bytes) });
      for (const [tensor, { shape: dims }] of tensors) {
        const n = dims.reduce((a, b) => a * b, 1);
        if (dims.length === 2) tensors.set(tensor, { shape: dims, data: type === 0 ? new Float32Array(n) : quantised(n) });
      }
      using home = folder();
      const model = path.join(home.path, `${name}.gguf`);
      writeGguf(model, describeModel({ name, shape, vocabulary: vocabulary(), eosToken: EOS, dialect: 'nano' }), tensors);
      const data = [datum([1, 2, 3], [4, 5], [0, 0], 1)];
      const settings = { model, backend: 'cpu', threads: 1, tokenBudget: 64, seed: 1, lora: { rank: 2, alpha: 4 } } as const;
      const result = await computeGradients(settings, data, { kind: 'cross_entropy', normaliser: 2 }).catch((error: unknown) => error);
      if (['F32', 'F16', 'BF16', 'Q8_0', 'Q4_0', 'Q4_1', 'Q4_K', 'Q5_K', 'Q6_K'].includes(name))
        expect((result as Gradients).loss).toBeCloseTo(Math.log(shape.vocabulary), 4);
      else if (result instanceof Error) expect(result.name).toBe('EngineError');
    },
  );

  it('and the fixtures hold every type that a LoRA can rest on', () => {
    const types = new Set(
      [...SMALL, ...QUANTISED].flatMap((name) => [...readGguf(fileOf(name)).tensors.values()].map((t) => typeName(t.type))),
    );
    for (const type of ['F32', 'F16', 'BF16', 'Q8_0', 'Q4_0', 'Q4_1', 'Q4_K', 'Q6_K']) expect(types).toContain(type);
  });
});
