/** What training spends its time on, as nodes of a graph: three matrix products and an activation, by our own kernels where they run, else by ggml. */
import { extents, F32, typeOf, type Functions, type Ggml } from './ffi.ts';
import { KernelCalls, openKernel, type Kernel } from './kernel/products.ts';
import { LANES } from './kernel/swiglu.ts';
import type { Pointer } from './libraries.ts';

/** Dimensions 2 and 3 are batches; in the first operand they may be smaller by a whole factor (grouped-query attention). */
export interface Products {
  /** W x: [out, T] from W [in, out] and x [in, T]. W may be of any type. */
  forward(c: Pointer, w: Pointer, x: Pointer): Pointer;
  /** Wᵀ gy: [in, T] from W [in, out], F32, and gy [out, T]. */
  back(c: Pointer, w: Pointer, gy: Pointer): Pointer;
  /** Σ over T of x gyᵀ: [in, out] from x [in, T] and gy [out, T]. */
  outer(c: Pointer, x: Pointer, gy: Pointer): Pointer;
  /** Gradients of `gate` and `up` [n, T] under silu(gate)·up, given that of the result. */
  swigluBack(c: Pointer, gy: Pointer, gate: Pointer, up: Pointer): { readonly gate: Pointer; readonly up: Pointer };
  /** To be called when the graph that the nodes are part of is freed. */
  dispose(): void;
}

/** Products for one graph. `ours: false` forces ggml, for comparisons. */
export function openProducts(g: Ggml, ours = true): Products {
  const kernel = ours && g.build === 'cpu' ? openKernel(g) : null;
  return kernel === null ? new GgmlProducts(g) : new KernelProducts(g, kernel);
}

class KernelProducts implements Products {
  readonly #kernel: Kernel;
  readonly #calls = new KernelCalls();
  readonly #other: GgmlProducts;
  readonly #f: Functions;

  constructor(g: Ggml, kernel: Kernel) {
    this.#f = g.f;
    this.#kernel = kernel;
    this.#other = new GgmlProducts(g);
  }
  forward(c: Pointer, w: Pointer, x: Pointer): Pointer {
    if (typeOf(w) !== F32) return this.#other.forward(c, w, x);
    return this.#kernel.node(c, { a: x, aDepth: 0, b: w, bDepth: 0 }, this.#calls);
  }
  back(c: Pointer, w: Pointer, gy: Pointer): Pointer {
    if (typeOf(w) !== F32) return this.#other.back(c, w, gy);
    return this.#kernel.node(c, { a: gy, aDepth: 0, b: w, bDepth: 1 }, this.#calls);
  }
  outer(c: Pointer, x: Pointer, gy: Pointer): Pointer {
    return this.#kernel.node(c, { a: gy, aDepth: 1, b: x, bDepth: 1 }, this.#calls);
  }
  swigluBack(c: Pointer, gy: Pointer, gate: Pointer, up: Pointer): { gate: Pointer; up: Pointer } {
    const [n = 1, tokens = 1] = extents(gate);
    if ((n * tokens) % LANES !== 0) return this.#other.swigluBack(c, gy, gate, up);
    const both = this.#kernel.swigluBack(c, gy, gate, up, this.#calls);
    const half = (i: number): Pointer => this.#f.ggml_view_2d(c, both, n, tokens, 4 * n, 4 * n * tokens * i);
    return { gate: half(0), up: half(1) };
  }
  dispose(): void {
    this.#calls.dispose();
  }
}

class GgmlProducts implements Products {
  readonly #g: Ggml;
  readonly #transposes = new Map<Pointer, Pointer>();

  constructor(g: Ggml) {
    this.#g = g;
  }
  forward(c: Pointer, w: Pointer, x: Pointer): Pointer {
    return this.#g.f.ggml_mul_mat(c, w, x);
  }
  back(c: Pointer, w: Pointer, gy: Pointer): Pointer {
    return this.#g.f.ggml_mul_mat(c, this.#transpose(c, w), gy);
  }
  outer(c: Pointer, x: Pointer, gy: Pointer): Pointer {
    // Over many small batches an outer product is faster on CPU than transposing; GPU backends lack it or are slow at it.
    const [, , d2 = 1, d3 = 1] = extents(x);
    if (this.#g.build === 'cpu' && d2 * d3 > 1) return this.#g.f.ggml_out_prod(c, x, gy);
    return this.#g.f.ggml_mul_mat(c, this.#transpose(c, x), this.#transpose(c, gy));
  }
  swigluBack(c: Pointer, gy: Pointer, gate: Pointer, up: Pointer): { gate: Pointer; up: Pointer } {
    const { f } = this.#g;
    return { gate: f.ggml_silu_back(c, f.ggml_mul(c, gy, up), gate), up: f.ggml_mul(c, gy, f.ggml_silu(c, gate)) };
  }
  /** Contiguous transpose of the two inner dimensions; made once for each tensor. */
  #transpose(c: Pointer, x: Pointer): Pointer {
    let made = this.#transposes.get(x);
    if (made === undefined) {
      made = this.#g.f.ggml_cont(c, this.#g.f.ggml_transpose(c, x));
      this.#transposes.set(x, made);
    }
    return made;
  }
  dispose(): void {
    this.#transposes.clear();
  }
}
