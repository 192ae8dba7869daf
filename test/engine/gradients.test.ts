/** Loss, log-probabilities, all gradients and optimiser steps against PyTorch F32 (fixtures of test/fixtures/gradients/make.py). */
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { openDevice } from '../../src/engine/ggml/backend.ts';
import type { Build } from '../../src/engine/ggml/libraries.ts';
import { loadFrozen } from '../../src/engine/ggml/frozen.ts';
import { readGguf } from '../../src/engine/ggml/gguf.ts';
import { Parameters } from '../../src/engine/ggml/parameters.ts';
import { shapeOf } from '../../src/engine/ggml/shape.ts';
import { Trainer, type MuonParams } from '../../src/engine/ggml/trainer.ts';
import type { OptimParams } from '../../src/engine/ports.ts';
import { folder } from './models.ts';
import { checkForward, dataOf, json, relative, sumOfLanes, tensors, TOLERANCE, writeBase, type Small } from './reference.ts';

describe('full-parameter gradients', () => {
  const fixture = json<Small & { gradNorm: number; adamw: OptimParams; muon: MuonParams }>('full');
  const open = (lanes: number, tokenBudget: number, build: Build = 'cpu'): Trainer => {
    const cpu = openDevice('cpu', lanes);
    const device = { ...cpu, g: { ...cpu.g, build } };
    const values = tensors('full', fixture, 'w/');
    return new Trainer(device, new Parameters(device, { shape: fixture.shape, mode: 'full', lora: { rank: 1, alpha: 1 }, values }), {
      tokenBudget,
    });
  };

  it.each<[number, number, Build]>([
    [1, 4096, 'cpu'],
    [1, 32, 'cpu'],
    [2, 64, 'cpu'],
    // The operations chosen for a GPU, computed here by the CPU.
    [1, 4096, 'vulkan'],
  ])('equal those of PyTorch with %i lanes, %i tokens a graph, the operations of a %s build', async (lanes, budget, build) => {
    const trainer = open(lanes, budget, build);
    await checkForward(trainer, fixture);
    const gradients = sumOfLanes(trainer);
    for (const [name, wanted] of tensors('full', fixture, 'g/'))
      expect(relative(gradients.get(name) ?? [], wanted), name).toBeLessThan(TOLERANCE);
    trainer.dispose();
  });

  it('are clipped and stepped by AdamW as PyTorch does', async () => {
    const trainer = open(2, 64);
    await trainer.forwardBackward(dataOf(fixture), fixture.loss);
    const { gradNorm } = await trainer.adamw(fixture.adamw);
    expect(Math.abs(gradNorm / fixture.gradNorm - 1)).toBeLessThan(TOLERANCE);
    const after = trainer.readWeights();
    const before = tensors('full', fixture, 'w/');
    for (const [name, wanted] of tensors('full', fixture, 'after/')) {
      const start = before.get(name) as Float32Array;
      const moved = (to: Float32Array): Float32Array => to.map((x, i) => x - (start[i] ?? 0));
      expect(relative(moved(after.get(name) as Float32Array), moved(wanted)), name).toBeLessThan(1e-3);
    }
    trainer.dispose();
  });

  it('are stepped by Muon as its definition says', async () => {
    const trainer = open(1, 4096);
    await trainer.forwardBackward(dataOf(fixture), fixture.loss);
    await trainer.muon(fixture.adamw, fixture.muon);
    const after = trainer.readWeights();
    const wanted = tensors('full', fixture, 'muon/');
    expect(wanted.size).toBe(3);
    for (const [name, w] of wanted) expect(relative(after.get(name) ?? [], w), name).toBeLessThan(TOLERANCE);
    trainer.dispose();
  });
});

describe('LoRA gradients', () => {
  it('of a GGUF with grouped-query attention equal those of PyTorch', async () => {
    const fixture = json<Small & { rank: number; alpha: number }>('lora');
    using home = folder();
    const gguf = readGguf(writeBase(path.join(home.path, 'base.gguf'), fixture));
    const shape = shapeOf(gguf);
    const device = openDevice('cpu', 1);
    const frozen = await loadFrozen(device, gguf, shape, 'lora');
    const lora = { rank: fixture.rank, alpha: fixture.alpha };
    const trainer = new Trainer(
      device,
      new Parameters(device, { shape, mode: 'lora', lora, values: tensors('lora', fixture, 'a/'), frozen }),
      { tokenBudget: 128 },
    );
    await checkForward(trainer, fixture);
    const gradients = trainer.parameters.readGradients();
    const wanted = tensors('lora', fixture, 'g/');
    expect(wanted.size).toBe(shape.layers * 14);
    for (const [name, g] of wanted) expect(relative(gradients.get(name) ?? [], g), name).toBeLessThan(TOLERANCE);
    trainer.dispose();
    trainer.parameters.dispose();
  });
});
