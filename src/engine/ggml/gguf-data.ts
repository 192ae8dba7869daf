/** Tensor data of GGUF files. */
import { closeSync, openSync, readSync } from 'node:fs';
import { EngineError } from '../ports.ts';
import { F32 } from './ffi.ts';
import type { GgufFile, TensorEntry } from './gguf.ts';
import { expectedTensors, shapeOf, type Shape } from './shape.ts';

/** Bytes of one tensor. */
export function readTensor(file: GgufFile, entry: TensorEntry): Buffer {
  const buffer = Buffer.allocUnsafeSlow(entry.bytes);
  const fd = openSync(file.path, 'r');
  try {
    for (let done = 0; done < entry.bytes;) {
      const n = readSync(fd, buffer, done, entry.bytes - done, entry.offset + done);
      if (n === 0) throw new EngineError('corrupt', `${file.path} ends inside the tensor ${entry.name}. Download or export it again.`);
      done += n;
    }
  } finally {
    closeSync(fd);
  }
  return buffer;
}

export function readFloats(file: GgufFile, entry: TensorEntry): Float32Array {
  const bytes = readTensor(file, entry);
  return new Float32Array(bytes.buffer, bytes.byteOffset, entry.bytes / 4);
}

export const isF32 = (file: GgufFile): boolean => [...file.tensors.values()].every((t) => t.type === F32);

const finite = (data: Float32Array): boolean => {
  for (const x of data) if (!Number.isFinite(x)) return false;
  return true;
};
export const notFinite = (file: GgufFile, name: string): EngineError =>
  new EngineError('corrupt', `${file.path}: the tensor ${name} holds numbers that are not finite. Download or export it again.`);

/**
 * All weights of an F32 file, for full-parameter training.
 * @throws EngineError `unsupported` when a tensor is not F32.
 */
export function readF32(file: GgufFile): { shape: Shape; values: Map<string, Float32Array> } {
  const shape = shapeOf(file);
  if (!isF32(file))
    throw new EngineError(
      'unsupported',
      `${file.path} is not wholly F32, which full-parameter training needs. Set engine.mode to "lora", or convert the model to F32.`,
    );
  const values = new Map<string, Float32Array>();
  for (const name of expectedTensors(shape).keys()) {
    const data = readFloats(file, file.tensors.get(name) as TensorEntry);
    if (!finite(data)) throw notFinite(file, name);
    values.set(name, data);
  }
  return { shape, values };
}
