/** Decoder on libllama, for models whose weights are large or quantised; a LoRA adapter is exchanged in place. */
import koffi from 'koffi';
import { EngineError } from '../ports.ts';
import type { Decoder, Distributions, PromptInput, PromptReady, StepInput } from './decoder.ts';
import type { Pointer } from './libraries.ts';
import type { Llama, NativeBatch } from './llama.ts';
import type { Probabilities, Softmax } from './softmax.ts';

/** Tokens of one `llama_decode`. */
const BATCH = 512;
/** Tokens that are worth waiting for: a prompt that shares this many more with one that is about to be computed is computed after it. */
const WORTH = 16;

/** A native context with its batch, whose arrays are views of native memory. */
interface Open {
  readonly native: Pointer;
  readonly memory: Pointer;
  readonly batch: NativeBatch;
  readonly token: Int32Array;
  readonly position: Int32Array;
  readonly count: Int32Array;
  readonly output: Int8Array;
  readonly sequence: readonly Int32Array[];
}

export class LlamaDecoder implements Decoder {
  readonly slots: number;
  readonly spare: number;
  readonly context: number;
  readonly vocabulary: number;
  /** Kernels are chosen by the number of columns. */
  readonly exact = false;
  readonly #softmax: Softmax;
  readonly #l: Llama;
  readonly #model: Pointer;
  readonly #threads: number;
  #open: Open | null;
  #adapter: Pointer | null = null;

  /** By slot: the tokens of a prompt whose keys and values its cells begin with, until another sequence takes the slot. */
  #held: (readonly number[])[] = [];

  /** @param softmax of the model's vocabulary; disposed with the decoder. */
  constructor(
    l: Llama,
    model: Pointer,
    softmax: Softmax,
    options: { slots: number; context: number; vocabulary: number; threads: number },
  ) {
    this.#l = l;
    this.#model = model;
    this.slots = options.slots;
    this.spare = options.slots;
    this.context = options.context;
    this.vocabulary = options.vocabulary;
    this.#threads = options.threads;
    this.#softmax = softmax;
    this.#open = this.#opened();
  }

