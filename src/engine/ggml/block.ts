/**
 * Forward and hand-derived backward of one llama block as ggml nodes. Only operations of the forward kind are used
 * (no autograd: it is several times slower here and refuses batches with grouped-query attention).
 *
 * Shapes are ggml's, innermost first. T = rows × length tokens. For y = W x: gx = Wᵀ gy, gW = x gyᵀ; with an adapter
 * y += B u, u = s A x: gB = u gyᵀ, gu = s Bᵀ gy, gA = x guᵀ, gx += Aᵀ gu.
 */
import { extents, type Functions, type Ggml } from './ffi.ts';
import type { Pointer } from './libraries.ts';
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
  readonly p: Pointer;
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
  /** On CPU an outer product is faster than transposing both sides; GPU backends lack it or are slow at it. */
  readonly outProduct: boolean;
  readonly #positions: Pointer;
  readonly #mask: Pointer;
  readonly #projected = new Map<string, Pointer>();
  readonly #transposes = new Map<string, Pointer>();

  constructor(
    g: Ggml,
    c: Pointer,
    graph: Pointer,
    shape: Shape,
    weights: Weights,
    input: { rows: number; length: number; positions: Pointer; mask: Pointer },
  ) {
    this.f = g.f;
    this.c = c;
    this.graph = graph;
    this.shape = shape;
    this.weights = weights;
    this.rows = input.rows;
    this.length = input.length;
    this.outProduct = g.build === 'cpu';
    this.#positions = input.positions;
    this.#mask = input.mask;
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
  /** Contiguous transpose of the two inner dimensions. */
  transpose(x: Pointer): Pointer {
    return this.f.ggml_cont(this.c, this.f.ggml_transpose(this.c, x));
  }
  transposedWeight(name: string): Pointer {
    const stored = this.weights.transposed(name) ?? this.#transposes.get(name);
    if (stored !== undefined) return stored;
    const made = this.transpose(this.weights.weight(name));
    this.#transposes.set(name, made);
    return made;
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
    const y = f.ggml_mul_mat(c, this.weights.weight(name), x);
    const adapter = this.weights.adapter(name);
    if (adapter === null) return y;
    const u = f.ggml_scale(c, f.ggml_mul_mat(c, adapter.a, x), adapter.scale);
    this.#projected.set(name, u);
    return f.ggml_add(c, y, f.ggml_mul_mat(c, adapter.b, u));
  }
  /** Adds the gradients of a linear layer's weights and returns that of its input. `xT` = contiguous transpose of the input. */
  linearBack(name: string, xT: Pointer, gy: Pointer): Pointer {
    const { f, c } = this;
    const gx = f.ggml_mul_mat(c, this.transposedWeight(name), gy);
    if (this.weights.gradient(name) !== null) this.accumulate(name, f.ggml_mul_mat(c, xT, this.transpose(gy)));
    const adapter = this.weights.adapter(name);
    const u = this.#projected.get(name);
    if (adapter === null || u === undefined) return gx;
    const gu = f.ggml_scale(c, f.ggml_mul_mat(c, this.transpose(adapter.b), gy), adapter.scale);
    this.accumulate(`${name}.lora_b`, f.ggml_mul_mat(c, this.transpose(u), this.transpose(gy)));
    this.accumulate(`${name}.lora_a`, f.ggml_mul_mat(c, xT, this.transpose(gu)));
    return f.ggml_add(c, gx, f.ggml_mul_mat(c, this.transpose(adapter.a), gu));
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
    const p = f.ggml_soft_max_ext(c, f.ggml_mul_mat(c, k, q), this.#mask, 1 / Math.sqrt(headWidth), 0);
    const o = this.#flat(this.#perToken(f.ggml_mul_mat(c, this.transpose(v), p)), heads);
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
    const gAct = this.linearBack(name('ffn_down'), this.transpose(s.act), gy);
    const gUp = f.ggml_mul(c, gAct, f.ggml_silu(c, s.gate));
    const gGate = f.ggml_silu_back(c, f.ggml_mul(c, gAct, s.up), s.gate);
    const bT = this.transpose(s.b);
    const gb = f.ggml_add(c, this.linearBack(name('ffn_gate'), bT, gGate), this.linearBack(name('ffn_up'), bT, gUp));
    const gh = f.ggml_add(c, gy, this.normBack(name('ffn_norm'), s.h, s.hNormed, gb));
    const { gq, gk, gv } = this.#attentionBack(s, this.linearBack(name('attn_output'), this.transpose(s.o), gh));
    const aT = this.transpose(s.a);
    const gqk = f.ggml_add(c, this.linearBack(name('attn_q'), aT, gq), this.linearBack(name('attn_k'), aT, gk));
    const ga = f.ggml_add(c, gqk, this.linearBack(name('attn_v'), aT, gv));
    return this.add(f.ggml_add(c, gh, this.normBack(name('attn_norm'), s.x, s.normed, ga)));
  }

  /** Σ over the second dimension of a's columns times b's: [m, n] from [m, k] and [n, k]. */
  #outer(a: Pointer, b: Pointer): Pointer {
    const { f, c } = this;
    return this.outProduct ? f.ggml_out_prod(c, a, b) : f.ggml_mul_mat(c, this.transpose(a), this.transpose(b));
  }

  /** The groups of grouped-query attention are folded into the query dimension, so that one product sums over them. */
  #attentionBack(s: Saved, gOut: Pointer): { gq: Pointer; gk: Pointer; gv: Pointer } {
    const { f, c } = this;
    const { heads, kvHeads, headWidth } = this.shape;
    const group = (x: Pointer, inner: number): Pointer =>
      f.ggml_reshape_4d(c, x, inner, (this.length * heads) / kvHeads, kvHeads, this.rows);
    const go = this.#perHead(gOut, heads);
    const gp = f.ggml_mul_mat(c, s.v, go);
    const gs = f.ggml_soft_max_ext_back(c, gp, s.p, 1 / Math.sqrt(headWidth), 0);
    const gv = this.#outer(group(go, headWidth), group(s.p, this.length));
    const gk = this.#outer(group(s.q, headWidth), group(gs, this.length));
    const gq = f.ggml_mul_mat(c, this.transpose(s.k), gs);
    return {
      gq: this.#flat(this.rope(this.#perToken(gq), true), heads),
      gk: this.#flat(this.rope(this.#perToken(gk), true), kvHeads),
      gv: this.#flat(this.#perToken(gv), kvHeads),
    };
  }
}
