/**
 * A GGUF model as a folder that transformers, vLLM and SkyRL load: config.json, model.safetensors, and the tokenizer's files.
 * For F32 models; vocabularies of the kinds "rwkv" (the bundled model) and byte-level BPE.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { EngineError } from '../ports.ts';
import { BYTE_ALPHABET } from '../tokenizer-files.ts';
import { chatFormatOf } from './chat-format.ts';
import { readF32 } from './gguf-data.ts';
import { readGguf, type GgufFile } from './gguf.ts';
import { unescapeToken } from './model-file.ts';
import { MODULES, reorder } from './peft.ts';
import { writeSafetensors } from './safetensors.ts';
import { LINEARS, type Linear, type Shape } from './shape.ts';
import { controlTokens } from './tokenizer.ts';

const CLASSES = { llama: 'LlamaForCausalLM', qwen2: 'Qwen2ForCausalLM', qwen3: 'Qwen3ForCausalLM' } as const;
const NORMS: Readonly<Record<string, string>> = {
  attn_norm: 'input_layernorm',
  ffn_norm: 'post_attention_layernorm',
  attn_q_norm: 'self_attn.q_norm',
  attn_k_norm: 'self_attn.k_norm',
};

/** Writes the whole model into `dir`, made if need be. @throws EngineError `unsupported` */
export function writeHuggingFace(gguf: string, dir: string): void {
  const file = readGguf(gguf);
  const { shape, values } = readF32(file);
  writeTokenizer(file, dir);
  writeFileSync(join(dir, 'config.json'), `${JSON.stringify(configOf(file, shape), null, 2)}\n`);
  writeSafetensors(
    join(dir, 'model.safetensors'),
    new Map([...values].map(([name, data]) => [nameOf(name), { shape: extents(data, name, shape), data: ordered(data, name, shape) }])),
  );
}

function configOf(file: GgufFile, s: Shape): object {
  const { scale = 1, width = s.headWidth, factors = false, yarn = false } = s.rope ?? {};
  if (scale !== 1 || yarn || factors || width !== s.headWidth)
    throw new EngineError(
      'unsupported',
      `${file.path} scales its rotary positions, which this writer does not know. Choose a model without.`,
    );
  const architecture = s.architecture ?? 'llama';
  return {
    architectures: [CLASSES[architecture]],
    model_type: architecture,
    vocab_size: s.vocabulary,
    hidden_size: s.width,
    intermediate_size: s.feedForward,
    num_hidden_layers: s.layers,
    num_attention_heads: s.heads,
    num_key_value_heads: s.kvHeads,
    head_dim: s.headWidth,
    max_position_embeddings: s.context,
    rms_norm_eps: s.epsilon,
    rope_theta: s.ropeBase,
    hidden_act: 'silu',
    tie_word_embeddings: s.tied,
    attention_bias: (s.biases?.length ?? 0) > 0,
    eos_token_id: file.metadata.get('tokenizer.ggml.eos_token_id'),
    bos_token_id: null,
    torch_dtype: 'float32',
  };
}

const PART = /^blk\.(\d+)\.(\w+)\.(weight|bias)$/;

function nameOf(name: string): string {
  const [, layer, part = '', kind = ''] = PART.exec(name) ?? [];
  if (layer !== undefined) return `model.layers.${layer}.${NORMS[part] ?? MODULES[part as Linear]}.${kind}`;
  return { 'token_embd.weight': 'model.embed_tokens.weight', 'output_norm.weight': 'model.norm.weight' }[name] ?? 'lm_head.weight';
}

/** Outermost first. */
function extents(data: Float32Array, name: string, s: Shape): number[] {
  const [, , part = '', kind] = PART.exec(name) ?? [];
  if (name === 'token_embd.weight' || name === 'output.weight') return [s.vocabulary, s.width];
  if (kind !== 'weight' || !LINEARS.includes(part as Linear)) return [data.length];
  const inside = part === 'ffn_down' ? s.feedForward : part === 'attn_output' ? s.heads * s.headWidth : s.width;
  return [data.length / inside, inside];
}

function ordered(data: Float32Array, name: string, s: Shape): Float32Array {
  const [, , part = '', kind] = PART.exec(name) ?? [];
  return reorder(data, part as Linear, s, kind === 'bias' ? 1 : s.width, 'to PEFT');
}

