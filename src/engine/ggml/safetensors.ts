/**
 * The safetensors format (huggingface.co/docs/safetensors): eight bytes of header length, a JSON header, the tensors'
 * bytes without gaps. Everything the header claims is checked against the file before a byte is used.
 */
import { closeSync, fsyncSync, openSync, readSync, renameSync, statSync, writeSync } from 'node:fs';
import { EngineError } from '../ports.ts';
import { fromBf16, fromF16 } from './half.ts';

export interface Safetensor {
  /** Row-major extents, outermost first. */
  readonly shape: readonly number[];
  readonly read: () => Float32Array;
}

const WIDTHS = { F32: 4, F16: 2, BF16: 2 } as const;
type Dtype = keyof typeof WIDTHS;
const isDtype = (x: unknown): x is Dtype => typeof x === 'string' && x in WIDTHS;

/** An adapter's header takes about 150 bytes a tensor; the format itself allows 100 MB. */
const HEADER_LIMIT = 4_000_000;

/** @throws EngineError `missing`, `corrupt` (truncated, lying header) or `unsupported` (another number format). */
export function readSafetensors(path: string): Map<string, Safetensor> {
  const fail = (why: string): never => {
    throw new EngineError('corrupt', `${path} is not a whole safetensors file: ${why}. Save or download the adapter again.`);
  };
  const stat = statSync(path, { throwIfNoEntry: false });
  if (stat?.isFile() !== true) throw new EngineError('missing', `${path} is missing or not a file. Save or download the adapter again.`);
  if (stat.size < 10) fail(`it has ${stat.size} bytes`);
  const length = Number(bytesAt(path, 0, 8).readBigUInt64LE());
  if (length < 2 || length > Math.min(stat.size - 8, HEADER_LIMIT)) fail(`it claims a header of ${length} bytes in a file of ${stat.size}`);
  let header: unknown;
  try {
    header = JSON.parse(bytesAt(path, 8, length).toString('utf8'));
  } catch (error) {
    fail(`its header is not JSON (${(error as Error).message.slice(0, 80)})`);
  }
  if (typeof header !== 'object' || header === null || Array.isArray(header)) fail('its header is not a JSON object');
  const start = 8 + length;
  const entries = Object.entries(header as object).filter(([name]) => name !== '__metadata__');
  const spans: (readonly [number, number])[] = [];
  const out = new Map<string, Safetensor>();
  for (const [name, value] of entries) {
    const { dtype, shape, data_offsets: offsets } = (value ?? {}) as Record<string, unknown>;
    if (typeof dtype !== 'string' || !isCounts(shape) || shape.length > 8 || !isCounts(offsets) || offsets.length !== 2)
      return fail(`its entry ${short(name)} lacks a dtype, a shape or two offsets`);
    if (!isDtype(dtype))
      throw new EngineError('unsupported', `${path}: ${short(name)} holds ${short(dtype)} numbers. Save the adapter as F32, F16 or BF16.`);
    const [from = 0, to = 0] = offsets;
    const count = shape.reduce((a, b) => a * b, 1);
    if (!Number.isSafeInteger(count) || to - from !== count * WIDTHS[dtype] || start + to > stat.size)
      return fail(`${short(name)} of shape [${shape.join(', ')}] has the bytes ${from} to ${to} of ${stat.size - start}`);
    spans.push([from, to]);
    out.set(name, { shape, read: () => floats(dtype, bytesAt(path, start + from, to - from)) });
  }
  let end = 0;
  for (const [from, to] of spans.sort((a, b) => a[0] - b[0] || a[1] - b[1])) {
    if (from !== end) fail(`its tensors ${from < end ? 'overlap' : 'leave a gap'} at byte ${from}`);
    end = to;
  }
  if (start + end !== stat.size) fail(`its tensors end at byte ${end} of ${stat.size - start}`);
  return out;
}

/** Writes F32 tensors (row-major extents), sorted by name; durable (temporary file, fsync, rename). */
export function writeSafetensors(path: string, tensors: ReadonlyMap<string, { shape: readonly number[]; data: Float32Array }>): void {
  const sorted = [...tensors].sort(([a], [b]) => (a < b ? -1 : 1));
  const header: Record<string, unknown> = { __metadata__: { format: 'pt' } };
  let end = 0;
  for (const [name, { shape, data }] of sorted) {
    header[name] = { dtype: 'F32', shape, data_offsets: [end, end + data.byteLength] };
    end += data.byteLength;
  }
  const text = Buffer.from(JSON.stringify(header));
  const padding = Buffer.alloc(-text.length & 7, ' ');
  const size = Buffer.alloc(8);
  size.writeBigUInt64LE(BigInt(text.length + padding.length));
  durable(path, [size, text, padding, ...sorted.map(([, { data }]) => new Uint8Array(data.buffer, data.byteOffset, data.byteLength))]);
}

/** Writes a file whole or not at all. */
export function durable(path: string, parts: readonly Uint8Array[]): void {
  const temporary = `${path}.${process.pid}.part`;
  const fd = openSync(temporary, 'w');
  try {
    for (const part of parts) for (let done = 0; done < part.length;) done += writeSync(fd, part, done);
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
  renameSync(temporary, path);
}

const short = (text: string): string => (text.length > 120 ? `${text.slice(0, 120)}…` : text);
const isCounts = (x: unknown): x is number[] => Array.isArray(x) && x.every((n) => Number.isSafeInteger(n) && n >= 0);

function floats(dtype: Dtype, bytes: Buffer): Float32Array {
  if (dtype === 'F16') return fromF16(bytes);
  if (dtype === 'BF16') return fromBf16(bytes);
  return new Float32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4);
}

function bytesAt(path: string, at: number, length: number): Buffer {
  // A buffer of its own, so that it is aligned for Float32Array.
  const buffer = Buffer.allocUnsafeSlow(length);
  const fd = openSync(path, 'r');
  try {
    for (let done = 0; done < length;) {
      const n = readSync(fd, buffer, done, length - done, at + done);
      if (n === 0) throw new EngineError('corrupt', `${path} ends while being read. Save or download the adapter again.`);
      done += n;
    }
  } finally {
    closeSync(fd);
  }
  return buffer;
}
