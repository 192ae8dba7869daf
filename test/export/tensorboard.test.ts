import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openSource } from '../../src/export/source.ts';
import { maskedCrc32c, writeTensorboard } from '../../src/export/tensorboard.ts';
import { scratch } from '../record/samples.ts';
import { sampleRun } from './samples.ts';

/** CRC-32C by long division over GF(2), bit by bit: shares nothing with the writer's table. */
function crc32c(bytes: Uint8Array): number {
  let register = 0xffffffffn;
  for (const byte of bytes)
    for (let bit = 0; bit < 8; bit++) {
      const top = (register ^ BigInt(byte >> bit)) & 1n;
      register >>= 1n;
      if (top) register ^= 0x82f63b78n;
    }
  return Number(register ^ 0xffffffffn);
}
const mask = (crc: number): number => Number(((((BigInt(crc) >> 15n) | (BigInt(crc) << 17n)) & 0xffffffffn) + 0xa282ead8n) & 0xffffffffn);

function* records(bytes: Buffer): Generator<Buffer> {
  for (let at = 0; at < bytes.length;) {
    const length = Number(bytes.readBigUInt64LE(at));
    expect(bytes.readUInt32LE(at + 8)).toBe(mask(crc32c(bytes.subarray(at, at + 8))));
    const data = bytes.subarray(at + 12, at + 12 + length);
    expect(bytes.readUInt32LE(at + 12 + length)).toBe(mask(crc32c(data)));
    yield data;
    at += 16 + length;
  }
}

/** Fields of a message: numbers, or bytes, by field number. */
function fields(bytes: Buffer): [number, number | Buffer][] {
  const out: [number, number | Buffer][] = [];
  let at = 0;
  const varint = (): number => {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = bytes[at++]!;
      value += (byte & 127) * 2 ** shift;
      if (byte < 128) return value;
    }
  };
  while (at < bytes.length) {
    const key = varint();
    const wire = key & 7;
    if (wire === 0) out.push([key >> 3, varint()]);
    else if (wire === 1) out.push([key >> 3, bytes.readDoubleLE((at += 8) - 8)]);
    else if (wire === 5) out.push([key >> 3, bytes.readFloatLE((at += 4) - 4)]);
    else {
      const length = varint();
      out.push([key >> 3, bytes.subarray(at, (at += length))]);
    }
  }
  return out;
}
const get = (all: [number, number | Buffer][], field: number) => all.find(([number]) => number === field)?.[1];

describe('TensorBoard event file', () => {
  it('masks the published check value of CRC-32C', () => {
    expect(crc32c(Buffer.from('123456789'))).toBe(0xe3069283);
    expect(maskedCrc32c(Buffer.from('123456789'))).toBe(mask(0xe3069283));
  });

  it('read back by another reader, it holds every metric at its step and time', () => {
    using source = openSource(sampleRun());
    const dir = scratch();
    const { file, events } = writeTensorboard(source, dir);
    expect(readdirSync(dir)).toEqual([file]);
    expect(file).toMatch(/^events\.out\.tfevents\.\d{10}\./);
    const [version, ...rest] = [...records(readFileSync(join(dir, file)))].map(fields);
    expect(String(get(version!, 3))).toBe('brain.Event:2');
    const told = rest.map((event) => [
      get(event, 2),
      get(event, 1),
      fields(get(event, 5) as Buffer).map(([field, value]) => {
        expect(field).toBe(1);
        const item = fields(value as Buffer);
        return [String(get(item, 1)), get(item, 2)];
      }),
    ]);
    const at = Date.parse('2026-11-23T07:00:05.250Z') / 1000;
    expect(events).toBe(4);
    expect(told).toEqual([
      [0, at, [['heldout/temp1', 0.25]]],
      [1, at, [['loss', Math.fround(0.1)], ['optim/grad_norm', NaN], ['reward/solve/deduction', -0.5]]],
      [2, at, [['reward/solve/deduction', 0.5]]],
      [2, at, [['heldout/temp1', 0.5]]],
    ]); // prettier-ignore
  });
});
