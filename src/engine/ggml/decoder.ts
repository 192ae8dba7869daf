/** What the sampling schedule asks of a decoder: slots that each hold one growing sequence, and one that keeps a prompt. */
import type { Draw } from './random.ts';

/** A prompt to compute. */
export interface PromptInput {
  readonly tokens: readonly number[];
  /** Temperature at which the token after it will be drawn. */
  readonly temperature: number;
}

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

export type PromptReady = (prompt: number, next: Distributions, row: number) => void;

export interface Decoder {
  /** Sequences decoded side by side. */
  readonly slots: number;
  /** One more slot, which `step` leaves alone: it keeps a prompt of which some sequences have no room yet. */
  readonly spare: number;
  /** Tokens that one slot can hold. */
  readonly context: number;
  readonly vocabulary: number;
  /** True when a sequence gets the same bits whatever else is in the batch. */
  readonly exact: boolean;
  /** Forgets what earlier calls computed, so that no call depends on those before it. */
  begin(): void;
  /**
   * Computes prompts side by side into the slots `first`, `first` + 1, …, whose own sequences are dropped. `ready` is called
   * for each prompt, in any order; `row` of `next` is what follows that prompt, valid during the call.
   */
  prefill(prompts: readonly PromptInput[], first: number, ready: PromptReady): Promise<void>;
  /** Copies the sequence of slot `from`, `length` tokens long, to slot `to`, whose own sequence is dropped. */
  copy(from: number, to: number, length: number): void;
  /** Computes one token for each of the slots 0 … inputs.length − 1. Row i is slot i's, valid until the next step. */
  step(inputs: readonly StepInput[]): Promise<Distributions>;
  dispose(): void;
}
