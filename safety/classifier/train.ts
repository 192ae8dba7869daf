import type { Window } from './features.ts';
import { BUCKETS } from './features.ts';
import type { Weights } from './model.ts';
import { ANY, CONCEPTS, conceptsOf, GRAVE, gramShare, HIDDEN, meanVector, MEMBERS, OUTPUTS, Scorer, UNITS } from './model.ts';
import { seeded } from './templates.ts';
import { DIMS } from './words.ts';

/** A window with its label: a category's number, `ANY` when only "something" is known, −1 for nothing. */
export interface Sample {
  readonly window: Window;
  readonly label: number;
  /** Whether it deserves severity 4; null when that is not known. */
  readonly grave: boolean | null;
}

/** Labelled windows, benign windows to draw from, and texts of which some window is telling. */
export interface TrainingSet {
  readonly samples: readonly Sample[];
  readonly benign: readonly Window[];
  readonly bags: readonly { readonly windows: readonly Window[]; readonly label: number; readonly grave: boolean | null }[];
}

export interface TrainOptions {
  readonly epochs?: number;
  readonly seed?: number;
  readonly log?: (line: string) => void;
}

const RATE = 0.12;
const DECAY = 1e-4;
const BENIGN_PER_EPOCH = 14_000;
/** Benign windows that score above this are trained on in every epoch. */
const HARD = -2;
/** An output this close to its target is left alone. */
const LEARNED = 2e-3;
/** The first epochs see no bags: which of their windows is telling is not known yet. */
const WARM = 2;

/**
 * Trains a few small networks from different seeds with Adagrad, and merges them into one that answers with their mean. Same data and
 * seed, same weights to the last bit (IEEE arithmetic in one order, no library).
 */
export function train(set: TrainingSet, options: TrainOptions = {}): Weights {
  const merged = empty(HIDDEN);
  for (let member = 0; member < MEMBERS; member++) {
    const weights = trainMember(set, { ...options, seed: (options.seed ?? 1) * 100 + member });
    for (const name of ['grams', 'direct', 'conceptDirect', 'bias'] as const) add(merged[name], weights[name], 1 / MEMBERS);
    merged.input.set(weights.input, member * UNITS * DIMS);
    merged.inputBias.set(weights.inputBias, member * UNITS);
    merged.conceptInput.set(weights.conceptInput, member * UNITS * CONCEPTS);
    for (let output = 0; output < OUTPUTS; output++)
      for (let unit = 0; unit < UNITS; unit++)
        merged.hidden[output * HIDDEN + member * UNITS + unit] = (weights.hidden[output * UNITS + unit] as number) / MEMBERS;
  }
  return merged;
}

/** One network; the mean of its last epochs, which wobbles less than any of them. */
function trainMember(set: TrainingSet, options: TrainOptions): Weights {
  const draw = seeded(options.seed ?? 1);
  const trainer = new Trainer(draw);
  const epochs = options.epochs ?? 8;
  const total = empty(UNITS);
  let hard: readonly Window[] = [];
  for (let epoch = 0; epoch < epochs; epoch++) {
    const chosen: Sample[] = [...set.samples, ...hard.map((window) => ({ window, label: -1, grave: false }))];
    for (let at = 0; at < Math.min(BENIGN_PER_EPOCH, set.benign.length); at++)
      chosen.push({ window: set.benign[draw(set.benign.length)] as Window, label: -1, grave: false });
    if (epoch >= WARM) {
      const scorer = new Scorer(trainer.weights());
      for (const bag of set.bags) {
        const best = telling(scorer, bag.windows);
        if (best !== undefined) chosen.push({ window: best, label: bag.label, grave: bag.grave });
      }
    }
    shuffle(chosen, draw);
    let loss = 0;
    for (const sample of chosen) loss += trainer.step(sample);
    const weights = trainer.weights();
    const scorer = new Scorer(weights);
    hard = set.benign.filter((window) => scorer.score(window) > HARD);
    if (epoch >= WARM) for (const name of NAMES) add(total[name], weights[name], 1 / (epochs - WARM));
    options.log?.(`epoch ${epoch + 1}/${epochs}: loss ${(loss / chosen.length).toFixed(4)}, ${chosen.length} windows, ${hard.length} hard`);
  }
  return total;
}

