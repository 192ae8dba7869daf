/** Text ↔ token ids: greedy longest match over byte strings in TypeScript, or any other vocabulary through libllama. */
import type { TextPart } from '../../core/prompts/template.ts';
import { EngineError } from '../ports.ts';
import type { GgufFile } from './gguf.ts';
import type { Pointer } from './libraries.ts';
import type { Llama } from './llama.ts';
import { unescapeToken } from './model-file.ts';

export interface Tokenizer {
  readonly size: number;
  readonly eosToken: number;
  encode(text: string | readonly TextPart[]): number[];
  /** Bytes of a token in text; empty for tokens that end a completion. */
  bytes(token: number): Uint8Array;
  isEnd(token: number): boolean;
}

/** Exact bytes of tokens as UTF-8. */
export function decodeText(tokenizer: Tokenizer, tokens: readonly number[]): string {
  return Buffer.concat(tokens.map((t) => tokenizer.bytes(t))).toString('utf8');
}

interface Node {
  token: number;
  /** The same without control tokens. */
  plain: number;
  readonly next: Map<number, Node>;
}

/** The "rwkv" kind of llama.cpp: at each place the longest token that fits. */
export class LongestMatch implements Tokenizer {
  readonly size: number;
  readonly eosToken: number;
  readonly #bytes: readonly Buffer[];
  readonly #root: Node = { token: -1, plain: -1, next: new Map() };

  /** @param controls ids that no content may become. */
  constructor(tokens: readonly Uint8Array[], eosToken: number, controls: ReadonlySet<number> = new Set()) {
    this.size = tokens.length;
    this.eosToken = eosToken;
    this.#bytes = tokens.map((t) => Buffer.from(t));
    this.#bytes.forEach((bytes, id) => {
      if (bytes.length === 0) return;
      let node = this.#root;
      for (const byte of bytes) {
        let child = node.next.get(byte);
        if (child === undefined) {
          child = { token: -1, plain: -1, next: new Map() };
          node.next.set(byte, child);
        }
        node = child;
      }
      node.token = id;
      if (!controls.has(id)) node.plain = id;
    });
  }

  encode(text: string | readonly TextPart[]): number[] {
    const parts = typeof text === 'string' ? [{ text, content: false }] : text;
    return parts.flatMap((part) => this.#encode(part));
  }
  #encode({ text, content }: TextPart): number[] {
    const bytes = Buffer.from(text, 'utf8');
    const out: number[] = [];
    for (let at = 0; at < bytes.length;) {
      let node: Node | undefined = this.#root;
      let best = -1;
      let end = at;
      for (let i = at; node !== undefined; i++) {
        const token = content ? node.plain : node.token;
        if (token >= 0) {
          best = token;
          end = i;
        }
        node = i < bytes.length ? node.next.get(bytes[i] as number) : undefined;
      }
      if (best < 0)
        throw new EngineError(
          'unsupported',
          `The model's vocabulary has no token for the byte ${String(bytes[at])}. Use a model with byte tokens.`,
        );
      out.push(best);
      at = end;
    }
    return out;
  }
  bytes(token: number): Uint8Array {
    return token === this.eosToken ? Buffer.alloc(0) : (this.#bytes[token] ?? Buffer.alloc(0));
  }
  isEnd(token: number): boolean {
    return token === this.eosToken;
  }
}

/** A vocabulary that libllama reads (BPE, SentencePiece, …); pieces are cached. */
export class LlamaVocabulary implements Tokenizer {
  readonly size: number;
  readonly eosToken: number;
  readonly #l: Llama;
  readonly #vocabulary: Pointer;
  readonly #pieces: (Uint8Array | undefined)[] = [];
  readonly #controls: ReadonlyMap<string, number>;

