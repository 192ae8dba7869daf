/** What the gradient tests share: fixtures that test/fixtures/gradients/make.py wrote, and comparisons. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { expect } from 'vitest';
import type { Datum } from '../../src/core/types.ts';
import { writeModel } from '../../src/engine/ggml/model-file.ts';
import type { Shape } from '../../src/engine/ggml/shape.ts';
import type { Trainer } from '../../src/engine/ggml/trainer.ts';
import type { LossSpec } from '../../src/engine/ports.ts';

export const HERE = path.join(import.meta.dirname, '../fixtures/gradients');
export const TOLERANCE = 1e-4;

export interface Fixture {
  readonly data: readonly Record<keyof Datum, number[]>[];
  readonly loss: LossSpec;
  readonly expected: number;
  readonly logprobs: readonly number[][];
}
export interface Small extends Fixture {
  readonly shape: Shape;
  readonly tensors: Readonly<Record<string, { offset: number; size: number }>>;
}
export const json = <T>(name: string): T => JSON.parse(readFileSync(path.join(HERE, `${name}.json`), 'utf8')) as T;

/** Tensors of a fixture whose key begins with `prefix`, without it. */
export function tensors(name: string, fixture: Small, prefix: string): Map<string, Float32Array> {
  const bytes = new Uint8Array(readFileSync(path.join(HERE, `${name}.bin`)));
  const all = new Float32Array(bytes.buffer);
  const keys = Object.entries(fixture.tensors).filter(([key]) => key.startsWith(prefix));
  return new Map(keys.map(([key, { offset, size }]) => [key.slice(prefix.length), all.slice(offset, offset + size)]));
}

export const dataOf = (fixture: Fixture): Datum[] =>
  fixture.data.map((d) => ({
    tokens: Int32Array.from(d.tokens),
    targets: Int32Array.from(d.targets),
    weights: Float32Array.from(d.weights),
    logprobs: Float32Array.from(d.logprobs),
    advantages: Float32Array.from(d.advantages),
  }));

/** ‖a − b‖ / ‖b‖ */
export function relative(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let difference = 0;
  let size = 0;
  for (let i = 0; i < b.length; i++) {
    difference += ((a[i] ?? NaN) - (b[i] ?? NaN)) ** 2;
    size += (b[i] ?? 0) ** 2;
  }
  return Math.sqrt(difference / size);
}

export function sumOfLanes(trainer: Trainer): Map<string, Float32Array> {
  const [first, ...others] = trainer.device.lanes.map((_, lane) => trainer.parameters.readGradients(lane));
  for (const other of others)
    for (const [name, g] of other) g.forEach((x, i) => ((first?.get(name) as Float32Array)[i] = (first?.get(name)?.[i] ?? 0) + x));
  return first as Map<string, Float32Array>;
}

export async function checkForward(trainer: Trainer, fixture: Fixture): Promise<void> {
  const data = dataOf(fixture);
  const result = await trainer.forwardBackward(data, fixture.loss);
  expect(Math.abs(result.loss - fixture.expected) / Math.abs(fixture.expected)).toBeLessThan(TOLERANCE);
  result.logprobs.forEach((lp, d) => {
    const wanted = (fixture.logprobs[d] ?? []).map((x, i) => (data[d]?.weights[i] === 0 ? 0 : x));
    expect(relative(lp, wanted)).toBeLessThan(TOLERANCE);
  });
}

/** Writes the base model of the fixture `lora` as GGUF. */
export function writeBase(file: string, fixture: Small): string {
  const letters = Array.from({ length: fixture.shape.vocabulary }, (_, i) => ({ bytes: Uint8Array.of(i + 40) }));
  writeModel(
    file,
    { name: 'base', shape: fixture.shape, vocabulary: letters, eosToken: 0, dialect: 'nano' },
    tensors('lora', fixture, 'w/'),
  );
  return file;
}
