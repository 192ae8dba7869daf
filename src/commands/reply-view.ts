/** A reply on its way to the screen: tags become styles, the thought is dim, nothing in it can steer the terminal. */
import { sanitise } from '../core/inert.ts';

const TAGS = ['<think>', '</think>', '<answer>', '</answer>'] as const;
const DIM = '\u001b[2m';
const PLAIN = '\u001b[22m';

export class ReplyView {
  readonly #write: (text: string) => void;
  readonly #styled: boolean;
  #held = '';
  #dim = false;
  #atLineStart = true;

  /** @param styled false: tags stay as text, no escape sequences. */
  constructor(write: (text: string) => void, styled: boolean) {
    this.#write = write;
    this.#styled = styled;
  }

  /** Shows what is certain of the text so far; the start of a tag is held back until it is one or is not. */
  feed(text: string): void {
    if (!this.#styled) return this.#write(sanitise(text));
    this.#held += text;
    for (;;) {
      const at = this.#held.indexOf('<');
      this.#text(at < 0 ? this.#held : this.#held.slice(0, at));
      this.#held = at < 0 ? '' : this.#held.slice(at);
      if (at < 0) return;
      const tag = TAGS.find((known) => this.#held.startsWith(known));
      if (tag) {
        this.#held = this.#held.slice(tag.length);
        this.#switch(tag);
      } else if (TAGS.some((known) => known.startsWith(this.#held))) return;
      else {
        this.#text('<');
        this.#held = this.#held.slice(1);
      }
    }
  }

  /** Shows what was held back and ends the line and the style. */
  end(): void {
    this.#text(this.#held);
    this.#held = '';
    if (this.#dim) this.#write(PLAIN);
    this.#dim = false;
    this.#write('\n');
  }

  #switch(tag: (typeof TAGS)[number]): void {
    const dim = tag === '<think>';
    if (this.#dim && tag === '</think>' && !this.#atLineStart) this.#text('\n');
    if (dim !== this.#dim) this.#write(dim ? DIM : PLAIN);
    this.#dim = dim;
  }

  #text(text: string): void {
    // Blank lines between thought and answer are the format's, not the model's words.
    const shown = this.#atLineStart ? text.replace(/^\s+/, '') : text;
    if (shown === '') return;
    this.#write(sanitise(shown));
    this.#atLineStart = shown.endsWith('\n');
  }
}
