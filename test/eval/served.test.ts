/** Benchmarks on a model behind an OpenAI-compatible server. */
import { afterAll, describe, expect, it } from 'vitest';
import { MathJudge } from '../../src/eval/benchmarks/math/judge.ts';
import type { Problem } from '../../src/eval/benchmarks/problem.ts';
import { runBenchmark } from '../../src/eval/benchmarks/run.ts';
import type { Answer, Settings } from '../../src/eval/benchmarks/run.ts';
import { byServer } from '../../src/eval/benchmarks/served.ts';
import { OpenAiServer, Refused } from './openai-server.ts';
import type { Asked, Said } from './openai-server.ts';

const problems: readonly Problem[] = [1, 2, 3, 4].map((n) => ({
  id: `p${n}`,
  question: `What is ${n} + ${n}?`,
  check: { kind: 'math', expected: [String(2 * n)], tolerance: null },
}));
const settings: Settings = { samples: 1, temperature: 0, maxTokens: 50, seed: 1, template: 'chat' };
const many: Settings = { ...settings, samples: 6, temperature: 0.8 };
const mathematics = new MathJudge();
afterAll(() => mathematics[Symbol.asyncDispose]());

const textOf = ({ body }: Asked): string => body.prompt ?? body.messages?.at(-1)?.content ?? '';
const numberIn = (asked: Asked): number => Number(/What is (\d)/.exec(textOf(asked))?.[1]);
/** Right for 1 and 2, wrong for the rest; a pure function of the request. */
const says = (asked: Asked): Said => {
  const n = numberIn(asked);
  return { text: `It is \\boxed{${n < 3 ? 2 * n : asked.body.seed % 7}}`, tokens: 7 };
};

async function run(
  server: OpenAiServer,
  of: Settings = settings,
  {
    parallel = 3,
    known = [],
    signal,
    apiKey,
  }: { parallel?: number; known?: readonly Answer[]; signal?: AbortSignal; apiKey?: string } = {},
): Promise<Answer[]> {
  const url = await server.listen();
  const answers = await runBenchmark({
    respondent: byServer({ url, model: 'm', apiKey, waitMs: 1 }, parallel),
    problems,
    settings: of,
    known,
    signal,
    mathematics,
    python: () => Promise.reject(new Error('no program here')),
    onAnswer: () => {},
  });
  return answers.sort((a, b) => (a.problem + a.sample < b.problem + b.sample ? -1 : 1));
}

describe('a model on a server', () => {
  it('is asked in the chat that the server writes, one sample a request', async () => {
    await using server = new OpenAiServer(says);
    const answers = await run(server, many, { apiKey: 'sk-test' });
    expect(answers).toHaveLength(24);
    expect(answers.slice(0, 12).every(({ correct, tokens, stopReason }) => correct && tokens === 7 && stopReason === 'stop')).toBe(true);
    expect(server.asked).toHaveLength(24);
    const [first] = server.asked;
    expect(first).toMatchObject({ path: '/v1/chat/completions', key: 'Bearer sk-test' });
    expect(first?.body).toMatchObject({ model: 'm', temperature: 0.8, max_tokens: 50, n: 1, stream: false });
    expect(first?.body.messages?.map(({ role }) => role)).toEqual(['system', 'user']);
    expect(first?.body.messages?.[0]?.content).toContain('<answer>');
    const seeds = server.asked.map(({ body }) => body.seed);
    expect(new Set(seeds).size).toBe(24);
    expect(seeds.every((seed) => seed >= 0 && seed < 2 ** 31)).toBe(true);
  });

  it('continues the dialogue of base models where that is asked for', async () => {
    await using server = new OpenAiServer((asked) => ({ text: ` so</think><answer>${2 * numberIn(asked)}</answer>` }));
    const answers = await run(server, { ...settings, template: 'base' });
    expect(answers.every(({ correct }) => correct)).toBe(true);
    const [first] = server.asked;
    expect(first?.path).toBe('/v1/completions');
    expect(first?.body.prompt).toMatch(/User: What is 1 \+ 1\?\nAssistant: <think>$/);
    expect(first?.body.stop).toContain('</answer>');
  });

  it('never asks more at a time than is allowed', async () => {
    for (const parallel of [1, 3]) {
      await using server = new OpenAiServer(async (asked) => {
        await new Promise((resolve) => setTimeout(resolve, 3));
        return says(asked);
      });
      await run(server, many, { parallel });
      expect(server.most).toBe(parallel);
    }
  });

  it('asks only for what is missing, with the same answers as a whole run', async () => {
    await using first = new OpenAiServer(says);
    const whole = await run(first, many);
    await using second = new OpenAiServer(says);
    const again = await run(second, many, { known: whole.filter((_, i) => i % 3 === 0) });
    expect(second.asked).toHaveLength(16);
    expect(again).toEqual(whole);
    await using third = new OpenAiServer(says);
    expect(await run(third, { ...many, samples: 2 }, { known: whole })).toHaveLength(8);
    expect(third.asked).toHaveLength(0);
  });

  it('takes thoughts that the server has set apart, and sees that a cut one holds no answer', async () => {
    await using server = new OpenAiServer((asked) =>
      numberIn(asked) < 3
        ? { text: `\\boxed{${2 * numberIn(asked)}}`, thought: 'Perhaps \\boxed{9}?' }
        : { text: '', thought: 'I still think that 2', finish: 'length', tokens: 50 },
    );
    const answers = await run(server);
    expect(answers.map(({ correct }) => correct)).toEqual([true, true, false, false]);
    expect(answers[0]?.completion).toBe('<think>Perhaps \\boxed{9}?</think>\\boxed{2}');
    expect(answers[3]).toMatchObject({ completion: '<think>I still think that 2', stopReason: 'length', tokens: 50 });
  });

  it('counts a question that is longer than the context as wrong; any other refusal ends it', async () => {
    await using server = new OpenAiServer((asked) => {
      if (numberIn(asked) === 2)
        throw new Refused(400, 'exceed_context_size_error', 'request (4000 tokens) exceeds the available context size (512 tokens)');
      return says(asked);
    });
    const answers = await run(server);
    expect(answers).toHaveLength(4);
    expect(answers[1]).toMatchObject({ correct: false, detail: "The question is longer than the server's context.", tokens: 0 });
    await using strict = new OpenAiServer((asked) => {
      if (strict.asked.length > 2) throw new Refused(404, 'not_found_error', 'no such model');
      return says(asked);
    });
    await expect(run(strict, many, { parallel: 1 })).rejects.toThrow(/refuses: 404 .*no such model.*Check the model's name \("m"\)/);
    expect(strict.asked).toHaveLength(3);
  });

  it('tries again while a server is busy, and stops at a signal', async () => {
    let busy = 2;
    await using server = new OpenAiServer((asked) => {
      if (busy-- > 0) throw new Refused(503, 'unavailable_error', 'Loading model');
      return says(asked);
    });
    expect(await run(server)).toHaveLength(4);
    const stop = new AbortController();
    await using slow = new OpenAiServer((asked) => {
      if (slow.asked.length === 5) stop.abort();
      return says(asked);
    });
    await expect(run(slow, many, { parallel: 1, signal: stop.signal })).rejects.toThrow();
    expect(slow.asked).toHaveLength(5);
  });
});
