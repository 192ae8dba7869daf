/**
 * The building stones of a training graph: products with weights, norms, linear layers with bias and adapter, rotary
 * positions, each with its hand-derived backward. Only operations of the forward kind are used (no autograd: it is several
 * times slower here and refuses batches with grouped-query attention).
 *
 * Shapes are ggml's, innermost first. T = rows × length tokens. For y = W x + c: gx = Wᵀ gy, gW = x gyᵀ, gc = Σ gy; with an
 * adapter y += B u, u = s A x: gB = u gyᵀ, gu = s Bᵀ gy, gA = x guᵀ, gx += Aᵀ gu.
 */
import { BF16, extents, F32, typeOf, type Functions, type Ggml } from './ffi.ts';
import type { Pointer } from './libraries.ts';
import type { Products } from './products.ts';
import { ropeArguments } from './rope.ts';
import { headOf, ROPE_FACTORS, type Linear, type Shape } from './shape.ts';

/** Where a graph finds its weights, and where it leaves gradients. */
export interface Weights {
  /** Weight by tensor name, [in, out] in the type it is kept in, or F32 [n]; halves of adapters too. */
  weight(name: string): Pointer;
  /** Gradient accumulator of a trainable tensor, or null when it is frozen. */
  gradient(name: string): Pointer | null;
  /** Low-rank adapter of a linear layer: A [in, r], B [r, out], and the scale alpha / r. */
  adapter(name: string): { readonly a: Pointer; readonly b: Pointer; readonly scale: number } | null;
  /** I32 0, 1, 2, … up to the longest matrix, where quantised weights are read by row; null where they are cast. */
  readonly rows: Pointer | null;
}

export interface Input {
  readonly rows: number;
  readonly length: number;
  readonly positions: Pointer;
  readonly masks: readonly Pointer[];
  readonly products: Products;
  /** Type in which matrices are multiplied; F32 unless given. */
  readonly compute?: 'f32' | 'bf16' | undefined;
  /** Slices of the head's rows that are dequantised one after the other; 1 = at once, and kept for the graph. */
  readonly headSlices?: number | undefined;
}

/** One head's worth of q or k per token, and what the backward of its norm needs. */
export interface Turned {
  readonly raw: Pointer;
  readonly normed: Pointer | null;
  /** [headWidth, heads, T] */
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
  readonly masks: readonly Pointer[];
  readonly compute: 'f32' | 'bf16';
  readonly products: Products;
  readonly #headSlices: number;
  readonly #positions: Pointer;
  readonly #projected = new Map<string, Pointer>();
  #head: Pointer | null = null;
  #logits: Pointer | null = null;

  constructor(g: Ggml, c: Pointer, graph: Pointer, shape: Shape, weights: Weights, input: Input) {
    this.f = g.f;
    this.c = c;
    this.graph = graph;
    this.shape = shape;
    this.weights = weights;
    this.rows = input.rows;
    this.length = input.length;
    this.masks = input.masks;
    this.compute = input.compute ?? 'f32';
    this.#headSlices = input.headSlices ?? 1;
    this.products = input.products;
    this.#positions = input.positions;
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

  /**
   * A weight to multiply by, [in, out]: itself when it is kept in the type that is computed in, else a copy that lives only
   * as long as its product.
   */
  matrix(name: string): Pointer {
    const stored = this.weights.weight(name);
    return this.#converted(stored, 0, extents(stored)[1] ?? 1);
  }
  /** Columns [from, to) of a stored matrix in the type that is computed in. */
  #converted(stored: Pointer, from: number, to: number): Pointer {
    const { f, c } = this;
    const [inside = 1, outside = 1] = extents(stored);
    const type = typeOf(stored);
    const wanted = this.compute === 'bf16' ? BF16 : F32;
    const bytes = Number(f.ggml_row_size(type, inside));
    const part = from === 0 && to === outside ? stored : f.ggml_view_2d(c, stored, inside, to - from, bytes, bytes * from);
    if (type === wanted) return part;
    let floats = part;
    if (type !== F32)
      floats =
        this.weights.rows === null
          ? f.ggml_cast(c, part, F32)
          : f.ggml_get_rows(c, stored, f.ggml_view_1d(c, this.weights.rows, to - from, 4 * from));
    return wanted === F32 ? floats : f.ggml_cast(c, floats, wanted);
  }

