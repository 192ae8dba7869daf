import type { Task } from '../../core/types.ts';
import type { FunctionCase, StdinCase } from './cases.ts';

/** A benchmark problem, whatever file it came from: what is asked, and how an answer is judged. */
export interface Problem {
  /** Unique in its suite, as published where the file names its rows. */
  readonly id: string;
  /** What the model is asked, without frame and format. */
  readonly question: string;
  /** The same as a task of the algorithm: models that learned on such tasks are asked in the words they know. */
  readonly task?: Task | undefined;
  readonly check: Check;
}

export type Check =
  /** The answer is a Python literal that equals this one. */
  | { readonly kind: 'value'; readonly expected: string }
  /** The answer is an argument list on which `f` of the program returns this literal. */
  | { readonly kind: 'input'; readonly program: string; readonly expected: string }
  | AssertCheck
  | ReferenceCheck
  /** A program that reads standard input and prints; cases are decoded when they are needed. */
  | { readonly kind: 'stdin'; readonly cases: () => readonly StdinCase[] }
  /** A function, or a method of `Solution`, called with JSON arguments. */
  | { readonly kind: 'calls'; readonly name: string; readonly cases: () => readonly FunctionCase[] }
  | MathCheck;

/** A program that passes Python assertions. */
export interface AssertCheck {
  readonly kind: 'asserts';
  /** Code that stands before the answer when the answer does not repeat it: the published prompt. */
  readonly prefix: string;
  /** The function that the answer must define; null where only the assertions name it. */
  readonly entry: string | null;
  readonly tests: string;
  /** The tests define `check(candidate)`, which is then called with the entry. */
  readonly call: boolean;
}

/** A function that gives what a reference program gives on every input. */
export interface ReferenceCheck {
  readonly kind: 'reference';
  readonly prefix: string;
  readonly entry: string;
  readonly reference: string;
  /** A Python expression: the list of argument lists. */
  readonly inputs: string;
  /** Absolute tolerance for floats. */
  readonly atol: number;
  /** What counts as the same: equal values, equal as sets, or both are not None. */
  readonly compare: 'equal' | 'set' | 'not-none' | 'root';
}

export interface MathCheck {
  readonly kind: 'math';
  /** Right answers, as published; several mean that all of them are asked for. */
  readonly expected: readonly string[];
  /** Absolute tolerance of numbers; null: `math/compare.ts` says. */
  readonly tolerance: number | null;
}
