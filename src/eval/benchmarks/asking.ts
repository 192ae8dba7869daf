import { speechFor } from '../../core/prompts/index.ts';
import type { Speech } from '../../core/prompts/index.ts';
import { frameFor, framed } from '../../core/prompts/template.ts';
import type { Frame, TemplateName } from '../../core/prompts/template.ts';
import type { Engine } from '../../engine/ports.ts';
import type { Problem } from './problem.ts';

const OPENING = '<think>';

/**
 * Tokens of a problem in the model's frame, as in the evaluation of Absolute Zero: its chat template, or the dialogue of User and
 * Assistant for base models, with an open thought at the end. Problems that are tasks of the algorithm are asked in its words.
 * @throws TemplateError when the model has no template of the wanted kind.
 */
export function createAsking(
  engine: Engine,
  template: TemplateName = 'auto',
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
