/**
 * Decoder on graphs of our own: it reads the trainer's weights in place, so an optimiser step needs no refresh and the
 * sampler's log-probabilities are the trainer's own up to rounding (about 1e-6).
 *
 * Each sequence's numbers are the same bits whatever else is in the batch: every product has at least two columns (one
 * column takes another code path in ggml), and the attended length is a multiple of 64, where padding adds exact zeros.
 */
import { BlockBuilder } from './block.ts';
import type { Decoder, Distributions, PromptInput, PromptReady, StepInput } from './decoder.ts';
import { F32, I32, I64, type Ggml } from './ffi.ts';
import type { Pointer } from './libraries.ts';
import { allocate, allocateGraph, getFloats, newContext, newTensor, setData } from './memory.ts';
import type { Parameters } from './parameters.ts';
import { openProducts, type Products } from './products.ts';
import { draw } from './random.ts';
import type { Shape } from './shape.ts';

const ATTEND = 64;
const PROMPT = 32;
/** Slots of the cache beside those of the sequences. */
export const EXTRA_SLOTS = 2;

/** A graph for `columns` tokens; `attended` = 0 for a prompt (which attends to itself), else cached positions per slot. */
interface Built {
  readonly graph: Pointer;
  readonly logits: Pointer;
  readonly tokens: Pointer;
  readonly positions: Pointer;
  readonly mask: Pointer;
  readonly keyRows: Pointer;
  readonly valueCells: Pointer;
  readonly last: Pointer | null;
  readonly allocator: Pointer;
  readonly buffer: Pointer;
  readonly contexts: readonly Pointer[];
  readonly products: Products;
}

export class GraphDecoder implements Decoder {
  readonly slots: number;
  readonly spare: number;
  readonly context: number;
  readonly vocabulary: number;
  readonly exact = true;
  readonly #scratch: Float64Array;
  readonly #g: Ggml;
  readonly #backend: Pointer;
  readonly #parameters: Parameters;
  readonly #shape: Shape;
  readonly #keys: Pointer[] = [];
  readonly #values: Pointer[] = [];
  readonly #cacheContext: Pointer;
  readonly #cacheBuffer: Pointer;
  readonly #graphs = new Map<string, Built>();

  constructor(g: Ggml, backend: Pointer, parameters: Parameters, slots: number, context: number) {
    this.#g = g;
    this.#backend = backend;
    this.#parameters = parameters;
    this.#shape = parameters.shape;
    this.slots = slots;
    this.spare = slots + 1;
    this.context = Math.ceil(context / ATTEND) * ATTEND;
    this.vocabulary = this.#shape.vocabulary;
    this.#scratch = new Float64Array(this.vocabulary);
    const width = this.#shape.kvHeads * this.#shape.headWidth;
    this.#cacheContext = newContext(g, 2 * this.#shape.layers);
    for (let l = 0; l < this.#shape.layers; l++) {
      // Keys as rows by position, values transposed within each slot. One more slot is for padding, one is the spare.
      this.#keys.push(newTensor(g, this.#cacheContext, F32, width, this.context * (slots + EXTRA_SLOTS)));
      this.#values.push(newTensor(g, this.#cacheContext, F32, 1, this.context * width * (slots + EXTRA_SLOTS)));
    }
    this.#cacheBuffer = allocate(g, this.#cacheContext, backend, `${slots} sequences of ${this.context} tokens; lower engine.parallel`);
  }

  begin(): void {
    // Masked cells count as 0 × what is in them, which must be a number even after weights that had diverged.
    this.#g.f.ggml_backend_buffer_clear(this.#cacheBuffer, 0);
  }

  async prefill(prompts: readonly PromptInput[], first: number, ready: PromptReady): Promise<void> {
    for (const [i, { tokens }] of prompts.entries()) ready(i, await this.#prompt(tokens, first + i), 0);
  }
  async #prompt(prompt: readonly number[], slot: number): Promise<Distributions> {
    const columns = Math.min(this.context, Math.max(2, Math.ceil(prompt.length / PROMPT) * PROMPT));
    const built = this.#built(columns, 0);
    const g = this.#g;
    const padded = Int32Array.from({ length: columns }, (_, i) => prompt[i] ?? 0);
    setData(g, built.tokens, padded);
    setData(g, built.positions, padded.map((_, i) => i)); // prettier-ignore
    const mask = new Float32Array(columns * columns);
    for (let i = 0; i < columns; i++) mask.fill(-Infinity, i * columns + i + 1, (i + 1) * columns);
    setData(g, built.mask, mask);
    this.#setCells(
      built,
      Array.from({ length: columns }, (_, i) => [slot, i]),
    );
    if (built.last !== null) setData(g, built.last, Int32Array.of(prompt.length - 1, prompt.length - 1));
    await g.compute(this.#backend, built.graph);
    return this.#distributions(getFloats(g, built.logits, this.vocabulary));
  }

