import { Template as Jinja } from '@huggingface/jinja';
import type { Turn } from './dialect.ts';

/**
 * From a question to the text that a model sees. Chat models have a template of their own in the file's metadata; base
 * models get a plain dialogue. Either way the prompt ends with `<think>`, so that the completion starts inside the thought.
 */
export type TemplateName = 'auto' | 'chat' | 'base';

/** What a model's file says of how conversations are written. */
export interface ChatFormat {
  /** Jinja source (`tokenizer.chat_template`), or null. */
  readonly template: string | null;
  /** Texts of the beginning- and end-of-sequence tokens; '' when there is none. */
  readonly bos: string;
  readonly eos: string;
  /** Id of the beginning-of-sequence token when the model wants its input to start with it, else null. */
  readonly startToken: number | null;
}

/** A piece of a prompt. In `content` no text becomes a control token, whatever it spells. */
export interface TextPart {
  readonly text: string;
  readonly content: boolean;
}

/** The bare text of a prompt. */
export const textOf = (text: string | readonly TextPart[]): string =>
  typeof text === 'string' ? text : text.map((part) => part.text).join('');

/** Text around a question. */
export interface Frame {
  readonly before: string;
  readonly after: string;
}

/** The template cannot be used; the message says what to set. */
export class TemplateError extends Error {
  override readonly name = 'TemplateError';
}

const SYSTEM = 'You think about a question inside <think> and </think>, then write the answer inside <answer> and </answer>.';

/** The wrapper for base models, structure after Absolute Zero, Fig. 33: who speaks, the format, the question, an open thought. */
const BASE =
  'This is a conversation between User and Assistant. The User asks, the Assistant reasons first and answers then: the reasoning ' +
  'stands between <think> and </think>, the answer between <answer> and </answer>.\n';

/** Stands for the question while the template is rendered; no text of ours or of a model holds these private characters. */
const HOLE = '\uE0F1question\uE0F2';

/**
 * The frame for a model. `auto` takes the model's own template when its file has one.
 * @param opening what our prompt writes of the completion, `<think>`.
 * @param examples earlier turns of the conversation.
 * @throws TemplateError when the template is missing or cannot be rendered.
 */
export function frameFor(format: ChatFormat | null, name: TemplateName, opening: string, examples: readonly Turn[] = []): Frame {
  if (name === 'base' || (name === 'auto' && !format?.template)) {
    const turns = examples.map((turn) => `User: ${turn.user}\nAssistant: ${turn.assistant}\n\n`).join('');
    return { before: `${BASE}\n${turns}User: `, after: `\nAssistant: ${opening}` };
  }
  if (!format?.template)
    throw new TemplateError(
      'The model has no chat template, and "template" is "chat". Set template to "base" or choose an instruction model.',
    );
  const turns = [
    ...examples.flatMap((turn) => [
      { role: 'user', content: turn.user },
      { role: 'assistant', content: turn.assistant },
    ]),
    { role: 'user', content: HOLE },
  ];
  const rendered = render(format, [{ role: 'system', content: SYSTEM }, ...turns]);
  // Some templates refuse a system message; the format then stands before the first question.
  const parts =
    rendered instanceof Error
      ? render(
          format,
          turns.map((turn, i) => (i === 0 ? { ...turn, content: `${SYSTEM}\n\n${turn.content}` } : turn)),
        )
      : rendered;
  const [before, after, ...more] = parts instanceof Error ? [] : parts.split(HOLE);
  if (before === undefined || after === undefined || more.length > 0)
    throw new TemplateError(
      `The chat template in the model cannot be used (${parts instanceof Error ? parts.message : 'it does not render the question once'}). Set template to "base".`,
    );
  // A template for reasoning models may have opened the thought already.
  return { before, after: after.trimEnd().endsWith(opening) ? after.trimEnd() : after + opening };
}

/** Some templates write today's date; a prompt must not depend on the day. */
const FIXED_DATE = '{%- macro strftime_now(format) -%}26 Jul 2024{%- endmacro -%}\n';

function render(format: ChatFormat, messages: readonly { readonly role: string; readonly content: string }[]): string | Error {
  try {
    return new Jinja(FIXED_DATE + (format.template ?? '')).render({
      messages,
      add_generation_prompt: true,
      bos_token: format.bos,
      eos_token: format.eos,
    });
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  }
}

/** Tokenizers differ in how they take parts; engines offer this (`Engine.tokenize`). */
export interface PartTokenizer {
  tokenize(text: string | readonly TextPart[]): number[];
}

/** Tokens of a question in its frame; beginning-of-sequence exactly once where the model wants it. */
export function framed(tokenizer: PartTokenizer, frame: Frame, startToken: number | null, question: string): number[] {
  const tokens = tokenizer.tokenize([
    { text: frame.before, content: false },
    { text: question, content: true },
    { text: frame.after, content: false },
  ]);
  return startToken !== null && tokens[0] !== startToken ? [startToken, ...tokens] : tokens;
}
