/** The client of OpenAI-compatible servers, against a server of the test on 127.0.0.1. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { JudgeError } from '../../safety/judge/answer.ts';
import { withJudge } from '../../safety/judge/judge.ts';
import { openServedJudge } from '../../safety/judge/served.ts';
import { createMonitor } from '../../safety/monitor.ts';
import { openMonitor } from '../../src/commands/open-monitor.ts';
import { Closing } from '../../src/commands/closing.ts';
import { parseConfig } from '../../src/config.ts';
import { chat, complete, ServingError } from '../../src/serving/openai.ts';

interface Seen {
  readonly path: string;
  readonly key: string | undefined;
  readonly body: Record<string, unknown>;
}

/** Answers the requests in turn; the last handler answers all that follow. */
async function serve(
  ...handlers: ((response: ServerResponse, seen: Seen) => void)[]
): Promise<{ url: string; seen: Seen[]; stop: () => void }> {
  const seen: Seen[] = [];
  const server: Server = createServer((request: IncomingMessage, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const body = JSON.parse(Buffer.concat(chunks).toString('utf8')) as Record<string, unknown>;
      const one = { path: request.url ?? '', key: request.headers.authorization, body };
      const handler = handlers[Math.min(seen.push(one), handlers.length) - 1];
      handler?.(response, one);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const stop = (): void => {
    server.closeAllConnections();
    server.close();
  };
  onTestFinished(stop);
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`, seen, stop };
}
const json =
  (value: unknown, status = 200) =>
  (response: ServerResponse): void => {
    response.writeHead(status, { 'content-type': 'application/json' });
    response.end(typeof value === 'string' ? value : JSON.stringify(value));
  };
const says = (...texts: string[]) =>
  json({ choices: texts.map((content) => ({ message: { role: 'assistant', content }, finish_reason: 'stop' })) });
const ask = { temperature: 0.7, maxTokens: 20 };

describe('a server that samples', () => {
  it('gets what is asked for, and gives texts with how they ended', async () => {
    const { url, seen } = await serve(
      says('four'),
      json({
        choices: [
          { text: ' five', finish_reason: 'length' },
          { text: ' six', finish_reason: null },
        ],
      }),
    );
    const options = { url: `${url}/`, model: 'm', apiKey: 'k' };
    expect(await chat(options, [{ role: 'user', content: '2+2?' }], { ...ask, schema: { name: 's', schema: { type: 'object' } } })).toEqual(
      [{ text: 'four', finish: 'stop' }],
    );
    expect(await complete(options, '2+3 is', { ...ask, n: 2, seed: 5, stop: ['\n'] })).toEqual([
      { text: ' five', finish: 'length' },
      { text: ' six', finish: 'stop' },
    ]);
    expect(seen).toMatchObject([
      {
        path: '/v1/chat/completions',
        key: 'Bearer k',
        body: {
          model: 'm',
          max_tokens: 20,
          temperature: 0.7,
          n: 1,
          response_format: { type: 'json_schema', json_schema: { strict: true } },
        },
      },
      { path: '/v1/completions', body: { prompt: '2+3 is', n: 2, seed: 5, stop: ['\n'] } },
    ]);
  });

  it('is asked again when it is busy, breaks down or hangs up, and not when it refuses', async () => {
    const { url, seen } = await serve(json('slow down', 429), json('<html>', 503), (response) => response.destroy(), says('at last'));
    expect(await chat({ url, model: 'm', waitMs: 1 }, [], ask)).toEqual([{ text: 'at last', finish: 'stop' }]);
    expect(seen).toHaveLength(4);
    const refusing = await serve(json({ error: 'no such model' }, 404));
    await expect(chat({ url: refusing.url, model: 'none', waitMs: 1 }, [], ask)).rejects.toThrow(
      /404.*no such model.*model's name \("none"\)/,
    );
    expect(refusing.seen).toHaveLength(1);
    const dead = await serve(json('out of memory', 500));
    await expect(chat({ url: dead.url, model: 'm', waitMs: 1 }, [], ask)).rejects.toThrow(/5 tries \(500 out of memory\)/);
    const gone = await serve(says('x'));
    gone.stop();
    await expect(chat({ url: gone.url, model: 'm', waitMs: 1 }, [], ask)).rejects.toThrow(/ECONNREFUSED.*Check that the server runs/);
  });

  it.each<[string, (response: ServerResponse) => void, RegExp]>([
    ['no JSON', json('hello'), /no JSON/],
    ['another shape', json({ choices: [{ message: { content: 7 } }] }), /no completion: choices/],
    ['too few answers', json({ choices: [] }), /0 answers where 1/],
    ['a redirect', (response) => response.writeHead(302, { location: 'http://127.0.0.1:1/' }).end(), /does not answer/],
    [
      'an endless body',
      (response) => {
        const chunk = Buffer.alloc(2 ** 20, 'x');
        const more = (): void => {
          while (response.write(chunk));
          response.once('drain', more);
        };
        more();
      },
      /more than 16 MB/,
    ],
    [
      'half a body',
      (response) => {
        response.writeHead(200, { 'content-length': '100' });
        response.write('{');
        setTimeout(() => response.destroy(), 5);
      },
      /broke off/,
    ],
  ])('%s is a fault with a sentence', async (_, handler, message) => {
    const { url } = await serve(handler);
    const asking = chat({ url, model: 'm', waitMs: 1 }, [], ask);
    await expect(asking).rejects.toThrow(message);
    await expect(asking).rejects.toBeInstanceOf(ServingError);
  });

  it('is left when nobody waits any more', async () => {
    const { url } = await serve(() => {});
    const signal = AbortSignal.timeout(20);
    await expect(chat({ url, model: 'm' }, [], ask, signal)).rejects.toThrow(/timeout|aborted/i);
  });
});

describe('a judge behind a server', () => {
  const monitor = createMonitor();
  const thought = { id: 't', thought: 'I add the numbers. Nobody must see what I do here.' };
  const items = [{ thought, verdict: monitor.scan(thought) }];
  const answer = (verdict: unknown) => says(typeof verdict === 'string' ? verdict : JSON.stringify(verdict));
  const judging = (url: string) =>
    withJudge(monitor, { model: openServedJudge({ url, model: 'guard', waitMs: 1 }), share: 1, seed: 1, answerMs: 5000 });

  it('finds what it points at, and names itself in the version', async () => {
    const { url, seen } = await serve(
      answer({
        verdict: 'concerning',
        category: 'oversight-evasion',
        severity: 3,
        evidence: ['Nobody must see'],
        explanation: 'It hides.',
      }),
    );
    const judge = judging(url);
    expect(judge.version).toContain(`judge/guard@${new URL(url).host}@1`);
    const [verdict] = (await judge.judge?.(items)) ?? [];
    expect(verdict?.findings.find(({ tier }) => tier === 'judge')).toMatchObject({
      category: 'oversight-evasion',
      quote: 'Nobody must see',
    });
    expect(JSON.stringify(seen[0]?.body)).toContain('"additionalProperties":false');
  });

  it('that answers nonsense, or not at all, is a fault and no verdict', async () => {
    for (const handler of [answer('I think it is fine'), answer({ verdict: 'ordinary' }), json('no', 401), json('busy', 503)]) {
      const { url } = await serve(handler);
      await expect(judging(url).judge?.(items)).rejects.toBeInstanceOf(JudgeError);
    }
  });

  it('is named in the config, its key is not', async () => {
    const { url } = await serve(says('x'));
    const open = async (...set: string[]) => {
      await using stack = new Closing();
      return await openMonitor(parseConfig({}, set), stack);
    };
    expect((await open(`safety.judge.url=${url}`, 'safety.judge.model=guard'))?.tiers).toContain('judge');
    await expect(open(`safety.judge.url=${url}`)).rejects.toThrow(/name the model/);
    await expect(open('safety.judge.url=localhost', 'safety.judge.model=guard')).rejects.toThrow(/no address/);
    await expect(open(`safety.judge.url=${url}?key=1`, 'safety.judge.model=guard')).rejects.toThrow(/KELVIN_JUDGE_API_KEY/);
  });
});
