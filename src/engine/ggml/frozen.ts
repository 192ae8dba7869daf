/** Base weights of a LoRA: dequantised to F32 on the CPU, with the transposes that the backward pass multiplies by. */
import { openCpu } from './backend.ts';
import { F32, type Ggml } from './ffi.ts';
import { readTensor } from './gguf-data.ts';
import type { GgufFile, TensorEntry } from './gguf.ts';
import type { Pointer } from './libraries.ts';
import { allocate, allocateGraph, getFloats, newContext, newTensor, setData } from './memory.ts';
import type { Shape } from './shape.ts';

export interface Frozen {
  readonly weights: ReadonlyMap<string, Pointer>;
  readonly transposed: ReadonlyMap<string, Pointer>;
  dispose(): void;
}

/** Numbers of one tensor as F32. */
export async function dequantise(g: Ggml, cpu: Pointer, file: GgufFile, entry: TensorEntry): Promise<Float32Array> {
  const bytes = readTensor(file, entry);
  if (entry.type === F32) return new Float32Array(bytes.buffer, bytes.byteOffset, entry.bytes / 4);
  const inputs = newContext(g, 2);
  const source = newTensor(g, inputs, entry.type, ...entry.shape);
  const buffer = allocate(g, inputs, cpu, `the tensor ${entry.name}`);
  setData(g, source, bytes);
  const out = await computeOnce(g, cpu, (c) => g.f.ggml_cast(c, source, F32));
  g.f.ggml_backend_buffer_free(buffer);
  g.f.ggml_free(inputs);
  return out;
}

/** Runs a graph of one result and returns its numbers. */
async function computeOnce(g: Ggml, backend: Pointer, make: (c: Pointer) => Pointer): Promise<Float32Array> {
  const { f } = g;
  const c = newContext(g, 16, 16);
  const graph = f.ggml_new_graph_custom(c, 16, false);
  const result = make(c);
  f.ggml_build_forward_expand(graph, result);
  const allocator = allocateGraph(g, backend, graph, 'loading the model');
  try {
    await g.compute(backend, graph);
    return getFloats(g, result);
  } finally {
    f.ggml_gallocr_free(allocator);
    f.ggml_free(c);
  }
}

/** Loads every tensor of the file; `train` adds the transposes of the linear layers and the head. */
export async function loadFrozen(g: Ggml, backend: Pointer, file: GgufFile, shape: Shape, train: boolean): Promise<Frozen> {
  const cpu = openCpu(g);
  const weights = new Map<string, Pointer>();
  const transposed = new Map<string, Pointer>();
  const context = newContext(g, 2 * file.tensors.size);
  const head = shape.tied ? 'token_embd.weight' : 'output.weight';
  for (const [name, entry] of file.tensors) {
    const [inside = 1, outside = 1] = entry.shape;
    weights.set(name, newTensor(g, context, F32, ...entry.shape));
    if (train && entry.shape.length === 2 && (name === head || name.startsWith('blk.')))
      transposed.set(name, newTensor(g, context, F32, outside, inside));
  }
  const buffer = allocate(g, context, backend, 'the model in F32');
  for (const [name, entry] of file.tensors) {
    setData(g, weights.get(name) as Pointer, await dequantise(g, cpu, file, entry));
    const other = transposed.get(name);
    if (other !== undefined)
      await computeOnce(g, backend, (c) => g.f.ggml_cpy(c, g.f.ggml_transpose(c, weights.get(name) as Pointer), other));
  }
  g.f.ggml_backend_free(cpu);
  return {
    weights,
    transposed,
    dispose: () => {
      g.f.ggml_backend_buffer_free(buffer);
      g.f.ggml_free(context);
    },
  };
}
