/**
 * Matrix products of float32 tensors, and the backward of SwiGLU, by our own kernels, as nodes of a ggml graph. They are used where the processor has AVX2,
 * the system lets us make code executable, and a self-check of every path against ggml passes; else `openKernel` gives null
 * and ggml multiplies.
 */
import koffi, { type TypeObject } from 'koffi';
import { extents, F32, type Ggml } from '../ffi.ts';
import type { Pointer } from '../libraries.ts';
import { hasAvx2, makeExecutable } from './executable.ts';
import { FIELDS } from './micro-kernel.ts';
import { SCRATCH, sgemmCode } from './sgemm.ts';
import { CONSTANTS, LANES, swigluBackCode } from './swiglu.ts';
import { checkKernel } from './check.ts';

/** Byte offsets in `ggml_tensor` of the pinned version; `nb` are the strides. The self-check would find others. */
const OFFSETS = { strides: 48, source: 152, data: 248 } as const;

// Declared once: koffi keeps some bytes for good whenever it is given a length with a type.
const STRIDES = koffi.array('uint64_t', 4);
const RECORD = koffi.array('int64_t', FIELDS.length);
const SWIGLU_BYTES = 8 + 4 * LANES * Object.keys(CONSTANTS).length;
const SWIGLU_RECORD = koffi.array('uint8_t', SWIGLU_BYTES);

/** C[j][c] = Σ_p A(j, p)·B(p, c): which dimension of the two operands is the depth. */
export interface ProductSpec {
  /** Operand with the rows of the result: `x` in W x. */
  readonly a: Pointer;
  /** Dimension of `a` that is summed over, 0 or 1; the other one gives the rows. */
  readonly aDepth: 0 | 1;
  readonly b: Pointer;
  readonly bDepth: 0 | 1;
}

export class Kernel {
  readonly #g: Ggml;
  readonly #product: Pointer;
  readonly #swigluBack: Pointer;

  constructor(g: Ggml, product: Pointer, swigluBack: Pointer) {
    this.#g = g;
    this.#product = product;
    this.#swigluBack = swigluBack;
  }

  /**
   * A node with extents [columns of B, rows of A, d2, d3], contiguous F32. Dimensions 2 and 3 are batches, those of `a`; in `b`
   * they may be smaller by a whole factor, as in `ggml_mul_mat`. Strides may be any multiple of 4 bytes.
   * @param calls keeps alive what the node reads when it is computed.
   */
  node(context: Pointer, { a, aDepth, b, bDepth }: ProductSpec, calls: KernelCalls): Pointer {
    const [na, nb] = [extents(a), extents(b)];
    const [sa, sb] = [strides(a), strides(b)];
    const rows = na[1 - aDepth] as number;
    const columns = nb[1 - bDepth] as number;
    const [d2, d3] = [na[2] as number, na[3] as number];
    const [g2, g3] = [d2 / (nb[2] as number), d3 / (nb[3] as number)];
    if (na[aDepth] !== nb[bDepth] || !Number.isInteger(g2) || (g3 !== 1 && nb[3] !== 1))
      throw new RangeError(`these do not multiply: [${na.join(', ')}] over ${aDepth} and [${nb.join(', ')}] over ${bDepth}`);
    const out = { row: 4 * columns, batch: 4 * columns * rows };
    const values: Record<(typeof FIELDS)[number], number | bigint> = {
      rows,
      columns,
      depth: na[aDepth] as number,
      aRow: sa[1 - aDepth] as number,
      aDepth: sa[aDepth] as number,
      bDepth: sb[bDepth] as number,
      bColumn: sb[1 - bDepth] as number,
      cRow: out.row,
      scratch: calls.scratch,
      // Innermost: the members of a group, which share B.
      count1: g2,
      count2: d2 / g2,
      count3: d3,
      a1: sa[2] as number,
      a2: (sa[2] as number) * g2,
      a3: sa[3] as number,
      b1: 0,
      b2: sb[2] as number,
      b3: nb[3] === 1 ? 0 : (sb[3] as number),
      c1: out.batch,
      c2: out.batch * g2,
      c3: out.batch * d2,
    };
    const call = calls.add(
      8 * FIELDS.length,
      RECORD,
      BigInt64Array.from(FIELDS, (name) => BigInt(values[name])),
    );
    return this.#g.f.ggml_custom_4d(context, F32, columns, rows, d2, d3, BigInt64Array.of(a, b), 2, this.#product, 1, call);
  }

  /**
   * Gradients of `gate` and `up` [n, T] under silu(gate)·up, given that of the result: [n, T, 2], in this order. All contiguous F32, n·T a
   * multiple of 8.
   */
  swigluBack(context: Pointer, gy: Pointer, gate: Pointer, up: Pointer, calls: KernelCalls): Pointer {
    const [n = 1, tokens = 1] = extents(gate);
    const record = new Uint8Array(SWIGLU_BYTES);
    new BigInt64Array(record.buffer, 0, 1)[0] = BigInt(n * tokens);
    new Float32Array(record.buffer, 8).set(Object.values(CONSTANTS).flatMap((value) => Array.from({ length: LANES }, () => value)));
    const call = calls.add(SWIGLU_BYTES, SWIGLU_RECORD, record);
    return this.#g.f.ggml_custom_4d(context, F32, n, tokens, 2, 1, BigInt64Array.of(gy, gate, up), 3, this.#swigluBack, 1, call);
  }
}

/** Native memory that the nodes of one graph read: one block of scratch and a record for each node. Graphs that share it must not run side by side. */
export class KernelCalls {
  readonly scratch: Pointer;
  readonly #blocks: Pointer[] = [];

  constructor() {
    this.scratch = this.#allocate(SCRATCH + 64);
  }
  add(bytes: number, type: TypeObject, record: BigInt64Array | Uint8Array): Pointer {
    const address = this.#allocate(bytes);
    koffi.encode(address, type, record);
    return address;
  }
  #allocate(bytes: number): Pointer {
    const address = koffi.alloc('uint8_t', bytes) as Pointer;
    this.#blocks.push(address);
    return address;
  }
  dispose(): void {
    for (const block of this.#blocks.splice(0)) koffi.free(block);
  }
}

let opened: { readonly kernel: Kernel | null } | null = null;

/** The kernel of this process, checked once, or null. */
export function openKernel(g: Ggml): Kernel | null {
  opened ??= { kernel: make(g) };
  return opened.kernel;
}

function make(g: Ggml): Kernel | null {
  if (g.build !== 'cpu' || !hasAvx2()) return null;
  const [product, swigluBack] = [makeExecutable(sgemmCode(OFFSETS)), makeExecutable(swigluBackCode(OFFSETS))];
  if (product === null || swigluBack === null) return null;
  const kernel = new Kernel(g, product, swigluBack);
  return checkKernel(g, kernel) ? kernel : null;
}

/** Bytes between neighbours of each dimension, innermost first. */
function strides(tensor: Pointer): number[] {
  return Array.from(koffi.decode(tensor, OFFSETS.strides, STRIDES) as ArrayLike<number | bigint>, Number);
}
