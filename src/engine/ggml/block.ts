/**
 * Forward and hand-derived backward of one llama block as ggml nodes. Only operations of the forward kind are used
 * (no autograd: it is several times slower here and refuses batches with grouped-query attention).
 *
 * Shapes are ggml's, innermost first. T = rows × length tokens. For y = W x: gx = Wᵀ gy, gW = x gyᵀ; with an adapter
 * y += B u, u = s A x: gB = u gyᵀ, gu = s Bᵀ gy, gA = x guᵀ, gx += Aᵀ gu.
 */
import { extents, F32, type Functions, type Ggml } from './ffi.ts';
import type { Pointer } from './libraries.ts';
import { queryBlocks, type QueryBlock } from './pack.ts';
import type { Products } from './products.ts';
import type { Linear, Shape } from './shape.ts';

/** Where a graph finds its weights, and where it leaves gradients. */
export interface Weights {
  /** Weight by tensor name, F32 [in, out] or [n]. */
  weight(name: string): Pointer;
  /** A stored transpose [out, in], or null when the graph must transpose by itself. */
  transposed(name: string): Pointer | null;
  /** Gradient accumulator of a trainable tensor, or null when it is frozen. */
  gradient(name: string): Pointer | null;
  /** Low-rank adapter of a linear layer: A [in, r], B [r, out], and the scale alpha / r. */
  adapter(name: string): { readonly a: Pointer; readonly b: Pointer; readonly scale: number } | null;
}

/** Values of the forward pass that the backward pass needs. */
export interface Saved {
  readonly x: Pointer;
  readonly normed: Pointer;
  readonly a: Pointer;
  readonly q: Pointer;
  readonly k: Pointer;
  readonly v: Pointer;
  /** Attention weights of each block of queries: [to, to − from, heads, rows]. */
  readonly p: readonly Pointer[];
  readonly o: Pointer;
  readonly h: Pointer;
  readonly hNormed: Pointer;
  readonly b: Pointer;
  readonly gate: Pointer;
  readonly up: Pointer;
  readonly act: Pointer;
  readonly y: Pointer;
}

export class BlockBuilder {
  readonly f: Functions;
  readonly c: Pointer;
  readonly graph: Pointer;
  readonly shape: Shape;
  readonly weights: Weights;
  readonly rows: number;
  readonly length: number;
  readonly products: Products;
  readonly #positions: Pointer;
  readonly #masks: readonly Pointer[];
  readonly #projected = new Map<string, Pointer>();

  constructor(
    g: Ggml,
    c: Pointer,
    graph: Pointer,
    shape: Shape,
    weights: Weights,
    input: { rows: number; length: number; positions: Pointer; masks: readonly Pointer[]; products: Products },
  ) {
    this.f = g.f;
    this.c = c;
    this.graph = graph;
    this.shape = shape;
    this.weights = weights;
    this.rows = input.rows;
    this.length = input.length;
    this.products = input.products;
    this.#positions = input.positions;
    this.#masks = input.masks;
  }

  /** Puts a node (and what it needs) into the graph here, and returns it. */
  add(node: Pointer): Pointer {
    this.f.ggml_build_forward_expand(this.graph, node);
    return node;
  }
  accumulate(name: string, gradient: Pointer): void {
    const sum = this.weights.gradient(name);
    if (sum !== null) this.add(this.f.ggml_add_inplace(this.c, sum, gradient));
  }
  /** W x: [out, T] from W [in, out] and x [in, T]. */
  product(w: Pointer, x: Pointer): Pointer {
    return this.products.forward(this.c, w, x);
  }
  /** Wᵀ gy: [in, T] from gy [out, T]; `name` is a weight or one half of an adapter. */
  productBack(name: string, gy: Pointer): Pointer {
    return this.products.back(this.c, this.weights.weight(name), gy);
  }
  /** Σ over tokens of x gyᵀ: [in, out] from x [in, T] and gy [out, T]. */
  outer(x: Pointer, gy: Pointer): Pointer {
    return this.products.outer(this.c, x, gy);
  }

  norm(name: string, x: Pointer): { normed: Pointer; y: Pointer } {
    const normed = this.f.ggml_rms_norm(this.c, x, this.shape.epsilon);
    return { normed, y: this.f.ggml_mul(this.c, normed, this.weights.weight(name)) };
  }
  normBack(name: string, x: Pointer, normed: Pointer, gy: Pointer): Pointer {
    const { f, c } = this;
    const w = this.weights.weight(name);
    if (this.weights.gradient(name) !== null) this.accumulate(name, f.ggml_repeat_back(c, f.ggml_mul(c, gy, normed), w));
    return f.ggml_rms_norm_back(c, f.ggml_mul(c, gy, w), x, this.shape.epsilon);
  }

