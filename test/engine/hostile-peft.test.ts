/** PEFT folders that are damaged, of another model, or lie: a sentence that says what to do, exit code 3. */
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';
import { readAdapter } from '../../src/engine/ggml/adapter.ts';
import { readSafetensors } from '../../src/engine/ggml/safetensors.ts';
import { expectRefusal, fresh, HERE, peft, shape, type Case } from './hostile.ts';

const configText = (text: string) => peft({}, undefined, (dir) => writeFileSync(path.join(dir, 'adapter_config.json'), text));
/** A safetensors file from a header (any text) and data. */
const raw = (header: string, bytes = 64, length = BigInt(Buffer.byteLength(header))): string =>
  peft({}, undefined, (dir) => {
    const size = Buffer.alloc(8);
    size.writeBigUInt64LE(length);
    writeFileSync(path.join(dir, 'adapter_model.safetensors'), Buffer.concat([size, Buffer.from(header), Buffer.alloc(bytes)]));
  });
const one = (entry: unknown, bytes = 64): string =>
  raw(JSON.stringify({ 'base_model.model.model.layers.0.self_attn.q_proj.lora_A.weight': entry }), bytes);
const Q = 'base_model.model.model.layers.0.self_attn.q_proj.lora_A.weight';

const PEFT: Case[] = [
  [
    'without a config',
    () => peft({}, undefined, (d) => rmSync(path.join(d, 'adapter_config.json'))),
    'missing',
    /has no adapter_config\.json/,
  ],
  [
    'without tensors',
    () => peft({}, undefined, (d) => rmSync(path.join(d, 'adapter_model.safetensors'))),
    'missing',
    /missing or not a file/,
  ],
  [
    'that is pickled',
    () =>
      peft(
        {},
        undefined,
        (d) => (rmSync(path.join(d, 'adapter_model.safetensors')), writeFileSync(path.join(d, 'adapter_model.bin'), 'x')),
      ),
    'unsupported',
    /safe_serialization=True/,
  ],
  ['given by its tensor file', () => path.join(HERE, 'llama/adapter_model.safetensors'), 'unsupported', /Give the folder/],
  [
    'that is an empty folder',
    () => peft({}, undefined, (d) => (rmSync(d, { recursive: true }), mkdirSync(d))),
    'missing',
    /save_pretrained/,
  ],
  ['whose config is no JSON', () => configText('{"r": 3'), 'corrupt', /not JSON/],
  ['whose config is a list', () => configText('[]'), 'corrupt', /expected object|Invalid input/],
  ['whose config is nested without end', () => configText('['.repeat(400_000) + ']'.repeat(400_000)), 'corrupt', /adapter_config\.json/],
  ['whose config is enormous', () => configText(' '.repeat(2_000_000)), 'corrupt', /2000000 bytes/],
  [
    'of another family, with the same extents',
    () => peft({ base_model_name_or_path: 'Qwen/Qwen2.5-0.5B' }),
    'corrupt',
    /Qwen2\.5-0\.5B, a qwen2 model; this one is llama/,
  ],
  ['of another family, in a folder', () => peft({ base_model_name_or_path: '/models/llama/Qwen3-0.6B/' }), 'corrupt', /a qwen3 model/],
  ['with rank 0', () => peft({ r: 0 }), 'corrupt', /"r"/],
  ['with a rank as text', () => peft({ r: '3' }), 'corrupt', /"r"/],
  ['with another rank than its tensors', () => peft({ r: 8 }), 'corrupt', /says rank 8, the tensors have rank 3/],
  ['with alpha 0', () => peft({ lora_alpha: 0 }), 'corrupt', /"lora_alpha"/],
  ['with alpha null', () => peft({ lora_alpha: null }), 'corrupt', /"lora_alpha"/],
  [
    'with alpha 1e999',
    () => configText(readFileSync(path.join(HERE, 'llama/adapter_config.json'), 'utf8').replace('"lora_alpha": 6', '"lora_alpha": 1e999')),
    'corrupt',
    /alpha/,
  ],
  ['that is no LoRA', () => peft({ peft_type: 'IA3' }), 'corrupt', /"peft_type"/],
  ['with DoRA', () => peft({ use_dora: true }), 'unsupported', /use_dora.*plain LoRA/],
  ['with a variant to come', () => peft({ use_superlora: true }), 'unsupported', /use_superlora/],
  ['with ranks by pattern', () => peft({ rank_pattern: { q_proj: 9 } }), 'unsupported', /rank_pattern/],
  ['with saved modules', () => peft({ modules_to_save: ['lm_head'] }), 'unsupported', /modules_to_save/],
  ['with trained biases', () => peft({ bias: 'all' }), 'unsupported', /"bias"/],
  ['that moved the base weights', () => peft({ init_lora_weights: 'pissa_niter_4' }), 'unsupported', /init_lora_weights/],
  [
    'with a stray tensor',
    () => peft({}, (t) => t.set('lm_head.lora_A.weight', { shape: [3, 32], data: new Float32Array(96) })),
    'unsupported',
    /lm_head/,
  ],
  [
    'of a model with more layers',
    () => peft({}, (t) => t.set(Q.replace('layers.0', 'layers.7'), { shape: [3, 32], data: new Float32Array(96) })),
    'unsupported',
    /blk\.7/,
  ],
  ['of a wider model', () => peft({}, (t) => t.set(Q, { shape: [3, 64], data: new Float32Array(192) })), 'corrupt', /another model/],
  ['with a vector for a matrix', () => peft({}, (t) => t.set(Q, { shape: [96], data: new Float32Array(96) })), 'unsupported', /q_proj/],
  ['without a B', () => peft({}, (t) => t.delete(Q.replace('lora_A', 'lora_B'))), 'corrupt', /lacks blk\.0\.attn_q\.weight\.lora_b/],
  ['with a layer twice', () => peft({}, (t) => t.set(Q.replace('lora_A', 'lora_A.default'), t.get(Q)!)), 'corrupt', /twice/],
  ['with a NaN', () => peft({}, (t) => t.get(Q)!.data.fill(NaN, 4, 5)), 'corrupt', /not finite/],
  [
    'cut in its tensors',
    () =>
      peft({}, undefined, (d) =>
        writeFileSync(
          path.join(d, 'adapter_model.safetensors'),
          readFileSync(path.join(HERE, 'llama/adapter_model.safetensors')).subarray(0, 9000),
        ),
      ),
    'corrupt',
    /of shape/,
  ],
  [
    'with bytes after its tensors',
    () => peft({}, undefined, (d) => writeFileSync(path.join(d, 'adapter_model.safetensors'), 'x', { flag: 'a' })),
    'corrupt',
    /end at byte/,
  ],
  [
    'with tensors of four bytes',
    () => peft({}, undefined, (d) => writeFileSync(path.join(d, 'adapter_model.safetensors'), 'none')),
    'corrupt',
    /4 bytes/,
  ],
  ['with a header of 2^63 bytes', () => raw('{}', 64, 1n << 63n), 'corrupt', /claims a header/],
  ['with a header past the end', () => raw('{}', 64, 4000n), 'corrupt', /claims a header of 4000/],
  ['with a header that is no JSON', () => raw('{"a": nope}'), 'corrupt', /not JSON/],
  ['with a header that is a list', () => raw('[1,2,3]'), 'corrupt', /not a JSON object/],
  ['with a header nested without end', () => raw('['.repeat(1_900_000) + ']'.repeat(1_900_000)), 'corrupt', /not a JSON object/],
  ['with a header above the limit', () => raw(' '.repeat(5_000_000)), 'corrupt', /claims a header/],
  ['with an entry that is null', () => one(null), 'corrupt', /lacks a dtype/],
  ['with an entry without offsets', () => one({ dtype: 'F32', shape: [4, 4] }), 'corrupt', /lacks a dtype/],
  ['with extents below zero', () => one({ dtype: 'F32', shape: [-4, -4], data_offsets: [0, 64] }), 'corrupt', /lacks a dtype/],
  ['with extents beyond counting', () => one({ dtype: 'F32', shape: [2 ** 40, 2 ** 40], data_offsets: [0, 64] }), 'corrupt', /of shape/],
  ['with offsets past the end', () => one({ dtype: 'F32', shape: [8, 4], data_offsets: [0, 128] }), 'corrupt', /of 64/],
  ['with offsets turned round', () => one({ dtype: 'F32', shape: [4, 4], data_offsets: [64, 0] }), 'corrupt', /bytes 64 to 0/],
  ['with offsets that fit no shape', () => one({ dtype: 'F32', shape: [3, 4], data_offsets: [0, 64] }), 'corrupt', /of shape \[3, 4\]/],
  ['with a gap', () => one({ dtype: 'F32', shape: [2, 4], data_offsets: [32, 64] }), 'corrupt', /gap/],
  [
    'with tensors that overlap',
    () =>
      raw(
        JSON.stringify({
          a: { dtype: 'F32', shape: [8], data_offsets: [0, 32] },
          b: { dtype: 'F32', shape: [8], data_offsets: [16, 48] },
          c: { dtype: 'F32', shape: [4], data_offsets: [48, 64] },
        }),
      ),
    'corrupt',
    /overlap/,
  ],
  ['in whole numbers', () => one({ dtype: 'I64', shape: [2, 4], data_offsets: [0, 64] }), 'unsupported', /I64.*F32, F16 or BF16/],
  [
    'with a prototype for a name',
    () => raw('{"__proto__": {"dtype": "F32", "shape": [16], "data_offsets": [0, 64]}}'),
    'corrupt',
    /no LoRA of rank/,
  ],
];

