/** The memory plan against what a trainer then takes, and its refusals. */
import { afterAll, afterEach, describe, expect, it, vi } from 'vitest';
import { openDevice } from '../../src/engine/ggml/backend.ts';
import { openGgmlEngine } from '../../src/engine/ggml/engine.ts';
import { loadFrozen } from '../../src/engine/ggml/frozen.ts';
import { readF32 } from '../../src/engine/ggml/gguf-data.ts';
import { readGguf } from '../../src/engine/ggml/gguf.ts';
import { TrainingGraph } from '../../src/engine/ggml/graph.ts';
import { checkPlan, planTraining, type PlanOptions } from '../../src/engine/ggml/plan.ts';
import { Parameters } from '../../src/engine/ggml/parameters.ts';
import { shapeOf } from '../../src/engine/ggml/shape.ts';
import { folder, options, writeTiny } from './models.ts';

const home = folder();
afterAll(() => home[Symbol.dispose]());
afterEach(() => vi.restoreAllMocks());
const model = writeTiny(`${home.path}/tiny.gguf`);
const plain: PlanOptions = { mode: 'full', lora: { rank: 4, alpha: 8 }, contextLength: 128, parallel: 8, tokenBudget: 256 };

describe('a memory plan', () => {
  it.each([false, true])('knows to the byte what a training graph takes (checkpointing %s)', async (checkpointing) => {
    const device = openDevice('cpu', 1);
    const file = readGguf(model);
    const plan = planTraining(device, file, { ...plain, checkpointing: checkpointing ? 'on' : 'off' });
    const shape = shapeOf(file);
    const frozen = await loadFrozen(device, file, shape, 'full');
    const parameters = new Parameters(device, { shape, mode: 'full', lora: plain.lora, values: readF32(file).values, frozen });
    const graph = new TrainingGraph(
      device.g,
      device.lanes[0] as bigint,
      shape,
      parameters.forLane(0),
      { rows: 1, length: 256, targets: 256, base: false, train: true, ratio: 'gate', kl: 'k3', low: 0, high: 2 },
      { checkpointing, compute: 'f32' },
    );
    expect(plan.tokens).toBe(256);
    expect(plan.activations - graph.bytes).toBeGreaterThan(0);
    // What is left are the inputs: masks, and a few numbers a token.
    expect(plan.activations - graph.bytes).toBeLessThan(256 * 256 * 4 + 256 * 400);
    const numbers = plan.parameters * 4;
    for (const part of [plan.adapter, plan.gradients]) expect(Math.abs(part / numbers - 1)).toBeLessThan(0.01);
    graph.dispose();
    parameters.dispose();
  });

  it('takes less with checkpointing, with a LoRA, with a smaller budget, and more with each lane', () => {
    const one = openDevice('cpu', 1);
    const file = readGguf(model);
    const total = (more: Partial<PlanOptions>, device = one): number => planTraining(device, file, { ...plain, ...more }).total;
    expect(total({ checkpointing: 'on' })).toBeLessThan(total({ checkpointing: 'off' }));
    expect(total({ mode: 'lora' })).toBeLessThan(total({}));
    expect(total({ tokenBudget: 128 })).toBeLessThan(total({}));
    expect(total({}, openDevice('cpu', 2))).toBeGreaterThan(total({}));
  });

  it('turns checkpointing on by itself when memory is short, and off when it is not', () => {
    const device = openDevice('cpu', 1);
    const file = readGguf(model);
    const plan = planTraining(device, file, plain);
    expect(plan.checkpointing).toBe(false);
    vi.spyOn(process, 'availableMemory').mockReturnValue(plan.total * 1.5);
    expect(planTraining(device, file, plain).checkpointing).toBe(true);
  });

  it('that does not fit is refused before anything is allocated, with the knobs that help', async () => {
    vi.spyOn(process, 'availableMemory').mockReturnValue(1_000_000);
    await expect(openGgmlEngine(options(model))).rejects.toMatchObject({
      name: 'EngineError',
      code: 'memory',
      message: expect.stringMatching(/GiB are free.*engine\.tokenBudget \(now 256\).*algorithm\.maxTokens.*choose a smaller model/),
    });
    const plan = planTraining(openDevice('cpu', 1), readGguf(model), { ...plain, checkpointing: 'off' });
    expect(() => checkPlan(plan, plain)).toThrow(/engine\.checkpointing to "on"/i);
  });
});
