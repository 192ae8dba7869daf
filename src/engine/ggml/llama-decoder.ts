/** Decoder on libllama, for models whose weights are large or quantised; a LoRA adapter is exchanged in place. */
import koffi from 'koffi';
import { EngineError } from '../ports.ts';
import type { Decoder, Distributions, StepInput } from './decoder.ts';
import type { Pointer } from './libraries.ts';
import type { Llama, NativeBatch } from './llama.ts';
import type { Probabilities, Softmax } from './softmax.ts';

const BATCH = 512;

export class LlamaDecoder implements Decoder {
  readonly slots: number;
  readonly context: number;
  readonly vocabulary: number;
  /** Kernels are chosen by the number of columns. */
  readonly exact = false;
  readonly #softmax: Softmax;
  readonly #l: Llama;
  readonly #native: Pointer;
  readonly #memory: Pointer;
  readonly #batch: NativeBatch;
  readonly #token: Int32Array;
  readonly #position: Int32Array;
  readonly #count: Int32Array;
  readonly #output: Int8Array;
  readonly #sequence: readonly Int32Array[];

  /** Tokens whose keys and values the prompt's cells hold. */
  #held: readonly number[] = [];

  /** @param softmax of the model's vocabulary; disposed with the decoder. */
  constructor(
    l: Llama,
    model: Pointer,
    softmax: Softmax,
    options: { slots: number; context: number; vocabulary: number; threads: number },
  ) {
    this.#l = l;
    this.slots = options.slots;
    this.context = options.context;
    this.vocabulary = options.vocabulary;
    this.#softmax = softmax;
    const columns = Math.max(BATCH, options.slots);
    const native = l.newContext(model, {
      ...(l.contextDefaults() as Record<string, unknown>),
      // Each sequence has cells of its own; one more is for the prompt computed last.
      n_ctx: options.context * (options.slots + 1),
      n_seq_max: options.slots + 1,
      n_batch: columns,
      // Room for the logits of every column would take hundreds of megabytes.
      n_outputs_max: options.slots + 1,
      n_ubatch: columns,
      n_threads: options.threads,
      n_threads_batch: options.threads,
      kv_unified: false,
    }) as Pointer | null;
    if (native === null)
      throw new EngineError(
        'memory',
        `There is too little memory for ${options.slots} sequences of ${options.context} tokens. Lower engine.parallel or engine.contextLength.`,
      );
    this.#native = native;
    this.#memory = l.memory(native) as Pointer;
    this.#batch = l.newBatch(columns, 0, 1) as NativeBatch;
    const view = (at: Pointer, bytes: number): ArrayBuffer => koffi.view(at, bytes) as ArrayBuffer;
    this.#token = new Int32Array(view(this.#batch.token, columns * 4));
    this.#position = new Int32Array(view(this.#batch.pos, columns * 4));
    this.#count = new Int32Array(view(this.#batch.n_seq_id, columns * 4));
    this.#output = new Int8Array(view(this.#batch.logits, columns));
    const lists = koffi.decode(this.#batch.seq_id, 0, 'void*', columns) as Pointer[];
    this.#sequence = lists.map((at) => new Int32Array(view(at, 4)));
  }

  begin(): void {
    this.#held = [];
  }

  /** What the prompt shares with the one before it (template, instructions) is not computed again. */
  async prefill(prompt: readonly number[], temperature: number): Promise<Distributions> {
    let shared = 0;
    while (shared < prompt.length - 1 && prompt[shared] === this.#held[shared]) shared++;
    if (shared > 0 && !this.#l.removeSequence(this.#memory, this.slots, shared, -1)) shared = 0;
    if (shared === 0) this.#l.removeSequence(this.#memory, this.slots, -1, -1);
    this.#held = [];
    for (let from = shared; from < prompt.length; from += BATCH) {
      const part = prompt.slice(from, from + BATCH);
      part.forEach((token, i) => this.#set(i, token, from + i, this.slots, from + i === prompt.length - 1));
      await this.#decode(part.length);
    }
    this.#held = prompt;
    // Later steps use the memory that the logits lie in.
    return (await this.#distributions([temperature])).first();
  }

  attach(slot: number): void {
    this.move(this.slots, slot);
  }
  move(from: number, to: number): void {
    this.#l.removeSequence(this.#memory, to, -1, -1);
    this.#l.copySequence(this.#memory, from, to, -1, -1);
  }

  async step(inputs: readonly StepInput[]): Promise<Distributions> {
    inputs.forEach(({ token, position }, slot) => this.#set(slot, token, position, slot, true));
    await this.#decode(inputs.length);
    return await this.#distributions(inputs.map(({ temperature }) => temperature));
  }
  #distributions(temperatures: readonly number[]): Promise<Probabilities> {
    return this.#softmax.apply(this.#l.logits(this.#native) as Pointer, temperatures);
  }

  /** Applies an adapter (or none) to all that is computed from now on; what was cached is dropped. */
  setAdapter(adapter: Pointer | null): void {
    this.#l.clearMemory(this.#memory, false);
    this.#held = [];
    const list = BigUint64Array.of(adapter ?? 0n);
    if (this.#l.setAdapters(this.#native, list, adapter === null ? 0 : 1, Float32Array.of(1)) !== 0)
      throw new EngineError('native', 'llama.cpp refused the adapter. Check that it was trained on this model.');
  }

  #set(i: number, token: number, position: number, sequence: number, output: boolean): void {
    this.#token[i] = token;
    this.#position[i] = position;
    this.#count[i] = 1;
    (this.#sequence[i] as Int32Array)[0] = sequence;
    this.#output[i] = output ? 1 : 0;
  }
  #decode(tokens: number): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#l.decode.async(this.#native, { ...this.#batch, n_tokens: tokens }, (error: Error | null, code: number) => {
        if (error !== null) reject(new EngineError('native', `Sampling failed: ${error.message}`));
        else if (code !== 0)
          reject(new EngineError('memory', `llama.cpp could not compute a batch (code ${code}). Lower engine.parallel.`));
        else resolve();
      });
    });
  }

  dispose(): void {
    this.#softmax.dispose();
    this.#l.freeBatch(this.#batch);
    this.#l.freeContext(this.#native);
  }
}
