/** Saved state restores a run bit for bit; exports load again; misuse is answered with an EngineError. */
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openGgmlEngine } from '../../src/engine/ggml/engine.ts';
import type { Engine, OptimParams, SampleRequest } from '../../src/engine/ports.ts';
import { scriptedEngine } from '../../src/engine/scripted.ts';
import { datum, folder, options, SHAPE, writeTiny } from './models.ts';

const home = folder();
let model = '';
beforeAll(() => {
  model = writeTiny(`${home.path}/tiny.gguf`);
});
afterAll(() => home[Symbol.dispose]());

const ADAM: OptimParams = { lr: 3e-3, beta1: 0.9, beta2: 0.95, eps: 1e-8, weightDecay: 0.01, gradClip: 1 };
const request = (engine: Engine, seed: number): SampleRequest => ({
  prompt: engine.tokenize('let b=a.slice(1);return b'),
  n: 4,
  maxTokens: 12,
  temperature: 1,
  seed,
});

/** One self-play step; its numbers are a fingerprint of weights, moments and seeds. */
async function step(engine: Engine, seed: number): Promise<unknown> {
  const ask = request(engine, seed);
  const [sampled = []] = await engine.sample([ask]);
  const data = sampled.map((s, i) => datum(ask.prompt, s.tokens, s.logprobs, i % 2 === 0 ? 1 : -1));
  const result = await engine.forwardBackward(data, { kind: 'reinforce', normaliser: 20, importanceCap: 2 });
  const { gradNorm } = await engine.optimStep(ADAM);
  return { sampled, loss: result.loss, metrics: result.metrics, gradNorm, version: engine.policyVersion };
}

describe.each(['full', 'lora'] as const)('in %s mode', (mode) => {
  it('a restored run goes on as if nothing had happened', async () => {
    using dir = folder();
    await using engine = await openGgmlEngine(options(model, { mode }));
    await step(engine, 1);
    await step(engine, 2);
    await engine.saveState(dir.path);
    const straight = [await step(engine, 3), await step(engine, 4)];
    await using other = await openGgmlEngine(options(model, { mode, seed: 99 }));
    await step(other, 50);
    await other.loadState(dir.path);
    expect(other.policyVersion).toBe(2);
    expect([await step(other, 3), await step(other, 4)]).toEqual(straight);
  });

  it('refuses a damaged checkpoint and one of another model, and stays usable', async () => {
    using dir = folder();
    await using engine = await openGgmlEngine(options(model, { mode }));
    await engine.saveState(dir.path);
    expect(readdirSync(dir.path).sort()).toEqual(['state.bin', 'state.json']);
    const data = readFileSync(`${dir.path}/state.bin`);
    data[1000] = (data[1000] ?? 0) ^ 1;
    writeFileSync(`${dir.path}/state.bin`, data);
    await expect(engine.loadState(dir.path)).rejects.toMatchObject({
      code: 'corrupt',
      message: expect.stringMatching(/checksum.*earlier checkpoint/),
    });
    await expect(engine.loadState(`${dir.path}/none`)).rejects.toMatchObject({ code: 'corrupt' });
    await using other = await openGgmlEngine(options(writeTiny(`${dir.path}/other.gguf`, SHAPE, 2), { mode }));
    await other.saveState(dir.path);
    await expect(engine.loadState(dir.path)).rejects.toThrow(/another model/);
    await step(engine, 1);
  });

  it('reads a state with the checksum of earlier versions, and refuses it when that does not match', async () => {
    using dir = folder();
    await using engine = await openGgmlEngine(options(model, { mode }));
    await step(engine, 1);
    await engine.saveState(dir.path);
    const file = `${dir.path}/state.json`;
    const { crc32: _, ...header } = JSON.parse(readFileSync(file, 'utf8')) as Record<string, unknown>;
    const sha256 = createHash('sha256')
      .update(readFileSync(`${dir.path}/state.bin`))
      .digest('hex');
    writeFileSync(file, JSON.stringify({ ...header, format: 1, sha256 }));
    await using other = await openGgmlEngine(options(model, { mode, seed: 99 }));
    await other.loadState(dir.path);
    expect(await step(other, 2)).toEqual(await step(engine, 2));
    writeFileSync(file, JSON.stringify({ ...header, format: 1, sha256: sha256.replace(/^./, (x) => (x === '0' ? '1' : '0')) }));
    await expect(other.loadState(dir.path)).rejects.toThrow(/checksum/);
  });

  it('what it exports samples the same as the engine itself', async () => {
    await using engine = await openGgmlEngine(options(model, { mode }));
    await step(engine, 1);
    const file = `${home.path}/export-${mode}.gguf`;
    await engine.exportModel(file);
    const tokens = (all: Awaited<ReturnType<Engine['sample']>>): unknown =>
      all.map((s) => s.map((x) => ({ tokens: x.tokens, logprobs: x.logprobs })));
    const wanted = tokens(await engine.sample([request(engine, 8)]));
    const more = mode === 'full' ? {} : { adapter: file };
    await using again = await openGgmlEngine(options(mode === 'full' ? file : model, { mode, inference: true, ...more }));
    expect(again.info).toMatchObject({ dialect: 'nano', trainable: 0, vocabularySize: SHAPE.vocabulary });
    expect(tokens(await again.sample([request(again, 8)]))).toEqual(wanted);
    await expect(step(again, 1)).rejects.toThrow(/inference only/);
  });
});

