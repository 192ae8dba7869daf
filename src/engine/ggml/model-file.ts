/**
 * Writes llama-architecture models with a byte-fragment vocabulary, as llama.cpp reads them.
 *
 * The tokenizer is llama.cpp's "rwkv" kind: greedy longest match over byte strings. Token texts are escaped the way that
 * kind wants: `\\`, `\n`, `\r`, `\t`, and `\xNN` for bytes outside printable ASCII.
 */
import { type MetadataValue, type WritableTensor, writeGguf } from './gguf-write.ts';
import { expectedTensors, type Shape } from './shape.ts';

export interface VocabularyToken {
  readonly bytes: string | Uint8Array;
  /** Tags and end-of-sequence: one token each, never part of ordinary text. */
  readonly control?: boolean;
}

export interface ModelDescription {
  readonly name: string;
  readonly shape: Shape;
  readonly vocabulary: readonly VocabularyToken[];
  readonly eosToken: number;
  /** `nano` for compact prompts; key `kelvin.dialect`. */
  readonly dialect: string;
  /** Further metadata, for instance provenance. */
  readonly metadata?: Readonly<Record<string, MetadataValue>>;
}

const NORMAL = 1;
const CONTROL = 3;

/** Byte string → token text of the "rwkv" kind. */
export function escapeToken(token: string | Uint8Array): string {
  const bytes = typeof token === 'string' ? Buffer.from(token, 'utf8') : token;
  const named: Readonly<Record<number, string>> = { 9: '\\t', 10: '\\n', 13: '\\r', 92: '\\\\' };
  return Array.from(bytes, (b) => named[b] ?? (b >= 32 && b < 127 ? String.fromCharCode(b) : `\\x${b.toString(16).padStart(2, '0')}`)).join(
    '',
  );
}

/** Inverse of `escapeToken`, with llama.cpp's reading of unknown escapes: the character itself. */
export function unescapeToken(text: Uint8Array): Buffer {
  const out: number[] = [];
  for (let i = 0; i < text.length; i++) {
    const byte = text[i] ?? 0;
    if (byte !== 92 || i + 1 >= text.length) {
      out.push(byte);
      continue;
    }
    const next = text[++i] ?? 0;
    if (next === 120) {
      out.push(Number.parseInt(Buffer.from(text.subarray(i + 1, i + 3)).toString('latin1'), 16) & 255);
      i += 2;
    } else out.push(({ 116: 9, 110: 10, 114: 13 } as Record<number, number>)[next] ?? next);
  }
  return Buffer.from(out);
}

/** Metadata of a model with a byte-fragment vocabulary. */
export function describe(model: ModelDescription): Map<string, MetadataValue> {
  const s = model.shape;
  const architecture = s.architecture ?? 'llama';
  return new Map<string, MetadataValue>([
    ['general.architecture', { text: architecture }],
    ['general.name', { text: model.name }],
    ['general.file_type', { u32: 0 }],
    [`${architecture}.block_count`, { u32: s.layers }],
    [`${architecture}.context_length`, { u32: s.context }],
    [`${architecture}.embedding_length`, { u32: s.width }],
    [`${architecture}.feed_forward_length`, { u32: s.feedForward }],
    [`${architecture}.attention.head_count`, { u32: s.heads }],
    [`${architecture}.attention.head_count_kv`, { u32: s.kvHeads }],
    [`${architecture}.attention.key_length`, { u32: s.headWidth }],
    [`${architecture}.attention.value_length`, { u32: s.headWidth }],
    [`${architecture}.attention.layer_norm_rms_epsilon`, { f32: s.epsilon }],
    [`${architecture}.rope.freq_base`, { f32: s.ropeBase }],
    [`${architecture}.rope.dimension_count`, { u32: s.headWidth }],
    [`${architecture}.vocab_size`, { u32: s.vocabulary }],
    ['tokenizer.ggml.model', { text: 'rwkv' }],
    ['tokenizer.ggml.tokens', { texts: model.vocabulary.map((t) => escapeToken(t.bytes)) }],
    ['tokenizer.ggml.token_type', { i32s: model.vocabulary.map((t) => (t.control === true ? CONTROL : NORMAL)) }],
    ['tokenizer.ggml.eos_token_id', { u32: model.eosToken }],
    ['tokenizer.ggml.add_bos_token', { bool: false }],
    ['kelvin.dialect', { text: model.dialect }],
    ...Object.entries(model.metadata ?? {}),
  ]);
}

/** Writes a model: F32 weights by tensor name (as `initialWeights` or `Trainer.readWeights` give them). */
export function writeModel(path: string, model: ModelDescription, weights: ReadonlyMap<string, Float32Array>): void {
  if (model.vocabulary.length !== model.shape.vocabulary)
    throw new RangeError(`${model.vocabulary.length} tokens for a vocabulary of ${model.shape.vocabulary}`);
  writeGguf(path, describe(model), tensorsOf(model.shape, weights));
}

export function tensorsOf(shape: Shape, weights: ReadonlyMap<string, Float32Array>): Map<string, WritableTensor> {
  return new Map(
    [...expectedTensors(shape)].map(([name, dims]) => {
      const data = weights.get(name);
      if (data === undefined) throw new RangeError(`the weight ${name} is missing`);
      return [name, { shape: dims, data }];
    }),
  );
}

/**
 * Fresh weights: norms 1, embeddings N(0, 0.02), matrices N(0, 1/in), the two that write into the residual stream scaled down
 * by √(2·layers) (GPT-2). `uniform` gives numbers in [0, 1).
 */
export function initialWeights(shape: Shape, uniform: () => number): Map<string, Float32Array> {
  const gauss = (): number => Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform());
  return new Map(
    [...expectedTensors(shape)].map(([name, dims]) => {
      const data = new Float32Array(dims.reduce((a, b) => a * b, 1));
      if (dims.length === 1) return [name, data.fill(1)];
      const residual = /attn_output|ffn_down/.test(name) ? 1 / Math.sqrt(2 * shape.layers) : 1;
      const deviation = name.startsWith('token_embd') ? 0.02 : residual / Math.sqrt(dims[0] ?? 1);
      return [name, data.map(() => gauss() * deviation)];
    }),
  );
}
