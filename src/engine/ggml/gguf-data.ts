/** Tensor data of GGUF files. */
import { closeSync, openSync, readSync } from 'node:fs';
import { EngineError } from '../ports.ts';
import { F32 } from './ffi.ts';
import type { GgufFile, TensorEntry } from './gguf.ts';
import { shapeOf, type Shape } from './shape.ts';

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
  return { shape, values: new Map([...file.tensors].map(([name, entry]) => [name, readFloats(file, entry)])) };
}
