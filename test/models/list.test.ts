import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { modelTable } from '../../src/commands/models.ts';
import { openEngine } from '../../src/commands/open.ts';
import { parseConfig, readConfig } from '../../src/config.ts';
import { recordOrigin } from '../../src/models/cache.ts';
import { shapeOf } from '../../src/engine/ggml/shape.ts';
import { CATALOGUE } from '../../src/models/catalogue.ts';
import { headerOf, weightBytes } from '../../src/models/header.ts';
import { listModels } from '../../src/models/list.ts';
import { isUri } from '../../src/models/resolve.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const shipped = (path: string): string => join(ROOT, path);
let cache = '';
beforeAll(() => {
  cache = mkdtempSync(join(tmpdir(), 'kelvin-cache-'));
  process.env['KELVIN_CACHE'] = cache;
});
afterAll(() => {
  delete process.env['KELVIN_CACHE'];
  rmSync(cache, { recursive: true, force: true });
});

describe('configurations that come with Kelvin', () => {
  const files = readdirSync(shipped('configs')).filter((file) => file.endsWith('.json'));
  it.each(files)('%s parses', (file) => {
    const config = readConfig(shipped(`configs/${file}`));
    // A prompt needs room beside the longest completion.
    const { maxTokens } = config.algorithm;
    expect(Math.max(maxTokens.propose, maxTokens.solve)).toBeLessThanOrEqual(config.engine.contextLength / 2);
  });
  it('every listed model has one that names it, and base models say so', () => {
    for (const model of CATALOGUE) {
      const config = readConfig(shipped(model.config));
      expect(config.model, model.name).toBe(model.uri);
      expect(isUri(config.model)).toBe(true);
      expect(config.template, model.name).toBe(model.kind === 'base' ? 'base' : 'auto');
      expect(config.engine.mode).toBe('lora');
    }
  });
});

describe('a fetched file', () => {
  it('whose contents changed behind its size and date is refused when it is opened', async () => {
    const file = join(cache, 'models', 'rot.gguf');
    mkdirSync(join(cache, 'models'), { recursive: true });
    copyFileSync(shipped('models/nano.gguf'), file);
    await recordOrigin(file, 'hf:a/b:F32', 'f'.repeat(64));
    const config = parseConfig({ model: file, engine: { threads: 1, parallel: 1 } });
    await expect(openEngine(config, true)).rejects.toThrow(/have changed.*kelvin models add hf:a\/b:F32/);
    rmSync(file);
  });
});

describe('the model list', () => {
  it('knows the shapes of its models', () => {
    /** Parameters (billions) as the models' cards give them, and gigabytes of the files on the hub. */
    const cards: Readonly<Record<string, readonly [number, number]>> = {
      'SmolLM2-135M-Instruct': [0.1345, 0.098],
      'Qwen2.5-Coder-0.5B-Instruct': [0.494, 0.53],
      'Qwen2.5-Coder-1.5B-Instruct': [1.544, 0.99],
      'Qwen2.5-Coder-3B-Instruct': [3.086, 1.93],
      'Qwen2.5-Coder-7B': [7.616, 4.68],
      'Qwen2.5-Coder-14B': [14.77, 8.99],
      'Llama-3.1-8B': [8.03, 4.92],
    };
    for (const [name, [billions, gigabytes]] of Object.entries(cards)) {
      const header = headerOf(CATALOGUE.find((model) => model.name === name)!);
      const count = [...header.tensors.values()].reduce((sum, { shape }) => sum + shape.reduce((a, b) => a * b, 1), 0);
      expect(shapeOf(header).layers).toBeGreaterThan(20);
      expect(count / 1e9 / billions, name).toBeCloseTo(1, 2);
      expect(Math.abs(weightBytes(header) / 1e9 / gigabytes - 1), name).toBeLessThan(0.03);
    }
  });

  it('says what each takes here, and what to change when that is too much', () => {
    mkdirSync(join(cache, 'models', 'own'), { recursive: true });
    copyFileSync(shipped('models/nano.gguf'), join(cache, 'models', 'own', 'mine.gguf'));
    writeFileSync(join(cache, 'models', 'own', 'broken.gguf'), 'GGUF');
    const models = listModels({ shipped, threads: () => 1 });
    const find = (name: string) => models.find((model) => model.name === name)!;
    expect(find('nano (bundled)')).toMatchObject({ kind: 'nano', fit: 'fits', file: shipped('models/nano.gguf') });
    expect(find('mine.gguf')).toMatchObject({ kind: 'own', parameters: find('nano (bundled)').parameters });
    expect(find('broken.gguf')).toMatchObject({ fit: 'unreadable' });
    expect(find('broken.gguf').advice).toMatch(/not a whole GGUF file/);
    const large = find('Qwen2.5-Coder-14B');
    expect(large.file).toBeNull();
    for (const { plan, fit, advice } of models)
      if (plan) expect([fit === 'too large', fit === 'fits']).toEqual([plan.total > plan.available, advice === '']);
    // More parameters, more memory, with the same settings.
    expect(find('Qwen2.5-Coder-14B').plan!.total).toBeGreaterThan(find('Qwen2.5-Coder-7B').plan!.total);
    const table = modelTable([...models, { ...large, name: 'huge', fit: 'too large', advice: 'lower engine.threads' }]);
    for (const model of models) expect(table).toContain(model.name);
    expect(table).toMatch(/huge: lower engine\.threads\./);
  });
});
