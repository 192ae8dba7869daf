/** Compares the kernel with ggml on small products that take every path through it. */
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
    return SIZES.every(([rows, columns, depth], seed) =>
      sides.every((aDepth) => sides.every((bDepth) => agrees(g, backend, kernel, { rows, columns, depth, aDepth, bDepth, seed }))),
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
function agrees(g: Ggml, backend: Pointer, kernel: Kernel, { rows, columns, depth, aDepth, bDepth, seed }: Case): boolean {
  const { f } = g;
  const inputs = newContext(g, 4);
  const a = newTensor(g, inputs, F32, ...(aDepth === 0 ? [depth, rows] : [rows, depth]), 2);
  const b = newTensor(g, inputs, F32, ...(bDepth === 0 ? [depth, columns] : [columns, depth]));
  const buffer = allocate(g, inputs, backend, 'a self-check');
  const random = (stream: number, count: number): Float32Array =>
    Float32Array.from({ length: count }, (_, i) => uniformAt(seed, stream, i) - 0.5);
  setData(g, a, random(1, 2 * rows * depth));
  setData(g, b, random(2, columns * depth));
  const context = newContext(g, 16, 16);
  const graph = f.ggml_new_graph_custom(context, 16, false);
  const calls = new KernelCalls();
  const upright = (x: Pointer, dimension: 0 | 1): Pointer => (dimension === 0 ? x : f.ggml_cont(context, f.ggml_transpose(context, x)));
  const ours = kernel.node(context, { a, aDepth, b, bDepth }, calls);
  const theirs = f.ggml_mul_mat(context, upright(b, bDepth), upright(a, aDepth));
  const both = [ours, theirs].map((x) => f.ggml_scale(context, x, 1));
  for (const node of both) f.ggml_build_forward_expand(graph, node);
  const allocator = allocateGraph(g, backend, graph, 'a self-check');
  f.ggml_backend_graph_compute(backend, graph);
  const [mine, reference] = both.map((x) => getFloats(g, x)) as [Float32Array, Float32Array];
  f.ggml_gallocr_free(allocator);
  f.ggml_backend_buffer_free(buffer);
  calls.dispose();
  f.ggml_free(context);
  f.ggml_free(inputs);
  return reference.every((value, i) => Math.abs(value - (mine[i] ?? NaN)) <= TOLERANCE);
}
