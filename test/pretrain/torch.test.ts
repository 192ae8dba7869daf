import { spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { rng } from '../../src/core/rng.ts';
import { initialWeights } from '../../src/engine/ggml/model-file.ts';
import type { Shape } from '../../src/engine/ggml/shape.ts';
import { documentBatch } from '../../src/pretrain/stream.ts';
import { openTrainer } from '../../src/pretrain/trainer.ts';
import { nanoVocabulary } from '../../src/pretrain/vocabulary.ts';

const python = process.env['KELVIN_PYTHON'] ?? 'python3';
const present = spawnSync(python, ['-c', 'import torch, numpy']).status === 0;
if (!present) process.stdout.write(`skipped: ${python} has no torch and numpy (KELVIN_PYTHON names another Python)\n`);

const vocabulary = nanoVocabulary();
const shape: Shape = {
  layers: 2,
  width: 32,
  feedForward: 48,
  heads: 2,
  kvHeads: 2,
  headWidth: 16,
  vocabulary: vocabulary.tokens.length,
  context: 256,
  epsilon: 1e-5,
  ropeBase: 10_000,
  tied: true,
};
const documents = {
  mix: { deduction: 1, abduction: 1, induction: 1, proposeTriplet: 1, proposeInputs: 1 },
  levels: [1, 1, 1, 0, 0],
  thinkShare: 0.5,
  promptWeight: 0.03,
};
const adam = { lr: 1e-3, beta1: 0.9, beta2: 0.95, eps: 1e-8, weightDecay: 0, gradClip: 1 };
const muon = { lr: 0.01, momentum: 0.95, weightDecay: 0.3 };

describe.skipIf(!present)('the PyTorch trainer', () => {
  it('takes the same steps as the embedded engine', async () => {
    const uniform = rng('test/torch');
    const values = initialWeights(shape, () => uniform.next());
    const results = [];
    for (const kind of ['ggml', 'torch'] as const) {
      const trainer = openTrainer(kind, shape, values, { threads: 1, tokenBudget: 512 });
      const random = rng('test/torch/documents');
      const losses: number[] = [];
      for (let step = 0; step < 3; step++) {
        const { groups } = documentBatch(documents, 1000, 256, vocabulary, random);
        let loss = 0;
        for (const group of groups) {
          const { logprobs } = await trainer.forwardBackward(group, { normaliser: 500 });
          group.forEach((datum, i) => datum.weights.forEach((w, k) => (loss -= w * (logprobs[i]?.[k] ?? 0))));
        }
        losses.push(loss);
        await trainer.muon(adam, muon);
      }
      results.push({ losses, weights: await trainer.readWeights() });
      trainer.close();
    }
    const [ggml, torch] = results;
    if (!ggml || !torch) throw new Error('a trainer gave no result');
    ggml.losses.forEach((loss, i) => expect((torch.losses[i] as number) / loss).toBeCloseTo(1, 4));
    for (const [name, weights] of ggml.weights) {
      const other = torch.weights.get(name) as Float32Array;
      const start = values.get(name) as Float32Array;
      const [apart, moved] = [distance(weights, other), distance(weights, start)];
      expect(moved, name).toBeGreaterThan(0);
      expect(apart / moved, name).toBeLessThan(0.02);
    }
  });
});

const distance = (a: Float32Array, b: Float32Array): number => Math.sqrt(a.reduce((sum, x, i) => sum + (x - (b[i] as number)) ** 2, 0));
