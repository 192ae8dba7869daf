import { speechFor } from '../../core/prompts/index.ts';
import type { Speech } from '../../core/prompts/index.ts';
import { frameFor, framed } from '../../core/prompts/template.ts';
import type { Frame, TemplateName } from '../../core/prompts/template.ts';
import { seedOf } from '../../core/rng.ts';
import type { Engine, SampleRequest, Sequence } from '../../engine/ports.ts';
import type { Problem } from './problem.ts';
import type { Respondent } from './respondent.ts';

const OPENING = '<think>';

/** A model in this process. @throws TemplateError when it has no template of the wanted kind. */
export function byEngine(engine: Engine): Respondent {
  return async ({ problems, settings, isKnown, onReply, onUnasked, signal }) => {
    const { samples, temperature, maxTokens, seed, template } = settings;
    const { ask, stop } = createAsking(engine, template);
    const { contextLength } = engine.info;
    const requests: SampleRequest[] = [];
    const asked: Problem[] = [];
    for (const problem of problems) {
      const prompt = ask(problem);
      const room = contextLength - prompt.length;
      if (room < 1) {
        const why = `The question takes ${prompt.length} tokens, the context holds ${contextLength}.`;
        for (let sample = 0; sample < samples; sample++) if (!isKnown(problem, sample)) onUnasked(problem, sample, why);
        continue;
      }
      requests.push({
        prompt,
        n: samples,
        maxTokens: Math.min(maxTokens, room),
        temperature,
        seed: seedOf('benchmark', seed, problem.id),
        stop,
      });
      asked.push(problem);
    }
    const onSequence = (request: number, sample: number, { tokens, stopReason }: Sequence): void => {
      const problem = asked[request];
      if (problem && !isKnown(problem, sample))
        onReply(problem, sample, { completion: engine.detokenize(tokens), tokens: tokens.length, stopReason });
    };
    // A sample that is known is cut at its first token: those beside it come out as they would have.
    const onToken = (request: number, sample: number): boolean => !isKnown(asked[request] as Problem, sample);
    if (requests.length > 0) await engine.sample(requests, { onSequence, onToken, ...(signal ? { signal } : {}) });
  };
}

/**
 * Tokens of a problem in the model's frame, as in the evaluation of Absolute Zero: its chat template, or the dialogue of User and
 * Assistant for base models, with an open thought at the end. Problems that are tasks of the algorithm are asked in its words.
 */
function createAsking(
  engine: Engine,
  template: TemplateName,
): { readonly ask: (problem: Problem) => number[]; readonly stop: readonly string[] } {
  const isNano = engine.info.dialect === 'nano';
  // The bundled model has no frame, and one way of asking whatever the language.
  const speech: Speech = speechFor(engine, { language: isNano ? 'javascript' : 'python', template });
  const frame: Frame | null = isNano ? null : frameFor(engine.chatFormat, template, OPENING);
  const startToken = engine.chatFormat?.startToken ?? null;
  return {
    ask({ task, question }) {
      if (task) return speech.encode({ role: 'solve', taskType: task.type, prompt: speech.dialect.solvePrompt(task) });
      return frame === null ? engine.tokenize([{ text: question, content: true }]) : framed(engine, frame, startToken, question);
    },
    stop: speech.dialect.stop,
  };
}
