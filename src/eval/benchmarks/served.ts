import { dialectFor } from '../../core/prompts/index.ts';
import { frameFor, SYSTEM, textOf } from '../../core/prompts/template.ts';
import { seedOf } from '../../core/rng.ts';
import { chat, complete, ServingError } from '../../serving/openai.ts';
import type { Completion, Sampling, ServingOptions } from '../../serving/openai.ts';
import type { Problem } from './problem.ts';
import type { Reply, Respondent } from './respondent.ts';
import type { Settings } from './run.ts';

const dialect = dialectFor('chat', 'python');
const DIALOGUE = frameFor(null, 'base', dialect.opening);

/**
 * A model behind an OpenAI-compatible server, asked in the words of the local evaluation. The template `base` writes the dialogue of
 * User and Assistant itself and has it continued (`/completions`); otherwise the server writes the conversation (`/chat/completions`).
 * @param parallel requests under way at a time, each for one sample
 */
export function byServer(serving: ServingOptions, parallel: number): Respondent {
  return async ({ problems, settings, isKnown, onReply, onUnasked, signal }) => {
    const open = problems.flatMap((problem) =>
      Array.from({ length: settings.samples }, (_, sample) => ({ problem, sample })).filter((one) => !isKnown(one.problem, one.sample)),
    );
    const failed = new AbortController();
    const until = signal ? AbortSignal.any([signal, failed.signal]) : failed.signal;
    const work = open.values();
    const worker = async (): Promise<void> => {
      for (const { problem, sample } of work) {
        until.throwIfAborted();
        try {
          onReply(problem, sample, await ask(serving, problem, sample, settings, until));
        } catch (error) {
          if (!isTooLong(error)) throw error;
          onUnasked(problem, sample, "The question is longer than the server's context.");
        }
      }
    };
    const workers = Array.from({ length: Math.min(parallel, open.length) }, () =>
      worker().catch((error: unknown) => {
        failed.abort(error);
        throw error;
      }),
    );
    const [broken] = (await Promise.allSettled(workers)).filter((result) => result.status === 'rejected');
    if (broken) throw failed.signal.reason ?? broken.reason;
  };
}

async function ask(serving: ServingOptions, problem: Problem, sample: number, settings: Settings, signal: AbortSignal): Promise<Reply> {
  const { temperature, maxTokens, seed, template } = settings;
  // Servers differ in how they take seeds; 31 bits fit all, and llama.cpp draws its own for the largest of 32.
  const sampling: Sampling = { temperature, maxTokens, seed: seedOf('benchmark', seed, problem.id, sample) >>> 1 };
  const question = problem.task ? dialect.solvePrompt(problem.task) : problem.question;
  const given =
    template === 'base'
      ? complete(
          serving,
          textOf([...DIALOGUE.before, { text: question, content: true }]) + DIALOGUE.after,
          { ...sampling, stop: dialect.stop },
          signal,
        )
      : chat(
          serving,
          [
            { role: 'system', content: SYSTEM },
            { role: 'user', content: question },
          ],
          sampling,
          signal,
        );
  const [first] = await given;
  return reply(first as Completion);
}

/** Servers with a reasoning parser take the thought out of the text; it is put back where the model wrote it. */
function reply({ text, thought, finish, tokens }: Completion): Reply {
  const closed = finish === 'length' && text === '' ? '' : '</think>';
  return { completion: thought ? `<think>${thought}${closed}${text}` : text, tokens: tokens ?? 0, stopReason: finish };
}

const isTooLong = (error: unknown): boolean => error instanceof ServingError && error.reply?.includes('exceed_context_size') === true;
