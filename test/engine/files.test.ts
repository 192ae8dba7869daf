/** Files that are missing, damaged, truncated, of another architecture: a sentence, never a crash. And the tokenizers. */
import { readFileSync, truncateSync, writeFileSync } from 'node:fs';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openGgmlEngine } from '../../src/engine/ggml/engine.ts';
import { readGguf } from '../../src/engine/ggml/gguf.ts';
import { describe as describeModel, escapeToken, tensorsOf, unescapeToken } from '../../src/engine/ggml/model-file.ts';
import { writeGguf, type MetadataValue } from '../../src/engine/ggml/gguf-write.ts';
import { bindLlama, loadLlamaModel } from '../../src/engine/ggml/llama.ts';
import { shapeOf } from '../../src/engine/ggml/shape.ts';
import type { LongestMatch } from '../../src/engine/ggml/tokenizer.ts';
import { LlamaVocabulary, ownTokenizer } from '../../src/engine/ggml/tokenizer.ts';
import { EngineError } from '../../src/engine/ports.ts';
import { EOS, folder, options, SHAPE, vocabulary, weightsFor, writeTiny } from './models.ts';

const home = folder();
let model = '';
beforeAll(() => {
  model = writeTiny(`${home.path}/tiny.gguf`);
});
afterAll(() => home[Symbol.dispose]());

/** The tiny model with changed metadata or tensors. */
function variant(
  name: string,
  metadata: Record<string, MetadataValue | null>,
  change: (tensors: ReturnType<typeof tensorsOf>) => void = () => undefined,
): string {
  const all = describeModel({ name, shape: SHAPE, vocabulary: vocabulary(), eosToken: EOS, dialect: 'nano' });
  for (const [key, value] of Object.entries(metadata)) {
    if (value === null) all.delete(key);
    else all.set(key, value);
  }
  const tensors = tensorsOf(SHAPE, weightsFor(SHAPE));
  change(tensors);
  const file = `${home.path}/${name}.gguf`;
  writeGguf(file, all, tensors);
  return file;
}
const open = (file: string): Promise<unknown> => openGgmlEngine(options(file));