  constructor(l: Llama, model: Pointer, file: GgufFile) {
    this.#l = l;
    this.#controls = controlTokens(file);
    this.#vocabulary = l.vocabulary(model) as Pointer;
    this.size = l.vocabularySize(this.#vocabulary) as number;
    this.eosToken = l.endToken(this.#vocabulary) as number;
  }
  encode(text: string | readonly TextPart[]): number[] {
    return encodeParts(text, this.#controls, (run) => this.#plain(run));
  }
  #plain(text: string): number[] {
    const bytes = Buffer.from(text, 'utf8');
    // A NUL would end the C string for koffi; the library itself takes a length.
    if (bytes.includes(0)) throw new EngineError('unsupported', 'The text holds a NUL character. Remove it.');
    const out = new Int32Array(bytes.length + 8);
    const n = this.#l.tokenize(this.#vocabulary, text, bytes.length, out, out.length, false, false) as number;
    if (n < 0) throw new EngineError('native', `llama.cpp could not tokenize a text of ${bytes.length} bytes.`);
    return Array.from(out.subarray(0, n));
  }
  bytes(token: number): Uint8Array {
    let piece = this.#pieces[token];
    if (piece === undefined && this.isEnd(token)) piece = this.#pieces[token] = new Uint8Array(0);
    if (piece === undefined) {
      let buffer = Buffer.alloc(64);
      let n = this.#l.piece(this.#vocabulary, token, buffer, buffer.length, 0, true) as number;
      if (n < 0) {
        buffer = Buffer.alloc(-n);
        n = this.#l.piece(this.#vocabulary, token, buffer, buffer.length, 0, true) as number;
      }
      piece = Uint8Array.from(buffer.subarray(0, Math.max(0, n)));
      this.#pieces[token] = piece;
    }
    return piece;
  }
  isEnd(token: number): boolean {
    return this.#l.isEnd(this.#vocabulary, token) as boolean;
  }
}

/** Text → id of the tokens that structure a conversation (GGUF token types 2 unknown and 3 control). */
export function controlTokens(file: GgufFile): Map<string, number> {
  const types = file.metadata.get('tokenizer.ggml.token_type');
  const found = new Map<string, number>();
  if (Array.isArray(types))
    file.tokens.forEach((token, id) => {
      if ((types[id] === 2 || types[id] === 3) && token.length > 0) found.set(token.toString('utf8'), id);
    });
  return found;
}

/**
 * Token ids of a text whose control tokens (not those in `content` parts) are found here and not by the library, so that text
 * between them is one run even where a question begins.
 */
export function encodeParts(
  text: string | readonly TextPart[],
  controls: ReadonlyMap<string, number>,
  plain: (run: string) => readonly number[],
): number[] {
  const parts = typeof text === 'string' ? [{ text, content: false }] : text;
  const out: number[] = [];
  let run = '';
  const flush = (): void => {
    if (run !== '') out.push(...plain(run));
    run = '';
  };
  for (const part of parts)
    for (const piece of part.content ? [part.text] : splitAt(part.text, controls)) {
      const control = part.content ? undefined : controls.get(piece);
      if (control === undefined) run += piece;
      else {
        flush();
        out.push(control);
      }
    }
  flush();
  return out;
}

/** The text in pieces: control tokens by themselves (the longest where several fit), and what stands between them. */
function splitAt(text: string, controls: ReadonlyMap<string, number>): string[] {
  const first = [...controls.keys()].filter((token) => text.includes(token)).sort((a, b) => b.length - a.length);
  if (first.length === 0) return text === '' ? [] : [text];
  const pattern = new RegExp(`(${first.map((token) => token.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')).join('|')})`);
  return text.split(pattern).filter((piece) => piece !== '');
}

/** The TypeScript tokenizer of a file of the "rwkv" kind; null for other kinds. */
export function ownTokenizer(file: GgufFile): LongestMatch | null {
  if (file.metadata.get('tokenizer.ggml.model') !== 'rwkv') return null;
  const eos = file.metadata.get('tokenizer.ggml.eos_token_id');
  if (typeof eos !== 'number' || eos >= file.tokens.length)
    throw new EngineError('corrupt', `${file.path} names no end-of-sequence token. Export the model again.`);
  return new LongestMatch(file.tokens.map(unescapeToken), eos, new Set(controlTokens(file).values()));
}
