import type { TaskTexts } from '../core/prompts/languages.ts';

/**
 * An environment as plain functions in one file (docs/environments.md, `template.ts`). All of them are deterministic, keep
 * nothing between calls, and answer bad text with a `Problem`; an exception is a fault of the environment and ends the run.
 * Kelvin bounds the length of every text before they see it, counts steps, and runs each proposal twice.
 */
export interface EnvironmentDefinition<Program = unknown, Input = unknown> {
  /** One lower-case word: it labels programs in prompts. */
  readonly name: string;
  readonly texts: EnvironmentTexts;
  /** The one task given from outside; a valid proposal by itself. */
  readonly seed: { readonly program: string; readonly input: string };
  readonly program: Notation<Program>;
  /** Inputs are one line. */
  readonly input: Notation<Input>;
  /** The canonical form of an output as somebody wrote it: texts that mean the same output give the same form. */
  output(text: string): string | Problem;
  /**
   * What the program makes of the input: a canonical output. Interprets; never evaluates text as code. Calls `tick` for every
   * unit of work (a step, an element made), which ends a run that takes too many.
   */
  run(program: Program, input: Input, tick: Tick): string | Problem;
  /** Why a proposal that runs is no good task (trivial, ill-formed), in one sentence, or null. `outputs` belong to `inputs`. */
  trivial?(program: Program, inputs: readonly Input[], outputs: readonly string[]): string | null;
  /** Known right answers, for the test kit: several inputs for each of at least two programs. */
  readonly samples: readonly Sample[];
  /** Programs with an input that never end or grow without end, for the test kit. */
  readonly endless?: readonly (readonly [string, string])[];
}

/** How a thing is written. `write(read(text))` is its canonical form, and reads as the same thing. */
export interface Notation<T> {
  read(text: string): T | Problem;
  write(value: T): string;
}

/** Why a text cannot be read or a program fails; one sentence. */
export interface Problem {
  readonly problem: string;
}

/** Counts units of work. */
export type Tick = (units?: number) => void;

/** What prompts say; the meaning of each field: `TaskTexts`. */
export type EnvironmentTexts = Pick<
  TaskTexts,
  'program' | 'input' | 'output' | 'programForm' | 'inputForm' | 'outputForm' | 'rules' | 'examples'
>;

/** A program with what it makes of some inputs, worked out by hand. */
export interface Sample {
  readonly program: string;
  /** `[input, output]`; at least two with different outputs. */
  readonly pairs: readonly (readonly [string, string])[];
  /** Programs that do the same, written in another way. */
  readonly same?: readonly string[];
  /** Programs that do something else on at least one of the pairs, or cannot be read. */
  readonly wrong?: readonly string[];
}

export const isProblem = (value: unknown): value is Problem =>
  typeof value === 'object' && value !== null && typeof (value as Partial<Problem>).problem === 'string';