  copy(from: number, to: number, length: number): void {
    const row = this.#shape.kvHeads * this.#shape.headWidth * 4;
    const slab = row * this.context;
    const buffer = Buffer.allocUnsafeSlow(slab);
    const move = (t: Pointer, bytes: number): void => {
      this.#g.f.ggml_backend_tensor_get(t, buffer, from * slab, bytes);
      this.#g.f.ggml_backend_tensor_set(t, buffer, to * slab, bytes);
    };
    for (const keys of this.#keys) move(keys, length * row);
    for (const values of this.#values) move(values, slab);
  }

  async step(inputs: readonly StepInput[]): Promise<Distributions> {
    const longest = inputs.reduce((a, i) => Math.max(a, i.position + 1), 1);
    const attended = Math.min(this.context, Math.ceil(longest / ATTEND) * ATTEND);
    const columns = Math.min(this.slots + 1, inputs.length <= 4 ? Math.max(2, inputs.length) : Math.ceil(inputs.length / 8) * 8);
    const built = this.#built(columns, attended);
    const g = this.#g;
    const mask = new Float32Array(columns * attended).fill(-Infinity);
    for (let i = 0; i < columns; i++) mask.fill(0, i * attended, i * attended + (inputs[i]?.position ?? 0) + 1);
    setData(
      g,
      built.tokens,
      Int32Array.from({ length: columns }, (_, i) => inputs[i]?.token ?? 0),
    );
    setData(
      g,
      built.positions,
      Int32Array.from({ length: columns }, (_, i) => inputs[i]?.position ?? 0),
    );
    setData(g, built.mask, mask);
    // Padding columns write into the slots they stand for, which hold no sequence.
    this.#setCells(
      built,
      Array.from({ length: columns }, (_, i) => [i, inputs[i]?.position ?? 0]),
    );
    await g.compute(this.#backend, built.graph);
    return this.#distributions(getFloats(g, built.logits, this.vocabulary * inputs.length));
  }
  #distributions(logits: Float32Array): Distributions {
    const n = this.vocabulary;
    return { draw: (row, temperature, u) => draw(logits.subarray(row * n, (row + 1) * n), temperature, u, this.#scratch) };
  }

  #setCells(built: Built, cells: readonly (readonly [slot: number, position: number])[]): void {
    const width = this.#shape.kvHeads * this.#shape.headWidth;
    // 64-bit indices as pairs of 32-bit words, low word first: making a BigInt for each would cost more than the copy.
    const rows = new Int32Array(2 * cells.length);
    const flat = new Int32Array(2 * cells.length * width);
    cells.forEach(([slot, position], i) => {
      rows[2 * i] = slot * this.context + position;
      const start = slot * this.context * width + position;
      for (let k = 0; k < width; k++) flat[2 * (i * width + k)] = start + k * this.context;
    });
    setData(this.#g, built.keyRows, rows);
    setData(this.#g, built.valueCells, flat);
  }

  #built(columns: number, attended: number): Built {
    const key = `${columns}/${attended}`;
    let built = this.#graphs.get(key);
    if (built === undefined) {
      built = this.#build(columns, attended);
      this.#graphs.set(key, built);
    }
    return built;
  }

  #build(columns: number, attended: number): Built {
    const g = this.#g;
    const { f } = g;
    const shape = this.#shape;
    const { headWidth, heads, kvHeads, layers } = shape;
    const width = kvHeads * headWidth;
    const inputs = newContext(g, 16);
    const make = (type: number, ...dims: number[]): Pointer => newTensor(g, inputs, type, ...dims);
    const prompt = attended === 0;
    const io = {
      tokens: make(I32, columns),
      positions: make(I32, columns),
      mask: prompt ? make(F32, columns, columns) : make(F32, attended, 1, 1, columns),
      keyRows: make(I64, columns),
      valueCells: make(I64, columns * width),
      last: prompt ? make(I32, 2) : null,
    };
    const buffer = allocate(g, inputs, this.#backend, 'sampling');
    const nodes = 120 * layers + 100;
    const c = newContext(g, nodes, nodes);
    const graph = f.ggml_new_graph_custom(c, nodes, false);
    const products = openProducts(g);
    const build = new BlockBuilder(g, c, graph, shape, this.#parameters.forLane(0), {
      rows: 1,
      length: columns,
      positions: io.positions,
      masks: [],
      products,
    });
    const { weights } = build;
    const scale = 1 / Math.sqrt(headWidth);
    let x = f.ggml_get_rows(c, weights.weight('token_embd.weight'), io.tokens);
    for (let l = 0; l < layers; l++) {
      const { y: a } = build.norm(`blk.${l}.attn_norm.weight`, x);
      const split = (t: Pointer, h: number): Pointer => f.ggml_reshape_3d(c, t, headWidth, h, columns);
      const q = build.turned(l, 'attn_q', a).y;
      const k = build.turned(l, 'attn_k', a).y;
      const v = build.linear(l, 'attn_v', a);
      const keys = this.#keys[l] as Pointer;
      const values = this.#values[l] as Pointer;
      build.add(f.ggml_set_rows(c, keys, f.ggml_reshape_2d(c, k, width, columns), io.keyRows));
      build.add(f.ggml_set_rows(c, values, f.ggml_reshape_2d(c, v, 1, width * columns), io.valueCells));
      let o: Pointer;
      if (prompt) {
        const perHead = (t: Pointer): Pointer => f.ggml_cont(c, f.ggml_permute(c, t, 0, 2, 1, 3));
        const p = f.ggml_soft_max_ext(c, build.product(perHead(k), perHead(q)), io.mask, scale, 0);
        o = products.back(c, perHead(split(v, kvHeads)), p);
        o = f.ggml_cont(c, f.ggml_permute(c, o, 0, 2, 1, 3));
      } else {
        // [headWidth, attended, kvHeads, slot] and [attended, headWidth, kvHeads, slot], straight from the cache.
        const slab = width * this.context * 4;
        const keyView = f.ggml_view_4d(c, keys, headWidth, attended, kvHeads, columns, width * 4, headWidth * 4, slab, 0);
        const valueView = f.ggml_view_4d(
          c,
          values,
          attended,
          headWidth,
          kvHeads,
          columns,
          this.context * 4,
          headWidth * this.context * 4,
          slab,
          0,
        );
        const p = f.ggml_soft_max_ext(
          c,
          f.ggml_mul_mat(c, keyView, f.ggml_reshape_4d(c, q, headWidth, 1, heads, columns)),
          io.mask,
          scale,
          0,
        );
        o = f.ggml_mul_mat(c, valueView, p);
      }
      const h = f.ggml_add(c, x, build.linear(l, 'attn_output', f.ggml_reshape_2d(c, o, heads * headWidth, columns)));
      const { y: b } = build.norm(`blk.${l}.ffn_norm.weight`, h);
      const act = f.ggml_swiglu_split(c, build.linear(l, 'ffn_gate', b), build.linear(l, 'ffn_up', b));
      x = build.add(f.ggml_add(c, h, build.linear(l, 'ffn_down', act)));
    }
    if (io.last !== null) x = f.ggml_get_rows(c, x, io.last);
    const { y } = build.norm('output_norm.weight', x);
    const logits = build.add(build.logits(y));
    const allocator = allocateGraph(g, this.#backend, graph, 'sampling');
    return { ...io, graph, logits, allocator, buffer, contexts: [c, inputs], products };
  }

  dispose(): void {
    const { f } = this.#g;
    for (const { allocator, buffer, contexts, products } of this.#graphs.values()) {
      f.ggml_gallocr_free(allocator);
      f.ggml_backend_buffer_free(buffer);
      for (const context of contexts) f.ggml_free(context);
      products.dispose();
    }
    this.#graphs.clear();
    f.ggml_backend_buffer_free(this.#cacheBuffer);
    f.ggml_free(this.#cacheContext);
  }
}
