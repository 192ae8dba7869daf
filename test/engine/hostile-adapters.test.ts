/** Adapters in GGUF that are damaged, of another model, or lie: a sentence that says what to do, exit code 3, never a native abort. */
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { readAdapter } from '../../src/engine/ggml/adapter.ts';
import { openGgmlEngine } from '../../src/engine/ggml/engine.ts';
import { readGguf } from '../../src/engine/ggml/gguf.ts';
import type { MetadataValue, WritableTensor } from '../../src/engine/ggml/gguf-write.ts';
import { fromBf16, fromF16 } from '../../src/engine/ggml/half.ts';
import { EngineError } from '../../src/engine/ports.ts';
import { expectRefusal, fresh, gguf, HERE, MODEL, peft, RANK, shape, type Case, type Tensors } from './hostile.ts';
import { options } from './models.ts';

const A = 'blk.0.attn_q.weight.lora_a';
const B = 'blk.1.ffn_up.weight.lora_b';
const zeros = (...extents: number[]): WritableTensor => ({ shape: extents, data: new Float32Array(extents.reduce((a, b) => a * b, 1)) });
const alpha = (value: MetadataValue | null) => (m: Map<string, MetadataValue>) =>
  value === null ? m.delete('adapter.lora.alpha') : m.set('adapter.lora.alpha', value);
const put = (name: string, tensor: WritableTensor | null) => (_: unknown, t: Tensors) =>
  tensor === null ? t.delete(name) : t.set(name, tensor);
/** Writes numbers into the header: [offset, value, bytes]. */
const poke = (at: number, value: bigint) => (b: Buffer) => (b.writeBigUInt64LE(value, at), b);
/** The place in the file of a tensor's entry: after its name come rank (4), extents (8 each), type (4), offset (8). */
const entryAt = (b: Buffer, name: string): number => b.indexOf(name) + name.length;
const half = (type: number, values: number[]) => ({ type, bytes: new Uint8Array(Uint16Array.from(values).buffer) });

