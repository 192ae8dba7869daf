/** Compares the kernels with ggml on small operands that take every path through them. */
import { openCpu } from '../backend.ts';
import type { Ggml } from '../ffi.ts';
import { F32 } from '../ffi.ts';
import type { Pointer } from '../libraries.ts';
import { allocate, allocateGraph, getFloats, newContext, newTensor, setData } from '../memory.ts';
import { uniformAt } from '../random.ts';
import { KernelCalls, type Kernel } from './products.ts';

/** Rows, columns, depth: full and ragged strips, panels and blocks of depth. */
const SIZES = [
  [6, 16, 256],
  [13, 37, 300],
  [5, 3, 7],
  [64, 48, 9],
] as const;
const TOLERANCE = 1e-4;

/** Whether all products agree; false also when a system refuses something on the way. */
export function checkKernel(g: Ggml, kernel: Kernel): boolean {
  const backend = openCpu(g);
  try {
    const sides = [0, 1] as const;
    return (
      SIZES.every(([rows, columns, depth], seed) =>
        sides.every((aDepth) => sides.every((bDepth) => productAgrees(g, backend, kernel, { rows, columns, depth, aDepth, bDepth, seed }))),
      ) && swigluAgrees(g, backend, kernel)
    );
  } finally {
    g.f.ggml_backend_free(backend);
  }
}

interface Case {
  readonly rows: number;
  readonly columns: number;
  readonly depth: number;
  readonly aDepth: 0 | 1;
  readonly bDepth: 0 | 1;
  readonly seed: number;
}

/** Two batches of A over one of B, so that the batch loops are checked too. */
function productAgrees(g: Ggml, backend: Pointer, kernel: Kernel, { rows, columns, depth, aDepth, bDepth, seed }: Case): boolean {
  const a = [...(aDepth === 0 ? [depth, rows] : [rows, depth]), 2];
  const b = bDepth === 0 ? [depth, columns] : [columns, depth];
  return agree(g, backend, { operands: [a, b], spread: 1, seed }, (context, calls, [x, y]) => {
    const upright = (t: Pointer, dimension: 0 | 1): Pointer =>
      dimension === 0 ? t : g.f.ggml_cont(context, g.f.ggml_transpose(context, t));
    return [
      [kernel.node(context, { a: x, aDepth, b: y, bDepth }, calls)],
      [g.f.ggml_mul_mat(context, upright(y, bDepth), upright(x, aDepth))],
    ];
  });
}

/** Gates from −12 to 12: from where the exponential rules to where it vanishes. */
function swigluAgrees(g: Ggml, backend: Pointer, kernel: Kernel): boolean {
  const [n, tokens] = [12, 6];
  const { f } = g;
  return agree(g, backend, { operands: [[n, tokens], [n, tokens], [n, tokens]], spread: 24, seed: 9 }, (context, calls, [gy, gate, up]) => {
    const both = kernel.swigluBack(context, gy, gate, up, calls);
    const half = (i: number): Pointer => f.ggml_view_2d(context, both, n, tokens, 4 * n, 4 * n * tokens * i);
    return [
      [half(0), half(1)],
      [f.ggml_silu_back(context, f.ggml_mul(context, gy, up), gate), f.ggml_mul(context, gy, f.ggml_silu(context, gate))],
    ];
  }); // prettier-ignore
}

/** Whether two ways to the same results give the same numbers, on uniform random operands around 0. */
function agree(
  g: Ggml,
  backend: Pointer,
  { operands, spread, seed }: { readonly operands: readonly (readonly number[])[]; readonly spread: number; readonly seed: number },
  build: (context: Pointer, calls: KernelCalls, [x, y, z]: [Pointer, Pointer, Pointer]) => readonly [ours: Pointer[], theirs: Pointer[]],
): boolean {
  const { f } = g;
  const inputs = newContext(g, operands.length);
  const tensors = operands.map((shape) => newTensor(g, inputs, F32, ...shape));
  const buffer = allocate(g, inputs, backend, 'a self-check');
  tensors.forEach((tensor, stream) => {
    const count = (operands[stream] as number[]).reduce((a, b) => a * b, 1);
    setData(
      g,
      tensor,
      Float32Array.from({ length: count }, (_, i) => spread * (uniformAt(seed, stream, i) - 0.5)),
    );
  });
  const context = newContext(g, 16, 16);
  const graph = f.ggml_new_graph_custom(context, 16, false);
  const calls = new KernelCalls();
  const [ours, theirs] = build(context, calls, tensors as [Pointer, Pointer, Pointer]).map((all) =>
    all.map((x) => f.ggml_scale(context, x, 1)),
  ) as [Pointer[], Pointer[]];
  for (const node of [...ours, ...theirs]) f.ggml_build_forward_expand(graph, node);
  const allocator = allocateGraph(g, backend, graph, 'a self-check');
  f.ggml_backend_graph_compute(backend, graph);
  const values = (nodes: Pointer[]): number[] => nodes.flatMap((x) => [...getFloats(g, x)]);
  const [mine, reference] = [values(ours), values(theirs)];
  f.ggml_gallocr_free(allocator);
  f.ggml_backend_buffer_free(buffer);
  calls.dispose();
  f.ggml_free(context);
  f.ggml_free(inputs);
  return reference.every((value, i) => Math.abs(value - (mine[i] ?? NaN)) <= TOLERANCE * Math.max(1, Math.abs(value)));
}
