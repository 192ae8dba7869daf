/** What the tests of hostile adapters share: good adapters to damage, and the table's judge. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, expect } from 'vitest';
import { explain } from '../../src/commands/exits.ts';
import { readAdapter } from '../../src/engine/ggml/adapter.ts';
import { readGguf } from '../../src/engine/ggml/gguf.ts';
import { writeGguf, type MetadataValue, type WritableTensor } from '../../src/engine/ggml/gguf-write.ts';
import { adapterTensors } from '../../src/engine/ggml/parameters.ts';
import { readSafetensors, writeSafetensors } from '../../src/engine/ggml/safetensors.ts';
import { shapeOf } from '../../src/engine/ggml/shape.ts';
import { EngineError } from '../../src/engine/ports.ts';
import { folder, numbers } from './models.ts';

export const HERE = path.join(import.meta.dirname, '../fixtures/adapters');
export const MODEL = path.join(HERE, 'llama.gguf');
export const shape = shapeOf(readGguf(MODEL));
const home = folder();
afterAll(() => home[Symbol.dispose]());
let serial = 0;
export const fresh = (suffix = ''): string => path.join(home.path, `${serial++}${suffix}`);

export type Tensors = Map<string, WritableTensor>;
export const RANK = 4;

/** A good adapter in GGUF, after `change`. */
export function gguf(
  change: (metadata: Map<string, MetadataValue>, tensors: Tensors) => void = () => undefined,
  damage: (b: Buffer) => Buffer = (b) => b,
): string {
  const next = numbers(3);
  const tensors: Tensors = new Map(
    [...adapterTensors(shape, RANK)].map(([name, [n = 1, m = 1]]) => [
      name,
      { shape: [n, m], data: Float32Array.from({ length: n * m }, () => next() - 0.5) },
    ]),
  );
  const metadata = new Map<string, MetadataValue>([
    ['general.type', { text: 'adapter' }],
    ['general.architecture', { text: 'llama' }],
    ['adapter.type', { text: 'lora' }],
    ['adapter.lora.alpha', { f32: 8 }],
  ]);
  change(metadata, tensors);
  const file = fresh('.gguf');
  writeGguf(file, metadata, tensors);
  writeFileSync(file, damage(readFileSync(file)));
  return file;
}
/** A good PEFT folder, after `config` and `tensors` were changed, and then the files themselves. */
export function peft(
  config: Record<string, unknown> = {},
  tensors: (t: Map<string, { shape: readonly number[]; data: Float32Array }>) => void = () => undefined,
  files: (dir: string) => void = () => undefined,
): string {
  const dir = fresh();
  mkdirSync(dir);
  const good = path.join(HERE, 'llama');
  const own = JSON.parse(readFileSync(path.join(good, 'adapter_config.json'), 'utf8')) as Record<string, unknown>;
  writeFileSync(path.join(dir, 'adapter_config.json'), JSON.stringify({ ...own, ...config }));
  const all = new Map(
    [...readSafetensors(path.join(good, 'adapter_model.safetensors'))].map(([name, t]) => [name, { shape: t.shape, data: t.read() }]),
  );
  tensors(all);
  writeSafetensors(path.join(dir, 'adapter_model.safetensors'), all);
  files(dir);
  return dir;
}
/** [what, a file or folder, the error's code, its message] */
export type Case = [what: string, make: () => string, code: EngineError['code'], message: RegExp];

export function expectRefusal(file: string, code: EngineError['code'], message: RegExp): void {
  let caught: unknown;
  try {
    readAdapter(file, shape);
  } catch (error) {
    caught = error;
  }
  expect(caught).toBeInstanceOf(EngineError);
  expect(caught).toMatchObject({ code, message: expect.stringMatching(message) });
  expect((caught as Error).message.length).toBeLessThan(700);
  expect(explain(caught).code).toBe(3);
}