it.each(PEFT)('a PEFT folder %s is refused', (_, make, code, message) => expectRefusal(make(), code, message));

it.each(['HuggingFaceTB/SmolLM2-135M-Instruct', '/models/qwen2/my-own', 'qwenish', '', null, 7])(
  'a base model called %j is taken',
  (base_model_name_or_path) => {
    expect(readAdapter(peft({ base_model_name_or_path }), shape).rank).toBe(3);
  },
);

it('halves in safetensors are converted', () => {
  const dir = fresh();
  cpSync(path.join(HERE, 'llama'), dir, { recursive: true });
  const file = path.join(dir, 'adapter_model.safetensors');
  const header: Record<string, unknown> = {};
  let end = 0;
  for (const [name, { shape: extents }] of readSafetensors(file)) {
    const bytes = 2 * extents[0]! * extents[1]!;
    header[name] = { dtype: name.includes('lora_A') ? 'F16' : 'BF16', shape: extents, data_offsets: [end, (end += bytes)] };
  }
  const text = Buffer.from(JSON.stringify(header));
  const size = Buffer.alloc(8);
  size.writeBigUInt64LE(BigInt(text.length));
  writeFileSync(file, Buffer.concat([size, text, Buffer.from(new Uint16Array(end / 2).fill(0x4000).buffer)]));
  const read = readAdapter(dir, shape).values;
  expect(new Set([...read.values()].flatMap((data) => [...data]))).toEqual(new Set([2]));
});
