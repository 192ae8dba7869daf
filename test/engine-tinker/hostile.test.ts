/** A server that lies, babbles or never ends: one clear error each, and nothing of it is used. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, it } from 'vitest';
import { datumOf } from '../../src/core/datum.ts';
import { EngineError, type Engine } from '../../src/engine/ports.ts';
import { systemClock } from '../../src/engine/tinker/clock.ts';
import { messageType } from '../../src/engine/tinker/proto.ts';
import { Transport } from '../../src/engine/tinker/transport.ts';
import { EOS, folder } from '../engine/models.ts';
import { BASE, openTinker, SHORT_LIMITS, tiny, type OpenOptions } from './harness.ts';
import { ScriptedTinker, type ServerOptions } from './server.ts';
import { TableModel } from './table.ts';

/** Some tenths of a second here. */
const IMPATIENT = { patience: { unreachableMs: 2e6, operationMs: 1e7 }, limits: SHORT_LIMITS };
const DATA = [datumOf({ promptTokens: [1, 2], tokens: [3, 4], logprobs: [-5, -5] }, 1)];
const LOSS = { kind: 'reinforce', normaliser: 2, importanceCap: 2 } as const;
const ADAM = { lr: 0.1, beta1: 0.9, beta2: 0.95, eps: 1e-8, weightDecay: 0, gradClip: 0 };
const SAMPLE = [{ prompt: [1, 2], n: 2, maxTokens: 3, temperature: 1, seed: 1 }];

/** What `work` fails with on a server so spoiled. */
async function failure(
  server: Partial<ServerOptions>,
  work: (engine: Engine) => Promise<unknown>,
  client: Partial<OpenOptions> = {},
): Promise<EngineError> {
  using at = folder();
  const { tokenizer } = tiny(at.path);
  await using scripted = new ScriptedTinker({
    ...{ wire: 'json', model: BASE, deduplicates: true, open: async () => new TableModel(tokenizer.size, EOS, 'tokens') },
    ...server,
  });
  const error = await (async () => {
    await using engine = await openTinker({ url: await scripted.listen(), tokenizer, ...client });
    await work(engine);
  })().catch((caught: unknown) => caught);
  expect(error).toBeInstanceOf(EngineError);
  expect((error as EngineError).message).toMatch(/\.$/);
  return error as EngineError;
}

type Spoil = NonNullable<ServerOptions['spoil']>;

/** Replaces results of futures (not of submissions) that `when` accepts. */
const results =
  (make: (json: Record<string, unknown>) => unknown): Spoil =>
  (route, body, type) => {
    if (route !== 'retrieve_future' || type !== 'application/json') return { body, type };
    const json = JSON.parse(body.toString()) as Record<string, unknown>;
    return { body: Buffer.from(JSON.stringify(make(json))), type };
  };
const passes = (make: (row: number[]) => unknown): Spoil =>
  results((json) =>
    Array.isArray(json['loss_fn_outputs'])
      ? {
          ...json,
          loss_fn_outputs: json['loss_fn_outputs'].map((one: { logprobs: { data: number[] } }) => ({
            logprobs: { data: make(one.logprobs.data) },
          })),
        }
      : json,
  );
const samples = (make: (one: Record<string, unknown>) => unknown): Spoil =>
  results((json) => (Array.isArray(json['sequences']) ? { sequences: json['sequences'].map(make) } : json));

const train = (engine: Engine): Promise<unknown> => engine.forwardBackward(DATA, LOSS);
const sample = (engine: Engine): Promise<unknown> => engine.sample(SAMPLE);