const NAMES = ['grams', 'conceptInput', 'conceptDirect', 'input', 'inputBias', 'hidden', 'direct', 'bias'] as const;

function empty(units: number): Weights {
  return {
    grams: new Float32Array(BUCKETS * OUTPUTS),
    conceptInput: new Float32Array(units * CONCEPTS),
    conceptDirect: new Float32Array(OUTPUTS * CONCEPTS),
    input: new Float32Array(units * DIMS),
    inputBias: new Float32Array(units),
    hidden: new Float32Array(OUTPUTS * units),
    direct: new Float32Array(OUTPUTS * DIMS),
    bias: new Float32Array(OUTPUTS),
  };
}

function add(total: Float32Array, part: Float32Array, share: number): void {
  for (let at = 0; at < total.length; at++) total[at] = (total[at] as number) + (part[at] as number) * share;
}

function telling(scorer: Scorer, all: readonly Window[]): Window | undefined {
  let best: Window | undefined;
  let most = -Infinity;
  for (const window of all) {
    const score = scorer.score(window);
    if (score > most) [most, best] = [score, window];
  }
  return best;
}

function shuffle<T>(list: T[], draw: (below: number) => number): void {
  for (let at = list.length - 1; at > 0; at--) {
    const other = draw(at + 1);
    [list[at], list[other]] = [list[other] as T, list[at] as T];
  }
}

/** One table of weights with its Adagrad sums. */
class Table {
  readonly values: Float64Array;
  private readonly sums: Float64Array;

  constructor(size: number, initial: () => number = () => 0) {
    this.values = Float64Array.from({ length: size }, initial);
    this.sums = new Float64Array(size).fill(1e-4);
  }

  update(at: number, gradient: number): void {
    const full = gradient + DECAY * (this.values[at] as number);
    const sum = (this.sums[at] as number) + full * full;
    this.sums[at] = sum;
    this.values[at] = (this.values[at] as number) - (RATE * full) / Math.sqrt(sum);
  }
}

class Trainer {
  private readonly grams = new Table(BUCKETS * OUTPUTS);
  private readonly conceptInput = new Table(UNITS * CONCEPTS);
  private readonly conceptDirect = new Table(OUTPUTS * CONCEPTS);
  private readonly input: Table;
  private readonly inputBias = new Table(UNITS);
  private readonly hidden: Table;
  private readonly direct = new Table(OUTPUTS * DIMS);
  private readonly bias = new Table(OUTPUTS);
  private readonly mean = new Float32Array(DIMS);
  private readonly layer = new Float64Array(UNITS);
  private readonly errors = new Float64Array(OUTPUTS);
  private concepts: readonly number[] = [];

  constructor(draw: (below: number) => number) {
    const spread = (width: number) => () => ((draw(20_001) - 10_000) / 10_000) * Math.sqrt(1 / width);
    this.input = new Table(UNITS * DIMS, spread(DIMS));
    this.hidden = new Table(OUTPUTS * UNITS, spread(UNITS));
  }

  /** One gradient step; the sample's loss. */
  step({ window, label, grave }: Sample): number {
    const share = gramShare(window);
    this.forward(window, share);
    let loss = 0;
    for (let output = 0; output < OUTPUTS; output++) {
      // A text known only to hold something says nothing about which category.
      const known = output === GRAVE ? grave !== null : label !== ANY || output === ANY;
      const target = (output === GRAVE ? grave === true : label >= 0 && (output === label || output === ANY)) ? 1 : 0;
      const p = 1 / (1 + Math.exp(-(this.errors[output] as number)));
      if (known) loss -= Math.log(Math.max(1e-9, target === 1 ? p : 1 - p));
      const error = known ? p - target : 0;
      // What is learned already is passed over: most windows are, and most outputs of the others.
      this.errors[output] = Math.abs(error) < LEARNED ? 0 : error;
    }
    if (this.errors.some((error) => error !== 0)) this.backward(window, share);
    return loss;
  }

