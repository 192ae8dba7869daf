/** The header that a catalogue model's file would have, so that its memory is planned before it is fetched. */
import type { GgufFile, GgufValue, TensorEntry } from '../engine/ggml/gguf.ts';
import { expectedTensors } from '../engine/ggml/shape.ts';
import type { Shape } from '../engine/ggml/shape.ts';
import type { CatalogueModel, ModelShape, Quantisation } from './catalogue.ts';

/** ggml type number → [elements, bytes] of a block. */
const BLOCK: Readonly<Record<number, readonly [number, number]>> = { 0: [1, 4], 3: [32, 20], 8: [32, 34], 12: [256, 144], 14: [256, 210] };
const [F32, Q4_1, Q8_0, Q4_K, Q6_K] = [0, 3, 8, 12, 14] as const;

export function headerOf({ shape, name, quantisation }: Pick<CatalogueModel, 'shape' | 'name' | 'quantisation'>): GgufFile {
  const tensors = new Map<string, TensorEntry>();
  let offset = 0;
  for (const [tensor, dims] of expectedTensors(engineShape(shape))) {
    const type = dims.length === 1 ? F32 : typeOf(tensor, quantisation, shape);
    const [elements, block] = BLOCK[type] as readonly [number, number];
    const bytes = (dims.reduce((a, b) => a * b, 1) / elements) * block;
    tensors.set(tensor, { name: tensor, type, shape: dims, offset, bytes });
    offset += bytes;
  }
  const { architecture } = shape;
  const metadata = new Map<string, GgufValue>([
    ['general.architecture', architecture],
    [`${architecture}.block_count`, shape.layers],
    [`${architecture}.context_length`, shape.context],
    [`${architecture}.embedding_length`, shape.width],
    [`${architecture}.feed_forward_length`, shape.feedForward],
    [`${architecture}.attention.head_count`, shape.heads],
    [`${architecture}.attention.head_count_kv`, shape.kvHeads],
    [`${architecture}.attention.layer_norm_rms_epsilon`, 1e-6],
    [`${architecture}.rope.freq_base`, 1e6],
  ]);
  return { path: name, metadata, tensors, tokens: [] };
}

/** Bytes of all tensors. */
export const weightBytes = (file: GgufFile): number => [...file.tensors.values()].reduce((sum, tensor) => sum + tensor.bytes, 0);

function engineShape(shape: ModelShape): Shape {
  const { architecture, ...rest } = shape;
  return {
    ...rest,
    architecture,
    headWidth: shape.width / shape.heads,
    epsilon: 1e-6,
    ropeBase: 1e6,
    biases: architecture === 'qwen2' ? ['attn_q', 'attn_k', 'attn_v'] : [],
  };
}

/** Types as llama.cpp's quantiser gives them: Q4_K_M keeps the head and half of the values and downs in Q6_K. */
function typeOf(tensor: string, quantisation: Quantisation, shape: ModelShape): number {
  const head = tensor === 'output.weight' || (shape.tied && tensor === 'token_embd.weight');
  switch (quantisation) {
    case 'F32':
      return F32;
    case 'Q8_0':
      return Q8_0;
    case 'Q4_1':
      return head ? Q8_0 : Q4_1;
    case 'Q4_K_M': {
      const layer = Number(/^blk\.(\d+)\.(attn_v|ffn_down)\./.exec(tensor)?.[1] ?? -1);
      return head || (layer >= 0 && layer % 2 === 0) ? Q6_K : Q4_K;
    }
  }
}
