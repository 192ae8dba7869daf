/** The engine port on a scripted Tinker server: both generations, sequence numbers, sampling to the port's rules, state, export. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { datumOf } from '../../src/core/datum.ts';
import { readAdapter } from '../../src/engine/ggml/adapter.ts';
import { openGgmlEngine } from '../../src/engine/ggml/engine.ts';
import { readGguf } from '../../src/engine/ggml/gguf.ts';
import { shapeOf } from '../../src/engine/ggml/shape.ts';
import { EngineError, type Engine, type SampleRequest } from '../../src/engine/ports.ts';
import { split } from '../../src/engine/tinker/engine.ts';
import { encodePass } from '../../src/engine/tinker/proto.ts';
import { RECORDS, refuseIgnored, SERVERS } from '../../src/engine/tinker/servers.ts';
import { EOS, folder, options } from '../engine/models.ts';
import { ALPHA, EmbeddedModel } from './embedded.ts';
import { handleSilently } from './faults.ts';
import { BASE, openTinker, tiny, type OpenOptions } from './harness.ts';
import { ScriptedTinker, type SampleAsk, type ServedSequence, type ServerOptions } from './server.ts';
import { TableModel } from './table.ts';

const LOSS = { kind: 'reinforce', normaliser: 4, importanceCap: 2 } as const;
const ADAM = { lr: 0.1, beta1: 0.9, beta2: 0.95, eps: 1e-8, weightDecay: 0, gradClip: 0 };
const DATA = [datumOf({ promptTokens: [1, 2], tokens: [3, 4], logprobs: [-5.5, -5.5] }, 1)];
const WIRES = ['json', 'protobuf'] as const;

/** Opens an engine on a server with a table behind it; `replies` replaces what it samples. */
async function withServer(
  work: (engine: Engine, server: ScriptedTinker, dir: string, url: string) => Promise<void>,
  more: Partial<ServerOptions> & { readonly replies?: (ask: SampleAsk) => ServedSequence[] } = {},
  client: Partial<OpenOptions> = {},
): Promise<void> {
  using at = folder();
  const { tokenizer } = tiny(at.path);
  const open = async (): Promise<TableModel> => {
    const model = new TableModel(tokenizer.size, EOS, 'tokens');
    if (more.replies) model.sampler = async () => async (ask) => more.replies!(ask);
    return model;
  };
  await using server = new ScriptedTinker({ wire: 'protobuf', model: BASE, deduplicates: true, open, ...more });
  const url = await server.listen();
  await using engine = await openTinker({ url, tokenizer, ...client });
  await work(engine, server, at.path, url);
}
const bytes = (text: string): number[] => [...Buffer.from(text)];
const reply = (text: string, tail: number[] = []): ServedSequence => {
  const tokens = [...bytes(text), ...tail];
  return { tokens, logprobs: tokens.map((_, i) => -1 - i / 100), reason: 'length' };
};
const ask = (more: Partial<SampleRequest> = {}): SampleRequest => ({
  prompt: [1, 2],
  n: 1,
  maxTokens: 40,
  temperature: 1,
  seed: 1,
  ...more,
});

