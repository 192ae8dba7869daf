/**
 * One static training graph for a fixed number of rows, row length and targets: embedding, blocks, head on the loss
 * positions only, and the whole backward. With checkpointing only the input of each block is kept, and its forward is
 * computed again right before its backward: about a third more arithmetic for a fraction of the memory, and the same bits.
 */
import { BlockBuilder, type Weights } from './block.ts';
import { F32, I32, I64, typeOf, type Ggml } from './ffi.ts';
import { buildHead, type Chunk, type GraphSize, type Terminals } from './head.ts';
import { backward, forward, output } from './layer.ts';
import type { Pointer } from './libraries.ts';
import { allocate, allocateGraph, newContext, newTensor } from './memory.ts';
import { queryBlocks } from './pack.ts';
import { openProducts, type Products } from './products.ts';
import { headOf, type Shape } from './shape.ts';

export type { GraphSize } from './head.ts';

/** How the results are computed; it changes memory and speed, not what they mean. */
export interface GraphStyle {
  readonly checkpointing: boolean;
  /** Type in which matrices are multiplied; sums and everything else are F32. */
  readonly compute: 'f32' | 'bf16';
  /** Bytes of a dequantised head up to which it is kept for the graph; a larger one is dequantised slice by slice. */
  readonly keptHead?: number | undefined;
}

const KEPT_HEAD = 256 << 20;

/** Slices of a quarter of what may be kept. */
function slicesOf(shape: Shape, weights: Weights, keptHead = KEPT_HEAD): number {
  const bytes = 4 * shape.width * shape.vocabulary;
  return typeOf(weights.weight(headOf(shape))) === F32 || bytes <= keptHead ? 1 : Math.ceil((4 * bytes) / keptHead);
}

/** Nodes of a graph whose memory is not given out yet. */
interface Drawing {
  readonly graph: Pointer;
  readonly terminals: Terminals;
  readonly chunks: readonly Chunk[];
  dispose(): void;
}

/** @param place gives the inputs their memory; called before the nodes are made. */
export function drawGraph(
  g: Ggml,
  shape: Shape,
  weights: Weights,
  size: GraphSize,
  style: GraphStyle,
  place: (inputs: Pointer) => void,
): Drawing {
  const { f } = g;
  const { rows, length, targets } = size;
  const tokens = rows * length;
  const headSlices = slicesOf(shape, weights, style.keptHead);
  // A sliced head is dequantised again for each chunk of tokens, so these are fewer and larger.
  const chunk = Math.min(targets, Math.max(64, Math.floor((headSlices === 1 ? 4_000_000 : 16_000_000) / shape.vocabulary)));
  const chunkCount = Math.ceil(targets / chunk);
  const inputs = newContext(g, 24 + 2 * chunkCount);
  const make = (type: number, ...dims: number[]): Pointer => newTensor(g, inputs, type, ...dims);
  const gathered = make(F32, shape.width, targets);
  const terminals = {
    tokens: make(I32, tokens),
    positions: make(I32, tokens),
    masks: queryBlocks(length).map(({ from, to }) => make(F32, to, to - from, 1, rows)),
    select: make(I32, targets),
    factor: make(F32, 1, targets),
    reference: make(F32, 1, targets),
    bound: make(F32, 1, targets),
    pull: make(F32, 1, targets),
    baseLogprob: make(F32, 1, targets),
    logprob: make(F32, 1, targets),
    entropy: make(F32, 1, targets),
  };
  const chunks = Array.from({ length: chunkCount }, (_, i) => {
    const count = Math.min(chunk, targets - i * chunk);
    return { from: i * chunk, count, read: make(I32, count), write: make(I64, count) };
  });
  const nodes = nodesFor(shape, chunkCount, headSlices);
  const context = newContext(g, nodes, nodes);
  const products: Products = openProducts(g);
  const dispose = (): void => {
    for (const c of [context, inputs]) f.ggml_free(c);
    products.dispose();
  };
  try {
    place(inputs);
    const graph = f.ggml_new_graph_custom(context, nodes, false);
    const { positions, masks } = terminals;
    const input = { rows, length, positions, masks, products, compute: style.compute, headSlices };
    fill(new BlockBuilder(g, context, graph, shape, weights, input), size, style, terminals, chunks, gathered);
    return { graph, terminals, chunks, dispose };
  } catch (error) {
    dispose();
    throw error;
  }
}

/** Room for nodes, well above what a graph takes: ggml ends the process when it runs out. */
export const nodesFor = (shape: Shape, chunks: number, headSlices: number): number =>
  1200 * shape.layers + (96 + 24 * headSlices) * chunks + 500;

function fill(
  build: BlockBuilder,
  size: GraphSize,
  { checkpointing }: GraphStyle,
  io: Terminals,
  chunks: readonly Chunk[],
  gathered: Pointer,
): void {
  const { f, c, shape, weights } = build;
  const embedding = weights.weight('token_embd.weight');
  let x = build.add(f.ggml_get_rows(c, embedding, io.tokens));
  const blocks = Array.from({ length: shape.layers }, (_, l) => {
    const input = x;
    const saved = forward(build, l, input);
    x = output(build, l, saved);
    return { input, saved: checkpointing ? null : saved };
  });
  const hidden = build.add(f.ggml_get_rows(c, x, io.select));
  for (const chunk of chunks) buildHead(build, size, io, hidden, gathered, chunk);
  if (!size.train) return;
  // A prompt's last position carries one target per completion, so positions repeat: this scatter adds.
  let g = build.add(f.ggml_get_rows_back(c, gathered, io.select, x));
  for (const [l, { input, saved }] of [...blocks.entries()].reverse()) g = backward(build, l, saved ?? forward(build, l, input), g);
  if (weights.gradient('token_embd.weight') !== null)
    build.accumulate('token_embd.weight', f.ggml_get_rows_back(c, g, io.tokens, embedding));
}

export class TrainingGraph {
  readonly size: GraphSize;
  readonly graph: Pointer;
  readonly terminals: Terminals;
  readonly chunks: readonly Chunk[];
  /** Bytes of intermediate results. */
  readonly bytes: number;
  readonly #release: () => void;

  constructor(g: Ggml, backend: Pointer, shape: Shape, weights: Weights, size: GraphSize, style: GraphStyle) {
    const { f } = g;
    let buffer: Pointer | null = null;
    const drawing = drawGraph(g, shape, weights, size, style, (inputs) => {
      buffer = allocate(g, inputs, backend, 'a training batch');
    });
    const free = (): void => {
      if (buffer !== null) f.ggml_backend_buffer_free(buffer);
      drawing.dispose();
    };
    try {
      const allocator = allocateGraph(g, backend, drawing.graph, `a training batch of ${size.rows * size.length} tokens`);
      this.bytes = Number(f.ggml_gallocr_get_buffer_size(allocator, 0));
      this.#release = () => {
        f.ggml_gallocr_free(allocator);
        free();
      };
    } catch (error) {
      free();
      throw error;
    }
    this.size = size;
    this.graph = drawing.graph;
    this.terminals = drawing.terminals;
    this.chunks = drawing.chunks;
  }

  dispose(): void {
    this.#release();
  }
}
