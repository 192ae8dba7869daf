/**
 * A model with an adapter worked into its weights: W + alpha / rank · B A. Linear layers come out in F16 (F32 stays F32), for
 * rounding them to four bits again would swallow most of what was learned; everything else is kept to the byte.
 */
import { closeSync, fsyncSync, openSync, readSync, renameSync, rmSync, writeSync } from 'node:fs';
import { EngineError } from '../ports.ts';
import { openDevice, closeDevice } from './backend.ts';
import { F16, F32 } from './ffi.ts';
import { dequantise } from './frozen.ts';
import { readTensor } from './gguf-data.ts';
import type { GgufFile, TensorEntry } from './gguf.ts';
import { toF16 } from './half.ts';
import type { Adapter } from './lora.ts';

const ALIGNMENT = 32;
const padded = (bytes: number): number => Math.ceil(bytes / ALIGNMENT) * ALIGNMENT;

export interface MergeOptions {
  /** Told how many of the tensors are written. */
  readonly onTensor?: (done: number, total: number) => void;
}

/** Writes the merged model; durable, or leaves what was there. `adapter` must fit the model (`readAdapter` checks it). */
export async function exportMerged(target: string, file: GgufFile, adapter: Adapter, options: MergeOptions = {}): Promise<void> {
  const { keys } = file;
  if (keys === undefined) throw new RangeError('merging needs a model that was read from a file');
  if (Number(file.metadata.get('general.alignment') ?? ALIGNMENT) !== ALIGNMENT)
    throw new EngineError('unsupported', `${file.path} is aligned in an unusual way. Convert it again.`);
  const outputs = [...file.tensors.values()].map((entry) => {
    const merged = adapter.values.has(`${entry.name}.lora_b`);
    const type = !merged ? entry.type : entry.type === F32 ? F32 : F16;
    const count = entry.shape.reduce((a, b) => a * b, 1);
    return { entry, merged, type, bytes: merged ? count * (type === F32 ? 4 : 2) : entry.bytes };
  });
  const temporary = `${target}.${process.pid}.part`;
  const device = openDevice('cpu', 1);
  const fd = openSync(temporary, 'w');
  try {
    const put = (bytes: Uint8Array): void => {
      for (let done = 0; done < bytes.length;) done += writeSync(fd, bytes, done, bytes.length - done);
    };
    const header = headerBytes(file, keys, outputs);
    put(header);
    put(Buffer.alloc(padded(header.length) - header.length));
    let done = 0;
    for (const { entry, merged, type, bytes } of outputs) {
      const data = merged ? await addAdapter(device.g, file, entry, adapter) : null;
      if (data === null) put(readTensor(file, entry));
      else put(type === F32 ? new Uint8Array(data.buffer, data.byteOffset, data.byteLength) : toF16(data));
      put(Buffer.alloc(padded(bytes) - bytes));
      options.onTensor?.(++done, outputs.length);
    }
    fsyncSync(fd);
    renameSync(temporary, target);
  } finally {
    closeSync(fd);
    closeDevice(device);
    rmSync(temporary, { force: true });
  }
}

function headerBytes(
  file: GgufFile,
  keys: NonNullable<GgufFile['keys']>,
  outputs: readonly { readonly entry: TensorEntry; readonly type: number; readonly bytes: number }[],
): Buffer {
  const metadata = Buffer.alloc(keys.to - keys.from);
  const source = openSync(file.path, 'r');
  try {
    for (let done = 0; done < metadata.length;) {
      const n = readSync(source, metadata, done, metadata.length - done, keys.from + done);
      if (n === 0) throw new EngineError('corrupt', `${file.path} ends inside its metadata. Download or export it again.`);
      done += n;
    }
  } finally {
    closeSync(source);
  }
  const u32 = (...values: number[]): Buffer => Buffer.from(Uint32Array.from(values).buffer);
  const u64 = (...values: number[]): Buffer => Buffer.from(BigUint64Array.from(values, BigInt).buffer);
  let offset = 0;
  const entries = outputs.flatMap(({ entry, type, bytes }) => {
    const name = Buffer.from(entry.name, 'utf8');
    const parts = [u64(name.length), name, u32(entry.shape.length), u64(...entry.shape), u32(type), u64(offset)];
    offset += padded(bytes);
    return parts;
  });
  return Buffer.concat([Buffer.from('GGUF'), u32(3), u64(outputs.length, keys.count), metadata, ...entries]);
}

/** Numbers of one matrix, [in, out] innermost first, with its part of the adapter added. */
async function addAdapter(
  g: Parameters<typeof dequantise>[0],
  file: GgufFile,
  entry: TensorEntry,
  adapter: Adapter,
): Promise<Float32Array> {
  const weights = await dequantise(g, file, entry);
  const a = adapter.values.get(`${entry.name}.lora_a`) as Float32Array;
  const b = adapter.values.get(`${entry.name}.lora_b`) as Float32Array;
  const [inside = 1, outside = 1] = entry.shape;
  const { rank } = adapter;
  const scale = adapter.alpha / rank;
  for (let row = 0; row < outside; row++)
    for (let r = 0; r < rank; r++) {
      const factor = scale * (b[row * rank + r] as number);
      if (factor === 0) continue;
      const [to, from] = [row * inside, r * inside];
      for (let i = 0; i < inside; i++) weights[to + i] = (weights[to + i] as number) + factor * (a[from + i] as number);
    }
  return weights;
}