describe.each(WIRES)('the four verbs in %s', (wire) => {
  it('sample, train, step: versions, sequence numbers, ids that stay over retries', async () => {
    let failures = 2;
    const intercept: ServerOptions['intercept'] = async (route, request, response, handle) => {
      if (route !== 'optim_step' || failures-- <= 0) return false;
      await handleSilently(handle, response);
      request.socket.destroy();
      return true;
    };
    await withServer(
      async (engine, server) => {
        const first = (await engine.sample([ask({ maxTokens: 3 })]))[0]![0]!;
        expect(first.policyVersion).toBe(0);
        expect(first.logprobs[0]).toBeCloseTo(-Math.log(265), 5);
        const result = await engine.forwardBackward(DATA, LOSS);
        expect(result.logprobs[0]).toHaveLength(3);
        expect(result.logprobs[0]![0]).toBe(0);
        expect(result.logprobs[0]![1]).toBeCloseTo(-Math.log(265), 5);
        expect(result.metrics['mismatch/max']).toBeCloseTo(Math.log(265) - 5.5, 5);
        const { gradNorm } = await engine.optimStep(ADAM);
        expect(gradNorm).toBeGreaterThan(0);
        expect(engine.policyVersion).toBe(1);
        const second = (await engine.sample([ask({ maxTokens: 3 })]))[0]![0]!;
        expect(second.policyVersion).toBe(1);
        expect([...server.models.values()].map((model) => model.optimSteps)).toEqual([1]);
        const steps = server.requests.filter(({ route }) => route === 'optim_step');
        expect(steps.length).toBe(3);
        expect(new Set(steps.map(({ key }) => key)).size).toBe(1);
        const numbered = server.requests
          .filter(({ route }) => /^(save|optim)/.test(route))
          .map(({ body }) => (body as { seq_id: number }).seq_id);
        // save for sampling, (pass), step, save for sampling.
        expect([...new Set(numbered)]).toEqual([1, 3, 4]);
      },
      { wire, intercept },
    );
  });

  it('what is stale, empty or out of turn is refused', async () => {
    await withServer(
      async (engine) => {
        await expect(engine.optimStep(ADAM)).rejects.toMatchObject({ code: 'stale' });
        await expect(engine.forwardBackward([{ ...DATA[0]!, policyVersion: 7 }], LOSS)).rejects.toMatchObject({ code: 'stale' });
        await expect(engine.forwardBackward([], LOSS)).rejects.toThrow(/no sequence/);
        await expect(engine.forwardBackward(DATA, { ...LOSS, kl: { coefficient: 1, estimator: 'k3' } })).rejects.toThrow(/loss\.kl/);
        await expect(engine.sample([ask({ prompt: Array(128).fill(1) })])).rejects.toThrow(/context holds 128/);
        await engine.forwardBackward(DATA, LOSS);
        await engine.forwardBackward(DATA, LOSS);
        await engine.optimStep(ADAM);
      },
      { wire },
    );
    await withServer(
      async (engine) => {
        await engine.forwardBackward(DATA, LOSS);
        await expect(engine.forwardBackward(DATA, LOSS)).rejects.toThrow(/one forwardBackward/);
      },
      { wire },
      { server: 'skyrl-jax' },
    );
  });

  it('state: a checkpoint names what lies on the server; a fresh engine goes on from it with the same numbers', async () => {
    await withServer(
      async (engine, server, dir, url) => {
        const { tokenizer } = tiny(dir);
        const checkpoint = path.join(dir, 'state');
        mkdirSync(checkpoint);
        const step = async (on: Engine): Promise<number[]> => {
          const result = await on.forwardBackward(DATA, LOSS);
          await on.optimStep(ADAM);
          return [...result.logprobs[0]!];
        };
        await step(engine);
        await engine.saveState(checkpoint);
        const text = readFileSync(path.join(checkpoint, 'tinker.json'), 'utf8');
        expect(JSON.parse(text)).toMatchObject({ baseModel: BASE, policyVersion: 1, rank: 4 });
        expect(text).not.toMatch(/tml|key/i);
        const on = [await step(engine), await step(engine)];
        await using again = await openTinker({ url, tokenizer });
        await again.loadState(checkpoint);
        expect(again.policyVersion).toBe(1);
        expect([await step(again), await step(again)]).toEqual(on);
        // Back to the checkpoint on the same engine: a new model, because a load must come first.
        await engine.loadState(checkpoint);
        expect([await step(engine), await step(engine)]).toEqual(on);
        expect([...server.models.values()].map((model) => model.optimSteps)).toEqual([3, 3, 3]);
        await using other = await openTinker({ url, tokenizer, rank: 8 });
        await expect(other.loadState(checkpoint)).rejects.toThrow(/engine\.lora\.rank 4/);
        for (const broken of ['{', '{}', text.replace('"policyVersion": 1', '"policyVersion": -1'), text.replace(BASE, 'another')]) {
          writeFileSync(path.join(checkpoint, 'tinker.json'), broken);
          await expect(engine.loadState(checkpoint)).rejects.toMatchObject({ code: 'corrupt' });
        }
        await expect(engine.loadState(dir)).rejects.toThrow(/embedded engine/);
      },
      { wire },
    );
  });
});

