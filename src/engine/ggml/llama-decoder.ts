/** Decoder on libllama, for models whose weights are large or quantised; a LoRA adapter is exchanged in place. */
import koffi from 'koffi';
import { EngineError } from '../ports.ts';
import type { Decoder, Distributions, StepInput } from './decoder.ts';
import type { Pointer } from './libraries.ts';
import type { Llama, NativeBatch } from './llama.ts';
import type { Probabilities, Softmax } from './softmax.ts';

const BATCH = 512;

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
    this.#model = model;
    this.slots = options.slots;
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
      // Each sequence has cells of its own; one more is for the prompt computed last.
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

  /** What the prompt shares with the one before it (template, instructions) is not computed again. */
  async prefill(prompt: readonly number[], temperature: number): Promise<Distributions> {
    let shared = 0;
    while (shared < prompt.length - 1 && prompt[shared] === this.#held[shared]) shared++;
    if (shared > 0 && !this.#l.removeSequence(this.#now.memory, this.slots, shared, -1)) shared = 0;
    if (shared === 0) this.#l.removeSequence(this.#now.memory, this.slots, -1, -1);
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
    this.#l.removeSequence(this.#now.memory, to, -1, -1);
    this.#l.copySequence(this.#now.memory, from, to, -1, -1);
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