  /** The head: [vocabulary, n] from y [width, n]. The result is overwritten by the next call when the head is sliced. */
  logits(y: Pointer): Pointer {
    const { f, c } = this;
    const stored = this.weights.weight(headOf(this.shape));
    if (this.#headSlices === 1) return this.product((this.#head ??= this.#converted(stored, 0, this.shape.vocabulary)), y);
    const [, count = 1] = extents(y);
    const row = 4 * this.shape.vocabulary;
    this.#logits ??= f.ggml_new_tensor(c, F32, 2, BigInt64Array.of(BigInt(this.shape.vocabulary), BigInt(count)));
    const z = f.ggml_view_2d(c, this.#logits, this.shape.vocabulary, count, row, 0);
    for (const [from, to] of this.#slices())
      this.add(f.ggml_cpy(c, this.product(this.#converted(stored, from, to), y), f.ggml_view_2d(c, z, to - from, count, row, 4 * from)));
    return z;
  }
  /** Gradient of `y` [width, n] from that of the logits. */
  logitsBack(gz: Pointer): Pointer {
    const { f, c } = this;
    const stored = this.weights.weight(headOf(this.shape));
    if (this.#headSlices === 1) return this.products.back(c, (this.#head ??= this.#converted(stored, 0, this.shape.vocabulary)), gz);
    const [, count = 1] = extents(gz);
    const row = 4 * this.shape.vocabulary;
    let sum: Pointer | null = null;
    for (const [from, to] of this.#slices()) {
      const part = f.ggml_cont(c, f.ggml_view_2d(c, gz, to - from, count, row, 4 * from));
      const gy = this.products.back(c, this.#converted(stored, from, to), part);
      sum = this.add(sum === null ? gy : f.ggml_add(c, sum, gy));
    }
    return sum as Pointer;
  }
  #slices(): [from: number, to: number][] {
    const size = Math.ceil(this.shape.vocabulary / this.#headSlices);
    const count = Math.ceil(this.shape.vocabulary / size);
    return Array.from({ length: count }, (_, i) => [i * size, Math.min(this.shape.vocabulary, (i + 1) * size)]);
  }

  /** W x: [out, T] from W [in, out], as `matrix` gives it, and x [in, T]. */
  product(w: Pointer, x: Pointer): Pointer {
    return this.products.forward(this.c, w, x);
  }
  /** Wᵀ gy: [in, T] from gy [out, T]; `name` is a weight or one half of an adapter. */
  productBack(name: string, gy: Pointer): Pointer {
    return this.products.back(this.c, this.matrix(name), gy);
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

  /** The linear layer of a block: weight, bias and adapter. */
  linear(layer: number, linear: Linear, x: Pointer): Pointer {
    const { f, c } = this;
    const name = `blk.${layer}.${linear}.weight`;
    let y = this.product(this.matrix(name), x);
    if (this.shape.biases?.includes(linear) === true) y = f.ggml_add(c, y, this.weights.weight(`blk.${layer}.${linear}.bias`));
    const adapter = this.weights.adapter(name);
    if (adapter === null) return y;
    const u = f.ggml_scale(c, this.product(this.matrix(`${name}.lora_a`), x), adapter.scale);
    this.#projected.set(name, u);
    return f.ggml_add(c, y, this.product(this.matrix(`${name}.lora_b`), u));
  }
  /** Adds the gradients of a linear layer's weights and returns that of its input `x`. */
  linearBack(layer: number, linear: Linear, x: Pointer, gy: Pointer): Pointer {
    const { f, c } = this;
    const name = `blk.${layer}.${linear}.weight`;
    const gx = this.productBack(name, gy);
    if (this.weights.gradient(name) !== null) this.accumulate(name, this.outer(x, gy));
    const bias = `blk.${layer}.${linear}.bias`;
    if (this.shape.biases?.includes(linear) === true && this.weights.gradient(bias) !== null)
      this.accumulate(bias, f.ggml_repeat_back(c, gy, this.weights.weight(bias)));
    const adapter = this.weights.adapter(name);
    const u = this.#projected.get(name);
    if (adapter === null || u === undefined) return gx;
    const gu = f.ggml_scale(c, this.productBack(`${name}.lora_b`, gy), adapter.scale);
    this.accumulate(`${name}.lora_b`, this.outer(u, gy));
    this.accumulate(`${name}.lora_a`, this.outer(x, gu));
    return f.ggml_add(c, gx, this.productBack(`${name}.lora_a`, gu));
  }

  /** Queries or keys of a block: projected, normed over each head where the model does so, and turned by their positions. */
  turned(layer: number, which: 'attn_q' | 'attn_k', x: Pointer): Turned {
    const { headWidth, heads, kvHeads, headNorms = false } = this.shape;
    const split = [headWidth, which === 'attn_q' ? heads : kvHeads, this.rows * this.length];
    const raw = this.f.ggml_reshape_3d(this.c, this.linear(layer, which, x), ...split);
    const norm = headNorms ? this.norm(`blk.${layer}.${which}_norm.weight`, raw) : null;
    return { raw, normed: norm?.normed ?? null, y: this.#rope(norm?.y ?? raw, false) };
  }
  /** Gradient of the input `x` of `turned`, from that of its result [headWidth, heads, T]. */
  turnedBack(layer: number, which: 'attn_q' | 'attn_k', x: Pointer, { raw, normed }: Turned, gy: Pointer): Pointer {
    let g = this.#rope(gy, true);
    if (normed !== null) g = this.normBack(`blk.${layer}.${which}_norm.weight`, raw, normed, g);
    const [headWidth = 1, heads = 1, tokens = 1] = extents(raw);
    return this.linearBack(layer, which, x, this.f.ggml_reshape_2d(this.c, g, headWidth * heads, tokens));
  }
  #rope(x: Pointer, back: boolean): Pointer {
    const op = back ? this.f.ggml_rope_ext_back : this.f.ggml_rope_ext;
    const factors = this.shape.rope?.factors === true ? this.weights.weight(ROPE_FACTORS) : null;
    return op(this.c, x, this.#positions, factors, ...ropeArguments(this.shape));
  }
}
