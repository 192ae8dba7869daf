/** A model file of SmolLM2-135M's shape with random weights in Q8_0: for timings only the shape matters. */
import { existsSync, mkdirSync } from 'node:fs';
import path from 'node:path';
import { writeGguf, type WritableTensor } from '../src/engine/ggml/gguf-write.ts';
import { describe } from '../src/engine/ggml/model-file.ts';
import { uniformAt } from '../src/engine/ggml/random.ts';
import { expectedTensors, type Shape } from '../src/engine/ggml/shape.ts';

const Q8_0 = 8;

const SHAPE = {
  layers: 30,
  width: 576,
  feedForward: 1536,
  heads: 9,
  kvHeads: 3,
  headWidth: 64,
  vocabulary: 49152,
  context: 8192,
  epsilon: 1e-5,
  ropeBase: 100000,
  tied: true,
} as Shape;

/** Path of the file; made on first use. */
export function benchModel(): string {
  const folder = path.join(import.meta.dirname, '..', '.cache');
  const file = path.join(folder, 'bench-135m-q8_0.gguf');
  if (existsSync(file)) return file;
  mkdirSync(folder, { recursive: true });
  const vocabulary = Array.from({ length: SHAPE.vocabulary }, (_, i) =>
    i < 256 ? { bytes: Uint8Array.of(i) } : i === 256 ? { bytes: '<eos>', control: true } : { bytes: ` t${i}` },
  );
  const norms = new Map(
    [...expectedTensors(SHAPE)].filter(([, dims]) => dims.length === 1).map(([name, [n = 1]]) => [name, new Float32Array(n).fill(1)]),
  );
  const tensors = new Map<string, WritableTensor>(
    [...expectedTensors(SHAPE)].map(([name, shape], i) => {
      const norm = norms.get(name);
      return [name, norm === undefined ? { shape, data: { type: Q8_0, bytes: blocks(shape, i) } } : { shape, data: norm }];
    }),
  );
  writeGguf(file, describe({ name: 'bench', shape: SHAPE, vocabulary, eosToken: 256, dialect: 'chat' }), tensors);
  return file;
}

/** Blocks of a half-precision scale and 32 signed bytes, uniform with standard deviation about 0.02. */
function blocks(shape: readonly number[], stream: number): Uint8Array {
  const count = shape.reduce((a, b) => a * b, 1) / 32;
  const out = new Uint8Array(count * 34);
  // 2⁻¹² as a half-precision number.
  const scale = [0x00, 0x0c];
  for (let b = 0; b < count; b++) {
    out.set(scale, b * 34);
    for (let i = 0; i < 32; i += 4) {
      const word = Math.floor(uniformAt(stream, b, i) * 4294967296);
      for (let k = 0; k < 4; k++) out[b * 34 + 2 + i + k] = (word >>> (8 * k)) & 255;
    }
  }
  return out;
}