describe('a model file', () => {
  it('is read back as it was written', () => {
    const file = readGguf(model);
    expect(shapeOf(file)).toMatchObject({ ...SHAPE, epsilon: Math.fround(SHAPE.epsilon) });
    expect(file.tokens).toHaveLength(265);
    expect(file.metadata.get('kelvin.dialect')).toBe('nano');
  });

  it.each<[string, () => string, string, RegExp]>([
    ['that is missing', () => `${home.path}/none.gguf`, 'missing', /no such file.*Give the path/],
    ['that is a folder', () => home.path, 'missing', /not a file|Cannot open/],
    ['that is empty', () => (writeFileSync(`${home.path}/empty`, ''), `${home.path}/empty`), 'corrupt', /begin with the bytes/],
    [
      'that is text',
      () => (writeFileSync(`${home.path}/text`, 'hello '.repeat(100)), `${home.path}/text`),
      'corrupt',
      /begin with the bytes/,
    ],
    [
      'of another architecture',
      () => variant('bert', { 'general.architecture': { text: 'bert' } }),
      'unsupported',
      /"bert".*Choose such a model/,
    ],
    ['without a head count', () => variant('heads', { 'llama.attention.head_count': null }), 'corrupt', /attention.head_count/],
    [
      'with more blocks than a model has',
      () => variant('blocks', { 'llama.block_count': { u32: 4294967295 } }),
      'corrupt',
      /4294967295 blocks/,
    ],
    ['with heads that do not divide', () => variant('kv', { 'llama.attention.head_count_kv': { u32: 3 } }), 'corrupt', /3 key-value heads/],
    [
      'without a tensor',
      () => variant('gone', {}, (t) => t.delete('blk.1.ffn_up.weight')),
      'corrupt',
      /lacks the tensor blk.1.ffn_up.weight/,
    ],
    [
      'with a misshapen tensor',
      () => variant('shape', {}, (t) => t.set('blk.0.attn_k.weight', { shape: [64, 64], data: new Float32Array(4096) })),
      'corrupt',
      /\[64, 64\], not \[64, 32\]/,
    ],
    [
      'with a tensor too many',
      () => variant('more', {}, (t) => t.set('blk.0.attn_qkv.weight', { shape: [64], data: new Float32Array(64) })),
      'unsupported',
      /attn_qkv.weight/,
    ],
    [
      'with a bias in one layer only',
      () => variant('bias', {}, (t) => t.set('blk.0.attn_q.bias', { shape: [64], data: new Float32Array(64) })),
      'corrupt',
      /lacks the tensor blk.1.attn_q.bias/,
    ],
    [
      'with numbers that are not finite',
      () => variant('nan', {}, (t) => (t.get('blk.0.attn_q.weight') as { data: Float32Array }).data.fill(NaN, 5, 6)),
      'corrupt',
      /blk.0.attn_q.weight holds numbers that are not finite/,
    ],
    ['with a mixture of experts', () => variant('moe', { 'llama.expert_count': { u32: 8 } }), 'unsupported', /mixture of experts/],
    ['that is one of several parts', () => variant('split', { 'split.count': { u32: 3 } }), 'unsupported', /--merge/],
    [
      'with a head count for each layer',
      () => variant('each', { 'llama.attention.head_count': { i32s: [4, 4] } }),
      'unsupported',
      /layer to layer/,
    ],
    [
      'with values wider than keys',
      () => variant('wide', { 'llama.attention.value_length': { u32: 32 } }),
      'unsupported',
      /differ in width/,
    ],
    ['with scaled positions', () => variant('rope', { 'llama.rope.scaling.type': { text: 'longrope' } }), 'unsupported', /longrope/],
    [
      'with too few tokens',
      () =>
        variant('few', {
          'tokenizer.ggml.tokens': {
            texts: vocabulary()
              .slice(0, 260)
              .map((t) => escapeToken(t.bytes)),
          },
        }),
      'corrupt',
      /260 tokens/,
    ],
    ['without an end token', () => variant('eos', { 'tokenizer.ggml.eos_token_id': null }), 'corrupt', /end-of-sequence/],
  ])('%s is refused', async (_, make, code, message) => {
    const file = make();
    await expect(open(file)).rejects.toMatchObject({ name: 'EngineError', code, message: expect.stringMatching(message) });
  });

  it('that is cut short anywhere, or has a flipped byte in its header, never crashes the process', async () => {
    const whole = readFileSync(model);
    const file = `${home.path}/cut.gguf`;
    for (const share of [0.001, 0.01, 0.05, 0.1, 0.5, 0.99]) {
      writeFileSync(file, whole);
      truncateSync(file, Math.floor(whole.length * share));
      await expect(open(file)).rejects.toBeInstanceOf(EngineError);
    }
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 9000 }), fc.integer({ min: 1, max: 255 }), (at, bits) => {
        const bytes = Buffer.from(whole);
        bytes[at] = (bytes[at] ?? 0) ^ bits;
        writeFileSync(file, bytes);
        try {
          shapeOf(readGguf(file));
        } catch (error) {
          expect(error).toBeInstanceOf(EngineError);
        }
      }),
      { seed: 1, numRuns: 150 },
    );
  });

  it('as an adapter must be one, and of this model', async () => {
    const lora = { mode: 'lora', adapter: model } as const;
    await expect(openGgmlEngine(options(model, lora))).rejects.toThrow(/not a LoRA adapter/);
    await expect(openGgmlEngine(options(model, { adapter: model }))).rejects.toThrow(/needs engine.mode "lora"/);
    await expect(openGgmlEngine(options(model, { mode: 'lora', lora: { rank: 0, alpha: 1 } }))).rejects.toThrow(/rank 0/);
  });

  it('cannot be computed on a device that is absent', async () => {
    await expect(openGgmlEngine(options(model, { backend: process.platform === 'darwin' ? 'cuda' : 'metal' }))).rejects.toMatchObject({
      code: 'unsupported',
    });
  });
});

describe('tokens', () => {
  const samples = [
    '',
    'let b=[1,2].map(x=>x+1);return b.slice(1)',
    '<think>é\n\t"\\x41"</think><answer>10</answer>',
    'naïve 😀 \u0001\u007f',
    '.map(x=>.map(x=>x',
  ];

  it('escape and unescape any bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 12 }), (bytes) => {
        const text = escapeToken(bytes);
        expect(text).toMatch(/^[ -~]*$/);
        expect([...unescapeToken(Buffer.from(text))]).toEqual([...bytes]);
      }),
    );
  });

  it('come out of this tokenizer and of llama.cpp alike', () => {
    const own = ownTokenizer(readGguf(model)) as LongestMatch;
    const l = bindLlama('cpu');
    const native = loadLlamaModel(l, model, true, false);
    const theirs = new LlamaVocabulary(l, native, readGguf(model));
    expect(theirs.eosToken).toBe(EOS);
    for (const text of samples) expect(theirs.encode(text), text).toEqual(own.encode(text));
    for (let t = 0; t < own.size; t++)
      expect(Buffer.from(theirs.bytes(t)).toString('latin1'), `token ${t}`).toBe(Buffer.from(own.bytes(t)).toString('latin1'));
    l.freeModel(native);
  });

  it('round-trip any text; tags are one token', async () => {
    await using engine = await openGgmlEngine(options(model));
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 40 }), (text) => {
        expect(engine.detokenize(engine.tokenize(text))).toBe(Buffer.from(text, 'utf8').toString('utf8'));
      }),
    );
    expect(engine.tokenize('<think>')).toEqual([257]);
    expect(engine.detokenize([257, 65, EOS])).toBe('<think>A');
    expect(engine.detokenize([255])).toBe('\ufffd');
  });
});