const GGUF: Case[] = [
  ['that is missing', () => fresh('.gguf'), 'missing', /no adapter.*Give a GGUF adapter/],
  ['that is empty', () => gguf(undefined, () => Buffer.alloc(0)), 'corrupt', /begin with the bytes/],
  ['that is text', () => gguf(undefined, () => Buffer.from('adapter '.repeat(99))), 'corrupt', /begin with the bytes/],
  ['cut in its header', () => gguf(undefined, (b) => b.subarray(0, 300)), 'corrupt', /not a whole GGUF file/],
  ['cut in its last tensor', () => gguf(undefined, (b) => b.subarray(0, b.length - 600)), 'corrupt', /ends at byte/],
  ['of a version to come', () => gguf(undefined, (b) => (b.writeUInt32LE(99, 4), b)), 'unsupported', /version 99/],
  ['that claims 2^60 tensors', () => gguf(undefined, poke(8, 1n << 60n)), 'corrupt', /GGUF/],
  ['that claims 2^63 keys', () => gguf(undefined, poke(16, 1n << 63n)), 'corrupt', /it claims|header wants|not a whole/],
  ['with a key of 2^62 bytes', () => gguf(undefined, poke(24, 1n << 62n)), 'corrupt', /not a whole GGUF file/],
  ['that is a model', () => MODEL, 'corrupt', /not a LoRA adapter/],
  ['that is a control vector', () => gguf((m) => m.set('adapter.type', { text: 'cvector' })), 'corrupt', /not a LoRA adapter/],
  ['of another architecture', () => gguf((m) => m.set('general.architecture', { text: 'qwen2' })), 'corrupt', /belongs to a qwen2 model/],
  ['without an architecture', () => gguf((m) => m.delete('general.architecture')), 'corrupt', /belongs to a/],
  ['without alpha', () => gguf(alpha(null)), 'corrupt', /alpha NaN.*Export/],
  ['with alpha 0', () => gguf(alpha({ f32: 0 })), 'corrupt', /alpha 0.*positive/],
  ['with alpha below 0', () => gguf(alpha({ f32: -4 })), 'corrupt', /alpha -4/],
  ['with alpha NaN', () => gguf(alpha({ f32: NaN })), 'corrupt', /alpha NaN/],
  ['with alpha infinite', () => gguf(alpha({ f32: Infinity })), 'corrupt', /alpha Infinity/],
  ['with alpha as text', () => gguf(alpha({ text: '8' })), 'corrupt', /alpha NaN/],
  ['with a rank that differs between A and B', () => gguf(put(B, zeros(8, 40))), 'corrupt', /extents \[8, 40\].*\[4, 40\] at rank 4/],
  ['with a rank that differs between layers', () => gguf(put('blk.1.attn_v.weight.lora_a', zeros(32, 2))), 'corrupt', /\[32, 2\]/],
  ['with a rank above the width', () => gguf(put(A, zeros(32, 5000))), 'corrupt', /rank 1 to 32/],
  ['of a wider model', () => gguf(put(A, zeros(64, RANK))), 'corrupt', /belongs to another model/],
  [
    'of a model with more layers',
    () => gguf(put('blk.2.attn_q.weight.lora_a', zeros(32, RANK))),
    'unsupported',
    /blk\.2\.attn_q.*of this model/,
  ],
  ['on embeddings too', () => gguf(put('token_embd.weight.lora_a', zeros(48, RANK))), 'unsupported', /token_embd.*linear layers only/],
  ['with a stray tensor', () => gguf(put('x'.repeat(5000), zeros(1))), 'unsupported', /has the tensor x{120},/],
  ['without a B', () => gguf(put(B, null)), 'corrupt', /lacks blk\.1\.ffn_up\.weight\.lora_b/],
  ['without an A', () => gguf(put('blk.1.ffn_up.weight.lora_a', null)), 'corrupt', /lacks blk\.1\.ffn_up\.weight\.lora_a/],
  ['without its first A', () => gguf(put(A, null)), 'corrupt', /lacks blk\.0\.attn_q\.weight\.lora_a/],
  ['with no tensor at all', () => gguf((_, t) => t.clear()), 'corrupt', /no LoRA of rank/],
  ['in three dimensions', () => gguf(put(A, zeros(32, RANK, 2))), 'corrupt', /\[32, 4, 2\]/],
  ['with a NaN', () => gguf(put(B, { shape: [RANK, 40], data: new Float32Array(160).fill(NaN, 9, 10) })), 'corrupt', /ffn_up.*not finite/],
  [
    'with an infinite half',
    () => gguf(put(B, { shape: [RANK, 40], data: half(1, Array<number>(160).fill(0x7c00)) })),
    'corrupt',
    /not finite/,
  ],
  [
    'in Q8_0',
    () => gguf(put(A, { shape: [32, RANK], data: { type: 8, bytes: new Uint8Array(34 * RANK) } })),
    'unsupported',
    /Q8_0.*F32, F16 or BF16/,
  ],
  [
    'in a type that does not exist',
    () => gguf(undefined, (b) => (b.writeUInt32LE(99, entryAt(b, A) + 20), b)),
    'unsupported',
    /unknown type 99/,
  ],
  ['whose tensors overlap', () => gguf(undefined, (b) => poke(entryAt(b, A) + 24, 512n)(b)), 'corrupt', /overlaps/],
  ['whose tensors are not aligned', () => gguf(undefined, (b) => poke(entryAt(b, A) + 24, 3n)(b)), 'corrupt', /overlaps|not aligned/],
  ['with an offset past the end', () => gguf(undefined, (b) => poke(entryAt(b, A) + 24, 1n << 40n)(b)), 'corrupt', /ends at byte/],
  [
    'with an extent of 2^53',
    () => gguf(undefined, (b) => poke(entryAt(b, A) + 4, 1n << 53n)(b)),
    'corrupt',
    /not a whole GGUF|has the shape/,
  ],
  ['with an extent of 0', () => gguf(undefined, (b) => poke(entryAt(b, A) + 4, 0n)(b)), 'corrupt', /has the shape/],
];

it.each(GGUF)('a GGUF adapter %s is refused', (_, make, code, message) => expectRefusal(make(), code, message));

