/** Base weights of a LoRA, in the types of the file; graphs make an F32 copy of a matrix where they multiply by it. */
import { openCpu, type Device } from './backend.ts';
import { F32, I32, type Ggml } from './ffi.ts';
import { notFinite, readTensor } from './gguf-data.ts';
import type { GgufFile, TensorEntry } from './gguf.ts';
import type { Pointer } from './libraries.ts';
import { allocate, allocateGraph, getFloats, newContext, newTensor, setData } from './memory.ts';
import { constantTensors, expectedTensors, type Shape } from './shape.ts';

export interface Frozen {
  readonly weights: ReadonlyMap<string, Pointer>;
  /** The numbers 0, 1, 2, …, by which GPU graphs look up all rows of a matrix: their cast does not know every type. */
  readonly rows: Pointer | null;
  dispose(): void;
}

/** Declares the tensors without memory; vectors become F32, which the element-wise operations want. */
export function declareFrozen(
  g: Ggml,
  file: GgufFile,
  names: Iterable<string>,
): { context: Pointer; weights: Map<string, Pointer>; rows: Pointer | null } {
  const wanted = [...names].map((name) => [name, file.tensors.get(name) as TensorEntry] as const);
  const context = newContext(g, wanted.length + 1);
  const weights = new Map(wanted.map(([name, entry]) => [name, newTensor(g, context, storedType(entry), ...entry.shape)]));
  const longest = wanted.reduce((most, [, entry]) => Math.max(most, entry.shape[1] ?? 1), 1);
  return { context, weights, rows: g.build === 'cpu' ? null : newTensor(g, context, I32, longest) };
}

const storedType = (entry: TensorEntry): number => (entry.shape.slice(1).some((n) => n > 1) ? entry.type : F32);

/** Names of what a run keeps frozen: the whole model under a LoRA, else only what is never trained. */
export const frozenNames = (shape: Shape, mode: 'full' | 'lora'): string[] => [
  ...(mode === 'lora' ? expectedTensors(shape).keys() : []),
  ...constantTensors(shape).keys(),
];

/**
 * Loads the frozen tensors of a file onto a device.
 * @throws EngineError `corrupt` when a tensor holds numbers that are not finite.
 */
export async function loadFrozen(device: Device, file: GgufFile, shape: Shape, mode: 'full' | 'lora'): Promise<Frozen> {
  const { g, lanes } = device;
  const { context, weights, rows } = declareFrozen(g, file, frozenNames(shape, mode));
  const buffer = weights.size === 0 ? null : allocate(g, context, lanes[0] as Pointer, 'the model');
  const dispose = (): void => {
    if (buffer !== null) g.f.ggml_backend_buffer_free(buffer);
    g.f.ggml_free(context);
  };
  try {
    for (const [name, tensor] of weights) {
      const entry = file.tensors.get(name) as TensorEntry;
      setData(g, tensor, storedType(entry) === entry.type ? finiteBytes(g, file, entry) : await dequantise(g, file, entry));
    }
    if (rows !== null && buffer !== null)
      setData(
        g,
        rows,
        Int32Array.from({ length: Number(g.f.ggml_nbytes(rows)) / 4 }, (_, i) => i),
      );
  } catch (error) {
    dispose();
    throw error;
  }
  return { weights, rows, dispose };
}

function finiteBytes(g: Ggml, file: GgufFile, entry: TensorEntry): Buffer {
  const bytes = readTensor(file, entry);
  if (!(g.f.ggml_validate_row_data(entry.type, bytes, bytes.length) as unknown as boolean)) throw notFinite(file, entry.name);
  return bytes;
}

/** Numbers of one tensor as F32. */
export async function dequantise(g: Ggml, file: GgufFile, entry: TensorEntry): Promise<Float32Array> {
  const bytes = finiteBytes(g, file, entry);
  if (entry.type === F32) return new Float32Array(bytes.buffer, bytes.byteOffset, entry.bytes / 4);
  const cpu = openCpu(g);
  const inputs = newContext(g, 2);
  const c = newContext(g, 16, 16);
  const source = newTensor(g, inputs, entry.type, ...entry.shape);
  const buffer = allocate(g, inputs, cpu, `the tensor ${entry.name}`);
  let allocator: Pointer | null = null;
  try {
    setData(g, source, bytes);
    const graph = g.f.ggml_new_graph_custom(c, 16, false);
    const result = g.f.ggml_cast(c, source, F32);
    g.f.ggml_build_forward_expand(graph, result);
    allocator = allocateGraph({ ...g, build: 'cpu' }, cpu, graph, 'loading the model');
    await g.compute(cpu, graph);
    return getFloats(g, result);
  } finally {
    if (allocator !== null) g.f.ggml_gallocr_free(allocator);
    g.f.ggml_backend_buffer_free(buffer);
    for (const context of [c, inputs]) g.f.ggml_free(context);
    g.f.ggml_backend_free(cpu);
  }
}
