/**
 * Reads GGUF headers: metadata and the tensor table, every length checked against the file, so that a damaged file is
 * refused here with a sentence and never reaches the native libraries (which would abort the process).
 *
 * Format: GGUF version 2 and 3, little-endian (ggml `docs/gguf.md`).
 */
import { closeSync, fstatSync, openSync, readSync, statSync } from 'node:fs';
import { EngineError } from '../ports.ts';

export type GgufValue = number | bigint | boolean | string | readonly GgufValue[] | Buffer;

export interface TensorEntry {
  readonly name: string;
  /** ggml type number: 0 = F32, 1 = F16, 8 = Q8_0, … */
  readonly type: number;
  /** Extents, innermost (contiguous) first. */
  readonly shape: readonly number[];
  /** Byte offset in the file, and length in bytes. */
  readonly offset: number;
  readonly bytes: number;
}

export interface GgufFile {
  readonly path: string;
  readonly metadata: ReadonlyMap<string, GgufValue>;
  readonly tensors: ReadonlyMap<string, TensorEntry>;
  /** Token texts as raw bytes, when the file has a vocabulary. */
  readonly tokens: readonly Buffer[];
  /** Where the metadata stand in the file, and their number: for writing a file that keeps them to the byte. */
  readonly keys?: { readonly from: number; readonly to: number; readonly count: number };
}

/** [elements per block, bytes per block] of the ggml types that this project's libraries know. */
export const TYPES: Readonly<Record<number, readonly [number, number]>> = {
  0: [1, 4], 1: [1, 2], 2: [32, 18], 3: [32, 20], 6: [32, 22], 7: [32, 24], 8: [32, 34], 10: [256, 84], 11: [256, 110],
  12: [256, 144], 13: [256, 176], 14: [256, 210], 15: [256, 292], 16: [256, 66], 17: [256, 74], 18: [256, 98], 19: [256, 50],
  20: [32, 18], 21: [256, 110], 22: [256, 82], 23: [256, 136], 24: [1, 1], 25: [1, 2], 26: [1, 4], 27: [1, 8], 28: [1, 8],
  29: [256, 56], 30: [1, 2], 34: [256, 54], 35: [256, 66], 39: [32, 17],
}; // prettier-ignore
const TYPE_NAMES: Readonly<Record<number, string>> = {
  0: 'F32', 1: 'F16', 2: 'Q4_0', 3: 'Q4_1', 6: 'Q5_0', 7: 'Q5_1', 8: 'Q8_0', 10: 'Q2_K', 11: 'Q3_K', 12: 'Q4_K', 13: 'Q5_K',
  14: 'Q6_K', 15: 'Q8_K', 16: 'IQ2_XXS', 17: 'IQ2_XS', 18: 'IQ3_XXS', 19: 'IQ1_S', 20: 'IQ4_NL', 21: 'IQ3_S', 22: 'IQ2_S',
  23: 'IQ4_XS', 24: 'I8', 25: 'I16', 26: 'I32', 27: 'I64', 28: 'F64', 29: 'IQ1_M', 30: 'BF16', 34: 'TQ1_0', 35: 'TQ2_0', 39: 'MXFP4',
}; // prettier-ignore
export const typeName = (type: number): string => TYPE_NAMES[type] ?? `number ${type}`;