  #opened(): Open {
    const columns = Math.max(BATCH, this.slots);
    const l = this.#l;
    const native = l.newContext(this.#model, {
      ...(l.contextDefaults() as Record<string, unknown>),
      // Each slot has cells of its own.
      n_ctx: this.context * (this.slots + 1),
      n_seq_max: this.slots + 1,
      n_batch: columns,
      // Room for the logits of every column would take hundreds of megabytes.
      n_outputs_max: this.slots + 1,
      n_ubatch: columns,
      n_threads: this.#threads,
      n_threads_batch: this.#threads,
      kv_unified: false,
    }) as Pointer | null;
    if (native === null)
      throw new EngineError(
        'memory',
        `There is too little memory for ${this.slots} sequences of ${this.context} tokens. Lower engine.parallel or engine.contextLength.`,
      );
    const batch = l.newBatch(columns, 0, 1) as NativeBatch;
    const view = (at: Pointer, bytes: number): ArrayBuffer => koffi.view(at, bytes) as ArrayBuffer;
    const lists = koffi.decode(batch.seq_id, 0, 'void*', columns) as Pointer[];
    const open = {
      native,
      memory: l.memory(native) as Pointer,
      batch,
      token: new Int32Array(view(batch.token, columns * 4)),
      position: new Int32Array(view(batch.pos, columns * 4)),
      count: new Int32Array(view(batch.n_seq_id, columns * 4)),
      output: new Int8Array(view(batch.logits, columns)),
      sequence: lists.map((at) => new Int32Array(view(at, 4))),
    };
    if (this.#adapter !== null) this.#apply(open);
    return open;
  }
  get #now(): Open {
    return (this.#open ??= this.#opened());
  }

  /** Gives back the memory of keys, values and logits until the next `begin`; nothing is sampled meanwhile. */
  rest(): void {
    if (this.#open === null) return;
    this.#l.freeBatch(this.#open.batch);
    this.#l.freeContext(this.#open.native);
    this.#open = null;
    this.#held = [];
  }

  begin(): void {
    this.#held = [];
  }

  /**
   * Many prompts go into one `llama_decode`. What a prompt shares (template, instructions) with one that a slot still holds is
   * copied, not computed again; prompts that share much with each other wait until the first of them is there.
   */
  async prefill(prompts: readonly PromptInput[], first: number, ready: PromptReady): Promise<void> {
    let waiting = prompts.map((_, i) => i);
    while (waiting.length > 0) {
      const wave: { readonly prompt: number; readonly from: number }[] = [];
      const later: number[] = [];
      for (const prompt of waiting) {
        const { tokens } = prompts[prompt] as PromptInput;
        const held = this.#longest(tokens);
        const beside = wave.reduce((most, w) => Math.max(most, common(tokens, (prompts[w.prompt] as PromptInput).tokens)), 0);
        if (beside >= held.length + WORTH) later.push(prompt);
        else wave.push({ prompt, from: this.#begin(first + prompt, tokens, held) });
      }
      await this.#compute(prompts, wave, first, ready);
      for (const { prompt } of wave) this.#held[first + prompt] = (prompts[prompt] as PromptInput).tokens;
      waiting = later;
    }
  }

  /** The slot that holds most of the beginning of a prompt; its last token is always computed, for what follows it. */
  #longest(tokens: readonly number[]): { readonly slot: number; readonly length: number } {
    let best = { slot: -1, length: 0 };
    this.#held.forEach((held, slot) => {
      const length = Math.min(common(tokens, held), tokens.length - 1);
      if (length > best.length) best = { slot, length };
    });
    return best;
  }

  /** Gives a slot the beginning of a prompt that another holds. Returns how many tokens it has then. */
  #begin(slot: number, tokens: readonly number[], held: { readonly slot: number; readonly length: number }): number {
    const { memory } = this.#now;
    if (held.length > 0 && held.slot !== slot) this.copy(held.slot, slot);
    const kept = held.length > 0 && (this.#l.removeSequence(memory, slot, held.length, -1) as boolean) ? held.length : 0;
    if (kept === 0) this.#l.removeSequence(memory, slot, -1, -1);
    this.#held[slot] = tokens.slice(0, kept);
    return kept;
  }

  async #compute(
    prompts: readonly PromptInput[],
    wave: readonly { readonly prompt: number; readonly from: number }[],
    first: number,
    ready: PromptReady,
  ): Promise<void> {
    let filled = 0;
    let ends: number[] = [];
    const flush = async (): Promise<void> => {
      if (filled === 0) return;
      await this.#decode(filled);
      const next = ends.length > 0 ? await this.#distributions(ends.map((i) => (prompts[i] as PromptInput).temperature)) : null;
      if (next !== null) ends.forEach((prompt, row) => ready(prompt, next, row));
      filled = 0;
      ends = [];
    };
    for (const { prompt, from } of wave) {
      const { tokens } = prompts[prompt] as PromptInput;
      // A prompt is computed in one piece when it fits: llama.cpp computes pieces of equal length side by side.
      if (filled + tokens.length - from > BATCH) await flush();
      for (let at = from; at < tokens.length; at++) {
        if (filled === BATCH) await flush();
        const last = at === tokens.length - 1;
        this.#set(filled++, tokens[at] as number, at, first + prompt, last);
        if (last) ends.push(prompt);
      }
    }
    await flush();
  }

  copy(from: number, to: number): void {
    this.#l.removeSequence(this.#now.memory, to, -1, -1);
    this.#l.copySequence(this.#now.memory, from, to, -1, -1);
    this.#held[to] = this.#held[from] ?? [];
  }

  async step(inputs: readonly StepInput[]): Promise<Distributions> {
    inputs.forEach(({ token, position }, slot) => this.#set(slot, token, position, slot, true));
    await this.#decode(inputs.length);
    return await this.#distributions(inputs.map(({ temperature }) => temperature));
  }

  #distributions(temperatures: readonly number[]): Promise<Probabilities> {
    return this.#softmax.apply(this.#l.logits(this.#now.native) as Pointer, temperatures);
  }

  /** Applies an adapter (or none) to all that is computed from now on; what was cached is dropped. */
  setAdapter(adapter: Pointer | null): void {
    this.#adapter = adapter;
    this.#held = [];
    if (this.#open !== null) this.#apply(this.#open);
  }
  #apply({ memory, native }: Open): void {
    this.#l.clearMemory(memory, false);
    const list = BigUint64Array.of(this.#adapter ?? 0n);
    if (this.#l.setAdapters(native, list, this.#adapter === null ? 0 : 1, Float32Array.of(1)) !== 0)
      throw new EngineError('native', 'llama.cpp refused the adapter. Check that it was trained on this model.');
  }

  #set(i: number, at: number, position: number, sequence: number, output: boolean): void {
    const now = this.#now;
    now.token[i] = at;
    now.position[i] = position;
    now.count[i] = 1;
    (now.sequence[i] as Int32Array)[0] = sequence;
    now.output[i] = output ? 1 : 0;
  }
  #decode(tokens: number): Promise<void> {
    const { native, batch } = this.#now;
    return new Promise((resolve, reject) => {
      this.#l.decode.async(native, { ...batch, n_tokens: tokens }, (error: Error | null, code: number) => {
        if (error !== null) reject(new EngineError('native', `Sampling failed: ${error.message}`));
        else if (code !== 0)
          reject(new EngineError('memory', `llama.cpp could not compute a batch (code ${code}). Lower engine.parallel.`));
        else resolve();
      });
    });
  }

  dispose(): void {
    this.#softmax.dispose();
    this.rest();
  }
}

/** How many entries two lists begin with in common. */
function common(a: readonly number[], b: readonly number[]): number {
  const limit = Math.min(a.length, b.length);
  for (let i = 0; i < limit; i++) if (a[i] !== b[i]) return i;
  return limit;
}