describe('sampling', () => {
  it('ends a sequence at the stop text or the end token, whatever the server sent after it', async () => {
    const replies = ({ n }: SampleAsk): ServedSequence[] =>
      [reply('so </answer>more'), reply('hi', [EOS, 65, 66]), reply('no end'), { ...reply('done'), reason: 'stop' as const }].slice(0, n);
    await withServer(
      async (engine) => {
        const [group = []] = await engine.sample([ask({ n: 4, stop: ['</answer>', ''] })]);
        expect(group.map(({ stopReason }) => stopReason)).toEqual(['stop', 'stop', 'length', 'stop']);
        expect(group.map(({ tokens }) => engine.detokenize(tokens))).toEqual(['so </answer>', 'hi', 'no end', 'done']);
        expect(group[1]!.tokens.at(-1)).toBe(EOS);
        for (const { tokens, logprobs } of group) expect(logprobs).toHaveLength(tokens.length);
      },
      { replies },
    );
  });

  it('the monitor can cut; requests that follow are numbered in the order of their promises', async () => {
    const replies = ({ n, prompt }: SampleAsk): ServedSequence[] => Array.from({ length: n }, () => reply(`of ${prompt.at(-1)}`));
    await withServer(
      async (engine) => {
        const ended: [number, number][] = [];
        const results = await engine.sample([ask({ prompt: [1], n: 2 }), ask({ prompt: [2] })], {
          onToken: (request, index, token) => (request === 0 && index === 1 ? token !== bytes(' ')[0] : undefined),
          onSequence: (request, index) => ended.push([request, index]),
          more: (request, index) =>
            request === 0
              ? new Promise((resolve) => setTimeout(() => resolve([ask({ prompt: [10 + index] })]), index === 0 ? 30 : 1))
              : undefined,
        });
        expect(results.map((group) => group.map(({ tokens }) => engine.detokenize(tokens)))).toEqual([
          ['of 1', 'of '],
          ['of 2'],
          ['of 10'],
          ['of 11'],
        ]);
        expect(results[0]!.map(({ stopReason }) => stopReason)).toEqual(['length', 'cut']);
        expect(ended).toEqual([[0, 0], [0, 1], [1, 0], [2, 0], [3, 0]]); // prettier-ignore
      },
      { replies },
    );
  });

  it('is not held up by training, and keeps to so many sequences at a time', async () => {
    let [under, most] = [0, 0];
    await withServer(
      async (engine) => {
        await engine.sample([ask()]);
        const training = engine.forwardBackward(DATA, LOSS);
        await engine.sample(Array.from({ length: 12 }, (_, i) => ask({ n: 2, seed: i })));
        await training;
        expect(most).toBeLessThanOrEqual(4);
      },
      {
        intercept: async (route, _, response) => {
          if (route !== 'asample') return false;
          most = Math.max(most, ++under);
          response.on('close', () => under--);
          await new Promise((resolve) => setTimeout(resolve, 3));
          return false;
        },
      },
      { parallel: 8 },
    );
  });

  it('an aborted call ends at once', async () => {
    await withServer(
      async (engine) => {
        const stop = new AbortController();
        setTimeout(() => stop.abort(new Error('enough')), 20);
        await expect(engine.sample([ask()], { signal: stop.signal })).rejects.toThrow('enough');
      },
      { intercept: async (route) => route === 'asample' },
    );
  });
});

