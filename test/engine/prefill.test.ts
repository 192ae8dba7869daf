/** Prompts side by side: how many tokens and calls of llama.cpp they take, and that what follows them is right. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { closeDevice, openDevice } from '../../src/engine/ggml/backend.ts';
import { openGgmlEngine } from '../../src/engine/ggml/engine.ts';
import { bindLlama, loadLlamaModel, type Llama, type NativeBatch } from '../../src/engine/ggml/llama.ts';
import { LlamaDecoder } from '../../src/engine/ggml/llama-decoder.ts';
import { Softmax } from '../../src/engine/ggml/softmax.ts';
import { datum, folder, numbers, options, SHAPE, writeTiny } from './models.ts';

const home = folder();
const LONG = { ...SHAPE, context: 1024 };
let model = '';
beforeAll(() => {
  model = writeTiny(`${home.path}/tiny.gguf`, LONG);
});
afterAll(() => home[Symbol.dispose]());

const next = numbers(17);
const words = (count: number): number[] => Array.from({ length: count }, () => Math.floor(next() * 256));

/** A decoder that notes how many tokens each call of llama.cpp computes. */
function counted(slots: number): { decoder: LlamaDecoder; calls: number[]; [Symbol.dispose](): void } {
  const device = openDevice('cpu', 1);
  const l = bindLlama(device.g.build);
  const native = loadLlamaModel(l, model, false, false);
  const calls: number[] = [];
  const decode = (context: unknown, batch: NativeBatch, ...rest: unknown[]): unknown => {
    calls.push(batch.n_tokens);
    return (l.decode.async as (...args: unknown[]) => unknown)(context, batch, ...rest);
  };
  const noted = { ...l, decode: Object.assign(() => undefined, { async: decode }) } as unknown as Llama;
  const softmax = new Softmax(device.g, device.lanes[0] as bigint, LONG.vocabulary);
  const decoder = new LlamaDecoder(noted, native, softmax, { slots, context: LONG.context, vocabulary: LONG.vocabulary, threads: 1 });
  return {
    decoder,
    calls,
    [Symbol.dispose]: () => {
      decoder.dispose();
      l.freeModel(native);
      closeDevice(device);
    },
  };
}

/** The likeliest token after each prompt, and its log-probability. */
async function after(
  decoder: LlamaDecoder,
  prompts: readonly (readonly number[])[],
  first = 0,
): Promise<{ token: number; logprob: number }[]> {
  const out: { token: number; logprob: number }[] = [];
  await decoder.prefill(
    prompts.map((tokens) => ({ tokens, temperature: 0 })),
    first,
    (prompt, distributions, row) => (out[prompt] = distributions.draw(row, 0, 0)),
  );
  return out;
}

const near = (found: readonly { token: number; logprob: number }[], wanted: readonly { token: number; logprob: number }[]): void => {
  expect(found.map(({ token }) => token)).toEqual(wanted.map(({ token }) => token));
  found.forEach(({ logprob }, i) => expect(Math.abs(logprob - (wanted[i]?.logprob ?? NaN))).toBeLessThan(0.02));
};

describe('prompts side by side', () => {
  it('go into as few calls as their tokens need', async () => {
    using one = counted(16);
    const prompts = Array.from({ length: 16 }, () => words(64));
    const together = await after(one.decoder, prompts);
    expect(one.calls).toEqual([512, 512]);
    one.decoder.begin();
    for (const [i, prompt] of prompts.entries()) near(await after(one.decoder, [prompt]), [together[i] ?? { token: -1, logprob: NaN }]);
  });

  it('share what they begin with: it is computed once', async () => {
    using one = counted(12);
    const [a, b] = [words(100), words(90)];
    const prompts = Array.from({ length: 12 }, (_, i) => [...(i % 2 === 0 ? a : b), ...words(5 + i)]);
    const shared = await after(one.decoder, prompts);
    // One prompt of each kind, then what is new in the others.
    const rest = [...Array(10).keys()].reduce((sum, i) => sum + 7 + i, 0);
    expect(one.calls).toEqual([100 + 5 + 90 + 6, rest]);
    one.calls.length = 0;
    // A slot that is free again still holds a prompt of the kind; a prompt known whole costs its last token.
    const more = [...a, ...words(3)];
    const again = await after(one.decoder, [more, prompts[5] as number[]], 4);
    expect(one.calls).toEqual([3 + 1]);
    one.decoder.begin();
    near(await after(one.decoder, prompts.slice(0, 1)), shared.slice(0, 1));
    for (const i of [1, 6, 11]) {
      one.decoder.begin();
      near(await after(one.decoder, [prompts[i] as number[]]), [shared[i] ?? { token: -1, logprob: NaN }]);
    }
    one.decoder.begin();
    near(again.slice(0, 1), await after(one.decoder, [more]));
    near(again.slice(1), shared.slice(5, 6));
  });

  it('may be longer than a call, of any lengths', async () => {
    using one = counted(8);
    const prompts = [700, 3, 1, 515, 512, 200, 1000, 64].map(words);
    const together = await after(one.decoder, prompts);
    expect(Math.max(...one.calls)).toBeLessThanOrEqual(512);
    expect(one.calls.reduce((a, n) => a + n, 0)).toBe(prompts.reduce((a, p) => a + p.length, 0));
    for (const [i, prompt] of prompts.entries()) {
      one.decoder.begin();
      near(await after(one.decoder, [prompt]), [together[i] ?? { token: -1, logprob: NaN }]);
    }
  });
});

describe.each(['graph', 'llama'] as const)('the %s sampler', (sampler) => {
  it.each([
    [3, 1],
    [3, 2],
    [7, 2],
    [64, 2],
  ])('with room for %i sequences on %i threads completes every prompt as the trainer sees it', async (parallel, threads) => {
    await using engine = await openGgmlEngine(options(model, { mode: 'lora', parallel, threads, contextLength: 256 }), { sampler });
    const template = words(40);
    const requests = [1, 8, 2, 5, 1, 3].map((n, i) => ({
      prompt: i % 3 === 0 ? words(20 + i) : [...template, ...words(1 + 2 * i)],
      ...{ n, maxTokens: 1 + ((3 * i) % 7), temperature: 1, seed: i },
    }));
    const sampled = await engine.sample(requests);
    expect(sampled.map((all) => all.length)).toEqual(requests.map(({ n }) => n));
    const data = sampled.flatMap((all, r) => all.map((s) => datum(requests[r]?.prompt ?? [], s.tokens, s.logprobs, 1)));
    const { metrics } = await engine.forwardBackward(data, { kind: 'reinforce', normaliser: 10 });
    expect(metrics['mismatch/max']).toBeLessThan(sampler === 'graph' ? 1e-4 : 0.05);
  });
});