describe('results that cannot be true', () => {
  it.each([
    ['too few log-probabilities', passes((row) => row.slice(1)), train, /2 log-probabilities for 3|log-probabilities for/],
    ['text for numbers', passes(() => ['a', 'b', 'c']), train, /cannot be used/],
    ['no logprobs', results((json) => ('loss_fn_outputs' in json ? { ...json, loss_fn_outputs: [{}] } : json)), train, /no logprobs/],
    [
      'too many sequences',
      results((json) => ('loss_fn_outputs' in json ? { ...json, loss_fn_outputs: [{}, {}] } : json)),
      train,
      /2 results for 1/,
    ],
    ['null log-probabilities', passes((row) => row.map(() => null)), train, /not finite/],
    ['tokens out of the vocabulary', samples((one) => ({ ...one, tokens: [1e6, 1, 1] })), sample, /not in a vocabulary of 265/],
    ['broken tokens', samples((one) => ({ ...one, tokens: [1.5, 1, 1] })), sample, /1\.5/],
    ['missing log-probabilities', samples((one) => ({ ...one, logprobs: null })), sample, /with 0 log-probabilities/],
    ['positive log-probabilities', samples((one) => ({ ...one, logprobs: [3, 3, 3] })), sample, /3 is no log-probability/],
    ['endless tokens', samples((one) => ({ ...one, tokens: Array(50).fill(1), logprobs: Array(50).fill(-1) })), sample, /at most 3/],
    ['another stop reason', samples((one) => ({ ...one, stop_reason: 'whim' })), sample, /stop_reason/],
  ] as const)('%s', async (_, spoil, work, message) => {
    const error = await failure({ spoil }, work);
    expect(error.code).toBe('server');
    expect(error.message).toMatch(message);
  });

  it('garbage in place of protobuf', async () => {
    const types = ['ForwardBackwardOutput', 'SampleResponse'].map(messageType);
    const lie = (fields: object): Buffer => Buffer.from(types[0]!.encode(types[0]!.fromObject(fields)).finish());
    const offsets = new Uint8Array(new BigInt64Array([0n, 999n]).buffer);
    const bodies = [
      Buffer.from('not protobuf at all'),
      Buffer.alloc(0),
      Buffer.from([10, 255, 255, 255, 255, 7]),
      lie({ loss_fn_outputs: [{ num_datums: 2 ** 50 }] }),
      lie({ loss_fn_outputs: [{ num_datums: 1, fields: { logprobs: { data: new Uint8Array(12), offsets, dtype: 1 } } }] }),
      lie({
        loss_fn_outputs: [{ num_datums: 1, fields: { logprobs: { data: new Uint8Array(5), offsets: new Uint8Array(16), dtype: 7 } } }],
      }),
    ];
    for (const body of bodies) {
      const spoil: Spoil = (_, sent, type) => ({ body: type === 'application/x-protobuf' ? body : sent, type });
      for (const work of [train, sample]) {
        const error = await failure({ wire: 'protobuf', spoil }, work);
        expect(error.code).toBe('server');
        expect(error.message).toMatch(/cannot be used/);
      }
    }
  });
});

describe('a server that keeps us waiting', () => {
  it('try_again for ever ends with the operation named', async () => {
    const error = await failure(
      { spoil: results(() => ({ type: 'try_again', request_id: '1', queue_state: 'active' })) },
      train,
      IMPATIENT,
    );
    expect(error).toMatchObject({ code: 'server' });
    expect(error.message).toMatch(/still not done after \d+ s \(engine\.tinker\.operationSeconds\)/);
  });

  it('429 for ever, 503 for ever, silence for ever, a closed account for ever', async () => {
    const always =
      (status: number | null): NonNullable<ServerOptions['intercept']> =>
      async (route, _, response) => {
        if (!route.startsWith('optim_step')) return false;
        if (status !== null) response.writeHead(status, { 'content-type': 'application/json' }).end('{"detail":"wait"}');
        return true;
      };
    for (const status of [429, 503, 402, null]) {
      const error = await failure(
        { intercept: always(status) },
        async (engine) => {
          await train(engine);
          await engine.optimStep(ADAM);
        },
        IMPATIENT,
      );
      expect(error.code).toBe('server');
      expect(error.message).toMatch(/optim_step did not get through/);
    }
  });

  it('long polls that outlast our patience are no lost server while it answers otherwise, and are one when it does not', async () => {
    using at = folder();
    const { tokenizer } = tiny(at.path);
    let [silent, deaf] = [4, false];
    await using scripted = new ScriptedTinker({
      ...{ wire: 'json', model: BASE, deduplicates: true, open: async () => new TableModel(tokenizer.size, EOS, 'tokens') },
      intercept: async (route) => (route === 'retrieve_future' && silent-- > 0) || (route === 'healthz' && deaf),
    });
    // Polls of half a second, together longer than the second after which a server is given up.
    const patience = { unreachableMs: 1e7, operationMs: 1e9 };
    await using engine = await openTinker({ url: await scripted.listen(), tokenizer, patience, limits: 1e-2 });
    expect(silent).toBeLessThanOrEqual(0);
    [silent, deaf] = [1e9, true];
    await expect(engine.forwardBackward(DATA, LOSS)).rejects.toThrow(/forward_backward did not get through.*no answer within/);
  });

  it('a session that ends is noticed by the heartbeat, and what waits ends with it', async () => {
    const error = await failure(
      {
        intercept: async (route, _, response) => {
          if (route === 'session_heartbeat')
            response.writeHead(410, { 'content-type': 'application/json' }).end('{"detail":"Session finished"}');
          return route === 'session_heartbeat';
        },
        spoil: results((json) => ('metrics' in json ? { type: 'try_again' } : json)),
      },
      train,
      { patience: { unreachableMs: 1e9, operationMs: 1e9 } },
    );
    expect(error).toMatchObject({ code: 'server' });
    expect(error.message).toMatch(/its session ended \(410\)/);
  });

  it('a closed engine says so', async () => {
    const error = await failure({}, async (engine) => {
      await engine[Symbol.asyncDispose]();
      await engine.sample(SAMPLE);
    });
    expect(error.message).toMatch(/closed/);
  });
});