describe('what a server cannot do', () => {
  const wanted = { alpha: 32, temperature: 1, gradClip: 0, staleness: 0, accept: [] };
  it.each([
    ['skyrl-jax', { gradClip: 1 }, /ignores grad_clip_norm.*Set it to 0/],
    ['skyrl-jax', { temperature: 0.7 }, /temperature 1 only/],
    ['tinker', { alpha: 16 }, /alpha of 32/],
    ['skyrl-train', {}, /optim\.beta1.*engine\.tinker\.accept/],
    ['skyrl-train', { accept: ['beta1'] as const }, /optim\.beta2/],
    ['tuft', { gradClip: 0.5 }, /grad_clip_norm/],
  ] as const)('%s with %j is refused in a sentence', (server, more, message) => {
    expect(() => refuseIgnored(RECORDS[server], { ...wanted, ...more })).toThrow(message);
  });
  it('what is accepted by name passes', () => {
    for (const server of SERVERS) refuseIgnored(RECORDS[server], { ...wanted, accept: ['beta1', 'beta2', 'eps', 'weightDecay'] });
    refuseIgnored(RECORDS['skyrl-jax'], { ...wanted, gradClip: 1, accept: ['gradClip'] });
  });
  it("the server's own limits are passed on", async () => {
    const error = await withServer(async () => undefined, { maxRank: 2 }).catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(EngineError);
    expect(error).toMatchObject({ code: 'unsupported' });
    expect((error as EngineError).message).toMatch(/LoRA rank 4 must be between 1 and 2/);
  });
});

it('exports the adapter as PEFT and as GGUF, and the laptop samples with it', async () => {
  using at = folder();
  const { gguf, tokenizer } = tiny(at.path);
  await using server = new ScriptedTinker({
    ...{ wire: 'protobuf', model: BASE, deduplicates: true },
    open: async (rank, seed) => await EmbeddedModel.open({ model: gguf, seed, rank, contextLength: 128 }, 'tokens'),
  });
  await using engine = await openTinker({ url: await server.listen(), tokenizer, gguf });
  await engine.forwardBackward(DATA, LOSS);
  await engine.optimStep(ADAM);
  const [peft, file] = [path.join(at.path, 'peft'), path.join(at.path, 'adapter.gguf')];
  await engine.exportModel(peft, 'peft');
  await engine.exportModel(file);
  const shape = shapeOf(readGguf(gguf));
  const [one, two] = [readAdapter(peft, shape), readAdapter(file, shape)];
  expect(one.alpha).toBe(ALPHA);
  expect([...two.values]).toEqual([...one.values]);
  await using laptop = await openGgmlEngine(
    options(gguf, { mode: 'lora', lora: { rank: 4, alpha: ALPHA }, adapter: file, inference: true }),
  );
  const request = ask({ n: 2, maxTokens: 8, temperature: 0 });
  const [[here], [there]] = [await laptop.sample([request]), await engine.sample([request])];
  expect(here!.map(({ tokens }) => tokens)).toEqual(there!.map(({ tokens }) => tokens));
  here![0]!.logprobs.forEach((lp, i) => expect(lp).toBeCloseTo(there![0]!.logprobs[i]!, 4));
});

it('writes the bytes that an independent encoder of the schema writes', () => {
  const pass = encodePass({
    ...{ modelId: 'm1', seqId: 3, loss: 'cispo', config: { clip_low_threshold: 0, clip_high_threshold: 2 }, forwardOnly: true },
    data: [{ tokens: Int32Array.of(1, 300), inputs: { target_tokens: Int32Array.of(300, 7), advantages: Float32Array.of(0, -0.5) } }],
  });
  expect(Buffer.from(pass).toString('hex')).toBe(
    '0a026d3110031a570a0c0a0a0a08010000002c01000012280a0d7461726765745f746f6b656e7312170a102c01000000000000070000000000000018022201' +
      '02121d0a0a616476616e7461676573120f0a0800000000000000bf18012201022205636973706f2a1d0a12636c69705f6c6f775f7468726573686f6c641100' +
      '000000000000002a1e0a13636c69705f686967685f7468726573686f6c6411000000000000004030013a1f0a12636c69705f6c6f775f7468726573686f6c64' +
      '12090900000000000000003a200a13636c69705f686967685f7468726573686f6c641209090000000000000040',
  );
});

it('large batches are cut into requests that servers take', () => {
  const datum = (length: number) => ({ tokens: new Int32Array(length), inputs: {} });
  expect(split(Array.from({ length: 2500 }, () => datum(10))).map((part) => part.length)).toEqual([1024, 1024, 452]);
  expect(split([datum(100_000), datum(100_000), datum(5)]).map((part) => part.length)).toEqual([1, 2]);
  expect(split([datum(1_000_000)])).toHaveLength(1);
});
