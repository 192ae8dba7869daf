/** Which loss a server is asked for, and where a tokenizer's files come from. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { datumOf } from '../../src/core/datum.ts';
import type { LossSpec } from '../../src/engine/ports.ts';
import { methodFor, outcome, wireData } from '../../src/engine/tinker/losses.ts';
import { RECORDS, type ServerName } from '../../src/engine/tinker/servers.ts';
import { tokenizerFolder } from '../../src/models/tokenizer.ts';
import { folder } from '../engine/models.ts';

describe('methods', () => {
  const method = (server: ServerName, loss: Partial<LossSpec> & Pick<LossSpec, 'kind'>, where: 'server' | 'client' = 'server') => {
    const { kind, loss: name, ...rest } = methodFor({ normaliser: 1, ...loss }, RECORDS[server], where);
    return [kind, name, ...('config' in rest ? Object.values(rest.config).map((x) => Number(x.toFixed(6))) : [])];
  };
  it('truncated importance sampling is cispo from 0 to the cap; no ratio is cross-entropy, or a ratio of 1', () => {
    expect(method('tinker', { kind: 'reinforce', importanceCap: 2 })).toEqual(['server', 'cispo', 0, 2]);
    expect(method('skyrl-jax', { kind: 'reinforce', importanceCap: 3 })).toEqual(['server', 'cispo', 0, 3]);
    expect(method('tinker', { kind: 'reinforce' })).toEqual(['server', 'cross_entropy']);
    expect(method('skyrl-jax', { kind: 'cross_entropy' })).toEqual(['server', 'cispo', 1, 1]);
    expect(method('tinker', { kind: 'ppo' })).toEqual(['server', 'ppo', 0.8, 1.28]);
    expect(method('tinker', { kind: 'cispo', clipLow: 1, clipHigh: 4 })).toEqual(['server', 'cispo', 0, 5]);
  });
  it('what a server lacks the client computes, carried by a loss that is linear in it', () => {
    expect(method('skyrl-train', { kind: 'ppo' })).toEqual(['client', 'cross_entropy']);
    expect(method('tuft', { kind: 'reinforce', importanceCap: 2 })).toEqual(['client', 'cross_entropy']);
    expect(method('skyrl-jax', { kind: 'ppo' }, 'client')).toEqual(['client', 'importance_sampling']);
  });
  it('importance_sampling at ratio 1: the reference is the trainer itself, advantages undo the means', () => {
    const data = [1, 2].map((n) =>
      datumOf({ promptTokens: [1], tokens: Array<number>(n).fill(2), logprobs: Array<number>(n).fill(-1) }, 0.5),
    );
    const loss = { kind: 'reinforce', normaliser: 3 } as const;
    const logprobs = data.map(({ tokens }) => new Float32Array(tokens.length).fill(-2));
    const method = methodFor(loss, RECORDS['skyrl-jax'], 'client');
    const [, second] = wireData(data, loss, method, RECORDS['skyrl-jax'], logprobs);
    expect([...second!.inputs['logprobs']!]).toEqual([-2, -2]);
    // A / normaliser · tokens of the sequence · number of sequences.
    second!.inputs['advantages']!.forEach((a) => expect(a).toBeCloseTo((0.5 / 3) * 2 * 2, 6));
    expect([...second!.inputs['weights']!]).toEqual([1, 1]);
  });
  it('log-probabilities that are not finite change nothing', () => {
    const data = [datumOf({ promptTokens: [1], tokens: [2], logprobs: [-1] }, 0)];
    for (const bad of [NaN, -Infinity])
      expect(() => outcome(data, { kind: 'reinforce', normaliser: 1 }, [Float32Array.of(bad)])).toThrow(/not finite/);
  });
});

describe('the tokenizer of a repository', () => {
  afterEach(() => {
    vi.unstubAllEnvs();
  });
  it('is fetched once, file by file; what is missing or unknown is said', async () => {
    using at = folder();
    const asked: string[] = [];
    const server = createServer((request, response) => {
      asked.push(request.url!);
      const found = request.url!.startsWith('/user/repo/') && /tokenizer(_config)?\.json$/.test(request.url!);
      response.writeHead(found ? 200 : request.url!.startsWith('/closed') ? 403 : 404).end('{}');
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    try {
      vi.stubEnv('HF_ENDPOINT', `http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
      vi.stubEnv('KELVIN_CACHE', at.path);
      const dir = await tokenizerFolder('hf:user/repo');
      expect(dir).toBe(path.join(at.path, 'tokenizers', 'user', 'repo'));
      expect(asked).toContain('/user/repo/resolve/main/tokenizer.json');
      asked.length = 0;
      await tokenizerFolder('hf:user/repo');
      expect(asked.filter((url) => url.includes('tokenizer'))).toEqual([]);
      await expect(tokenizerFolder('hf:no/such')).rejects.toThrow(/has no tokenizer\.json/);
      await expect(tokenizerFolder('hf:closed/repo')).rejects.toThrow(/403.*HF_TOKEN/);
      for (const bad of ['hf:../x', 'hf:user', 'hf:a/b/c', 'hf:user/..'])
        await expect(tokenizerFolder(bad)).rejects.toThrow(/names no repository/);
    } finally {
      server.closeAllConnections();
      server.close();
    }
    await expect(tokenizerFolder('hf:user/gone')).rejects.toThrow(/cannot be fetched from/);
    expect(await tokenizerFolder(at.path)).toBe(at.path);
  });
});
