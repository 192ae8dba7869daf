import { chat, ServingError } from '../../src/serving/openai.ts';
import type { ServingOptions } from '../../src/serving/openai.ts';
import { JudgeError } from './answer.ts';
import type { JudgeModel } from './judge.ts';
import { ANSWER_SCHEMA } from './question.ts';

const LONGEST_ANSWER = 400;

/** Strict schemas of the OpenAI API name every property and allow no other. */
const SCHEMA = {
  name: 'verdict',
  schema: { ...ANSWER_SCHEMA, required: Object.keys(ANSWER_SCHEMA.properties), additionalProperties: false },
};

/**
 * A judge behind an OpenAI-compatible server. The server holds its answers to the schema; one that does not is caught by
 * `parseAnswer`. What it serves under the name can change unseen, so the version names server and model, not a hash.
 */
export function openServedJudge(options: ServingOptions): JudgeModel {
  return {
    name: `${options.model}@${new URL(options.url).host}`,
    async answer({ system, user }, signal) {
      const messages = [
        { role: 'system', content: system },
        { role: 'user', content: user },
      ] as const;
      try {
        const [first] = await chat(options, messages, { temperature: 0, maxTokens: LONGEST_ANSWER, schema: SCHEMA }, signal);
        return first?.text ?? '';
      } catch (error) {
        throw error instanceof ServingError ? new JudgeError(error.message) : error;
      }
    },
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}
