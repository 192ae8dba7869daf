/** Writes GGUF version 3 files: metadata, vocabulary and tensors; durable (temporary file, fsync, rename). */
import { closeSync, fsyncSync, openSync, renameSync, writeSync } from 'node:fs';

/** A typed metadata value; token lists are given as raw bytes. */
export type MetadataValue =
  | { readonly u32: number }
  | { readonly f32: number }
  | { readonly bool: boolean }
  | { readonly text: string }
  | { readonly texts: readonly (string | Uint8Array)[] }
  | { readonly i32s: readonly number[] }
  | { readonly f32s: readonly number[] };

export interface WritableTensor {
  /** Extents, innermost first. */
  readonly shape: readonly number[];
  /** Numbers, or the bytes of another ggml type. */
  readonly data: Float32Array | { readonly type: number; readonly bytes: Uint8Array };
}

const bytesOf = ({ data }: WritableTensor): Buffer =>
  data instanceof Float32Array ? little(data) : Buffer.from(data.bytes.buffer, data.bytes.byteOffset, data.bytes.byteLength);

const ALIGNMENT = 32;
const u32 = (value: number): Buffer => {
  const b = Buffer.alloc(4);
  b.writeUInt32LE(value);
  return b;
};
const u64 = (value: number): Buffer => {
  const b = Buffer.alloc(8);
  b.writeBigUInt64LE(BigInt(value));
  return b;
};
const text = (value: string | Uint8Array): Buffer => {
  const bytes = typeof value === 'string' ? Buffer.from(value, 'utf8') : Buffer.from(value);
  return Buffer.concat([u64(bytes.length), bytes]);
};
const little = (array: Float32Array | Int32Array): Buffer => Buffer.from(array.buffer, array.byteOffset, array.byteLength);

function encode(value: MetadataValue): Buffer {
  if ('u32' in value) return Buffer.concat([u32(4), u32(value.u32)]);
  if ('f32' in value) return Buffer.concat([u32(6), little(Float32Array.of(value.f32))]);
  if ('bool' in value) return Buffer.concat([u32(7), Buffer.of(value.bool ? 1 : 0)]);
  if ('text' in value) return Buffer.concat([u32(8), text(value.text)]);
  if ('texts' in value) return Buffer.concat([u32(9), u32(8), u64(value.texts.length), ...value.texts.map(text)]);
  if ('i32s' in value) return Buffer.concat([u32(9), u32(5), u64(value.i32s.length), little(Int32Array.from(value.i32s))]);
  return Buffer.concat([u32(9), u32(6), u64(value.f32s.length), little(Float32Array.from(value.f32s))]);
}

/** Writes the file, or leaves what was there; throws the file system's error (disk full, no permission). */
export function writeGguf(path: string, metadata: ReadonlyMap<string, MetadataValue>, tensors: ReadonlyMap<string, WritableTensor>): void {
  const head: Buffer[] = [Buffer.from('GGUF'), u32(3), u64(tensors.size), u64(metadata.size)];
  for (const [key, value] of metadata) head.push(text(key), encode(value));
  let offset = 0;
  const padded = (bytes: number): number => Math.ceil(bytes / ALIGNMENT) * ALIGNMENT;
  for (const [name, tensor] of tensors) {
    const { shape, data } = tensor;
    if (data instanceof Float32Array && shape.reduce((a, b) => a * b, 1) !== data.length)
      throw new RangeError(`${name}: shape [${shape.join(', ')}] does not hold ${data.length} numbers`);
    head.push(text(name), u32(shape.length), ...shape.map(u64), u32(data instanceof Float32Array ? 0 : data.type), u64(offset));
    offset += padded(bytesOf(tensor).length);
  }
  const header = Buffer.concat(head);
  const temporary = `${path}.${process.pid}.part`;
  const fd = openSync(temporary, 'w');
  try {
    const put = (buffer: Buffer, total: number): void => {
      for (let done = 0; done < buffer.length;) done += writeSync(fd, buffer, done);
      if (total > buffer.length) writeSync(fd, Buffer.alloc(total - buffer.length));
    };
    put(header, padded(header.length));
    for (const tensor of tensors.values()) {
      const bytes = bytesOf(tensor);
      put(bytes, padded(bytes.length));
    }
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
  renameSync(temporary, path);
}
