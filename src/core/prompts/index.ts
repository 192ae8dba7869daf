import { ROLES, TASK_TYPES } from '../types.ts';
import type { EngineInfo, Language } from '../types.ts';
import { briefDialect } from './brief.ts';
import { chatDialect } from './chat.ts';
import type { Dialect, Question } from './dialect.ts';
import type { TaskTexts } from './languages.ts';
import { nanoDialect } from './nano.ts';
import { TemplateError, framed, frameFor } from './template.ts';
import type { ChatFormat, Frame, PartTokenizer, TemplateName } from './template.ts';

export type PromptStyle = 'auto' | 'full' | 'brief';

/** Below this many parameters long instructions are lost on a model. */
const SMALL = 450e6;

/** The dialect that a model speaks, by the name its file carries (`kelvin.dialect` in the GGUF; `chat` without one). */
export function dialectFor(name: string, language: Language | TaskTexts, style: 'full' | 'brief' = 'full'): Dialect {
  if (name === 'nano') return nanoDialect;
  return style === 'brief' ? briefDialect(language) : chatDialect(language);
}

/** How to speak with one model: the words, and the tokens that they become. */
export interface Speech {
  readonly dialect: Dialect;
  /** Tokens of a question in the model's frame. */
  readonly encode: (question: Question) => number[];
}

/** @throws TemplateError when the model has no template of the wanted kind. */
export function speechFor(
  model: PartTokenizer & { readonly info: EngineInfo; readonly chatFormat: ChatFormat | null },
  options: { readonly language: Language | TaskTexts; readonly prompts?: PromptStyle; readonly template?: TemplateName },
): Speech {
  const { info, chatFormat } = model;
  const { language, prompts = 'auto', template = 'auto' } = options;
  const style = prompts === 'auto' ? (info.parameters < SMALL ? 'brief' : 'full') : prompts;
  const dialect = dialectFor(info.dialect, language, style);
  if (dialect.name === 'nano' && language === 'python')
    throw new TemplateError(`The bundled model knows JavaScript, not Python; for "language": "${language}" name another "model".`);
  if (dialect.name === 'nano') return { dialect, encode: ({ prompt }) => model.tokenize([{ text: prompt, content: true }]) };
  const frames = new Map<string, Frame>();
  const frameOf = ({ role, taskType }: Pick<Question, 'role' | 'taskType'>): Frame => {
    const key = `${role} ${taskType}`;
    const known = frames.get(key);
    if (known) return known;
    const frame = frameFor(chatFormat, template, dialect.opening, dialect.examples?.(role, taskType));
    frames.set(key, frame);
    return frame;
  };
  // A template that cannot be used is refused now, not in the middle of a step.
  for (const role of ROLES) for (const taskType of TASK_TYPES) frameOf({ role, taskType });
  return { dialect, encode: (question) => framed(model, frameOf(question), chatFormat?.startToken ?? null, question.prompt) };
}
