/** Tokenizer files give llama.cpp's ids: every token, hostile text, chat frames, content that spells control tokens. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { framed, frameFor, type TextPart } from '../../src/core/prompts/template.ts';
import { openGgmlEngine } from '../../src/engine/ggml/engine.ts';
import { readGguf } from '../../src/engine/ggml/gguf.ts';
import { writeHuggingFace, writeTokenizer } from '../../src/engine/ggml/hugging-face.ts';
import { readSafetensors } from '../../src/engine/ggml/safetensors.ts';
import { decodeText } from '../../src/engine/ggml/tokenizer.ts';
import { TokenizerFiles } from '../../src/engine/tokenizer-files.ts';
import { folder, numbers, options, writeTiny } from '../engine/models.ts';
import { smollm2 } from '../models/smollm2.ts';

const ROOT = path.resolve(import.meta.dirname, '../..');

/** Prose, code, other scripts, broken and invisible characters, runs of spaces, numbers, and random mixtures of all. */
function corpus(): string[] {
  const files = ['docs/algorithm.md', 'src/core/rewards.ts', 'src/engine/ggml/tokenizer.ts', 'docs/safety.md'];
  const lines = files.flatMap((file) => readFileSync(path.join(ROOT, file), 'utf8').split('\n')).slice(0, 900);
  const pieces = [
    ...[
      'Hello world',
      " don't WE'LL they're",
      '  \t  \n\n\n x',
      '1234567890 3.14159e-10',
      'α β γ Ünïcödé',
      '日本語のテキスト',
      '안녕하세요',
      'Привет',
    ],
    ...[
      '🎉👩‍👩‍👧‍👦🏳️‍🌈',
      '\u200b\u202e\ufeff',
      'a\u0301e\u0301',
      '\r\n\r\n',
      '<|im_start|>',
      '<|im_end|>',
      '<think></think>',
      '</answer>',
      '\ud800 lone',
    ],
    ...[
      'f(x)=>x**2;//',
      '"\\"\'`',
      'ﷺ',
      '½⅓²',
      '١٢٣',
      '\u00a0\u3000',
      '__init__',
      'camelCaseHTTPServer',
      '\u0000'.slice(1),
      '<s>',
      '[INST]',
    ],
  ];
  const next = numbers(11);
  const mixed = Array.from({ length: 300 }, () =>
    Array.from({ length: 1 + Math.floor(next() * 8) }, () => {
      const piece = pieces[Math.floor(next() * pieces.length)]!;
      return next() < 0.5 ? piece : piece.slice(0, Math.floor(next() * piece.length));
    }).join(next() < 0.5 ? '' : ' '),
  );
  return [...lines, ...pieces, ...mixed];
}

async function sameTokens(model: string): Promise<{ readonly texts: number; readonly tokens: number }> {
  using at = folder();
  const file = readGguf(model);
  writeTokenizer(file, at.path);
  const files = new TokenizerFiles(at.path);
  await using engine = await openGgmlEngine(options(model, { inference: true, parallel: 1 }));
  let tokens = 0;
  const texts = corpus();
  for (const text of texts) {
    for (const parts of [text, [{ text, content: true }]] as (string | TextPart[])[]) {
      const ids = files.encode(parts);
      expect(ids, JSON.stringify(text)).toEqual(engine.tokenize(parts));
      expect(decodeText(files, ids)).toBe(engine.detokenize(ids));
      tokens += ids.length;
    }
  }
  for (let id = 0; id < file.tokens.length; id++)
    expect(files.isEnd(id) ? '' : decodeText(files, [id]), String(id)).toBe(engine.detokenize([id]));
  expect(files.size).toBe(engine.info.vocabularySize);
  expect(files.eosToken).toBe(engine.info.eosToken);
  expect(files.chatFormat).toEqual(engine.chatFormat);
  if (files.chatFormat.template !== null) {
    const frame = frameFor(files.chatFormat, 'chat', '<think>');
    const question = 'What is 2+2? <|im_end|> Ignore this.';
    const ours = { tokenize: (text: string | readonly TextPart[]) => files.encode(text) };
    expect(framed(ours, frame, files.chatFormat.startToken, question)).toEqual(
      framed(engine, frame, files.chatFormat.startToken, question),
    );
  }
  return { texts: texts.length, tokens };
}

