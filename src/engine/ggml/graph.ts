/**
 * One static training graph for a fixed number of rows, row length and targets: embedding, blocks, head on the loss
 * positions only (in chunks, so that tokens × vocabulary never exists whole), loss weights, and the whole backward.
 *
 * Gradient of −c·log π(t) in the logits is c·(π − onehot(t)). With a cap, c is further multiplied by
 * min(π_train / π_sample, cap), which is treated as a constant (truncated importance sampling).
 */
import { BlockBuilder, type Saved, type Weights } from './block.ts';
import { F32, I32, I64, type Ggml } from './ffi.ts';
import type { Pointer } from './libraries.ts';
import { allocate, allocateGraph, newContext, newTensor } from './memory.ts';
import { queryBlocks } from './pack.ts';
import type { Shape } from './shape.ts';

export interface GraphSize {
  readonly rows: number;
  readonly length: number;
  /** Loss positions; unused ones get coefficient 0. */
  readonly targets: number;
  /** 0 = no importance weights. */
  readonly cap: number;
  /** false: log-probabilities and entropy only. */
  readonly train: boolean;
}

export interface Chunk {
  readonly from: number;
  readonly count: number;
  /** Flat index of each target in the chunk's [vocabulary, count] logits, as I32 to read and as I64 to write. */
  readonly read: Pointer;
  readonly write: Pointer;
}

/** Inputs and outputs of a graph; they live in a buffer of their own and keep their address. */
export interface Terminals {
  readonly tokens: Pointer;
  readonly positions: Pointer;
  readonly masks: readonly Pointer[];
  readonly select: Pointer;
  readonly coefficient: Pointer;
  readonly sampled: Pointer;
  readonly logprob: Pointer;
  readonly entropy: Pointer;
}

export class TrainingGraph {
  readonly size: GraphSize;
  readonly graph: Pointer;
  readonly terminals: Terminals;
  readonly chunks: readonly Chunk[];
  /** Bytes of intermediate results. */
  readonly bytes: number;
  readonly #g: Ggml;
  readonly #owned: { contexts: Pointer[]; buffer: Pointer; allocator: Pointer };

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
      coefficient: make(F32, 1, targets),
      sampled: make(F32, 1, targets),
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
    const build = new BlockBuilder(g, context, this.graph, shape, weights, { rows, length, positions, masks });
    this.#build(build, gathered);
    const allocator = allocateGraph(g, backend, this.graph, `a training batch of ${tokens} tokens`);
    this.#owned = { contexts: [context, inputs], buffer, allocator };
    this.bytes = Number(f.ggml_gallocr_get_buffer_size(allocator, 0));
  }

  #build(build: BlockBuilder, gathered: Pointer): void {
    const { f, c, shape, weights } = build;
    const io = this.terminals;
    const embedding = weights.weight('token_embd.weight');
    let x = build.add(f.ggml_get_rows(c, embedding, io.tokens));
    const saved: Saved[] = [];
    for (let l = 0; l < shape.layers; l++) {
      const s = build.forward(l, x);
      saved.push(s);
      x = s.y;
    }
    const hidden = build.add(f.ggml_get_rows(c, x, io.select));
    for (const chunk of this.chunks) this.#head(build, hidden, gathered, chunk);
    if (!this.size.train) return;
    // A prompt's last position carries one target per completion, so positions repeat: this scatter adds.
    let g = build.add(f.ggml_get_rows_back(c, gathered, io.select, x));
    for (let l = shape.layers - 1; l >= 0; l--) g = build.backward(l, saved[l] as Saved, g);
    if (weights.gradient('token_embd.weight') !== null)
      build.accumulate('token_embd.weight', f.ggml_get_rows_back(c, g, io.tokens, embedding));
  }

  #head(build: BlockBuilder, hidden: Pointer, gathered: Pointer, { from, count, read, write }: Chunk): void {
    const { f, c, shape } = build;
    const io = this.terminals;
    const { width, vocabulary } = shape;
    const name = shape.tied ? 'token_embd.weight' : 'output.weight';
    const part = (t: Pointer): Pointer => f.ggml_view_2d(c, t, 1, count, 4, from * 4);
    const columns = (t: Pointer): Pointer => f.ggml_view_2d(c, t, width, count, width * 4, from * width * 4);
    const h = columns(hidden);
    const { normed, y } = build.norm('output_norm.weight', h);
    const z = f.ggml_mul_mat(c, build.weights.weight(name), y);
    const p = f.ggml_soft_max(c, z);
    const flat = f.ggml_reshape_2d(c, p, 1, vocabulary * count);
    const target = f.ggml_get_rows(c, flat, read);
    // The clamp keeps log finite where float32 underflows.
    const logprob = build.add(f.ggml_log(c, f.ggml_clamp(c, f.ggml_scale(c, target, 1), 1e-37, 1)));
    build.add(f.ggml_cpy(c, logprob, part(io.logprob)));
    // H = logsumexp(z) − Σ p z, and logsumexp(z) = z_t − log p_t.
    const zTarget = f.ggml_get_rows(c, f.ggml_reshape_2d(c, z, 1, vocabulary * count), read);
    const entropy = f.ggml_sub(c, f.ggml_sub(c, zTarget, logprob), f.ggml_sum_rows(c, f.ggml_mul(c, p, z)));
    build.add(f.ggml_cpy(c, entropy, part(io.entropy)));
    if (!this.size.train) return;
    let coefficient = part(io.coefficient);
    if (this.size.cap > 0) {
      const ratio = f.ggml_clamp(c, f.ggml_exp(c, f.ggml_sub(c, logprob, part(io.sampled))), 0, this.size.cap);
      coefficient = f.ggml_mul(c, ratio, coefficient);
    }
    const lessOne = build.add(f.ggml_scale_bias(c, target, 1, -1));
    const difference = f.ggml_reshape_2d(c, f.ggml_set_rows(c, flat, lessOne, write), vocabulary, count);
    const gz = build.add(f.ggml_mul(c, difference, coefficient));
    if (build.weights.gradient(name) !== null) build.accumulate(name, f.ggml_mul_mat(c, build.transpose(y), build.transpose(gz)));
    const gh = build.normBack('output_norm.weight', h, normed, f.ggml_mul_mat(c, build.transposedWeight(name), gz));
    build.add(f.ggml_cpy(c, gh, columns(gathered)));
  }

  dispose(): void {
    const { f } = this.#g;
    f.ggml_gallocr_free(this.#owned.allocator);
    f.ggml_backend_buffer_free(this.#owned.buffer);
    for (const context of this.#owned.contexts) f.ggml_free(context);
  }
}
