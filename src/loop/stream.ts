/** Text of one sequence while it is generated: decoded as it comes, never through the middle of a character. */

/** Tokens after which a chunk ends at the latest. */
const CHUNK = 16;
/** A character of UTF-8 has at most four bytes; what is still broken after as many tokens is no character. */
const LONGEST = 4;
const SENTENCE = /[.!?…。！？\n]\s*$/u;

export class TokenStream {
  readonly tokens: number[] = [];
  readonly #decode: (tokens: readonly number[]) => string;
  #text = '';
  /** Text of the tokens from `#from` on. */
  #open = '';
  #from = 0;
  /** Tokens at the last boundary. */
  #last = 0;

  constructor(decode: (tokens: readonly number[]) => string) {
    this.#decode = decode;
  }

  push(token: number): void {
    this.tokens.push(token);
    this.#open = this.#decode(this.tokens.slice(this.#from));
    if (this.#open.endsWith('\uFFFD') && this.tokens.length - this.#from < LONGEST) return;
    this.#text += this.#open;
    this.#open = '';
    this.#from = this.tokens.length;
  }

  /** True at the end of a sentence and after at most 16 tokens: where a reader looks. Each boundary counts once. */
  atBoundary(): boolean {
    const { length } = this.tokens;
    if (this.#from < length || (length - this.#last < CHUNK && !SENTENCE.test(this.#text.slice(-8)))) return false;
    this.#last = length;
    return true;
  }

  /** All whole characters so far. */
  text(): string {
    return this.#text;
  }
}
