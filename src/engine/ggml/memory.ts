/** Contexts, tensors and buffers of ggml, and copies between them and JavaScript arrays. */
import { EngineError } from '../ports.ts';
import { extents, type Ggml } from './ffi.ts';
import type { Pointer } from './libraries.ts';

/** A context that holds the headers of up to `tensors` tensors (and a graph of `nodes` nodes), without their data. */
export function newContext(g: Ggml, tensors: number, nodes = 0): Pointer {
  const graph = nodes > 0 ? Number(g.f.ggml_graph_overhead_custom(nodes, false)) : 0;
  const size = Number(g.f.ggml_tensor_overhead()) * tensors + graph + 4096;
  return g.f.ggml_init({ mem_size: size, mem_buffer: null, no_alloc: true });
}

export function newTensor(g: Ggml, context: Pointer, type: number, ...shape: number[]): Pointer {
  return g.f.ggml_new_tensor(context, type, shape.length, BigInt64Array.from(shape, BigInt));
}

/** Allocates the data of all tensors of a context on a backend, zeroed. */
export function allocate(g: Ggml, context: Pointer, backend: Pointer, what: string): Pointer {
  const buffer = g.f.ggml_backend_alloc_ctx_tensors(context, backend) as Pointer | null;
  if (buffer === null)
    throw new EngineError('memory', `There is too little memory for ${what}. Close other programs, or choose a smaller model.`);
  g.f.ggml_backend_buffer_clear(buffer, 0);
  return buffer;
}

export function setData(g: Ggml, tensor: Pointer, data: ArrayBufferView, byteOffset = 0): void {
  g.f.ggml_backend_tensor_set(tensor, data, byteOffset, data.byteLength);
}

export function getFloats(g: Ggml, tensor: Pointer, count?: number): Float32Array {
  const out = new Float32Array(count ?? extents(tensor).reduce((a, b) => a * b, 1));
  g.f.ggml_backend_tensor_get(tensor, out, 0, out.byteLength);
  return out;
}

/**
 * Allocates a graph's intermediate results. On a GPU it first asks whether every operation is known there, because the
 * backend aborts the process on one that is not.
 * @returns the allocator, to be freed with the graph.
 */
export function allocateGraph(g: Ggml, backend: Pointer, graph: Pointer, what: string): Pointer {
  if (g.build !== 'cpu') {
    const nodes = Number(g.f.ggml_graph_n_nodes(graph));
    for (let i = 0; i < nodes; i++) {
      const node = g.f.ggml_graph_node(graph, i);
      if (!(g.f.ggml_backend_supports_op(backend, node) as unknown as boolean))
        throw new EngineError(
          'unsupported',
          `This ${g.build} device cannot compute ${String(g.f.ggml_op_desc(node))}. Set engine.backend to "cpu".`,
        );
    }
  }
  const allocator = g.f.ggml_gallocr_new(g.f.ggml_backend_get_default_buffer_type(backend));
  if (!(g.f.ggml_gallocr_alloc_graph(allocator, graph) as unknown as boolean)) {
    g.f.ggml_gallocr_free(allocator);
    throw new EngineError(
      'memory',
      `There is too little memory for ${what}. Close other programs, or lower engine.tokenBudget and engine.parallel.`,
    );
  }
  return allocator;
}
