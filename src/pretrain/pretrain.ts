import { rng } from '../core/rng.ts';
import { readGguf } from '../engine/ggml/gguf.ts';
import { initialWeights, writeModel } from '../engine/ggml/model-file.ts';
import { readF32 } from '../engine/ggml/gguf-data.ts';
import type { Shape } from '../engine/ggml/shape.ts';
import type { PretrainConfig } from './config.ts';
import { rateAt, thinkShareAt } from './schedule.ts';
import { documentBatch } from './stream.ts';
import { openTrainer } from './trainer.ts';
import type { TrainerKind } from './trainer.ts';
import { nanoVocabulary } from './vocabulary.ts';
import type { Vocabulary } from './vocabulary.ts';

export interface PretrainOptions {
  readonly config: PretrainConfig;
  /** GGUF file to write. */
  readonly out: string;
  readonly seed: number;
  readonly threads: number;
  /** What does the arithmetic; default the embedded engine. */
  readonly trainer?: TrainerKind | undefined;
  /** Length of the run in tokens; overrides the recipe's. */
  readonly tokens?: number | undefined;
  /** Length of the run by the clock; overrides both. Such a run does not repeat bit for bit. */
  readonly minutes?: number | undefined;
  /** Writes the model so far every so many minutes, to `out`. */
  readonly checkpointMinutes?: number | undefined;
  readonly onProgress?: ((progress: PretrainProgress) => void) | undefined;
  /** A model of the same recipe that an earlier run left unfinished: goes on from its weights and its place in the schedule. */
  readonly from?: string | undefined;
  /** Stops after the step under way; the model so far is written. */
  readonly signal?: AbortSignal | undefined;
}

export interface PretrainProgress {
  readonly step: number;
  readonly tokens: number;
  readonly seconds: number;
  /** Part of the run that is done, 0 – 1. */
  readonly progress: number;
  /** Mean loss per answer token, nats: of this step and smoothed over about fifty. */
  readonly loss: number;
  readonly smoothLoss: number;
  readonly thinkShare: number;
  readonly rate: number;
}

export interface PretrainResult extends PretrainProgress {
  readonly out: string;
  readonly parameters: number;
  readonly stopped: boolean;
}

const SMOOTHING = 0.98;

/** Trains a model from random weights on documents of its own generator and writes it as GGUF. */
export async function pretrain(options: PretrainOptions): Promise<PretrainResult> {
  const { config, seed } = options;
  const vocabulary = nanoVocabulary();
  const shape = shapeFor(config, vocabulary);
  const begin = options.from === undefined ? freshStart(shape, seed) : continued(options.from, shape, config);
  const trainer = openTrainer(options.trainer ?? 'ggml', shape, begin.values, {
    threads: options.threads,
    tokenBudget: config.tokenBudget,
  });
  const random = rng('pretrain/documents', seed, begin.step);
  const total = options.tokens ?? config.tokens;
  const started = performance.now() - (options.minutes === undefined ? 0 : 60_000 * options.minutes * begin.progress);
  let saved = performance.now();
  let state: PretrainProgress = {
    step: begin.step,
    tokens: begin.tokens,
    seconds: 0,
    progress: begin.progress,
    loss: begin.loss,
    smoothLoss: begin.loss,
    thinkShare: 0,
    rate: 0,
  };
  const save = async (): Promise<void> =>
    writeModel(options.out, description(options, shape, vocabulary, state, begin.stages), await trainer.readWeights());
  try {
    while (state.progress < 1 && !options.signal?.aborted) {
      const thinkShare = thinkShareAt(config.thinkShare, state.progress);
      const rate = rateAt(config.schedule, state.step, state.progress);
      const batch = documentBatch({ ...config.documents, thinkShare }, config.batchTokens, config.model.context, vocabulary, random);
      const normaliser = batch.groups.flat().reduce((sum, datum) => sum + answerTokens(datum.weights), 0);
      let loss = 0;
      for (const group of batch.groups) {
        const { logprobs } = await trainer.forwardBackward(group, { normaliser });
        group.forEach((datum, i) => (loss -= answerLogprob(datum.weights, logprobs[i]) / normaliser));
      }
      await trainer.muon({ ...config.adamw, lr: config.adamw.lr * rate, weightDecay: 0 }, { ...config.muon, lr: config.muon.lr * rate });
      const tokens = state.tokens + batch.tokens;
      const seconds = (performance.now() - started) / 1000;
      state = {
        step: state.step + 1,
        tokens,
        seconds,
        progress: Math.min(1, options.minutes === undefined ? tokens / total : seconds / (60 * options.minutes)),
        loss,
        smoothLoss: Number.isNaN(state.smoothLoss) ? loss : SMOOTHING * state.smoothLoss + (1 - SMOOTHING) * loss,
        thinkShare,
        rate,
      };
      options.onProgress?.(state);
      if (options.checkpointMinutes !== undefined && performance.now() - saved > 60_000 * options.checkpointMinutes) {
        await save();
        saved = performance.now();
      }
    }
    await save();
    const parameters = [...begin.values.values()].reduce((sum, values) => sum + values.length, 0);
    return { ...state, out: options.out, parameters, stopped: state.progress < 1 };
  } finally {
    trainer.close();
  }
}

