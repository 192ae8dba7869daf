/** What the sampling schedule asks of a decoder: slots that each hold one growing sequence, and a shared prefix. */
import type { Draw } from './random.ts';

/** A slot's next input. Entry i of a step is slot i. */
export interface StepInput {
  readonly token: number;
  readonly position: number;
  /** Temperature at which the token after it will be drawn. */
  readonly temperature: number;
}

/** Next-token distributions, one a row. */
export interface Distributions {
  /** Draws from a row at the quantile `u`; see `draw` in random.ts. */
  draw(row: number, temperature: number, u: number): Draw;
}

export interface Decoder {
  /** Sequences decoded side by side. */
  readonly slots: number;
  /** Tokens that one slot can hold. */
  readonly context: number;
  readonly vocabulary: number;
  /** True when a sequence gets the same bits whatever else is in the batch. */
  readonly exact: boolean;
  /** Forgets what earlier calls computed, so that no call depends on those before it. */
  begin(): void;
  /** Computes a prompt; it stays ready for `attach` until the next call. Row 0 is what follows it, and stays valid likewise. */
  prefill(prompt: readonly number[], temperature: number): Promise<Distributions>;
  /** Starts a sequence in a slot from the prompt computed last. */
  attach(slot: number): void;
  /** Moves the sequence of slot `from`, `length` tokens long, to slot `to`, whose own sequence is dropped. */
  move(from: number, to: number, length: number): void;
  /** Computes one token for each of the slots 0 … inputs.length − 1. Row i is slot i's, valid until the next step. */
  step(inputs: readonly StepInput[]): Promise<Distributions>;
  dispose(): void;
}