it('answers misuse with a sentence', async () => {
  const engine = await openGgmlEngine(options(model));
  await expect(engine.optimStep(ADAM)).rejects.toMatchObject({ code: 'stale' });
  const long = datum(
    [1, 2],
    Array.from({ length: 200 }, () => 3),
    [],
    1,
  );
  await expect(engine.forwardBackward([long], { kind: 'cross_entropy', normaliser: 1 })).rejects.toThrow(
    /longer than the model's context of 128/,
  );
  await expect(engine.forwardBackward([datum([1, 2], [7777], [], 1)], { kind: 'cross_entropy', normaliser: 1 })).rejects.toThrow(
    /outside the vocabulary/,
  );
  await expect(engine.forwardBackward([], { kind: 'cross_entropy', normaliser: 0 })).rejects.toThrow(/normaliser/);
  const nothing = await engine.forwardBackward([], { kind: 'cross_entropy', normaliser: 1 });
  expect(nothing).toMatchObject({ loss: 0, logprobs: [] });
  await engine[Symbol.asyncDispose]();
  await engine[Symbol.asyncDispose]();
  await expect(engine.sample([])).rejects.toThrow(/closed/);
});

it('refuses a gradient that is not finite and keeps the weights', async () => {
  await using engine = await openGgmlEngine(options(model));
  const before = await engine.sample([request(engine, 1)]);
  await expect(engine.forwardBackward([datum([1, 2, 3], [4, 5], [], Number.NaN)], { kind: 'reinforce', normaliser: 1 })).rejects.toThrow(
    /not a finite number/,
  );
  await expect(engine.optimStep(ADAM)).rejects.toMatchObject({ code: 'stale' });
  expect(await engine.sample([request(engine, 1)])).toEqual(before);
  await step(engine, 1);
  expect(engine.policyVersion).toBe(1);
});

it('calls that overlap wait for each other', async () => {
  await using engine = await openGgmlEngine(options(model));
  const [a, b] = await Promise.all([step(engine, 1), engine.sample([request(engine, 2)])]);
  expect(a).toBeDefined();
  expect(b[0]).toHaveLength(4);
});

it('the scripted engine learns, keeps its state, and holds to the port', async () => {
  using dir = folder();
  await using engine = scriptedEngine({ replies: (prompt) => (prompt === 'two?' ? ['<answer>2</answer>', '<answer>3</answer>'] : ['no']) });
  const ask = { prompt: engine.tokenize('two?'), n: 40, maxTokens: 30, temperature: 1, seed: 1, stop: ['</answer>'] };
  const right = (s: readonly { tokens: readonly number[] }[]): number => s.filter((x) => engine.detokenize(x.tokens).includes('2')).length;
  const [first = []] = await engine.sample([ask]);
  expect(await engine.sample([ask])).toEqual([first]);
  expect(right(first)).toBeGreaterThan(8);
  expect(right(first)).toBeLessThan(32);
  for (let i = 0; i < 30; i++) {
    const [sampled = []] = await engine.sample([{ ...ask, seed: i }]);
    const data = sampled.map((s) => datum(ask.prompt, s.tokens, s.logprobs, right([s]) > 0 ? 1 : -1));
    await engine.forwardBackward(data, { kind: 'reinforce', normaliser: 40 });
    await engine.optimStep({ ...ADAM, lr: 1, gradClip: 0 });
  }
  await engine.saveState(dir.path);
  const [last = []] = await engine.sample([{ ...ask, seed: 77 }]);
  expect(right(last)).toBeGreaterThan(36);
  await using other = scriptedEngine({ replies: () => ['<answer>2</answer>', '<answer>3</answer>'] });
  await other.loadState(dir.path);
  expect(await other.sample([{ ...ask, seed: 77 }])).toEqual([last]);
  await expect(other.optimStep(ADAM)).rejects.toMatchObject({ code: 'stale' });
});
