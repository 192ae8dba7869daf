/** Sampling with an earlier policy, and beside training, on a Tinker server. */
import { mkdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { datumOf } from '../../src/core/datum.ts';
import type { Engine, LossSpec, SampleRequest, Sequence } from '../../src/engine/ports.ts';
import { RECORDS, refuseIgnored } from '../../src/engine/tinker/servers.ts';
import { scratch } from '../commands/cli.ts';
import { BASE, openTinker, tiny } from './harness.ts';
import { ScriptedTinker, type ServerOptions } from './server.ts';
import { TableModel } from './table.ts';

const ADAM = { lr: 0.5, beta1: 0.9, beta2: 0.999, eps: 1e-8, weightDecay: 0, gradClip: 0 };
const LOSS: LossSpec = { kind: 'reinforce', normaliser: 4, importanceCap: 2, staleness: 1 };
const ASK: SampleRequest = { prompt: [5, 6], n: 4, maxTokens: 6, temperature: 1, seed: 7 };

describe('a Tinker engine that samples ahead', () => {
  const home = scratch();
  const { tokenizer } = tiny(path.join(home.dir, 'tiny'));
  let intercept: ServerOptions['intercept'];
  const server = new ScriptedTinker({
    ...{ wire: 'protobuf', model: BASE, deduplicates: true },
    open: async () => new TableModel(tokenizer.size, tokenizer.eosToken, 'tokens'),
    intercept: async (...args) => (await intercept?.(...args)) ?? false,
  });
  let url: string;
  beforeAll(async () => void (url = await server.listen()));
  afterAll(async () => {
    await server[Symbol.asyncDispose]();
    home[Symbol.dispose]();
  });
  const data = (sequences: readonly Sequence[], advantage = 1) =>
    sequences.map((sequence) => datumOf({ ...sequence, promptTokens: ASK.prompt }, advantage));
  const sampled = async (engine: Engine, policy?: number): Promise<Sequence[]> =>
    (await engine.sample([ASK], policy === undefined ? {} : { policy }))[0] ?? [];

  it('is not held up by training', async () => {
    await using engine = await openTinker({ url, tokenizer });
    const first = await sampled(engine);
    let release: (() => void) | undefined;
    const held = new Promise<void>((resolve) => (release = resolve));
    intercept = async (route) => {
      if (route === 'forward_backward') await held;
      return false;
    };
    const training = engine.forwardBackward(data(first), LOSS);
    // Would never end if it waited for the one before it.
    expect(await sampled(engine, 0)).toEqual(first);
    release?.();
    intercept = undefined;
    await training;
  });

  it('keeps the weights of as many steps as the staleness says, and no more', async () => {
    await using engine = await openTinker({ url, tokenizer });
    const first = await sampled(engine);
    await engine.forwardBackward(data(first), LOSS);
    await engine.optimStep(ADAM);
    expect(await sampled(engine, 0)).toEqual(first);
    const second = await sampled(engine);
    expect(second.map(({ policyVersion }) => policyVersion)).toEqual([1, 1, 1, 1]);
    expect(second[0]?.logprobs).not.toEqual(first[0]?.logprobs);
    // One step behind trains; the server's own log-probabilities differ from the sampler's by what was learned.
    const { metrics } = await engine.forwardBackward(data(first, -1), LOSS);
    expect(metrics['mismatch/max']).toBeGreaterThan(1e-3);
    await engine.optimStep(ADAM);
    await expect(sampled(engine, 0)).rejects.toThrow(/no weights of policy 0 to sample with, the engine holds 2/);
    expect(await sampled(engine, 1)).toEqual(second);
    await expect(engine.forwardBackward(data(first), LOSS)).rejects.toThrow(/a stale rollout/);
  });

  it('has them though nothing was sampled before the update, and none where the staleness is 0', async () => {
    for (const [staleness, kept] of [
      [1, true],
      [0, false],
    ] as const) {
      await using engine = await openTinker({ url, tokenizer });
      const { policyVersion: _, ...given } = data([{ tokens: [7, 8], logprobs: [-1, -1], stopReason: 'length', policyVersion: 0 }])[0]!;
      await engine.forwardBackward([given], { ...LOSS, staleness });
      await engine.optimStep(ADAM);
      if (kept) expect((await sampled(engine, 0)).length).toBe(4);
      else await expect(sampled(engine, 0)).rejects.toThrow(/no weights of policy 0/);
    }
  });

  it('finds them again after a checkpoint is loaded', async () => {
    await using engine = await openTinker({ url, tokenizer });
    const first = await sampled(engine);
    await engine.forwardBackward(data(first), LOSS);
    await engine.optimStep(ADAM);
    const dir = path.join(home.dir, 'state');
    mkdirSync(dir);
    await engine.saveState(dir);
    expect(JSON.parse(readFileSync(path.join(dir, 'tinker.json'), 'utf8'))).toMatchObject({ earlier: [{ policyVersion: 0 }] });
    await using resumed = await openTinker({ url, tokenizer });
    await resumed.loadState(dir);
    expect(await sampled(resumed, 0)).toEqual(first);
    expect(resumed.policyVersion).toBe(1);
  });
});

it('servers whose samplers do not keep their weights are refused before a run', () => {
  const wanted = { alpha: 32, temperature: 1, gradClip: 0, staleness: 1, accept: ['beta1', 'beta2', 'eps', 'weightDecay'] } as const;
  for (const server of ['skyrl-jax', 'skyrl-train'] as const)
    expect(() => refuseIgnored(RECORDS[server], wanted)).toThrow(/cannot sample with an earlier policy than the last.*Set it to 0/);
  for (const server of ['tinker', 'tuft'] as const) expect(() => refuseIgnored(RECORDS[server], wanted)).not.toThrow();
});
