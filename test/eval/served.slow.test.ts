/** A sampling server made of llama.cpp with SmolLM2 on it: questions go out, answers come back judged, the same with the same seed. */
import { getLlama, LlamaChatSession, LlamaCompletion } from 'node-llama-cpp';
import { describe, expect, it } from 'vitest';
import { MathJudge } from '../../src/eval/benchmarks/math/judge.ts';
import type { Problem } from '../../src/eval/benchmarks/problem.ts';
import { runBenchmark } from '../../src/eval/benchmarks/run.ts';
import type { Answer, Settings } from '../../src/eval/benchmarks/run.ts';
import { byServer } from '../../src/eval/benchmarks/served.ts';
import { smollm2 } from '../models/smollm2.ts';
import { OpenAiServer } from './openai-server.ts';
import type { Asked, Said } from './openai-server.ts';

const file = smollm2();
const problems: readonly Problem[] = [1, 2].map((n) => ({
  id: `p${n}`,
  question: `What is ${n} + ${n}? Answer with one number.`,
  check: { kind: 'math', expected: [String(2 * n)], tolerance: null },
}));

describe.skipIf(file === null)('a server made of llama.cpp', () => {
  it('answers in chat and in dialogue, reproducibly', async () => {
    const llama = await getLlama({ build: 'never', gpu: false, maxThreads: 2 });
    const model = await llama.loadModel({ modelPath: file as string });
    const context = await model.createContext({ contextSize: 1024 });
    const sequence = context.getSequence();
    let turn: Promise<unknown> = Promise.resolve();
    const say = async ({ body }: Asked): Promise<Said> => {
      const { temperature, max_tokens: maxTokens, seed, messages, prompt = '', stop } = body;
      const options = { temperature, maxTokens, seed, topK: 0, topP: 1, minP: 0 };
      await sequence.clearHistory();
      if (messages === undefined) {
        const completion = new LlamaCompletion({ contextSequence: sequence });
        const { response, metadata } = await completion.generateCompletionWithMeta(prompt, {
          ...options,
          customStopTriggers: [...(stop ?? [])],
        });
        completion.dispose({ disposeSequence: false });
        return { text: response, finish: metadata.stopReason === 'maxTokens' ? 'length' : 'stop', tokens: model.tokenize(response).length };
      }
      const [system, user] = messages;
      const session = new LlamaChatSession({ contextSequence: sequence, systemPrompt: system?.content ?? '', autoDisposeSequence: false });
      const { responseText, stopReason } = await session.promptWithMeta(user?.content ?? '', options);
      session.dispose({ disposeSequence: false });
      return { text: responseText, finish: stopReason === 'maxTokens' ? 'length' : 'stop', tokens: model.tokenize(responseText).length };
    };
    await using server = new OpenAiServer((asked) => {
      const said = turn.then(() => say(asked));
      turn = said.catch(() => undefined);
      return said;
    });
    const url = await server.listen();
    await using mathematics = new MathJudge();
    const run = async (settings: Settings): Promise<Answer[]> => {
      const python = () => Promise.reject(new Error('no program here'));
      const respondent = byServer({ url, model: 'smollm2' }, 4);
      const answers = await runBenchmark({ respondent, problems, settings, known: [], mathematics, python, onAnswer: () => {} });
      return answers.sort((a, b) => (a.problem + a.sample < b.problem + b.sample ? -1 : 1));
    };
    for (const template of ['chat', 'base'] as const) {
      const settings: Settings = { samples: 1, temperature: 0.8, maxTokens: 12, seed: 1, template };
      const answers = await run(settings);
      expect(answers).toHaveLength(2);
      for (const { tokens, completion } of answers) {
        expect(tokens).toBeGreaterThan(0);
        expect(completion).not.toBe('');
      }
      expect(await run(settings)).toEqual(answers);
      process.stdout.write(`${template}: ${JSON.stringify(answers.map(({ completion }) => completion))}\n`);
    }
    await context.dispose();
    await model.dispose();
    await llama.dispose();
  }, 600_000);
});
