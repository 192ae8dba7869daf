/**
 * Text ↔ token ids from a model's own files in Hugging Face's form: `tokenizer.json`, `tokenizer_config.json`, and, where there,
 * `config.json`, `generation_config.json`, `chat_template.jinja`. The same ids as llama.cpp gives for the same model.
 */
import { Tokenizer as Pieces } from '@huggingface/tokenizers';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import type { ChatFormat, TextPart } from '../core/prompts/template.ts';
import { LongestMatch, encodeParts, type Tokenizer } from './ggml/tokenizer.ts';
import { EngineError } from './ports.ts';

/** Files that are read; the first two must be there. */
export const TOKENIZER_FILES = [
  'tokenizer.json',
  'tokenizer_config.json',
  'config.json',
  'generation_config.json',
  'chat_template.jinja',
] as const;
const REQUIRED = 2;

/** Tokens that end a turn, as llama.cpp knows them by their text (`llama-vocab.cpp`). */
const ENDS = new Set([
  '<|eot_id|>',
  '<|im_end|>',
  '<|end|>',
  '<|return|>',
  '<|call|>',
  '<end_of_turn>',
  '<|endoftext|>',
  '<|eom_id|>',
  '<EOT>',
  '_<EOT>',
  '<|end_of_text|>',
  '<end_of_utterance>',
  '<|flush|>',
  '<|calls|>',
  '[EOT]',
  '[EOS]',
  // Between files of a repository: a model that writes one has left the conversation.
  '<|fim_pad|>',
  '<fim-pad>',
  '<fim_pad>',
  '<|fim_repo|>',
  '<|repo_name|>',
  '<fim-repo>',
  '<reponame>',
  '<|file_sep|>',
]);

const named = z.union([z.string(), z.looseObject({ content: z.string() }).transform(({ content }) => content)]);
const ids = z.union([z.number(), z.array(z.number())]);
const fileSchema = z.looseObject({
  added_tokens: z.array(z.looseObject({ id: z.number().int().min(0), content: z.string(), special: z.boolean() })).default([]),
  normalizer: z.unknown(),
  pre_tokenizer: z.unknown(),
  post_processor: z.unknown(),
  decoder: z.unknown(),
  model: z.looseObject({ type: z.string().nullish(), vocab: z.unknown(), continuing_subword_prefix: z.string().nullish() }),
});
const configSchema = z.looseObject({
  bos_token: named.nullish(),
  eos_token: named.nullish(),
  add_bos_token: z.boolean().nullish(),
  chat_template: z.union([z.string(), z.array(z.looseObject({ name: z.string(), template: z.string() }))]).nullish(),
  kelvin_dialect: z.string().nullish(),
});
const modelSchema = z.looseObject({
  model_type: z.string().nullish(),
  vocab_size: z.number().int().positive().nullish(),
  max_position_embeddings: z.number().int().positive().nullish(),
  hidden_size: z.number().int().positive().nullish(),
  intermediate_size: z.number().int().positive().nullish(),
  num_hidden_layers: z.number().int().positive().nullish(),
  num_attention_heads: z.number().int().positive().nullish(),
  num_key_value_heads: z.number().int().positive().nullish(),
  head_dim: z.number().int().positive().nullish(),
  tie_word_embeddings: z.boolean().nullish(),
  eos_token_id: ids.nullish(),
});
export type ModelConfig = z.infer<typeof modelSchema>;

/** A model's tokenizer. Beginning-of-sequence is never added; `chatFormat.startToken` says whether the model wants it. */
export class TokenizerFiles implements Tokenizer {
  readonly size: number;
  readonly eosToken: number;
  readonly chatFormat: ChatFormat;
  /** `nano` for the bundled model's compact prompts, otherwise `chat`. */
  readonly dialect: string;
  /** What `config.json` says of the model; empty without it. */
  readonly model: ModelConfig;
  /** SHA-256 of the files, hex. */
  readonly hash: string;
  readonly #pieces: Pieces;
  readonly #controls: ReadonlyMap<string, number>;
  readonly #ends: ReadonlySet<number>;
  readonly #bytes: (Uint8Array | undefined)[] = [];
  readonly #piece: (token: number) => Uint8Array;
  /** Greedy longest match over bytes (the bundled model), which the library does in quadratic time. */
  readonly #match: LongestMatch | null;

