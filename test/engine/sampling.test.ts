/** Sampling: a completion depends on weights, prompt, temperature, seed and index only; stops, cuts, limits; both samplers. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openGgmlEngine } from '../../src/engine/ggml/engine.ts';
import { draw, largest, pick, uniformAt } from '../../src/engine/ggml/random.ts';
import { EngineError, type Engine, type SampleRequest } from '../../src/engine/ports.ts';
import { datum, EOS, folder, numbers, options, SHAPE, writeTiny } from './models.ts';

const home = folder();
let model = '';
beforeAll(() => {
  model = writeTiny(`${home.path}/tiny.gguf`);
});
afterAll(() => home[Symbol.dispose]());

function requests(count: number, seed = 3): SampleRequest[] {
  const next = numbers(seed);
  return Array.from({ length: count }, (_, i) => ({
    prompt: Array.from({ length: 4 + Math.floor(next() * 50) }, () => Math.floor(next() * 256)),
    n: 1 + Math.floor(next() * 6),
    maxTokens: 3 + Math.floor(next() * 25),
    temperature: i % 4 === 3 ? 0 : 1 + 0.5 * (i % 2),
    seed: 1000 * i + 2 ** 40,
  }));
}

describe.each(['graph', 'llama'] as const)('the %s sampler', (sampler) => {
  const open = (more: Parameters<typeof options>[1] = {}): Promise<Engine> =>
    openGgmlEngine(options(model, { mode: 'lora', ...more }), { sampler });

  it('gives every request its completions, and the same bits again with one thread', async () => {
    const wanted = requests(9);
    const runs = [];
    for (let i = 0; i < 2; i++) {
      await using engine = await open();
      runs.push(await engine.sample(wanted));
    }
    const [first, second] = runs;
    expect(second).toEqual(first);
    expect(first?.map((s) => s.length)).toEqual(wanted.map((r) => r.n));
    first?.forEach((sequences, r) =>
      sequences.forEach((s) => {
        expect(s.tokens).toHaveLength(s.logprobs.length);
        expect(s.tokens.length <= (wanted[r]?.maxTokens ?? 0)).toBe(true);
        expect(s.stopReason).toBe(s.tokens.at(-1) === EOS ? 'stop' : 'length');
        expect(s.logprobs.every((lp) => lp <= 0)).toBe(true);
      }),
    );
  });

  it('reports the log-probabilities that the trainer computes', async () => {
    await using engine = await open();
    const wanted = requests(6).map((r) => ({ ...r, temperature: 1 }));
    const sampled = await engine.sample(wanted);
    const data = sampled.flatMap((all, r) => all.map((s) => datum(wanted[r]?.prompt ?? [], s.tokens, s.logprobs, 1)));
    const { logprobs, metrics } = await engine.forwardBackward(data, { kind: 'reinforce', normaliser: 10 });
    // libllama keeps keys and values in half precision.
    expect(metrics['mismatch/max']).toBeLessThan(sampler === 'graph' ? 1e-4 : 0.05);
    logprobs.forEach((lp, i) => lp.forEach((x, k) => expect(Math.abs(x - (data[i]?.logprobs[k] ?? 0))).toBeLessThan(0.05)));
  });

  it('uses the new weights after a step', async () => {
    await using engine = await open();
    const [request] = requests(1).map((r) => ({ ...r, n: 4, temperature: 1, maxTokens: 8 }));
    if (request === undefined) throw new Error('no request');
    const [before = []] = await engine.sample([request]);
    const data = before.map((s) => datum(request.prompt, s.tokens, s.logprobs, 1));
    for (let i = 0; i < 5; i++) {
      await engine.forwardBackward(data, { kind: 'cross_entropy', normaliser: 8 });
      await engine.optimStep({ lr: 0.02, beta1: 0.9, beta2: 0.99, eps: 1e-8, weightDecay: 0, gradClip: 1 });
    }
    const again = await engine.forwardBackward(data, { kind: 'cross_entropy', normaliser: 1 });
    expect(-again.loss).toBeGreaterThan(before.flatMap((s) => s.logprobs).reduce((a, b) => a + b, 0));
    const [after = []] = await engine.sample([request]);
    expect(after[0]?.policyVersion).toBe(5);
    expect(after).not.toEqual(before.map((s) => ({ ...s, policyVersion: 5 })));
  });

  it('stops at stop texts across tokens, at a cut, and at the end of the context', async () => {
    await using engine = await open({ contextLength: 64 });
    const base = { prompt: engine.tokenize('let b=1;'), n: 1, maxTokens: 40, temperature: 1, seed: 11 };
    const [[free] = []] = await engine.sample([base]);
    const text = engine.detokenize((free?.tokens ?? []).slice(2, 4));
    const [[stopped] = []] = await engine.sample([{ ...base, stop: ['never there', text] }]);
    expect(stopped?.stopReason).toBe('stop');
    expect(engine.detokenize(stopped?.tokens ?? [])).toContain(text);
    expect(free?.tokens.slice(0, stopped?.tokens.length)).toEqual(stopped?.tokens);
    let seen = 0;
    const [[cut] = []] = await engine.sample([base], { onToken: () => ++seen < 3 });
    expect(cut).toMatchObject({ stopReason: 'cut', tokens: free?.tokens.slice(0, 3) });
    const [[full] = []] = await engine.sample([{ ...base, prompt: Array.from({ length: 60 }, () => 65), maxTokens: 500 }]);
    expect(full?.tokens.length).toBeLessThanOrEqual(4);
  });

  it('takes requests that follow while others run: the same bits however long each takes to come', async () => {
    const first = requests(7);
    const after = (request: number, index: number): SampleRequest[] =>
      index > 0 ? [] : requests(2, 100 + request).map((r) => ({ ...r, prompt: r.prompt.slice(0, 20) }));
    const play = async (delay: (call: number) => number): Promise<unknown> => {
      await using engine = await open({ parallel: 5 });
      let calls = 0;
      let last = Promise.resolve();
      const order: string[] = [];
      const sequences = await engine.sample(first, {
        onSequence: (request, index) => order.push(`${request}.${index}`),
        more: (request, index) => {
          if (request >= first.length) return undefined;
          const late = new Promise<void>((resolve) => setTimeout(resolve, delay(calls++)));
          last = last.then(() => late);
          return last.then(() => after(request, index));
        },
      });
      return sampler === 'llama' ? { sequences, order } : sequences;
    };
    const next = numbers(5);
    const [slow, mixed, quick] = [await play((call) => (call < 3 ? 25 : 1)), await play(() => Math.floor(next() * 8)), await play(() => 0)];
    expect(mixed).toEqual(slow);
    expect(quick).toEqual(slow);
  });

  it('samples after a restored state what it samples without the interruption, whatever was sampled between', async () => {
    using state = folder();
    const [a, b, c] = [requests(3, 21), requests(5, 22), requests(6, 23)];
    const step = { lr: 0.05, beta1: 0.9, beta2: 0.99, eps: 1e-8, weightDecay: 0, gradClip: 1 };
    await using whole = await open();
    const sampled = await whole.sample(a);
    await whole.forwardBackward(
      sampled.flatMap((all, r) => all.map((s) => datum(a[r]?.prompt ?? [], s.tokens, s.logprobs, 1))),
      { kind: 'cross_entropy', normaliser: 8 },
    );
    await whole.optimStep(step);
    await whole.saveState(state.path);
    await whole.sample(b);
    const uninterrupted = await whole.sample(c);
    await using resumed = await open();
    await resumed.loadState(state.path);
    expect(await resumed.sample(c)).toEqual(uninterrupted);
    expect(uninterrupted[0]?.[0]?.policyVersion).toBe(1);
  });

  it('serves followers of followers on two threads, each under its number', async () => {
    await using engine = await open({ threads: 2, parallel: 4 });
    const first = requests(5);
    const depth = new Map<number, number>(first.map((_, i) => [i, 0]));
    let given = first.length;
    const sampled = await engine.sample(first, {
      more: (request, index) => {
        const level = depth.get(request) ?? 9;
        if (index > 0 || level > 2) return undefined;
        depth.set(given++, level + 1);
        const follower = { ...(first[0] as SampleRequest), n: level + 1, maxTokens: 2 + level, temperature: 1 };
        return new Promise((resolve) => setTimeout(() => resolve([follower]), (7 * request) % 4));
      },
    });
    expect(sampled.length).toBe(given);
    sampled.forEach((sequences, request) => {
      const level = depth.get(request) ?? 0;
      expect(sequences.length).toBe(level === 0 ? first[request]?.n : level);
      for (const s of sequences) expect(s.tokens.length).toBeLessThanOrEqual(level === 0 ? 99 : 1 + level);
    });
    expect(Math.max(...depth.values())).toBe(3);
  });

  it('ends with the error of a request that cannot come or is wrong, and goes on afterwards', async () => {
    await using engine = await open();
    const wanted = requests(4);
    const before = await engine.sample(wanted);
    await expect(engine.sample(wanted, { more: () => Promise.reject(new Error('no verdict')) })).rejects.toThrow('no verdict');
    const empty = { ...(wanted[0] as SampleRequest), prompt: [] };
    await expect(engine.sample(wanted, { more: () => Promise.resolve([empty]) })).rejects.toThrow(/empty prompt/);
    expect(await engine.sample(wanted, { more: () => Promise.resolve([]) })).toEqual(before);
    expect(await engine.sample([], { more: () => undefined })).toEqual([]);
  });
});

it('a request that follows gets the bits it gets alone, on any number of threads', async () => {
  const [first, ...rest] = requests(6).map((r) => ({ ...r, n: 2 }));
  if (first === undefined) throw new Error('no request');
  await using one = await openGgmlEngine(options(model));
  const apart = await one.sample([first, ...rest]);
  const follow = (request: number, index: number): Promise<SampleRequest[]> | undefined =>
    request === 0 && index === 0 ? Promise.resolve(rest) : undefined;
  expect(await one.sample([first], { more: follow })).toEqual(apart);
  await using two = await openGgmlEngine(options(model, { threads: 2, parallel: 4 }));
  expect(await two.sample([first], { more: follow })).toEqual(apart);
});

it('a datum of another policy version is refused before anything is computed', async () => {
  await using engine = await openGgmlEngine(options(model));
  const data = [{ ...datum([1, 2, 3], [4, 5], [-1, -1], 1), policyVersion: 1 }];
  const loss = { kind: 'reinforce', normaliser: 1 } as const;
  await expect(engine.forwardBackward(data, loss)).rejects.toMatchObject({ name: 'EngineError', code: 'stale' });
  await expect(
    engine.forwardBackward(
      data.map((d) => ({ ...d, policyVersion: 0 })),
      loss,
    ),
  ).resolves.toBeDefined();
});

it('the graph sampler gives the same bits whatever else is in the batch, and with any number of threads', async () => {
  const wanted = requests(12);
  await using one = await openGgmlEngine(options(model));
  const together = await one.sample(wanted);
  for (const [r, request] of wanted.entries()) {
    const [alone = []] = await one.sample([{ ...request, n: 1 }]);
    expect(alone[0]).toEqual(together[r]?.[0]);
  }
  await using two = await openGgmlEngine(options(model, { threads: 2, parallel: 6 }));
  expect(await two.sample(wanted)).toEqual(together);
});

it('both samplers draw the same tokens from the same seeds', async () => {
  const wanted = requests(5).map((r) => ({ ...r, maxTokens: 4 }));
  await using graph = await openGgmlEngine(options(model, { mode: 'lora' }), { sampler: 'graph' });
  await using llama = await openGgmlEngine(options(model, { mode: 'lora' }), { sampler: 'llama' });
  const tokens = (all: Awaited<ReturnType<Engine['sample']>>): unknown => all.map((s) => s.map((x) => x.tokens));
  expect(tokens(await llama.sample(wanted))).toEqual(tokens(await graph.sample(wanted)));
});

it('refuses prompts that do not fit, with a sentence that says what to do', async () => {
  await using engine = await openGgmlEngine(options(model));
  const base = { n: 1, maxTokens: 4, temperature: 1, seed: 1 };
  await expect(engine.sample([{ ...base, prompt: Array.from({ length: SHAPE.context }, () => 1) }])).rejects.toThrow(
    /128 tokens.*[Ss]horten the prompt/,
  );
  await expect(engine.sample([{ ...base, prompt: [] }])).rejects.toThrow(EngineError);
  await expect(engine.sample([{ ...base, prompt: [9999] }])).rejects.toThrow(/outside the vocabulary/);
  await expect(engine.sample([{ ...base, prompt: [1], temperature: Number.NaN }])).rejects.toThrow(/temperature/);
  await expect(
    engine.sample([{ ...base, prompt: [1], n: 3, maxTokens: 50 }], { signal: AbortSignal.abort(new Error('stop now')) }),
  ).rejects.toThrow('stop now');
  expect(await engine.sample([{ ...base, prompt: [1] }])).toHaveLength(1);
});

it('an error in a callback ends the call with every thread at rest', async () => {
  await using engine = await openGgmlEngine(options(model, { threads: 2 }));
  const wanted = requests(12);
  const before = await engine.sample(wanted);
  let seen = 0;
  const broken = engine.sample(wanted, {
    onToken: () => {
      if (++seen === 20) throw new Error('broken callback');
    },
  });
  const [first, second] = await Promise.allSettled([broken, engine.sample(wanted)]);
  expect(first).toMatchObject({ status: 'rejected', reason: { message: 'broken callback' } });
  expect(second).toEqual({ status: 'fulfilled', value: before });
});

it('draws follow the distribution and uniform numbers do not repeat', () => {
  const logits = Float32Array.of(0, 1, 2, -Infinity);
  const scratch = new Float64Array(4);
  const counts = [0, 0, 0, 0];
  const n = 20_000;
  const seen = new Set<number>();
  for (let i = 0; i < n; i++) {
    const u = uniformAt(42, i % 100, Math.floor(i / 100));
    seen.add(u);
    const { token, logprob } = draw(logits, 1, u, scratch);
    counts[token] = (counts[token] ?? 0) + 1;
    expect(Math.abs(logprob - ((logits[token] ?? 0) - Math.log(1 + Math.E + Math.E ** 2)))).toBeLessThan(1e-6);
  }
  expect(seen.size).toBe(n);
  [0.09, 0.2447, 0.6652, 0].forEach((p, i) => expect(Math.abs((counts[i] ?? 0) / n - p)).toBeLessThan(0.012));
  expect(draw(logits, 0, 0.999, scratch).token).toBe(2);
});

it('picks the entry at a quantile, whatever the length, and never one of probability 0', () => {
  const next = numbers(9);
  for (const length of [1, 2, 511, 512, 513, 1024, 5000]) {
    const raw = Array.from({ length }, (_, i) => (i % 7 === 3 ? 0 : next() ** 4));
    const total = raw.reduce((a, b) => a + b, 0);
    const p = Float32Array.from(raw, (x) => x / total);
    const quantiles = [0, 1e-12, 1 - 2 ** -53, ...Array.from({ length: 200 }, next)];
    for (const u of quantiles) {
      const token = pick(p, u);
      expect(p[token]).toBeGreaterThan(0);
      const below = p.subarray(0, token).reduce((a, b) => a + b, 0);
      expect(below).toBeLessThanOrEqual(u + 1e-6);
      expect(below + (p[token] ?? 0)).toBeGreaterThanOrEqual(u - 1e-6);
    }
  }
  expect(pick(Float32Array.of(0.25, 0.25, 0, 0), 0.9)).toBe(1);
  expect(largest(Float32Array.of(-3, 5, 5, 1))).toBe(1);
});

it('the libllama sampler: rows of every temperature side by side give what the trainer gives for each', async () => {
  await using engine = await openGgmlEngine(options(model, { mode: 'lora' }), { sampler: 'llama' });
  // Prompts that share their beginning, one that is another's beginning, and one twice.
  const long = numbers(4);
  const base = Array.from({ length: 60 }, () => Math.floor(long() * 256));
  const prompts = [base, [...base.slice(0, 40), 7, 8], base.slice(0, 20), base, base.slice(0, 20)];
  const temperatures = [1, 0, 0.7, 1.5, 1];
  const wanted = prompts.map((prompt, i) => ({ prompt, n: 2, maxTokens: 6, temperature: temperatures[i] ?? 1, seed: i }));
  const sampled = await engine.sample(wanted);
  const data = sampled.flatMap((all, r) => all.map((s) => datum(prompts[r] ?? [], s.tokens, s.logprobs, 1)));
  const { logprobs } = await engine.forwardBackward(data, { kind: 'cross_entropy', normaliser: 1 });
  sampled.forEach((all, r) =>
    all.forEach((s, j) =>
      s.logprobs.forEach((lp, k) => {
        const trained = logprobs[2 * r + j]?.[(prompts[r]?.length ?? 0) - 1 + k] ?? 0;
        if (temperatures[r] === 0 || temperatures[r] === 1) expect(Math.abs(lp - trained)).toBeLessThan(0.02);
        else expect(lp).not.toBeCloseTo(trained, 3);
      }),
    ),
  );
  expect(sampled[1]?.[0]?.tokens).toEqual(sampled[1]?.[1]?.tokens);
});