/** Regular expressions of llama.cpp's BPE kinds (`tokenizer.ggml.pre`), in the form of tokenizer.json. */
const BYTE_LEVEL = { type: 'ByteLevel', add_prefix_space: false, trim_offsets: false, use_regex: true };
const QWEN =
  "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";
const PRE: Readonly<Record<string, object>> = {
  'gpt-2': BYTE_LEVEL,
  smollm: { type: 'Sequence', pretokenizers: [{ type: 'Digits', individual_digits: true }, BYTE_LEVEL] },
  qwen2: {
    type: 'Sequence',
    pretokenizers: [
      { type: 'Split', pattern: { Regex: QWEN }, behavior: 'Isolated', invert: false },
      { ...BYTE_LEVEL, use_regex: false },
    ],
  },
};

/** Writes tokenizer.json and tokenizer_config.json for a file's vocabulary into `dir`, made if need be. @throws EngineError `unsupported` */
export function writeTokenizer(file: GgufFile, dir: string): void {
  const kind = String(file.metadata.get('tokenizer.ggml.model'));
  const controls = controlTokens(file);
  const { bos, eos, template, startToken } = chatFormatOf(file);
  const model = kind === 'rwkv' ? longestMatch(file, controls) : kind === 'gpt2' ? bpe(file) : null;
  const pre = kind === 'rwkv' ? { ...BYTE_LEVEL, use_regex: false } : PRE[String(file.metadata.get('tokenizer.ggml.pre'))];
  if (model === null || pre === undefined)
    throw new EngineError('unsupported', `${file.path} has a vocabulary of the kind ${kind}, which this writer does not know.`);
  const added = [...controls].map(([content, id]) => ({
    ...{ id, content, single_word: false, lstrip: false, rstrip: false, normalized: false, special: true },
  }));
  mkdirSync(dir, { recursive: true });
  const tokenizer = { version: '1.0', truncation: null, padding: null, added_tokens: added, normalizer: null, pre_tokenizer: pre };
  const decoder = { type: 'ByteLevel', add_prefix_space: false, trim_offsets: false, use_regex: true };
  writeFileSync(join(dir, 'tokenizer.json'), JSON.stringify({ ...tokenizer, post_processor: null, decoder, model }));
  const dialect = file.metadata.get('kelvin.dialect');
  const config = {
    tokenizer_class: 'PreTrainedTokenizerFast',
    clean_up_tokenization_spaces: false,
    add_bos_token: startToken !== null,
    ...(bos === '' ? {} : { bos_token: bos }),
    eos_token: eos,
    ...(template === null ? {} : { chat_template: template }),
    ...(typeof dialect === 'string' ? { kelvin_dialect: dialect } : {}),
  };
  writeFileSync(join(dir, 'tokenizer_config.json'), `${JSON.stringify(config, null, 2)}\n`);
}

const inAlphabet = (bytes: Uint8Array): string => Array.from(bytes, (byte) => BYTE_ALPHABET[byte]).join('');

/** Greedy longest match over bytes is WordPiece without a prefix on one word. */
function longestMatch(file: GgufFile, controls: ReadonlyMap<string, number>): object {
  const special = new Set(controls.values());
  const texts = file.tokens.map((token, id) => [inAlphabet(unescapeToken(token)), id] as const);
  const vocab = Object.fromEntries(texts.filter(([text, id]) => text !== '' && !special.has(id)));
  return { type: 'WordPiece', unk_token: '<unk>', continuing_subword_prefix: '', max_input_chars_per_word: 1_000_000, vocab };
}

function bpe(file: GgufFile): object {
  const merges = file.metadata.get('tokenizer.ggml.merges');
  if (!Array.isArray(merges)) throw new EngineError('unsupported', `${file.path} has a BPE vocabulary without merges.`);
  const vocab = Object.fromEntries(file.tokens.map((token, id) => [token.toString('utf8'), id]));
  const pairs = (merges as readonly unknown[]).map((merge) => String(merge).split(' ', 2));
  return { type: 'BPE', dropout: null, unk_token: null, byte_fallback: false, ignore_merges: false, vocab, merges: pairs };
}