  /**
   * @param folder with the model's files
   * @throws EngineError `missing` or `corrupt`; `unsupported` for kinds whose tokens have no exact bytes
   */
  constructor(folder: string) {
    const texts = TOKENIZER_FILES.map((name, i) => readText(join(folder, name), i < REQUIRED));
    const [main, config, model, generation, template] = texts;
    const file = parsed(fileSchema, main, folder, 'tokenizer.json');
    const settings = parsed(configSchema, config, folder, 'tokenizer_config.json');
    this.model = model === null ? {} : parsed(modelSchema, model, folder, 'config.json');
    this.hash = createHash('sha256').update(JSON.stringify(texts)).digest('hex');
    this.dialect = settings.kelvin_dialect ?? 'chat';
    // Control tokens are found by us and not by the library, so that no content can spell one.
    const special = file.added_tokens.filter((token) => token.special);
    this.#controls = new Map(special.map(({ content, id }) => [content, id]));
    try {
      this.#pieces = new Pieces(
        {
          ...file,
          pre_tokenizer: mended(file.pre_tokenizer),
          post_processor: null,
          added_tokens: file.added_tokens.filter((token) => !token.special),
        },
        settings,
      );
    } catch (error) {
      throw damaged(folder, 'tokenizer.json', (error as Error).message);
    }
    const vocabulary = [...(this.#pieces.get_vocab() as Map<string | undefined, number>)];
    const known = new Map<string, number>([
      ...vocabulary.filter((entry): entry is [string, number] => entry[0] !== undefined),
      ...this.#controls,
    ]);
    const last = [...known.values()].reduce((most, id) => Math.max(most, id), -1);
    this.size = Math.max(this.model.vocab_size ?? 0, last + 1);
    const idOf = (token: string | null | undefined): number | null => (token ? (known.get(token) ?? null) : null);
    const eos = idOf(settings.eos_token) ?? listOf(this.model.eos_token_id)[0];
    if (eos === undefined) throw damaged(folder, 'tokenizer_config.json', 'it names no eos_token of the vocabulary');
    this.eosToken = eos;
    const more =
      generation === null
        ? []
        : listOf(parsed(z.looseObject({ eos_token_id: ids.nullish() }), generation, folder, 'generation_config.json').eos_token_id);
    this.#ends = new Set([
      eos,
      ...listOf(this.model.eos_token_id),
      ...more,
      ...[...this.#controls].flatMap(([text, id]) => (ENDS.has(text) ? [id] : [])),
    ]);
    const bos = idOf(settings.bos_token);
    this.chatFormat = {
      template: template ?? templateOf(settings.chat_template),
      bos: settings.bos_token ?? '',
      eos: settings.eos_token ?? '',
      startToken: bos !== null && (settings.add_bos_token ?? startsWith(file.post_processor, settings.bos_token ?? '')) ? bos : null,
    };
    this.#match = isLongestMatch(file) ? longestMatch(known, this.#controls, eos) : null;
    this.#piece = pieceReader(file.decoder, this.#pieces, new Map([...this.#controls].map(([text, id]) => [id, text])), folder);
  }

