/** The llama architecture: hyper-parameters and the tensors that a file of it must hold. */
import { EngineError } from '../ports.ts';
import { type GgufFile, typeName } from './gguf.ts';

export interface Shape {
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
  /** Output head = transposed embedding. */
  readonly tied: boolean;
}

/** The linear layers of one block, in the order of their use. */
export const LINEARS = ['attn_q', 'attn_k', 'attn_v', 'attn_output', 'ffn_gate', 'ffn_up', 'ffn_down'] as const;
export type Linear = (typeof LINEARS)[number];

/** Name → extents (innermost first) of all tensors of the architecture, in file order. */
export function expectedTensors(s: Shape): Map<string, readonly number[]> {
  const all = new Map<string, readonly number[]>([['token_embd.weight', [s.width, s.vocabulary]]]);
  const q = s.heads * s.headWidth;
  const kv = s.kvHeads * s.headWidth;
  for (let l = 0; l < s.layers; l++) {
    const put = (name: string, ...dims: number[]): unknown => all.set(`blk.${l}.${name}.weight`, dims);
    put('attn_norm', s.width);
    put('attn_q', s.width, q);
    put('attn_k', s.width, kv);
    put('attn_v', s.width, kv);
    put('attn_output', q, s.width);
    put('ffn_norm', s.width);
    put('ffn_gate', s.width, s.feedForward);
    put('ffn_up', s.width, s.feedForward);
    put('ffn_down', s.feedForward, s.width);
  }
  all.set('output_norm.weight', [s.width]);
  if (!s.tied) all.set('output.weight', [s.width, s.vocabulary]);
  return all;
}

/**
 * Reads the hyper-parameters and checks every tensor's presence and extents.
 * @throws EngineError `unsupported` (another architecture, features outside plain llama) or `corrupt` (tensor missing or misshapen).
 */
export function shapeOf(file: GgufFile): Shape {
  const architecture = file.metadata.get('general.architecture');
  if (architecture !== 'llama')
    throw new EngineError(
      'unsupported',
      `${file.path} has the architecture "${String(architecture)}"; Kelvin trains "llama" (SmolLM2, Llama 3, TinyLlama, …). Choose such a model.`,
    );
  const number = (key: string, fallback?: number): number => {
    const value = file.metadata.get(`llama.${key}`) ?? fallback;
    if (typeof value !== 'number' || !Number.isFinite(value) || value <= 0)
      throw new EngineError('corrupt', `${file.path}: the key llama.${key} is missing or not a positive number. Export the model again.`);
    return value;
  };
  const heads = number('attention.head_count');
  const width = number('embedding_length');
  const embedding = file.tensors.get('token_embd.weight');
  if (embedding === undefined) throw new EngineError('corrupt', `${file.path} lacks the tensor token_embd.weight. Export the model again.`);
  const headWidth = number('attention.key_length', width / heads);
  const shape: Shape = {
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
    tied: !file.tensors.has('output.weight'),
  };
  for (const [key, value] of Object.entries(shape))
    if (typeof value === 'number' && key !== 'epsilon' && key !== 'ropeBase' && !Number.isInteger(value))
      throw new EngineError('corrupt', `${file.path}: ${key} is ${value}, not a whole number. Export the model again.`);
  if (shape.layers > 1000 || heads % shape.kvHeads !== 0 || headWidth % 2 !== 0)
    throw new EngineError(
      'corrupt',
      `${file.path}: ${heads} heads over ${shape.kvHeads} key-value heads of width ${headWidth} do not fit. Export the model again.`,
    );
  if (
    number('rope.dimension_count', headWidth) !== headWidth ||
    file.metadata.has('llama.expert_count') ||
    file.tensors.has('rope_freqs.weight')
  )
    throw new EngineError(
      'unsupported',
      `${file.path} uses partial or scaled rotary positions or experts, which the trainer does not know. Choose a plain llama model such as SmolLM2.`,
    );
  const scaling = file.metadata.get('llama.rope.scaling.type');
  if (scaling !== undefined && scaling !== 'none')
    throw new EngineError('unsupported', `${file.path} uses rotary scaling "${String(scaling)}". Choose a model without it.`);
  const expected = expectedTensors(shape);
  for (const [name, dims] of expected) {
    const found = file.tensors.get(name);
    if (found === undefined) throw new EngineError('corrupt', `${file.path} lacks the tensor ${name}. Export the model again.`);
    const same = found.shape.length <= 2 && (found.shape[0] ?? 1) === dims[0] && (found.shape[1] ?? 1) === (dims[1] ?? 1);
    if (!same)
      throw new EngineError(
        'corrupt',
        `${file.path}: ${name} (${typeName(found.type)}) has extents [${found.shape.join(', ')}], not [${dims.join(', ')}]. Export the model again.`,
      );
  }
  for (const name of file.tensors.keys())
    if (!expected.has(name))
      throw new EngineError(
        'unsupported',
        `${file.path} has the tensor ${name}, which plain llama does not. Choose a plain llama model such as SmolLM2.`,
      );
  return shape;
}