describe('bodies and addresses', () => {
  async function plain(answer: (server: Server) => void): Promise<{ url: string; [Symbol.dispose](): void }> {
    const server = createServer();
    answer(server);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return {
      url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
      [Symbol.dispose]: () => {
        server.closeAllConnections();
        server.close();
      },
    };
  }

  it('an answer without end is cut off', async () => {
    using server = await plain((http) =>
      http.on('request', (_, response) => {
        response.writeHead(200);
        const more = (): void => {
          while (!response.destroyed && response.write(Buffer.alloc(65536)));
          if (!response.destroyed) response.once('drain', more);
        };
        more();
      }),
    );
    const transport = new Transport(server.url, '', systemClock());
    await expect(transport.exchange('/x', { mostBytes: 1024 ** 2 })).rejects.toThrow(/more than 1 MB/);
  });

  it('the key stays with the server: a redirect to another host does not see it', async () => {
    const seen: (string | undefined)[] = [];
    using server = await plain((http) =>
      http.on('request', (request, response) => {
        seen.push(request.headers['x-api-key'] as string | undefined);
        response.end('{}');
      }),
    );
    const transport = new Transport('http://127.0.0.1:1', 'tml-secret', systemClock());
    await transport.exchange(`${server.url}/elsewhere`, { method: 'GET' });
    await new Transport(server.url, 'tml-secret', systemClock()).exchange('/here');
    expect(seen).toEqual([undefined, 'tml-secret']);
  });

  it('what is no address, no Tinker server, or wants a key is said', async () => {
    using at = folder();
    const { tokenizer } = tiny(at.path);
    const patience = { unreachableMs: 1000, operationMs: 1000 };
    await expect(openTinker({ url: 'ftp://x', tokenizer })).rejects.toThrow(/no address/);
    await expect(openTinker({ url: 'http://127.0.0.1:1', tokenizer, patience })).rejects.toThrow(/127\.0\.0\.1:1.*engine\.tinker\.url/s);
    using other = await plain((http) => http.on('request', (_, response) => response.writeHead(404).end('nginx')));
    await expect(openTinker({ url: other.url, tokenizer, patience })).rejects.toThrow(/engine\.tinker\.url/);
    const error = await failure({ key: 'tml-right' }, train, { apiKey: 'tml-wrong' });
    expect(error).toMatchObject({ code: 'missing' });
    expect(error.message).toMatch(/TINKER_API_KEY/);
    expect(error.message).not.toContain('tml-');
  });

  it("the server's words cannot steer the terminal", async () => {
    const error = await failure({ spoil: results(() => ({ error: 'bad\u001b[2Jthing\u202e', category: 'user' })) }, train);
    // eslint-disable-next-line no-control-regex
    expect(error.message).not.toMatch(/[\u0000-\u001f\u202e]/);
    expect(error.message).toContain('thing');
  });
});
