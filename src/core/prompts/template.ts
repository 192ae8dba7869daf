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

/** What stands around a question. */
export interface Frame {
  readonly before: readonly TextPart[];
  readonly after: string;
}

/** The template cannot be used; the message says what to set. */
export class TemplateError extends Error {
  override readonly name = 'TemplateError';
}

/** The format, as a system message. */
export const SYSTEM = 'You think about a question inside <think> and </think>, then write the answer inside <answer> and </answer>.';

/** The wrapper for base models, structure after Absolute Zero, Fig. 33: who speaks, the format, the question, an open thought. */
const BASE =
  'This is a conversation between User and Assistant. The User asks, the Assistant reasons first and answers then: the reasoning ' +
  'stands between <think> and </think>, the answer between <answer> and </answer>.\n';

/** Stands for the i-th text while the template is rendered; no text of ours or of a model holds these private characters. */
const hole = (i: number): string => `\uE0F1${i}\uE0F2`;
const HOLE = /\uE0F1(\d+)\uE0F2/;

/**
 * The frame for a model. `auto` takes the model's own template when its file has one.
 * @param opening what our prompt writes of the completion, `<think>`.
 * @param turns earlier turns of the conversation; what they say is content.
 * @throws TemplateError when the template is missing or cannot be rendered.
 */
export function frameFor(format: ChatFormat | null, name: TemplateName, opening: string, turns: readonly Turn[] = []): Frame {
  const content = (text: string): TextPart => ({ text, content: true });
  const ours = (text: string): TextPart => ({ text, content: false });
  if (name === 'base' || (name === 'auto' && !format?.template)) {
    const earlier = turns.flatMap((turn) => [
      ours('User: '),
      content(turn.user),
      ours('\nAssistant: '),
      content(turn.assistant),
      ours('\n\n'),
    ]);
    return { before: [ours(`${BASE}\n`), ...earlier, ours('User: ')], after: `\nAssistant: ${opening}` };
  }
  if (!format?.template)
    throw new TemplateError(
      'The model has no chat template, and "template" is "chat". Set template to "base" or choose an instruction model.',
    );
  const texts = turns.flatMap((turn) => [turn.user, turn.assistant]);
  const [question, ...rest] = split(conversation(format, texts.length + 1), texts.length).reverse();
  const after = question?.text ?? '';
  return {
    before: rest.reverse().map((part) => (part.content ? content(texts[Number(part.text)] ?? '') : part)),
    // A template for reasoning models may have opened the thought already.
    after: after.trimEnd().endsWith(opening) ? after.trimEnd() : after + opening,
  };
}

/** The rendered conversation with a hole for each of its texts, of user and assistant in turn. */
function conversation(format: ChatFormat, count: number): string {
  const messages = Array.from({ length: count }, (_, i) => ({ role: i % 2 === 0 ? 'user' : 'assistant', content: hole(i) }));
  const rendered = render(format, [{ role: 'system', content: SYSTEM }, ...messages]);
  if (!(rendered instanceof Error)) return rendered;
  // Some templates refuse a system message; the format then stands before the first question.
  const without = render(
    format,
    messages.map((message, i) => (i === 0 ? { ...message, content: `${SYSTEM}\n\n${message.content}` } : message)),
  );
  if (without instanceof Error) throw unusable(without.message);
  return without;
}

const unusable = (why: string): TemplateError =>
  new TemplateError(`The chat template in the model cannot be used (${why}). Set template to "base".`);

/** Text and holes in turn; the last hole, that of the question, is left out. */
function split(rendered: string, last: number): TextPart[] {
  const pieces = rendered.split(HOLE);
  const holes = pieces.filter((_, i) => i % 2 === 1).map(Number);
  if (holes.length !== last + 1 || holes.some((found, i) => found !== i)) throw unusable('it does not render every message once');
  return pieces
    .map((text, i) => ({ text, content: i % 2 === 1 }))
    .filter((part, i) => i !== pieces.length - 2 && (part.content || part.text !== '' || i === pieces.length - 1));
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
  const tokens = tokenizer.tokenize([...frame.before, { text: question, content: true }, { text: frame.after, content: false }]);
  return startToken !== null && tokens[0] !== startToken ? [startToken, ...tokens] : tokens;
}