it('the good ones that the bad ones were made from are taken, by either sampler', async () => {
  for (const adapter of [gguf(), peft()]) {
    expect(readAdapter(adapter, shape).values.size).toBe(28);
    for (const sampler of ['graph', 'llama'] as const) {
      await using engine = await openGgmlEngine(options(MODEL, { mode: 'lora', adapter, inference: true, contextLength: 64 }), { sampler });
      const [[sequence] = []] = await engine.sample([{ prompt: [3, 4], n: 1, maxTokens: 3, temperature: 0, seed: 0 }]);
      expect(sequence!.tokens.length).toBeGreaterThan(0);
    }
  }
});

it.each(['graph', 'llama'] as const)('a bad adapter leaves nothing open and the process alive (%s sampler)', async (sampler) => {
  for (const adapter of [gguf(alpha({ f32: NaN })), gguf(undefined, (b) => b.subarray(0, 2000)), peft({ r: 9 })])
    await expect(
      openGgmlEngine(options(MODEL, { mode: 'lora', adapter, inference: true, contextLength: 64 }), { sampler }),
    ).rejects.toMatchObject({ name: 'EngineError', code: 'corrupt' });
});

it('another rank than the config asks for is refused with the key to set', async () => {
  await expect(openGgmlEngine(options(MODEL, { mode: 'lora', adapter: gguf(), lora: { rank: 8, alpha: 8 } }))).rejects.toThrow(
    /rank 4; set engine\.lora\.rank/,
  );
});

it.skipIf(process.platform === 'win32')('a pipe is refused instead of waited for', () => {
  const pipe = fresh('.gguf');
  execFileSync('mkfifo', [pipe]);
  expect(() => readAdapter(pipe, shape)).toThrow(/not a file/);
  expect(() => readGguf(pipe)).toThrow(/not a file/);
});

it('halves in GGUF are converted', () => {
  // 1, −2, 0.5, the largest, the smallest subnormal, −0
  const f16 = [0x3c00, 0xc000, 0x3800, 0x7bff, 0x0001, 0x8000];
  expect([...fromF16(new Uint8Array(Uint16Array.from(f16).buffer))]).toEqual([1, -2, 0.5, 65504, 2 ** -24, -0]);
  expect([...fromBf16(new Uint8Array(Uint16Array.from([0x3f80, 0xc000, 0x7f80, 0x4049]).buffer))]).toEqual([1, -2, Infinity, 3.140625]);
  const ones = gguf((_, t) => {
    for (const [name, { shape: extents }] of t)
      t.set(name, {
        shape: extents,
        data: half(name.endsWith('_a') ? 1 : 30, Array<number>(extents[0]! * extents[1]!).fill(name.endsWith('_a') ? 0x3c00 : 0x4000)),
      });
  });
  const { values } = readAdapter(ones, shape);
  expect(new Set(values.get(A))).toEqual(new Set([1]));
  expect(new Set(values.get(B))).toEqual(new Set([2]));
});

it('a flipped byte anywhere gives an adapter or a sentence', () => {
  const kinds: [string, Buffer, (bytes: Buffer) => string][] = [
    ['gguf', readFileSync(gguf()), (bytes) => gguf(undefined, () => bytes)],
    [
      'tensors',
      readFileSync(path.join(HERE, 'llama/adapter_model.safetensors')),
      (bytes) => peft({}, undefined, (d) => writeFileSync(path.join(d, 'adapter_model.safetensors'), bytes)),
    ],
    [
      'config',
      readFileSync(path.join(HERE, 'llama/adapter_config.json')),
      (bytes) => peft({}, undefined, (d) => writeFileSync(path.join(d, 'adapter_config.json'), bytes)),
    ],
  ];
  for (const [, whole, make] of kinds)
    fc.assert(
      fc.property(fc.integer({ min: 0, max: Math.min(whole.length, 4200) - 1 }), fc.integer({ min: 1, max: 255 }), (at, bits) => {
        const bytes = Buffer.from(whole);
        bytes[at] = bytes[at]! ^ bits;
        try {
          readAdapter(make(bytes), shape);
        } catch (error) {
          expect(error).toBeInstanceOf(EngineError);
        }
      }),
      { seed: 2, numRuns: 60 },
    );
});