  linear(name: string, x: Pointer): Pointer {
    const { f, c } = this;
    const y = this.product(this.weights.weight(name), x);
    const adapter = this.weights.adapter(name);
    if (adapter === null) return y;
    const u = f.ggml_scale(c, this.product(adapter.a, x), adapter.scale);
    this.#projected.set(name, u);
    return f.ggml_add(c, y, this.product(adapter.b, u));
  }
  /** Adds the gradients of a linear layer's weights and returns that of its input `x`. */
  linearBack(name: string, x: Pointer, gy: Pointer): Pointer {
    const { f, c } = this;
    const gx = this.productBack(name, gy);
    if (this.weights.gradient(name) !== null) this.accumulate(name, this.outer(x, gy));
    const adapter = this.weights.adapter(name);
    const u = this.#projected.get(name);
    if (adapter === null || u === undefined) return gx;
    const gu = f.ggml_scale(c, this.productBack(`${name}.lora_b`, gy), adapter.scale);
    this.accumulate(`${name}.lora_b`, this.outer(u, gy));
    this.accumulate(`${name}.lora_a`, this.outer(x, gu));
    return f.ggml_add(c, gx, this.productBack(`${name}.lora_a`, gu));
  }

  rope(x: Pointer, back = false): Pointer {
    const op = back ? this.f.ggml_rope_ext_back : this.f.ggml_rope_ext;
    return op(this.c, x, this.#positions, null, this.shape.headWidth, 0, this.shape.context, this.shape.ropeBase, 1, 0, 1, 32, 1);
  }
  /** [width·heads, T] → [headWidth, heads, T] */
  #split(x: Pointer, heads: number): Pointer {
    return this.f.ggml_reshape_3d(this.c, x, this.shape.headWidth, heads, this.rows * this.length);
  }
  /** [headWidth, heads, T] → [headWidth, length, heads, rows], contiguous */
  #perHead(x: Pointer, heads: number): Pointer {
    const { f, c } = this;
    const split = f.ggml_reshape_4d(c, x, this.shape.headWidth, heads, this.length, this.rows);
    return f.ggml_cont(c, f.ggml_permute(c, split, 0, 2, 1, 3));
  }
  /** [headWidth, length, heads, rows] → [headWidth, heads, T], contiguous */
  #perToken(x: Pointer): Pointer {
    const { f, c } = this;
    const [, , heads = 1] = extents(x);
    const joined = f.ggml_cont(c, f.ggml_permute(c, x, 0, 2, 1, 3));
    return f.ggml_reshape_3d(c, joined, this.shape.headWidth, heads, this.rows * this.length);
  }
  #flat(x: Pointer, heads: number): Pointer {
    return this.f.ggml_reshape_2d(this.c, x, this.shape.headWidth * heads, this.rows * this.length);
  }

  forward(layer: number, x: Pointer): Saved {
    const { f, c } = this;
    const { heads, kvHeads, headWidth } = this.shape;
    const name = (linear: Linear | 'attn_norm' | 'ffn_norm'): string => `blk.${layer}.${linear}.weight`;
    const { normed, y: a } = this.norm(name('attn_norm'), x);
    const q = this.#perHead(this.rope(this.#split(this.linear(name('attn_q'), a), heads)), heads);
    const k = this.#perHead(this.rope(this.#split(this.linear(name('attn_k'), a), kvHeads)), kvHeads);
    const v = this.#perHead(this.linear(name('attn_v'), a), kvHeads);
    const joined = this.#joined(heads);
    const p = queryBlocks(this.length).map((block, i) => {
      const scores = this.product(this.#first(k, block.to), this.#queries(q, block));
      const weights = f.ggml_soft_max_ext(c, scores, this.#masks[i] as Pointer, 1 / Math.sqrt(headWidth), 0);
      this.#join(joined, this.products.back(c, this.#first(v, block.to), weights), block, heads);
      return weights;
    });
    const o = this.#flat(joined, heads);
    const h = f.ggml_add(c, x, this.linear(name('attn_output'), o));
    const { normed: hNormed, y: b } = this.norm(name('ffn_norm'), h);
    const gate = this.linear(name('ffn_gate'), b);
    const up = this.linear(name('ffn_up'), b);
    const act = f.ggml_swiglu_split(c, gate, up);
    const y = this.add(f.ggml_add(c, h, this.linear(name('ffn_down'), act)));
    return { x, normed, a, q, k, v, p, o, h, hNormed, b, gate, up, act, y };
  }

  /** Gradient of the block's input, given that of its output. */
  backward(layer: number, s: Saved, gy: Pointer): Pointer {
    const { f, c } = this;
    const name = (linear: Linear | 'attn_norm' | 'ffn_norm'): string => `blk.${layer}.${linear}.weight`;
    const gAct = this.linearBack(name('ffn_down'), s.act, gy);
    const gUp = f.ggml_mul(c, gAct, f.ggml_silu(c, s.gate));
    const gGate = f.ggml_silu_back(c, f.ggml_mul(c, gAct, s.up), s.gate);
    const gb = f.ggml_add(c, this.linearBack(name('ffn_gate'), s.b, gGate), this.linearBack(name('ffn_up'), s.b, gUp));
    const gh = f.ggml_add(c, gy, this.normBack(name('ffn_norm'), s.h, s.hNormed, gb));
    const { gq, gk, gv } = this.#attentionBack(s, this.linearBack(name('attn_output'), s.o, gh));
    const gqk = f.ggml_add(c, this.linearBack(name('attn_q'), s.a, gq), this.linearBack(name('attn_k'), s.a, gk));
    const ga = f.ggml_add(c, gqk, this.linearBack(name('attn_v'), s.a, gv));
    return this.add(f.ggml_add(c, gh, this.normBack(name('attn_norm'), s.x, s.normed, ga)));
  }

  /** Result of attention to be put together from blocks: [headWidth, heads, length, rows]. */
  #joined(heads: number): Pointer {
    return this.f.ggml_new_tensor(this.c, F32, 4, BigInt64Array.of(...[this.shape.headWidth, heads, this.length, this.rows].map(BigInt)));
  }
  /** Puts [headWidth, to − from, heads, rows] into its place. */
  #join(joined: Pointer, part: Pointer, { from, to }: QueryBlock, heads: number): void {
    const { f, c } = this;
    const row = this.shape.headWidth * 4;
    const token = row * heads;
    const place = f.ggml_view_4d(
      c,
      joined,
      this.shape.headWidth,
      heads,
      to - from,
      this.rows,
      row,
      token,
      token * this.length,
      token * from,
    );
    this.add(f.ggml_cpy(c, f.ggml_permute(c, part, 0, 2, 1, 3), place));
  }
  /** The first `count` positions of [headWidth, length, heads, rows]. */
  #first(x: Pointer, count: number): Pointer {
    const [n0 = 1, n1 = 1, n2 = 1, n3 = 1] = extents(x);
    return this.f.ggml_view_4d(this.c, x, n0, count, n2, n3, n0 * 4, n0 * n1 * 4, n0 * n1 * n2 * 4, 0);
  }
  /** Columns [from, to) of [headWidth, length, heads, rows], contiguous. */
  #queries(x: Pointer, { from, to }: QueryBlock): Pointer {
    const [n0 = 1, n1 = 1, n2 = 1, n3 = 1] = extents(x);
    return this.f.ggml_cont(
      this.c,
      this.f.ggml_view_4d(this.c, x, n0, to - from, n2, n3, n0 * 4, n0 * n1 * 4, n0 * n1 * n2 * 4, from * n0 * 4),
    );
  }

  /** The groups of grouped-query attention are folded into the query dimension, so that one product sums over them. */
  #attentionBack(s: Saved, gOut: Pointer): { gq: Pointer; gk: Pointer; gv: Pointer } {
    const { f, c } = this;
    const { heads, kvHeads, headWidth } = this.shape;
    const go = this.#perHead(gOut, heads);
    const joined = this.#joined(heads);
    let sums: { gk: Pointer; gv: Pointer } | null = null;
    // The last block looks at all keys, so its sums have the full length and the others are added into their beginning.
    for (const [i, block] of [...queryBlocks(this.length).entries()].reverse()) {
      const { from, to } = block;
      const group = (x: Pointer, inner: number): Pointer =>
        f.ggml_reshape_4d(c, x, inner, ((to - from) * heads) / kvHeads, kvHeads, this.rows);
      const p = s.p[i] as Pointer;
      const goHere = this.#queries(go, block);
      const gs = f.ggml_soft_max_ext_back(c, this.product(this.#first(s.v, to), goHere), p, 1 / Math.sqrt(headWidth), 0);
      const gv = this.outer(group(goHere, headWidth), group(p, to));
      const gk = this.outer(group(this.#queries(s.q, block), headWidth), group(gs, to));
      if (sums === null) sums = { gk: this.add(gk), gv: this.add(gv) };
      else {
        this.add(f.ggml_add_inplace(c, this.#first(sums.gv, to), gv));
        this.add(f.ggml_add_inplace(c, this.#first(sums.gk, to), gk));
      }
      this.#join(joined, this.products.back(c, this.#first(s.k, to), gs), block, heads);
    }
    const { gk, gv } = sums as { gk: Pointer; gv: Pointer };
    return {
      gq: this.#flat(this.rope(f.ggml_reshape_3d(c, joined, headWidth, heads, this.rows * this.length), true), heads),
      gk: this.#flat(this.rope(this.#perToken(gk), true), kvHeads),
      gv: this.#flat(this.#perToken(gv), kvHeads),
    };
  }
}