/** A reader over the first part of the file that grows as needed and never runs past the end. */
class Cursor {
  #fd: number;
  #size: number;
  #buffer = Buffer.alloc(0);
  at = 0;
  readonly path: string;
  constructor(fd: number, size: number, path: string) {
    this.#fd = fd;
    this.#size = size;
    this.path = path;
  }
  fail(what: string): never {
    throw new EngineError('corrupt', `${this.path} is not a whole GGUF file: ${what}. Download or export it again.`);
  }
  take(bytes: number): number {
    const end = this.at + bytes;
    if (!Number.isSafeInteger(end) || bytes < 0 || end > this.#size)
      this.fail(`the header wants ${bytes} bytes at ${this.at} of ${this.#size}`);
    if (end > this.#buffer.length) {
      const grown = Buffer.alloc(Math.min(this.#size, Math.max(end, this.#buffer.length * 2, 1 << 20)));
      this.#buffer.copy(grown);
      const want = grown.length - this.#buffer.length;
      if (readSync(this.#fd, grown, this.#buffer.length, want, this.#buffer.length) !== want) this.fail('it ends while being read');
      this.#buffer = grown;
    }
    const start = this.at;
    this.at = end;
    return start;
  }
  u32(): number {
    const start = this.take(4);
    return this.#buffer.readUInt32LE(start);
  }
  u64(): number {
    const start = this.take(8);
    const value = this.#buffer.readBigUInt64LE(start);
    if (value > BigInt(Number.MAX_SAFE_INTEGER)) this.fail(`the number ${value} at byte ${start} is out of range`);
    return Number(value);
  }
  bytes(): Buffer {
    const length = this.u64();
    const start = this.take(length);
    return Buffer.from(this.#buffer.subarray(start, start + length));
  }
  scalar(type: number): GgufValue {
    const b = (n: number): number => this.take(n);
    switch (type) {
      case 0: { const p = b(1); return this.#buffer.readUInt8(p); } // prettier-ignore
      case 1: { const p = b(1); return this.#buffer.readInt8(p); } // prettier-ignore
      case 2: { const p = b(2); return this.#buffer.readUInt16LE(p); } // prettier-ignore
      case 3: { const p = b(2); return this.#buffer.readInt16LE(p); } // prettier-ignore
      case 4: return this.u32(); // prettier-ignore
      case 5: { const p = b(4); return this.#buffer.readInt32LE(p); } // prettier-ignore
      case 6: { const p = b(4); return this.#buffer.readFloatLE(p); } // prettier-ignore
      case 7: { const p = b(1); return this.#buffer.readUInt8(p) !== 0; } // prettier-ignore
      case 8: return this.bytes().toString('utf8'); // prettier-ignore
      case 10: { const p = b(8); return this.#buffer.readBigUInt64LE(p); } // prettier-ignore
      case 11: { const p = b(8); return this.#buffer.readBigInt64LE(p); } // prettier-ignore
      case 12: { const p = b(8); return this.#buffer.readDoubleLE(p); } // prettier-ignore
      default: return this.fail(`metadata of the unknown type ${type}`); // prettier-ignore
    }
  }
}

/**
 * Parses the header of a GGUF file.
 * @throws EngineError `missing` (no such file), `corrupt` (not GGUF, truncated, absurd numbers), `unsupported` (version).
 */
export function readGguf(path: string): GgufFile {
  let fd: number;
  try {
    // Opening a pipe would wait for its other end.
    if (!statSync(path).isFile()) throw new EngineError('missing', `${path} is not a file. Give the path of a GGUF file.`);
    fd = openSync(path, 'r');
  } catch (error) {
    if (error instanceof EngineError) throw error;
    const why = (error as NodeJS.ErrnoException).code === 'ENOENT' ? 'there is no such file' : (error as Error).message;
    throw new EngineError('missing', `Cannot open the model ${path}: ${why}. Give the path of a GGUF file.`);
  }
  try {
    const { size } = fstatSync(fd);
    const cursor = new Cursor(fd, size, path);
    if (size < 24 || cursor.u32() !== 0x46554747) cursor.fail('it does not begin with the bytes "GGUF"');
    const version = cursor.u32();
    if (version !== 2 && version !== 3)
      throw new EngineError('unsupported', `${path} has GGUF version ${version}; versions 2 and 3 are supported. Convert it again.`);
    const tensorCount = cursor.u64();
    const keyCount = cursor.u64();
    if (tensorCount > 100_000 || keyCount > 100_000) cursor.fail(`it claims ${tensorCount} tensors and ${keyCount} keys`);
    const keysFrom = cursor.at;
    const metadata = new Map<string, GgufValue>();
    let tokens: Buffer[] = [];
    for (let i = 0; i < keyCount; i++) {
      const key = cursor.bytes().toString('utf8');
      const type = cursor.u32();
      if (type !== 9) {
        metadata.set(key, cursor.scalar(type));
        continue;
      }
      const item = cursor.u32();
      const length = cursor.u64();
      if (item === 9 || length > size) cursor.fail(`the array ${key} claims ${length} items`);
      if (item === 8 && key === 'tokenizer.ggml.tokens') tokens = Array.from({ length }, () => cursor.bytes());
      else
        metadata.set(
          key,
          Array.from({ length }, () => cursor.scalar(item)),
        );
    }
    const keys = { from: keysFrom, to: cursor.at, count: keyCount };
    const entries: Omit<TensorEntry, 'bytes'>[] = [];
    for (let i = 0; i < tensorCount; i++) {
      const name = cursor.bytes().toString('utf8');
      const dimensions = cursor.u32();
      if (dimensions < 1 || dimensions > 4) cursor.fail(`the tensor ${name} has ${dimensions} dimensions`);
      const shape = Array.from({ length: dimensions }, () => cursor.u64());
      entries.push({ name, shape, type: cursor.u32(), offset: cursor.u64() });
    }
    const alignment = Number(metadata.get('general.alignment') ?? 32);
    if (!Number.isInteger(alignment) || alignment < 1 || alignment > 1 << 20) cursor.fail(`the alignment ${alignment}`);
    const start = Math.ceil(cursor.at / alignment) * alignment;
    const tensors = new Map<string, TensorEntry>();
    for (const entry of entries) {
      const block = TYPES[entry.type];
      if (block === undefined)
        throw new EngineError(
          'unsupported',
          `${path}: the tensor ${entry.name} has the unknown type ${entry.type}. Use F32, F16, BF16, Q8_0 or a K-quant.`,
        );
      const count = entry.shape.reduce((a, b) => a * b, 1);
      if (!Number.isSafeInteger(count) || count < 1 || (entry.shape[0] ?? 0) % block[0] !== 0)
        cursor.fail(`the tensor ${entry.name} has the shape [${entry.shape.join(', ')}]`);
      const bytes = (count / block[0]) * block[1];
      const offset = start + entry.offset;
      if (offset + bytes > size) cursor.fail(`the tensor ${entry.name} ends at byte ${offset + bytes} of ${size}`);
      if (tensors.has(entry.name)) cursor.fail(`the tensor ${entry.name} occurs twice`);
      tensors.set(entry.name, { ...entry, offset, bytes });
    }
    let end = 0;
    for (const { name, offset, bytes } of [...tensors.values()].sort((a, b) => a.offset - b.offset)) {
      if (offset < end) cursor.fail(`the tensor ${name} overlaps the one before it`);
      if ((offset - start) % alignment !== 0) cursor.fail(`the tensor ${name} is not aligned to ${alignment} bytes`);
      end = offset + bytes;
    }
    return { path, metadata, tensors, tokens, keys };
  } finally {
    closeSync(fd);
  }
}