  private forward(window: Window, share: number): void {
    const { mean, layer, errors } = this;
    meanVector(window, mean);
    this.concepts = conceptsOf(window);
    for (let unit = 0; unit < UNITS; unit++) {
      let sum = this.inputBias.values[unit] as number;
      for (let at = 0, from = unit * DIMS; at < DIMS; at++) sum += (this.input.values[from + at] as number) * (mean[at] as number);
      for (const concept of this.concepts) sum += this.conceptInput.values[unit * CONCEPTS + concept] as number;
      layer[unit] = sum > 0 ? sum : 0;
    }
    for (let output = 0; output < OUTPUTS; output++) {
      let sum = this.bias.values[output] as number;
      for (let unit = 0, from = output * UNITS; unit < UNITS; unit++)
        sum += (this.hidden.values[from + unit] as number) * (layer[unit] as number);
      for (let at = 0, from = output * DIMS; at < DIMS; at++) sum += (this.direct.values[from + at] as number) * (mean[at] as number);
      for (const concept of this.concepts) sum += this.conceptDirect.values[output * CONCEPTS + concept] as number;
      errors[output] = sum;
    }
    for (const part of window.parts)
      for (let at = 0; at < part.grams.length; at++) {
        const from = (part.grams[at] as number) * OUTPUTS;
        for (let output = 0; output < OUTPUTS; output++)
          errors[output] = (errors[output] as number) + share * (this.grams.values[from + output] as number);
      }
  }

  private backward(window: Window, share: number): void {
    const { mean, layer, errors } = this;
    for (let unit = 0; unit < UNITS; unit++) {
      if (layer[unit] === 0) continue;
      let back = 0;
      for (let output = 0; output < OUTPUTS; output++)
        back += (errors[output] as number) * (this.hidden.values[output * UNITS + unit] as number);
      this.inputBias.update(unit, back);
      for (let at = 0; at < DIMS; at++) this.input.update(unit * DIMS + at, back * (mean[at] as number));
      for (const concept of this.concepts) this.conceptInput.update(unit * CONCEPTS + concept, back);
    }
    for (let output = 0; output < OUTPUTS; output++) {
      const error = errors[output] as number;
      if (error === 0) continue;
      this.bias.update(output, error);
      for (let unit = 0; unit < UNITS; unit++)
        if (layer[unit] !== 0) this.hidden.update(output * UNITS + unit, error * (layer[unit] as number));
      for (let at = 0; at < DIMS; at++) this.direct.update(output * DIMS + at, error * (mean[at] as number));
      for (const concept of this.concepts) this.conceptDirect.update(output * CONCEPTS + concept, error);
    }
    for (const part of window.parts)
      for (let at = 0; at < part.grams.length; at++) {
        const from = (part.grams[at] as number) * OUTPUTS;
        for (let output = 0; output < OUTPUTS; output++)
          if (errors[output] !== 0) this.grams.update(from + output, share * (errors[output] as number));
      }
  }

  weights(): Weights {
    const copy = (table: Table): Float32Array => Float32Array.from(table.values);
    return {
      grams: copy(this.grams),
      conceptInput: copy(this.conceptInput),
      conceptDirect: copy(this.conceptDirect),
      input: copy(this.input),
      inputBias: copy(this.inputBias),
      hidden: copy(this.hidden),
      direct: copy(this.direct),
      bias: copy(this.bias),
    };
  }
}
