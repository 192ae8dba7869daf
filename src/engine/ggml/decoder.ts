/** What the sampling schedule asks of a decoder: slots that each hold one growing sequence, and a shared prefix. */

/** A slot's next input. Entry i of a step is slot i. */
export interface StepInput {
  readonly token: number;
  readonly position: number;
}

export interface Decoder {
  /** Sequences decoded side by side. */
  readonly slots: number;
  /** Tokens that one slot can hold. */
  readonly context: number;
  readonly vocabulary: number;
  /** Computes a prompt; it stays ready for `attach` until the next call. Returns the logits after its last token. */
  prefill(prompt: readonly number[]): Promise<Float32Array>;
  /** Starts a sequence in a slot from the prompt computed last. */
  attach(slot: number): void;
  /** Moves the sequence of slot `from`, `length` tokens long, to slot `to`, whose own sequence is dropped. */
  move(from: number, to: number, length: number): void;
  /** Computes one token for each of the slots 0 … inputs.length − 1. Returns logits [inputs.length × vocabulary]. */
  step(inputs: readonly StepInput[]): Promise<Float32Array>;
  dispose(): void;
}
