/** Adapters out and in: PEFT folders (fixtures that PEFT wrote) and GGUF files that node-llama-cpp loads without us. */
import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { supervisedDatum } from '../../src/core/datum.ts';
import { readAdapter, writeAdapter } from '../../src/engine/ggml/adapter.ts';
import { openGgmlEngine } from '../../src/engine/ggml/engine.ts';
import { readGguf } from '../../src/engine/ggml/gguf.ts';
import { exportPeft, importPeft } from '../../src/engine/ggml/peft.ts';
import { readSafetensors } from '../../src/engine/ggml/safetensors.ts';
import { shapeOf } from '../../src/engine/ggml/shape.ts';
import type { Engine } from '../../src/engine/ports.ts';
import { folder, options } from './models.ts';

const HERE = path.join(import.meta.dirname, '../fixtures/adapters');
const wanted = JSON.parse(readFileSync(path.join(HERE, 'logprobs.json'), 'utf8')) as {
  readonly rows: readonly (readonly number[])[];
  readonly base: Readonly<Record<string, readonly (readonly number[])[]>>;
  readonly with: Readonly<Record<string, readonly (readonly number[])[]>>;
};
const ADAPTERS: [adapter: string, model: string][] = [
  ['llama', 'llama'],
  ['llama-partial', 'llama'],
  ['qwen2', 'qwen2'],
  ['qwen3', 'qwen3'],
];
const modelOf = (name: string): string => path.join(HERE, `${name}.gguf`);
const shapeFor = (name: string): ReturnType<typeof shapeOf> => shapeOf(readGguf(modelOf(name)));
const data = wanted.rows.map((row) =>
  supervisedDatum(
    row,
    row.map(() => 1),
  ),
);

const open = (model: string, adapter: string, rank: number, alpha: number): Promise<Engine> =>
  openGgmlEngine(options(modelOf(model), { mode: 'lora', adapter, lora: { rank, alpha }, contextLength: 64 }));
async function logprobs(engine: Engine): Promise<readonly Float32Array[]> {
  return (await engine.forwardBackward(data, { kind: 'cross_entropy', normaliser: 1 })).logprobs;
}
function largest(found: readonly ArrayLike<number>[], reference: readonly ArrayLike<number>[]): number {
  return Math.max(...reference.map((row, r) => Math.max(...Array.from(row, (x, i) => Math.abs(x - (found[r]?.[i] ?? NaN))))));
}

const home = folder();
afterAll(() => home[Symbol.dispose]());

describe('a PEFT folder', () => {
  it.each(ADAPTERS)('%s gives the log-probabilities of transformers and PEFT', async (name, model) => {
    const dir = path.join(HERE, name);
    const { rank, alpha } = importPeft(dir, shapeFor(model));
    await using engine = await open(model, dir, rank, alpha);
    const found = await logprobs(engine);
    expect(largest(found, wanted.with[name]!)).toBeLessThan(1e-4);
    expect(largest(found, wanted.base[model]!)).toBeGreaterThan(0.1);
  });

  it.each(ADAPTERS)('%s comes out as it came in', (name, model) => {
    const shape = shapeFor(model);
    const adapter = importPeft(path.join(HERE, name), shape);
    const dir = path.join(home.path, `out-${name}`);
    exportPeft(dir, shape, adapter, adapter.values, 'some/base');
    const written = readSafetensors(path.join(dir, 'adapter_model.safetensors'));
    for (const [tensor, { shape: extents, read }] of readSafetensors(path.join(HERE, name, 'adapter_model.safetensors'))) {
      expect(written.get(tensor)?.shape, tensor).toEqual(extents);
      expect(written.get(tensor)?.read(), tensor).toEqual(read());
    }
    expect(importPeft(dir, shape)).toEqual(adapter);
    const config = JSON.parse(readFileSync(path.join(dir, 'adapter_config.json'), 'utf8')) as Record<string, unknown>;
    expect(config).toMatchObject({ peft_type: 'LORA', r: adapter.rank, lora_alpha: adapter.alpha, base_model_name_or_path: 'some/base' });
    expect(config['target_modules']).toHaveLength(7);
  });

  it('leaves layers that it does not cover as they are, ready to be trained', () => {
    const { values, alpha } = importPeft(path.join(HERE, 'llama-partial'), shapeFor('llama'));
    expect(alpha).toBeCloseTo(4 * Math.SQRT2, 12);
    expect(values.get('blk.1.ffn_up.weight.lora_b')!.every((x) => x === 0)).toBe(true);
    expect(values.get('blk.1.ffn_up.weight.lora_a')!.some((x) => x !== 0)).toBe(true);
    expect(values.get('blk.1.attn_v.weight.lora_b')!.some((x) => x !== 0)).toBe(true);
  });

  it('of another architecture is refused where the extents tell', () => {
    const shape = { ...shapeFor('llama'), kvHeads: 4 };
    expect(() => importPeft(path.join(HERE, 'llama'), shape)).toThrow(/belongs to another model/);
  });
});

