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
