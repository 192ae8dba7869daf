import { createHash } from 'node:crypto';
import { createReadStream, existsSync } from 'node:fs';
import { basename } from 'node:path';
import { getLlama, LlamaChatSession } from 'node-llama-cpp';
import { JudgeError } from './answer.ts';
import type { JudgeModel } from './judge.ts';
import { ANSWER_SCHEMA } from './question.ts';

const CONTEXT = 8192;
const LONGEST_ANSWER = 400;

/** A judge from a GGUF file, its answers held to the schema by a grammar. Greedy: the same question gets the same answer. */
export async function openJudge(file: string, options: { readonly threads?: number } = {}): Promise<JudgeModel> {
  if (!existsSync(file))
    throw new JudgeError(
      `The judge's model ${file} does not exist; set safety.judge.model to a GGUF file, or to "" to go without a judge.`,
    );
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(file)) hash.update(chunk as Buffer);
  const llama = await getLlama({ build: 'never', ...(options.threads === undefined ? {} : { maxThreads: options.threads }) });
  const model = await llama.loadModel({ modelPath: file });
  const context = await model.createContext({ contextSize: Math.min(CONTEXT, model.trainContextSize) });
  const grammar = await llama.createGrammarForJsonSchema(ANSWER_SCHEMA);
  const sequence = context.getSequence();
  return {
    name: `${basename(file)}:${hash.digest('hex').slice(0, 12)}`,
    async answer(question, signal) {
      // A fresh session each time: no thought may colour the judgement of another.
      const session = new LlamaChatSession({ contextSequence: sequence, systemPrompt: question.system, autoDisposeSequence: false });
      try {
        return await session.prompt(question.user, { grammar, maxTokens: LONGEST_ANSWER, temperature: 0, signal });
      } finally {
        session.dispose({ disposeSequence: false });
        await sequence.clearHistory();
      }
    },
    async [Symbol.asyncDispose]() {
      await context.dispose();
      await model.dispose();
      await llama.dispose();
    },
  };
}
