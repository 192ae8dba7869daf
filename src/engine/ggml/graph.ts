/**
 * One static training graph for a fixed number of rows, row length and targets: embedding, blocks, head on the loss
 * positions only, and the whole backward.
 */
import { BlockBuilder, type Weights } from './block.ts';
import { F32, I32, I64, type Ggml } from './ffi.ts';
import { backward, forward, output, type Saved } from './layer.ts';
import type { Pointer } from './libraries.ts';
import { allocate, allocateGraph, newContext, newTensor } from './memory.ts';
import { buildHead, type Chunk, type GraphSize, type Terminals } from './head.ts';
import { queryBlocks } from './pack.ts';
import { openProducts, type Products } from './products.ts';
import type { Shape } from './shape.ts';

export type { GraphSize } from './head.ts';

export class TrainingGraph {
  readonly size: GraphSize;
  readonly graph: Pointer;
  readonly terminals: Terminals;
  readonly chunks: readonly Chunk[];
  /** Bytes of intermediate results. */
  readonly bytes: number;
  readonly #g: Ggml;
  readonly #owned: { contexts: Pointer[]; buffer: Pointer; allocator: Pointer; products: Products };

  constructor(g: Ggml, backend: Pointer, shape: Shape, weights: Weights, size: GraphSize) {
    const { f } = g;
    this.#g = g;
    this.size = size;
    const { rows, length, targets } = size;
    const tokens = rows * length;
    const chunk = Math.min(targets, Math.max(64, Math.floor(4_000_000 / shape.vocabulary)));
    const chunkCount = Math.ceil(targets / chunk);
    const inputs = newContext(g, 24 + 2 * chunkCount);
    const make = (type: number, ...dims: number[]): Pointer => newTensor(g, inputs, type, ...dims);
    const gathered = make(F32, shape.width, targets);
    this.terminals = {
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
    this.chunks = Array.from({ length: chunkCount }, (_, i) => {
      const count = Math.min(chunk, targets - i * chunk);
      return { from: i * chunk, count, read: make(I32, count), write: make(I64, count) };
    });
    const buffer = allocate(g, inputs, backend, 'a training batch');
    const nodes = 800 * shape.layers + 80 * chunkCount + 500;
    const context = newContext(g, nodes, nodes);
    this.graph = f.ggml_new_graph_custom(context, nodes, false);
    const { positions, masks } = this.terminals;
    const products = openProducts(g);
    const build = new BlockBuilder(g, context, this.graph, shape, weights, { rows, length, positions, masks, products });
    this.#build(build, gathered);
    const allocator = allocateGraph(g, backend, this.graph, `a training batch of ${tokens} tokens`);
    this.#owned = { contexts: [context, inputs], buffer, allocator, products };
    this.bytes = Number(f.ggml_gallocr_get_buffer_size(allocator, 0));
  }

  #build(build: BlockBuilder, gathered: Pointer): void {
    const { f, c, shape, weights } = build;
    const io = this.terminals;
    const embedding = weights.weight('token_embd.weight');
    let x = build.add(f.ggml_get_rows(c, embedding, io.tokens));
    const saved: Saved[] = [];
    for (let l = 0; l < shape.layers; l++) {
      const s = forward(build, l, x);
      saved.push(s);
      x = output(build, l, s);
    }
    const hidden = build.add(f.ggml_get_rows(c, x, io.select));
    for (const chunk of this.chunks) buildHead(build, this.size, io, hidden, gathered, chunk);
    if (!this.size.train) return;
    // A prompt's last position carries one target per completion, so positions repeat: this scatter adds.
    let g = build.add(f.ggml_get_rows_back(c, gathered, io.select, x));
    for (let l = shape.layers - 1; l >= 0; l--) g = backward(build, l, saved[l] as Saved, g);
    if (weights.gradient('token_embd.weight') !== null)
      build.accumulate('token_embd.weight', f.ggml_get_rows_back(c, g, io.tokens, embedding));
  }

  dispose(): void {
    const { f } = this.#g;
    f.ggml_gallocr_free(this.#owned.allocator);
    f.ggml_backend_buffer_free(this.#owned.buffer);
    for (const context of this.#owned.contexts) f.ggml_free(context);
    this.#owned.products.dispose();
  }
}
