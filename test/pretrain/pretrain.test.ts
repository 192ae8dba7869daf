import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { readGguf } from '../../src/engine/ggml/gguf.ts';
import { readPretrainConfig } from '../../src/pretrain/config.ts';
import { pretrain } from '../../src/pretrain/pretrain.ts';
import { rateAt, thinkShareAt } from '../../src/pretrain/schedule.ts';

const dir = mkdtempSync(join(tmpdir(), 'kelvin-pretrain-'));
afterAll(() => rmSync(dir, { recursive: true, force: true }));

describe('pre-training', () => {
  it('lowers the loss of a micro model and writes it with its provenance', async () => {
    const losses: number[] = [];
    const out = join(dir, 'micro.gguf');
    const result = await pretrain({
      config: readPretrainConfig('configs/pretrain/micro.json'),
      out,
      seed: 1,
      threads: 1,
      onProgress: (p) => losses.push(p.loss),
    });
    expect(result.stopped).toBe(false);
    expect(losses[0]).toBeGreaterThan(5);
    expect(losses.slice(-5).reduce((a, b) => a + b, 0) / 5).toBeLessThan(3.2);
    const { metadata, tensors } = readGguf(out);
    expect(metadata.get('kelvin.dialect')).toBe('nano');
    expect(metadata.get('kelvin.pretrain.tokens')).toBe(result.tokens);
    expect(JSON.parse(String(metadata.get('kelvin.pretrain.config')))).toEqual(readPretrainConfig('configs/pretrain/micro.json'));
    expect(tensors.has('blk.1.ffn_down.weight')).toBe(true);
  });

  it('stops after the step under way when asked, and keeps the model so far', async () => {
    const abort = new AbortController();
    const out = join(dir, 'stopped.gguf');
    const config = readPretrainConfig('configs/pretrain/micro.json');
    const result = await pretrain({ config, out, seed: 1, threads: 1, signal: abort.signal, onProgress: () => abort.abort() });
    expect(result).toMatchObject({ step: 1, stopped: true });
    expect(readGguf(out).metadata.get('kelvin.pretrain.steps')).toBe(1);
    const more = await pretrain({ config, out, from: out, seed: 1, threads: 1, tokens: 4000 });
    expect(more.step).toBeGreaterThan(1);
    expect(more.tokens).toBeGreaterThan(result.tokens);
    const other = { ...config, model: { ...config.model, layers: 1 } };
    await expect(pretrain({ config: other, out, from: out, seed: 1, threads: 1 })).rejects.toThrow(/another shape/);
  });

  it('says which key of a recipe is wrong', () => {
    const file = join(dir, 'wrong.json');
    const good = readPretrainConfig('configs/pretrain/nano.json');
    writeFileSync(file, JSON.stringify({ ...good, tokens: -1, colour: 'red' }));
    expect(() => readPretrainConfig(file)).toThrow(/tokens/);
    expect(() => readPretrainConfig(file)).toThrow(/colour/);
    writeFileSync(file, '{');
    expect(() => readPretrainConfig(file)).toThrow(/configs\/pretrain\/nano\.json/);
    expect(() => readPretrainConfig(join(dir, 'absent.json'))).toThrow(/absent\.json/);
  });
});

describe('the schedule', () => {
  const schedule = { warmupSteps: 10, hold: 0.4, floor: 0.02 };
  it('warms up, holds, falls linearly and keeps a floor', () => {
    expect(rateAt(schedule, 0, 0)).toBeCloseTo(0.1);
    expect(rateAt(schedule, 100, 0.39)).toBe(1);
    expect(rateAt(schedule, 100, 0.7)).toBeCloseTo(0.5);
    expect(rateAt(schedule, 100, 1)).toBeCloseTo(0.02);
  });
  it('moves from one think share to the next', () => {
    const stages = [
      { until: 0.7, share: 0.6 },
      { until: 1, share: 0.2 },
    ];
    expect([0, 0.69, 0.7, 1].map((p) => thinkShareAt(stages, p))).toEqual([0.6, 0.6, 0.2, 0.2]);
  });
});