  encode(text: string | readonly TextPart[]): number[] {
    return encodeParts(text, this.#controls, (run) => this.#plain(run));
  }
  #plain(text: string): number[] {
    if (this.#match !== null) return this.#match.encode(text);
    // Half of a surrogate pair is written as U+FFFD, as UTF-8 writes it.
    const found = this.#pieces.encode(text.toWellFormed(), { add_special_tokens: false }).ids as (number | undefined)[];
    if (found.some((id) => id === undefined))
      throw new EngineError('unsupported', `The model's vocabulary has no token for a part of ${JSON.stringify(text.slice(0, 40))}.`);
    return found as number[];
  }
  /** Tokens that end a completion. */
  get ends(): ReadonlySet<number> {
    return this.#ends;
  }
  bytes(token: number): Uint8Array {
    if (this.#ends.has(token)) return NONE;
    return (this.#bytes[token] ??= this.#piece(token));
  }
  isEnd(token: number): boolean {
    return this.#ends.has(token);
  }
}

/** The library's Digits knows 0 – 9 only; the original, like llama.cpp, takes every numeric character (½, ², ٣). */
function mended(pre: unknown): unknown {
  if (typeof pre !== 'object' || pre === null) return pre;
  const { type, individual_digits: single, pretokenizers } = pre as Readonly<Record<string, unknown>>;
  if (Array.isArray(pretokenizers)) return { ...pre, pretokenizers: pretokenizers.map(mended) };
  if (type !== 'Digits') return pre;
  return { type: 'Split', pattern: { Regex: single === true ? '\\p{N}' : '\\p{N}+' }, behavior: 'Isolated', invert: false };
}

/** WordPiece without a prefix over byte-level characters that nothing splits before. */
function isLongestMatch({ model, pre_tokenizer, normalizer }: z.infer<typeof fileSchema>): boolean {
  const pre = pre_tokenizer as { type?: unknown; use_regex?: unknown; add_prefix_space?: unknown } | null | undefined;
  const plain = pre?.type === 'ByteLevel' && pre.use_regex === false && pre.add_prefix_space === false && (normalizer ?? null) === null;
  return plain && model.type === 'WordPiece' && model.continuing_subword_prefix === '';
}
function longestMatch(known: ReadonlyMap<string, number>, controls: ReadonlyMap<string, number>, eos: number): LongestMatch {
  const tokens: Uint8Array[] = [];
  for (const [text, id] of known) if (!controls.has(text)) tokens[id] = byteLevel(text);
  return new LongestMatch(
    Array.from(tokens, (token) => token ?? NONE),
    eos,
  );
}

const NONE = new Uint8Array(0);
const listOf = (found: number | readonly number[] | null | undefined): readonly number[] =>
  found === null || found === undefined ? [] : typeof found === 'number' ? [found] : found;

function readText(path: string, required: boolean): string | null {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (!required && (error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw new EngineError(
      'missing',
      `${path} cannot be read (${(error as NodeJS.ErrnoException).code ?? String(error)}). engine.tinker.tokenizer names a folder with a model's tokenizer.json and tokenizer_config.json, or hf:user/repo.`,
    );
  }
}

function parsed<T>(schema: z.ZodType<T>, text: string | null | undefined, folder: string, name: string): T {
  let raw: unknown;
  try {
    raw = JSON.parse(text ?? '');
  } catch (error) {
    throw damaged(folder, name, (error as Error).message);
  }
  const result = schema.safeParse(raw);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  throw damaged(folder, name, `"${issue?.path.join('.') ?? ''}": ${issue?.message ?? ''}`);
}
const damaged = (folder: string, name: string, why: string): EngineError =>
  new EngineError('corrupt', `${join(folder, name)} cannot be used: ${why.slice(0, 200)}. Fetch the model's files again.`);

function templateOf(found: z.infer<typeof configSchema>['chat_template']): string | null {
  if (typeof found === 'string') return found.trim() === '' ? null : found;
  return found?.find(({ name }) => name === 'default')?.template ?? null;
}

/** Whether a post-processor puts beginning-of-sequence in front. */
function startsWith(processor: unknown, bos: string): boolean {
  if (typeof processor !== 'object' || processor === null || bos === '') return false;
  const { single, processors } = processor as { single?: unknown; processors?: unknown };
  if (Array.isArray(processors)) return processors.some((one) => startsWith(one, bos));
  const first = Array.isArray(single) ? (single[0] as { SpecialToken?: { id?: unknown } } | null) : null;
  return first?.SpecialToken?.id === bos;
}

/** The exact bytes of a token, by the kind of decoder. */
function pieceReader(
  decoder: unknown,
  pieces: Pieces,
  controls: ReadonlyMap<number, string>,
  folder: string,
): (token: number) => Uint8Array {
  const kinds = kindsOf(decoder);
  const added = pieces.get_added_tokens_decoder();
  const literal = (token: number): string | undefined => controls.get(token) ?? added.get(token)?.content;
  const read = kinds.has('ByteLevel') ? byteLevel : kinds.has('ByteFallback') || kinds.has('Metaspace') ? sentencePiece : null;
  if (read === null)
    throw new EngineError(
      'unsupported',
      `The tokenizer in ${folder} writes its tokens in a way (${[...kinds].join(', ') || 'no decoder'}) whose bytes are not known. Choose a model with byte-level or SentencePiece tokens.`,
    );
  return (token) => {
    const text = literal(token);
    if (text !== undefined) return Buffer.from(text, 'utf8');
    const piece = pieces.id_to_token(token);
    return piece === undefined ? NONE : read(piece);
  };
}

function kindsOf(decoder: unknown): Set<string> {
  if (typeof decoder !== 'object' || decoder === null) return new Set();
  const { type, decoders } = decoder as { type?: unknown; decoders?: unknown };
  return new Set([String(type), ...(Array.isArray(decoders) ? decoders.flatMap((one) => [...kindsOf(one)]) : [])]);
}

/** GPT-2's alphabet: printable bytes stand for themselves, the others for the characters from U+0100 on. */
export const BYTE_ALPHABET: readonly string[] = (() => {
  let next = 256;
  return Array.from({ length: 256 }, (_, byte) => {
    const printable = (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || byte >= 174;
    return String.fromCharCode(printable ? byte : next++);
  });
})();
const BYTE_OF = new Map(BYTE_ALPHABET.map((char, byte) => [char, byte]));

const byteLevel = (piece: string): Uint8Array => {
  const bytes = Array.from(piece, (char) => BYTE_OF.get(char));
  return bytes.includes(undefined) ? Buffer.from(piece, 'utf8') : Uint8Array.from(bytes as number[]);
};
const sentencePiece = (piece: string): Uint8Array => {
  const hex = /^<0x([0-9A-Fa-f]{2})>$/.exec(piece)?.[1];
  return hex === undefined ? Buffer.from(piece.replaceAll('▁', ' '), 'utf8') : Uint8Array.of(Number.parseInt(hex, 16));
};