describe('a trained adapter', () => {
  const files = new Map<string, { gguf: string; peft: string; logprobs: readonly Float32Array[] }>();
  beforeAll(async () => {
    for (const model of ['llama', 'qwen2', 'qwen3']) {
      const { rank, alpha } = importPeft(path.join(HERE, model), shapeFor(model));
      await using engine = await open(model, path.join(HERE, model), rank, alpha);
      await logprobs(engine);
      await engine.optimStep({ lr: 0.01, beta1: 0.9, beta2: 0.999, eps: 1e-8, weightDecay: 0, gradClip: 1 });
      const gguf = path.join(home.path, `${model}.gguf`);
      const peft = path.join(home.path, `${model}-peft`);
      await engine.exportModel(gguf);
      await engine.exportModel(peft, 'peft');
      files.set(model, { gguf, peft, logprobs: await logprobs(engine) });
    }
  });

  it.each(['llama', 'qwen2', 'qwen3'])('of a %s model is the same from GGUF and from PEFT', (model) => {
    const { gguf, peft } = files.get(model)!;
    expect(readAdapter(peft, shapeFor(model))).toEqual(readAdapter(gguf, shapeFor(model)));
    expect(readGguf(gguf).metadata.get('general.architecture')).toBe(model);
  });

  it('is loaded by node-llama-cpp alone, with the same probabilities and greedy tokens', async () => {
    const jobs = [...files].flatMap(([model, { gguf }]) =>
      [gguf, null].flatMap((adapter) => wanted.rows.slice(0, 2).map((tokens) => ({ model: modelOf(model), adapter, tokens }))),
    );
    const script = path.join(import.meta.dirname, 'llama-alone.mjs');
    const { stdout } = await promisify(execFile)(process.execPath, [script, JSON.stringify(jobs)], { maxBuffer: 1 << 24 });
    const results = JSON.parse(stdout) as { probabilities: number[]; greedy: number[] }[];
    [...files].forEach(([model, ours], m) => {
      const own = results.slice(m * 4, m * 4 + 4).map(({ probabilities }) => probabilities.map(Math.log));
      expect(
        largest(
          own.slice(0, 2),
          ours.logprobs.slice(0, 2).map((row) => row),
        ),
        model,
      ).toBeLessThan(1e-3);
      expect(largest(own.slice(2), wanted.base[model]!.slice(0, 2)), model).toBeLessThan(1e-3);
    });
    for (const [m, model] of [...files.keys()].entries()) {
      await using engine = await open(
        model,
        files.get(model)!.gguf,
        model === 'qwen3' ? 2 : 3,
        readAdapter(files.get(model)!.gguf, shapeFor(model)).alpha,
      );
      const row = wanted.rows[0]!;
      const next = await Promise.all(
        row.slice(0, -1).map(async (_, i) => {
          const [[sequence] = []] = await engine.sample([{ prompt: row.slice(0, i + 1), n: 1, maxTokens: 1, temperature: 0, seed: 0 }]);
          return sequence!.tokens[0];
        }),
      );
      expect(results[m * 4]!.greedy, model).toEqual(next);
    }
  });

  it('samples the same through libllama, from a PEFT folder too', async () => {
    const { gguf, peft } = files.get('llama')!;
    const greedy = async (adapter: string, sampler: 'graph' | 'llama'): Promise<unknown> => {
      const shown = { ...options(modelOf('llama'), { mode: 'lora', adapter, contextLength: 64 }), inference: true };
      await using engine = await openGgmlEngine(shown, { sampler });
      const [[sequence] = []] = await engine.sample([{ prompt: wanted.rows[0]!, n: 1, maxTokens: 8, temperature: 0, seed: 0 }]);
      return sequence!.tokens;
    };
    const first = await greedy(gguf, 'graph');
    expect(await greedy(peft, 'graph')).toEqual(first);
    expect(await greedy(peft, 'llama')).toEqual(first);
    expect(await greedy(gguf, 'llama')).toEqual(first);
  });

  it('is not written as PEFT when all weights are trained', async () => {
    await using engine = await openGgmlEngine(options(modelOf('llama'), { contextLength: 64 }));
    await expect(engine.exportModel(path.join(home.path, 'full'), 'peft')).rejects.toThrow(/trains all weights.*GGUF/);
  });

  it('keeps what was there when it cannot be written', () => {
    const dir = path.join(home.path, 'kept');
    mkdirSync(dir);
    cpSync(path.join(HERE, 'llama'), dir, { recursive: true });
    const shape = shapeFor('llama');
    expect(() => exportPeft(dir, shape, { rank: 3, alpha: 6 }, new Map())).toThrow(RangeError);
    expect(importPeft(dir, shape)).toEqual(importPeft(path.join(HERE, 'llama'), shape));
    expect(() => writeAdapter(path.join(dir, 'a.gguf'), shape, { rank: 3, alpha: 6 }, new Map())).toThrow(RangeError);
  });
});
