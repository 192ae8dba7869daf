/** The architectures that the trainer knows: hyper-parameters, and the tensors that a file of one must hold. */
import { EngineError } from '../ports.ts';
import { type GgufFile, typeName } from './gguf.ts';
import { NEOX, ropeOf, type Architecture, type Rope } from './rope.ts';

export type { Architecture } from './rope.ts';

export interface Shape {
  /** `general.architecture` of the file; absent = llama. */
  readonly architecture?: Architecture;
  readonly layers: number;
  readonly width: number;
  readonly feedForward: number;
  readonly heads: number;
  /** Key-value heads; fewer than `heads` in grouped-query attention. */
  readonly kvHeads: number;
  readonly headWidth: number;
  readonly vocabulary: number;
  readonly context: number;
  readonly epsilon: number;
  readonly ropeBase: number;
  /** What differs from plain rotary positions over the whole head; absent = nothing. */
  readonly rope?: Rope | undefined;
  /** Linear layers that add a bias (Qwen2: q, k, v). */
  readonly biases?: readonly Linear[];
  /** RMS norms over each head of q and k, before the rotary positions (Qwen3). */
  readonly headNorms?: boolean;
  /** Output head = transposed embedding. */
  readonly tied: boolean;
}

/** The linear layers of one block, in the order of their use. */
export const LINEARS = ['attn_q', 'attn_k', 'attn_v', 'attn_output', 'ffn_gate', 'ffn_up', 'ffn_down'] as const;
export type Linear = (typeof LINEARS)[number];

/** Divisors of the rotary frequencies (Llama 3.1); a constant, never trained. */
export const ROPE_FACTORS = 'rope_freqs.weight';
export const headOf = (shape: Shape): string => (shape.tied ? 'token_embd.weight' : 'output.weight');

/** Name → extents (innermost first) of all tensors that can be trained, in file order. */
export function expectedTensors(s: Shape): Map<string, readonly number[]> {
  const all = new Map<string, readonly number[]>([['token_embd.weight', [s.width, s.vocabulary]]]);
  const q = s.heads * s.headWidth;
  const kv = s.kvHeads * s.headWidth;
  for (let l = 0; l < s.layers; l++) {
    const put = (name: string, ...dims: number[]): unknown => all.set(`blk.${l}.${name}.weight`, dims);
    const linear = (name: Linear, inside: number, outside: number): void => {
      put(name, inside, outside);
      if (s.biases?.includes(name) === true) all.set(`blk.${l}.${name}.bias`, [outside]);
    };
    put('attn_norm', s.width);
    linear('attn_q', s.width, q);
    linear('attn_k', s.width, kv);
    if (s.headNorms === true) {
      put('attn_q_norm', s.headWidth);
      put('attn_k_norm', s.headWidth);
    }
    linear('attn_v', s.width, kv);
    linear('attn_output', q, s.width);
    put('ffn_norm', s.width);
    linear('ffn_gate', s.width, s.feedForward);
    linear('ffn_up', s.width, s.feedForward);
    linear('ffn_down', s.feedForward, s.width);
  }
  all.set('output_norm.weight', [s.width]);
  if (!s.tied) all.set('output.weight', [s.width, s.vocabulary]);
  return all;
}

/** Tensors beside them that are never trained. */
export function constantTensors(s: Shape): Map<string, readonly number[]> {
  return new Map(s.rope?.factors === true ? [[ROPE_FACTORS, [s.rope.width / 2]]] : []);
}

/**
 * Reads the hyper-parameters and checks every tensor's presence and extents.
 * @throws EngineError `unsupported` (another architecture, or features that the trainer does not know) or `corrupt` (tensor
 * missing or misshapen).
 */