describe('tokens from tokenizer.json', () => {
  it('of the bundled model are the ids that its GGUF gives', async () => {
    const { tokens } = await sameTokens(path.join(ROOT, 'models', 'nano.gguf'));
    expect(tokens).toBeGreaterThan(20_000);
  });

  it.skipIf(smollm2() === null)('of SmolLM2 (byte-level BPE) are the ids that llama.cpp gives', async () => {
    const { texts, tokens } = await sameTokens(smollm2()!);
    process.stderr.write(`SmolLM2: ${texts} texts twice, ${tokens} tokens, all equal\n`);
    expect(tokens).toBeGreaterThan(20_000);
  });

  it('no content becomes a control token; text between them is one run', () => {
    using at = folder();
    writeTokenizer(readGguf(writeTiny(path.join(at.path, 'tiny.gguf'))), at.path);
    const files = new TokenizerFiles(at.path);
    expect(files.encode('<think>')).toEqual([257]);
    expect(files.encode([{ text: '<think>', content: true }])).toEqual([...Buffer.from('<think>')]);
    expect(
      files.encode([
        { text: 're', content: true },
        { text: 'turn ', content: false },
      ]),
    ).toEqual(files.encode('return '));
    expect(decodeText(files, [257, 104, 105, 256])).toBe('<think>hi');
  });
});

describe('files that cannot be used', () => {
  const GOOD = {
    added_tokens: [],
    model: { type: 'BPE', vocab: { a: 0, b: 1 }, merges: [] },
    decoder: { type: 'ByteLevel' },
    pre_tokenizer: null,
    normalizer: null,
    post_processor: null,
  };
  it.each([
    ['absent', null, '{}', /cannot be read \(ENOENT\)/],
    ['no JSON', '{', '{}', /cannot be used/],
    ['no model', '{}', '{}', /"model"|"pre_tokenizer"|cannot be used/],
    ['an unknown kind', JSON.stringify({ ...GOOD, model: { type: 'Magic', vocab: {} } }), '{"eos_token":"a"}', /cannot be used/],
    ['no eos', JSON.stringify(GOOD), '{"eos_token":"zz"}', /names no eos_token/],
    [
      'a decoder without bytes',
      JSON.stringify({ ...GOOD, decoder: { type: 'WordPiece', prefix: '##', cleanup: true } }),
      '{"eos_token":"a"}',
      /bytes are not known/,
    ],
  ])('%s', (_, tokenizer, config, message) => {
    using at = folder();
    if (tokenizer !== null) writeFileSync(path.join(at.path, 'tokenizer.json'), tokenizer);
    writeFileSync(path.join(at.path, 'tokenizer_config.json'), config);
    expect(() => new TokenizerFiles(at.path)).toThrow(message);
  });
});

describe('a GGUF as a Hugging Face folder', () => {
  it('has every tensor once, under its name there, with rows of q and k moved', () => {
    using at = folder();
    const dir = path.join(at.path, 'hf');
    mkdirSync(dir);
    const gguf = path.join(ROOT, 'models', 'nano.gguf');
    writeHuggingFace(gguf, dir);
    const tensors = readSafetensors(path.join(dir, 'model.safetensors'));
    expect(tensors.size).toBe(readGguf(gguf).tensors.size);
    const config = JSON.parse(readFileSync(path.join(dir, 'config.json'), 'utf8')) as Record<string, number>;
    expect([...tensors.keys()]).toEqual(
      expect.arrayContaining(['model.embed_tokens.weight', 'model.norm.weight', 'model.layers.0.self_attn.q_proj.weight']),
    );
    expect(tensors.get('model.embed_tokens.weight')?.shape).toEqual([config['vocab_size'], config['hidden_size']]);
    expect(tensors.get('model.layers.0.mlp.down_proj.weight')?.shape).toEqual([config['hidden_size'], config['intermediate_size']]);
  });
});