interface Start {
  readonly values: ReadonlyMap<string, Float32Array>;
  readonly step: number;
  readonly tokens: number;
  readonly progress: number;
  readonly loss: number;
  /** Recipes that these weights have been through before, oldest first. */
  readonly stages: readonly unknown[];
}

function freshStart(shape: Shape, seed: number): Start {
  const uniform = rng('pretrain/weights', seed);
  return { values: initialWeights(shape, () => uniform.next()), step: 0, tokens: 0, progress: 0, loss: Number.NaN, stages: [] };
}

/**
 * An unfinished run of the same recipe goes on where it was; only the optimiser's running means start anew. A model of another
 * recipe is the start of a new stage with a schedule of its own; its provenance is kept in `stages`.
 */
function continued(path: string, wanted: Shape, config: PretrainConfig): Start {
  const file = readGguf(path);
  const { shape, values } = readF32(file);
  const number = (key: string): number => {
    const value = file.metadata.get(`kelvin.pretrain.${key}`);
    if (typeof value !== 'number')
      throw new Error(`${path} was not written by "kelvin pretrain": it lacks kelvin.pretrain.${key}. Start without --from.`);
    return value;
  };
  const same = shape.width === wanted.width && shape.layers === wanted.layers && shape.heads === wanted.heads;
  if (!same || shape.feedForward !== wanted.feedForward || shape.vocabulary !== wanted.vocabulary)
    throw new Error(`${path} has another shape than the recipe. Use the recipe it was trained with, or start without --from.`);
  const recipe = file.metadata.get('kelvin.pretrain.config');
  const stages = JSON.parse(String(file.metadata.get('kelvin.pretrain.stages') ?? '[]')) as unknown[];
  const [step, tokens, loss] = [number('steps'), number('tokens'), number('loss')];
  if (recipe === JSON.stringify(config)) return { values, step, tokens, progress: number('progress'), loss, stages };
  const earlier = { recipe: JSON.parse(String(recipe)) as unknown, step, tokens, seed: number('seed'), loss };
  return { values, step: 0, tokens: 0, progress: 0, loss, stages: [...stages, earlier] };
}

const answerTokens = (weights: Float32Array): number => weights.reduce((sum, w) => sum + (w === 1 ? 1 : 0), 0);

const answerLogprob = (weights: Float32Array, logprobs: Float32Array | undefined): number =>
  weights.reduce((sum, w, i) => sum + (w === 1 ? (logprobs?.[i] ?? 0) : 0), 0);

function shapeFor(config: PretrainConfig, vocabulary: Vocabulary): Shape {
  const { width, layers, heads, feedForward, context } = config.model;
  if (width % heads !== 0 || (width / heads) % 2 !== 0)
    throw new Error(`A width of ${width} does not divide into ${heads} heads of even width. Change model.width or model.heads.`);
  return {
    width,
    layers,
    heads,
    feedForward,
    context,
    kvHeads: heads,
    headWidth: width / heads,
    vocabulary: vocabulary.tokens.length,
    epsilon: 1e-5,
    ropeBase: 10_000,
    tied: true,
  };
}

/** The file's metadata, with where its weights came from; no clock, so that equal runs give equal files. */
function description(options: PretrainOptions, shape: Shape, vocabulary: Vocabulary, state: PretrainProgress, stages: readonly unknown[]) {
  return {
    name: `kelvin-${options.config.name}`,
    shape,
    vocabulary: vocabulary.tokens.map((bytes, id) =>
      bytes === null
        ? { bytes: id === vocabulary.eos ? '<eos>' : id === vocabulary.pad ? '<pad>' : `<unused${id}>`, control: true }
        : { bytes },
    ),
    eosToken: vocabulary.eos,
    dialect: 'nano',
    metadata: {
      'tokenizer.ggml.padding_token_id': { u32: vocabulary.pad },
      'kelvin.pretrain.trainer': { text: options.trainer ?? 'ggml' },
      'kelvin.pretrain.seed': { u32: options.seed },
      'kelvin.pretrain.steps': { u32: state.step },
      'kelvin.pretrain.tokens': { u32: state.tokens },
      'kelvin.pretrain.progress': { f32: state.progress },
      'kelvin.pretrain.loss': { f32: state.smoothLoss },
      'kelvin.pretrain.stages': { text: JSON.stringify(stages) },
      'kelvin.pretrain.config': { text: JSON.stringify(options.config) },
    },
  };
}
