/** Contexts, tensors and buffers of ggml, and copies between them and JavaScript arrays. */
import { EngineError } from '../ports.ts';
import { extents, sourcesOf, typeOf, type Ggml } from './ffi.ts';
import { typeName } from './gguf.ts';
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

/** Bytes that the tensors of a context would take on a backend. */
export function bytesOf(g: Ggml, context: Pointer, backend: Pointer): number {
  return Number(g.f.ggml_backend_alloc_ctx_tensors_from_buft_size(context, g.f.ggml_backend_get_default_buffer_type(backend)));
}

/** Makes all tensors of a context look allocated, at an address that nothing may touch, for graphs that are only measured. */
export function pretend(g: Ggml, contexts: readonly Pointer[]): { dispose(): void } {
  const address = 4096n;
  const buffer = g.f.ggml_backend_cpu_buffer_from_ptr(address, 2 ** 52);
  for (const context of contexts)
    for (
      let t = g.f.ggml_get_first_tensor(context) as Pointer | null;
      t !== null;
      t = g.f.ggml_get_next_tensor(context, t) as Pointer | null
    )
      g.f.ggml_backend_tensor_alloc(buffer, t, address);
  return { dispose: () => g.f.ggml_backend_buffer_free(buffer) };
}

/** Bytes of intermediate results that a graph would take, none of which is allocated. */
export function measureGraph(g: Ggml, backend: Pointer, graph: Pointer): number {
  const allocator = g.f.ggml_gallocr_new(g.f.ggml_backend_get_default_buffer_type(backend));
  const bytes = new BigUint64Array(1);
  g.f.ggml_gallocr_reserve_n_size(allocator, graph, null, null, bytes);
  g.f.ggml_gallocr_free(allocator);
  return Number(bytes[0]);
}

export function setData(g: Ggml, tensor: Pointer, data: ArrayBufferView, byteOffset = 0): void {
  g.f.ggml_backend_tensor_set(tensor, data, byteOffset, data.byteLength);
}

export function getFloats(g: Ggml, tensor: Pointer, count?: number): Float32Array {
  const out = new Float32Array(count ?? extents(tensor).reduce((a, b) => a * b, 1));
  g.f.ggml_backend_tensor_get(tensor, out, 0, out.byteLength);
  return out;
}

/** Operation, types and extents of a node, for messages: `MUL_MAT F32[64,32] = Q8_0[128,64] × F32[128,32]`. */
export function describeNode(g: Ggml, node: Pointer): string {
  return `${String(g.f.ggml_op_desc(node))} ${describeTensor(node)} = ${sourcesOf(node).map(describeTensor).join(' × ')}`;
}

/** Type and extents, for messages: `F32[64,32]`. */
export function describeTensor(tensor: Pointer): string {
  const shape = extents(tensor)
    .join()
    .replace(/(,1)+$/, '');
  return `${typeName(typeOf(tensor))}[${shape}]`;
}

/**
 * Allocates a graph's intermediate results. It first asks whether every operation is known to the device, because the
 * backend aborts the process on one that is not.
 * @returns the allocator, to be freed with the graph.
 */
export function allocateGraph(g: Ggml, backend: Pointer, graph: Pointer, what: string): Pointer {
  const nodes = Number(g.f.ggml_graph_n_nodes(graph));
  for (let i = 0; i < nodes; i++) {
    const node = g.f.ggml_graph_node(graph, i);
    if (!(g.f.ggml_backend_supports_op(backend, node) as unknown as boolean))
      throw new EngineError(
        'unsupported',
        `This ${g.build} device cannot compute ${describeNode(g, node)}. ${g.build === 'cpu' ? 'Choose another model.' : 'Set engine.backend to "cpu".'}`,
      );
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
