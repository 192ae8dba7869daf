/** Turns with a model: prompt tokens in its frame, the newest turns that fit, and one reply at a time. */
import { parseCompletion } from '../core/answers.ts';
import { framed, frameFor } from '../core/prompts/template.ts';
import type { TemplateName } from '../core/prompts/template.ts';
import type { Turn } from '../core/prompts/dialect.ts';
import type { Parsed, StopReason } from '../core/types.ts';
import type { Engine } from '../engine/ports.ts';
import { EngineError } from '../engine/ports.ts';
import { TokenStream } from '../loop/stream.ts';

const OPENING = '<think>';
const STOP = '</answer>';

export interface Reply {
  readonly parsed: Parsed;
  readonly text: string;
  readonly tokens: number;
  readonly stopReason: StopReason;
}

export interface ReplyOptions {
  readonly maxTokens: number;
  readonly temperature: number;
  readonly seed: number;
  /** Text as it comes, whole characters. */
  readonly onText: (text: string) => void;
  /** True ends the reply. */
  readonly stopped: () => boolean;
}

export class Conversation {
  readonly #engine: Engine;
  readonly #template: TemplateName;
  /** What the prompt writes of a reply. The bundled model opens its thought itself and knows no turns. */
  readonly #opening: string;
  #turns: Turn[] = [];

  constructor(engine: Engine, template: TemplateName) {
    this.#engine = engine;
    this.#template = template;
    this.#opening = engine.info.dialect === 'nano' ? '' : OPENING;
    // A template that cannot be used is refused before the first question.
    if (this.#opening !== '') frameFor(engine.chatFormat, template, OPENING);
  }

  forget(): void {
    this.#turns = [];
  }

  /** @throws EngineError when the question alone is longer than the context. */
  async ask(asked: string, options: ReplyOptions): Promise<Reply> {
    const engine = this.#engine;
    // The bundled model's prompts end with their line.
    const question = this.#opening === '' ? asked : asked.trim();
    const prompt = this.#fit(question, options.maxTokens);
    const maxTokens = Math.min(options.maxTokens, engine.info.contextLength - prompt.length);
    const stream = new TokenStream((tokens) => engine.detokenize(tokens));
    let shown = 0;
    options.onText(this.#opening);
    const show = (text: string): void => {
      options.onText(text.slice(shown));
      shown = text.length;
    };
    const [[sequence] = []] = await engine.sample(
      [{ prompt, n: 1, maxTokens, temperature: options.temperature, seed: options.seed, stop: [STOP] }],
      {
        onToken: (_request, _index, token) => {
          stream.push(token);
          show(stream.text());
          return !options.stopped();
        },
      },
    );
    const text = engine.detokenize(sequence?.tokens ?? []);
    if (text.startsWith(stream.text())) show(text);
    const stopReason = sequence?.stopReason ?? 'cut';
    if (this.#opening !== '') this.#turns.push({ user: question, assistant: this.#opening + text });
    return {
      parsed: parseCompletion(text, stopReason, this.#opening),
      text: this.#opening + text,
      tokens: sequence?.tokens.length ?? 0,
      stopReason,
    };
  }

  /** Prompt tokens with the newest turns that leave room for a reply of at least half of what is wanted. */
  #fit(question: string, wanted: number): number[] {
    const engine = this.#engine;
    const { contextLength } = engine.info;
    const encode = (): number[] =>
      this.#opening === ''
        ? engine.tokenize([{ text: question, content: true }])
        : framed(
            engine,
            frameFor(engine.chatFormat, this.#template, OPENING, this.#turns),
            engine.chatFormat?.startToken ?? null,
            question,
          );
    let tokens = encode();
    while (this.#turns.length > 0 && tokens.length + Math.ceil(wanted / 2) > contextLength) {
      this.#turns = this.#turns.slice(1);
      tokens = encode();
    }
    if (tokens.length >= contextLength)
      throw new EngineError(
        'unsupported',
        `The question takes ${tokens.length} tokens; the context holds ${contextLength}. Make it shorter.`,
      );
    return tokens;
  }
}
