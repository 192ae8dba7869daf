import { CATEGORIES as ALL, type Category } from '../../src/core/finding.ts';
import { numbersOf, union, NOTHING } from '../lexicon/lexicon.ts';
import type { Window } from './features.ts';
import { BUCKETS } from './features.ts';
import { DIMS } from './words.ts';

/** The categories the classifier tells apart, in the order of its outputs. */
export const CATEGORIES: readonly Category[] = ALL.filter((category) => category !== 'integrity' && category !== 'degenerate-loop');
/** Two more outputs: "any of them", and "of severity 4". */
export const ANY = CATEGORIES.length;
export const GRAVE = ANY + 1;
export const OUTPUTS = GRAVE + 1;
/** Concepts that the lexicon may hold. */
export const CONCEPTS = 160;
/** Networks trained from different seeds and averaged, and the hidden units of each. */
export const MEMBERS = 3;
export const UNITS = 32;
export const HIDDEN = MEMBERS * UNITS;

/** Weights of one logistic unit per output over hashed n-grams and the mean word vector, and a small hidden layer over the latter. */
export interface Weights {
  /** BUCKETS × OUTPUTS. */
  readonly grams: Float32Array;
  /** HIDDEN × CONCEPTS, OUTPUTS × CONCEPTS. */
  readonly conceptInput: Float32Array;
  readonly conceptDirect: Float32Array;
  /** HIDDEN × DIMS, HIDDEN, OUTPUTS × HIDDEN, OUTPUTS × DIMS, OUTPUTS. */
  readonly input: Float32Array;
  readonly inputBias: Float32Array;
  readonly hidden: Float32Array;
  readonly direct: Float32Array;
  readonly bias: Float32Array;
}

/** Mean word vector of a window into `out`; few known words count as three. */
export function meanVector(window: Window, out: Float32Array): void {
  let known = 0;
  for (const part of window.parts) known += part.known;
  const share = 1 / Math.max(3, known);
  out.fill(0);
  for (const part of window.parts) for (let at = 0; at < DIMS; at++) out[at] = (out[at] ?? 0) + (part.dense[at] ?? 0) * share;
}

/** Numbers of the concepts that a window speaks of. */
export function conceptsOf(window: Window): number[] {
  let bits = NOTHING;
  for (const part of window.parts) bits = union(bits, part.concepts);
  return numbersOf(bits);
}

/** What one n-gram of a window weighs. */
export function gramShare(window: Window): number {
  let count = 1;
  for (const part of window.parts) count += part.grams.length;
  return 1 / Math.sqrt(count);
}

/** Scores windows; keeps its buffers, so one per thread. */
export class Scorer {
  private readonly weights: Weights;
  private readonly mean = new Float32Array(DIMS);
  private readonly layer: Float32Array;
  private readonly any: Float32Array;
  private concepts: readonly number[] = [];

  constructor(weights: Weights) {
    this.weights = weights;
    this.layer = new Float32Array(weights.inputBias.length);
    this.any = new Float32Array(BUCKETS);
    for (let bucket = 0; bucket < BUCKETS; bucket++) this.any[bucket] = weights.grams[bucket * OUTPUTS + ANY] ?? 0;
  }

  /** Log-odds that the window belongs to any category. */
  score(window: Window): number {
    this.forward(window);
    let sum = 0;
    for (const part of window.parts) for (let at = 0; at < part.grams.length; at++) sum += this.any[part.grams[at] as number] as number;
    return this.output(ANY) + sum * gramShare(window);
  }

  /** Log-odds of every output: the categories, any of them, and severity 4 (`ANY`, `GRAVE`). */
  outputs(window: Window): number[] {
    this.forward(window);
    const share = gramShare(window);
    return Array.from({ length: OUTPUTS }, (_, output) => {
      let sum = 0;
      for (const part of window.parts)
        for (let at = 0; at < part.grams.length; at++) sum += this.weights.grams[(part.grams[at] as number) * OUTPUTS + output] as number;
      return this.output(output) + sum * share;
    });
  }

  private forward(window: Window): void {
    const { input, inputBias, conceptInput } = this.weights;
    const { mean, layer } = this;
    meanVector(window, mean);
    this.concepts = conceptsOf(window);
    for (let unit = 0; unit < layer.length; unit++) {
      let sum = inputBias[unit] as number;
      for (let at = 0, from = unit * DIMS; at < DIMS; at++) sum += (input[from + at] as number) * (mean[at] as number);
      for (const concept of this.concepts) sum += conceptInput[unit * CONCEPTS + concept] as number;
      layer[unit] = sum > 0 ? sum : 0;
    }
  }

  private output(output: number): number {
    const { hidden, direct, bias, conceptDirect } = this.weights;
    let sum = bias[output] as number;
    for (let unit = 0, from = output * this.layer.length; unit < this.layer.length; unit++)
      sum += (hidden[from + unit] as number) * (this.layer[unit] as number);
    for (let at = 0, from = output * DIMS; at < DIMS; at++) sum += (direct[from + at] as number) * (this.mean[at] as number);
    for (const concept of this.concepts) sum += conceptDirect[output * CONCEPTS + concept] as number;
    return sum;
  }
}