export function shapeOf(file: GgufFile): Shape {
  const architecture = architectureOf(file);
  const number = (key: string, fallback?: number): number => {
    const found = file.metadata.get(`${architecture}.${key}`);
    if (Array.isArray(found))
      throw new EngineError(
        'unsupported',
        `${file.path}: ${architecture}.${key} differs from layer to layer, which the trainer does not know. Choose a model whose layers are alike.`,
      );
    const value = typeof found === 'bigint' ? Number(found) : (found ?? fallback);
    if (typeof value !== 'number' || !Number.isFinite(value) || value <= 0)
      throw new EngineError(
        'corrupt',
        `${file.path}: the key ${architecture}.${key} is missing or not a positive number. Export the model again.`,
      );
    return value;
  };
  const heads = number('attention.head_count');
  const width = number('embedding_length');
  const embedding = file.tensors.get('token_embd.weight');
  if (embedding === undefined) throw new EngineError('corrupt', `${file.path} lacks the tensor token_embd.weight. Export the model again.`);
  const headWidth = number('attention.key_length', width / heads);
  const shape: Shape = {
    architecture,
    layers: number('block_count'),
    width,
    feedForward: number('feed_forward_length'),
    heads,
    kvHeads: number('attention.head_count_kv', heads),
    headWidth,
    vocabulary: embedding.shape[1] ?? 0,
    context: number('context_length'),
    epsilon: number('attention.layer_norm_rms_epsilon'),
    ropeBase: number('rope.freq_base', 10000),
    biases: LINEARS.filter((linear) => file.tensors.has(`blk.0.${linear}.bias`)),
    headNorms: architecture === 'qwen3',
    tied: !file.tensors.has('output.weight'),
  };
  for (const [key, value] of Object.entries(shape))
    if (typeof value === 'number' && key !== 'epsilon' && key !== 'ropeBase' && !Number.isInteger(value))
      throw new EngineError('corrupt', `${file.path}: ${key} is ${value}, not a whole number. Export the model again.`);
  if (shape.layers > MOST_LAYERS)
    throw new EngineError('corrupt', `${file.path}: ${shape.layers} blocks are more than any model has. Export the model again.`);
  if (heads % shape.kvHeads !== 0 || headWidth % 2 !== 0)
    throw new EngineError(
      'corrupt',
      `${file.path}: ${heads} heads over ${shape.kvHeads} key-value heads of width ${headWidth} do not fit. Export the model again.`,
    );
  if (number('attention.value_length', headWidth) !== headWidth)
    throw new EngineError(
      'unsupported',
      `${file.path}: keys and values differ in width, which the trainer does not know. Choose another model.`,
    );
  const complete = { ...shape, rope: ropeOf(file, architecture, headWidth, shape.context, number) };
  checkTensors(file, complete);
  return complete;
}

const MOST_LAYERS = 1000;

function architectureOf(file: GgufFile): Architecture {
  const found = file.metadata.get('general.architecture');
  if (file.metadata.get('general.type') === 'adapter')
    throw new EngineError('unsupported', `${file.path} is an adapter, not a model. Give the model here and the adapter as "adapter".`);
  if (Number(file.metadata.get('split.count') ?? 1) > 1)
    throw new EngineError(
      'unsupported',
      `${file.path} is one part of a model split over several files. Join them with llama.cpp's gguf-split --merge.`,
    );
  const architecture = Object.keys(NEOX).find((known) => known === found) as Architecture | undefined;
  if (architecture === undefined)
    throw new EngineError(
      'unsupported',
      `${file.path} has the architecture "${String(found)}"; Kelvin trains llama (Llama 2 and 3, SmolLM2, TinyLlama, Mistral 7B), qwen2 (Qwen2.5) and qwen3. Choose such a model.`,
    );
  if (Number(file.metadata.get(`${architecture}.expert_count`) ?? 0) > 0)
    throw new EngineError('unsupported', `${file.path} is a mixture of experts, which the trainer does not know. Choose a dense model.`);
  return architecture;
}

/** Q8_K, which ggml cannot turn back into floats, the integers, and F64. */
const NOT_WEIGHTS: ReadonlySet<number> = new Set([15, 24, 25, 26, 27, 28]);

function checkTensors(file: GgufFile, shape: Shape): void {
  const expected = new Map([...expectedTensors(shape), ...constantTensors(shape)]);
  for (const [name, dims] of expected) {
    const found = file.tensors.get(name);
    if (found === undefined) throw new EngineError('corrupt', `${file.path} lacks the tensor ${name}. Export the model again.`);
    if (NOT_WEIGHTS.has(found.type))
      throw new EngineError(
        'unsupported',
        `${file.path}: ${name} has the type ${typeName(found.type)}, which is none of weights. Convert the model again.`,
      );
    const [n0 = 1, n1 = 1, ...rest] = found.shape;
    if (n0 !== dims[0] || n1 !== (dims[1] ?? 1) || rest.some((n) => n !== 1))
      throw new EngineError(
        'corrupt',
        `${file.path}: ${name} (${typeName(found.type)}) has extents [${found.shape.join(', ')}], not [${dims.join(', ')}]. Export the model again.`,
      );
  }
  for (const name of file.tensors.keys())
    if (!expected.has(name))
      throw new EngineError(
        'unsupported',
        `${file.path} has the tensor ${name}, which the trainer does not know in a ${shape.architecture ?? 'llama'} model. Choose a plain one, such as SmolLM2 or Qwen2.5.`,
      );
}
