import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { gradientsCommand, type GradientsCommand } from '../../src/commands/gradients.ts';
import { readFloats } from '../../src/engine/ggml/gguf-data.ts';
import { readGguf } from '../../src/engine/ggml/gguf.ts';
import { folder } from '../engine/models.ts';
import { relative } from '../engine/reference.ts';
import { kelvin } from './cli.ts';

const home = folder();
afterAll(() => home[Symbol.dispose]());
const MODELS = path.join(import.meta.dirname, '../fixtures/gradients/models');
const model = path.join(MODELS, 'qwen2.gguf');
const fixture = JSON.parse(readFileSync(path.join(MODELS, 'qwen2.json'), 'utf8')) as {
  data: unknown[];
  full: { loss: unknown; expected: number; logprobs: number[][] };
};
const write = (name: string, content: unknown): string => {
  const file = path.join(home.path, name);
  writeFileSync(file, typeof content === 'string' ? content : JSON.stringify(content));
  return file;
};
const options = (data: string, out = path.join(home.path, 'out.gguf')): GradientsCommand => ({
  ...{ model, data, out, backend: 'cpu', threads: 1, tokenBudget: 256, seed: 1 },
});

describe('kelvin gradients', () => {
  it('writes loss, log-probabilities and all gradients, which PyTorch confirms', async () => {
    const data = write('batch.json', { data: fixture.data, loss: fixture.full.loss });
    const out = path.join(home.path, 'grads.gguf');
    const done = await kelvin(['gradients', model, '--data', data, '--out', out]).done;
    expect(done.stderr).toBe('');
    expect(done.code).toBe(0);
    const printed = JSON.parse(done.stdout) as { loss: number; tensors: number };
    expect(printed.loss / fixture.full.expected).toBeCloseTo(1, 4);
    const file = readGguf(out);
    const read = (name: string): Float32Array => readFloats(file, file.tensors.get(name) ?? expect.fail(name));
    const reference = readGguf(path.join(MODELS, 'qwen2.reference.gguf'));
    const wanted = [...reference.tensors.values()].filter(({ name }) => name.startsWith('full/'));
    expect(wanted).toHaveLength(printed.tensors);
    for (const entry of wanted) {
      const name = entry.name.replace('full/', 'grad/');
      expect(file.tensors.get(name)?.shape, name).toEqual(entry.shape);
      expect(relative(read(name), readFloats(reference, entry)), name).toBeLessThan(1e-4);
    }
    const logprobs = read('logprobs/0');
    logprobs.forEach((lp, i) => {
      if (lp !== 0) expect(lp).toBeCloseTo(fixture.full.logprobs[0]?.[i] ?? NaN, 3);
    });
  });

  it('takes bare token ids, and a fresh adapter whose A has no gradient yet', async () => {
    const out = path.join(home.path, 'grads.json');
    await gradientsCommand({ ...options(write('ids.json', { data: [{ tokens: [5, 9, 2, 7] }] }), out), lora: { rank: 2, alpha: 4 } });
    const { loss, tensors } = JSON.parse(readFileSync(out, 'utf8')) as {
      loss: number;
      tensors: Record<string, { shape: number[]; data: number[] }>;
    };
    const lp = tensors['logprobs/0'];
    expect(lp?.shape).toEqual([3]);
    expect(-(lp?.data ?? []).reduce((a, b) => a + b, 0) / 3).toBeCloseTo(loss, 5);
    const a = tensors['grad/blk.0.attn_q.weight.lora_a'];
    expect(a?.shape).toEqual([2, 24]);
    expect(a?.data.every((x) => x === 0)).toBe(true);
    expect(tensors['grad/blk.0.attn_q.weight.lora_b']?.data.some((x) => x !== 0)).toBe(true);
    expect(tensors['adapter/blk.0.attn_q.weight.lora_a']?.data.some((x) => x !== 0)).toBe(true);
  });

  it.each<[string, () => GradientsCommand, RegExp]>([
    ['no data file', () => options('/none.json'), /cannot be read/],
    ['text', () => options(write('text.json', 'hello')), /cannot be read as JSON/],
    ['an unknown key', () => options(write('key.json', { data: [{ tokens: [1, 2], mask: [1] }] })), /data.0.*mask/],
    ['one token', () => options(write('one.json', { data: [{ tokens: [1] }] })), /two tokens or more/],
    ['a token outside the vocabulary', () => options(write('big.json', { data: [{ tokens: [1, 48] }] })), /outside the vocabulary of 48/],
    ['arrays of different lengths', () => options(write('len.json', { data: [{ tokens: [1, 2, 3], weights: [1] }] })), /differ in length/],
    ['a sequence longer than the context', () => options(write('long.json', { data: [{ tokens: Array(70).fill(1) }] })), /context of 64/],
    ['another suffix', () => options(write('ok.json', { data: [{ tokens: [1, 2] }] }), 'out.txt'), /\.gguf or \.json/],
    ['a folder that is not there', () => options(write('ok.json', { data: [{ tokens: [1, 2] }] }), '/none/out.gguf'), /cannot be written/],
    [
      'a LoRA of rank 0',
      () => ({ ...options(write('ok.json', { data: [{ tokens: [1, 2] }] })), lora: { rank: 0, alpha: 1 } }),
      /rank from 1/,
    ],
  ])('refuses %s', async (_, make, message) => {
    await expect(gradientsCommand(make())).rejects.toThrow(message);
  });
});
