import { closeSync, fsyncSync, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { wellFormed } from './jsonl.ts';
import type { RunSource } from './source.ts';

/**
 * TensorBoard event files: `Event` messages (tensorflow/core/util/event.proto, summary.proto) in TFRecord frames
 * (length, masked CRC-32C of it, data, masked CRC-32C of that; tensorflow/core/lib/io/record_writer.h).
 */
const CRC_TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte;
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1;
  return crc;
});

/** CRC-32C (Castagnoli), masked so that a CRC of data that holds CRCs stays strong. */
export function maskedCrc32c(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) crc = (crc >>> 8) ^ CRC_TABLE[(crc ^ byte) & 0xff]!;
  crc = ~crc >>> 0;
  return (((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0;
}

/** Wire types of Protocol Buffers. */
const VARINT = 0;
const FIXED64 = 1;
const BYTES = 2;
const FIXED32 = 5;

function varint(value: number): number[] {
  const out: number[] = [];
  let rest = value;
  while (rest > 127) {
    out.push((rest % 128) | 128);
    rest = Math.floor(rest / 128);
  }
  return [...out, rest];
}

const key = (field: number, wire: number): number[] => varint(field * 8 + wire);
const bytesField = (field: number, bytes: Uint8Array): Buffer =>
  Buffer.concat([Buffer.from([...key(field, BYTES), ...varint(bytes.length)]), bytes]);
const textField = (field: number, text: string): Buffer => bytesField(field, Buffer.from(wellFormed(text), 'utf8'));
const varintField = (field: number, value: number): Buffer => Buffer.from([...key(field, VARINT), ...varint(value)]);

function doubleField(field: number, value: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeDoubleLE(value);
  return Buffer.concat([Buffer.from(key(field, FIXED64)), bytes]);
}

function floatField(field: number, value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeFloatLE(value);
  return Buffer.concat([Buffer.from(key(field, FIXED32)), bytes]);
}

/** One TFRecord frame. */
export function frame(data: Uint8Array): Buffer {
  const out = Buffer.alloc(16 + data.length);
  out.writeBigUInt64LE(BigInt(data.length), 0);
  out.writeUInt32LE(maskedCrc32c(out.subarray(0, 8)), 8);
  out.set(data, 12);
  out.writeUInt32LE(maskedCrc32c(data), 12 + data.length);
  return out;
}

/** `Event` with one `Summary.Value` a metric: wall time in seconds, step, tag, simple value (float32, the format's type). */
const scalars = (seconds: number, step: number, values: Readonly<Record<string, number>>): Buffer =>
  Buffer.concat([
    doubleField(1, seconds),
    varintField(2, step),
    bytesField(
      5,
      Buffer.concat(Object.entries(values).map(([tag, value]) => bytesField(1, Buffer.concat([textField(1, tag), floatField(2, value)])))),
    ),
  ]);

/** Writes one event file into `dir`; its name has the form by which TensorBoard knows such files. Returns it with the number of events. */
export function writeTensorboard(source: RunSource, dir: string): { readonly file: string; readonly events: number } {
  const began = Math.floor((Date.parse(source.started) || 0) / 1000);
  const file = `events.out.tfevents.${began}.kelvin`;
  const fd = openSync(join(dir, file), 'wx');
  try {
    writeSync(fd, frame(Buffer.concat([doubleField(1, began), textField(3, 'brain.Event:2')])));
    let events = 0;
    for (const { at, step, metrics } of source.metrics()) {
      const bytes = frame(scalars(at / 1000, step, metrics));
      for (let from = 0; from < bytes.length;) from += writeSync(fd, bytes, from);
      events++;
    }
    fsyncSync(fd);
    return { file, events };
  } finally {
    closeSync(fd);
  }
}
