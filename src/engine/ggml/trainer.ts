/**
 * The trainer: weights, gradients and optimiser state on a device, and `forwardBackward` over `Datum[]`.
 *
 * Work is split over lanes (one thread each): every lane has graphs and gradient accumulators of its own, and which data
 * go to which lane is fixed by the data alone, so results do not depend on timing.
 */
import type { Datum } from '../../core/types.ts';
import { shapeOfLoss } from '../loss.ts';
import { EngineError, type ForwardBackward, type LossSpec, type OptimParams, type OptimResult } from '../ports.ts';
import type { Device } from './backend.ts';
import { TrainingGraph, type GraphSize, type GraphStyle } from './graph.ts';
import { setData, getFloats } from './memory.ts';
import { Optimiser, type MuonParams } from './optimiser.ts';
import { countTargets, layOut, planRows, type Batch } from './pack.ts';
import type { Parameters } from './parameters.ts';
import type { Shape } from './shape.ts';
import { Tally } from './tally.ts';

export type { MuonParams } from './optimiser.ts';

export interface TrainerOptions {
  /** Tokens of one training graph in each lane. */
  readonly tokenBudget: number;
  /** Keeps only the input of each block and computes its forward twice; off unless given. */
  readonly checkpointing?: boolean;
  /** Type in which matrices are multiplied; F32 unless given. */
  readonly compute?: 'f32' | 'bf16';
  /** Bytes of a dequantised head above which it is dequantised slice by slice. */
  readonly keptHead?: number;
}

/** Bytes of intermediate results up to which a lane keeps the graph before, for sizes that alternate. */
const KEPT = 64 << 20;

export class Trainer {
  readonly device: Device;
  readonly shape: Shape;
  readonly parameters: Parameters;
  readonly #optimiser: Optimiser;
  readonly #graphs: Map<string, TrainingGraph>[];
  readonly #budget: number;
  readonly #style: GraphStyle;
  #busy = false;

  constructor(device: Device, parameters: Parameters, options: TrainerOptions) {
    this.device = device;
    this.shape = parameters.shape;
    this.parameters = parameters;
    this.#budget = options.tokenBudget;
    this.#style = { checkpointing: options.checkpointing ?? false, compute: options.compute ?? 'f32', keptHead: options.keptHead };
    this.#graphs = device.lanes.map(() => new Map<string, TrainingGraph>());
    this.#optimiser = new Optimiser(device, parameters);
  }

  /**
   * Adds the gradient of `loss` over `data` to the accumulated gradient; when it throws, that is cleared.
   * @param train false computes the loss only.
   */
  async forwardBackward(data: readonly Datum[], loss: LossSpec, train = true): Promise<ForwardBackward> {
    return this.#exclusive(() =>
      this.#forwardBackward(data, loss, train).catch((error: unknown) => {
        this.parameters.clearGradients();
        throw error;
      }),
    );
  }

  async #forwardBackward(data: readonly Datum[], loss: LossSpec, train: boolean, base = false): Promise<ForwardBackward> {
    check(data, loss, this.shape);
    const tally = new Tally(data, loss, loss.kl === undefined ? null : await this.#baseLogprobs(data));
    const { layers, width, feedForward, heads, kvHeads, headWidth, vocabulary } = this.shape;
    const linear = layers * (width * headWidth * (2 * heads + 2 * kvHeads) + 3 * width * feedForward) + (width * vocabulary) / 2;
    // A row's attention costs about as much as its arithmetic without the mask: its products are short.
    const { rows, length } = planRows(data, (layers * 2 * heads * headWidth) / linear, this.#budget);
    if (rows.length === 0) return { loss: 0, logprobs: tally.logprobs, metrics: tally.metrics() };
    const lanes = this.device.lanes.length;
    const fit = Math.max(1, Math.floor(this.#budget / length));
    const perGraph = Math.min(fit, Math.ceil(rows.length / (lanes * Math.ceil(rows.length / (lanes * fit)))));
    const batches = Array.from({ length: Math.ceil(rows.length / perGraph) }, (_, i) => rows.slice(i * perGraph, (i + 1) * perGraph));
    // One size for all batches, so that a call needs one graph in each lane.
    const size = {
      rows: perGraph,
      length,
      targets: bucket(Math.max(0, ...batches.map((all) => countTargets(data, all))), perGraph * length),
    };
    const done: (() => void)[] = [];
    const lanesDone = await Promise.allSettled(
      this.device.lanes.map(async (_, lane) => {
        for (let b = lane; b < batches.length; b += lanes) {
          const batch = layOut(data, batches[b] ?? [], perGraph, length);
          const graph = await this.#run(lane, { ...size, ...shapeOfLoss(loss), base, train }, batch, data, tally);
          const logprob = getFloats(this.device.g, graph.terminals.logprob, batch.targets.length);
          const entropy = getFloats(this.device.g, graph.terminals.entropy, batch.targets.length);
          done[b] = () => tally.add(batch, logprob, entropy);
        }
      }),
    );
    const failed = lanesDone.find((lane) => lane.status === 'rejected');
    if (failed !== undefined) throw failed.reason;
    // Sums in the order of the batches, whichever lane was first.
    for (const finish of done) finish();
    if (!Number.isFinite(tally.loss)) {
      throw new EngineError(
        'native',
        'The loss is not a finite number: the weights have diverged. Go back to a checkpoint and lower the learning rate.',
      );
    }
    return { loss: tally.loss, logprobs: tally.logprobs, metrics: tally.metrics() };
  }

  /** Clips the accumulated gradient, steps AdamW on every parameter, clears the gradient. */
  adamw(params: OptimParams): Promise<OptimResult> {
    return this.#exclusive(() => this.#optimiser.step(params, null));
  }
  /** As `adamw`, but the 2-D matrices of the blocks step by Muon; embeddings and norms by AdamW. Clipping is over the AdamW part. */
  muon(params: OptimParams, muon: MuonParams): Promise<OptimResult> {
    return this.#exclusive(() => this.#optimiser.step(params, muon));
  }
  get optimiser(): Optimiser {
    return this.#optimiser;
  }

  /** Weights of the whole model (full-parameter) or of the adapter, by tensor name. */
  readWeights(): Map<string, Float32Array> {
    return this.parameters.read('w');
  }

  /** Log-probabilities under the base model: the same weights with the adapter left out. */
  async #baseLogprobs(data: readonly Datum[]): Promise<readonly Float32Array[]> {
    if (this.parameters.mode === 'full')
      throw new EngineError(
        'unsupported',
        'The KL divergence from the base model needs an adapter that can be left out. Set engine.mode to "lora", or loss.kl to 0.',
      );
    return (await this.#forwardBackward(data, { kind: 'cross_entropy', normaliser: 1 }, false, true)).logprobs;
  }

  async #run(lane: number, size: GraphSize, batch: Batch, data: readonly Datum[], tally: Tally): Promise<TrainingGraph> {
    const g = this.device.g;
    const { targets } = size;
    const graph = this.#graph(lane, size);
    const io = graph.terminals;
    const select = new Int32Array(targets);
    const flat = new Int32Array(targets);
    batch.targets.forEach(({ at, datum, index }, i) => {
      select[i] = at;
      flat[i] = (data[datum] as Datum).targets[index] ?? 0;
    });
    setData(g, io.tokens, batch.tokens);
    setData(g, io.positions, batch.positions);
    batch.masks.forEach((mask, i) => setData(g, io.masks[i] as bigint, mask));
    setData(g, io.select, select);
    tally.setInputs(g, io, targets, batch);
    for (const { from, count, read, write } of graph.chunks) {
      const index = Int32Array.from({ length: count }, (_, i) => i * this.shape.vocabulary + (flat[from + i] ?? 0));
      setData(g, read, index);
      setData(g, write, BigInt64Array.from(index, BigInt));
    }
    await g.compute(this.device.lanes[lane] as bigint, graph.graph);
    return graph;
  }

  #graph(lane: number, size: GraphSize): TrainingGraph {
    const cache = this.#graphs[lane] as Map<string, TrainingGraph>;
    const key = Object.values(size).join();
    let graph = cache.get(key);
    if (graph === undefined) {
      for (const [old, unused] of cache) {
        if (cache.size < 2 && unused.bytes < KEPT) break;
        cache.delete(old);
        unused.dispose();
      }
      const weights = this.parameters.forLane(lane);
      graph = new TrainingGraph(
        this.device.g,
        this.device.lanes[lane] as bigint,
        this.shape,
        size.base ? { ...weights, adapter: () => null } : weights,
        size,
        this.#style,
      );
    } else cache.delete(key);
    cache.set(key, graph);
    return graph;
  }

  async #exclusive<T>(work: () => Promise<T>): Promise<T> {
    if (this.#busy) throw new EngineError('native', 'The trainer is busy: await one call before the next.');
    this.#busy = true;
    try {
      return await work();
    } finally {
      this.#busy = false;
    }
  }

  /** Gives back the memory of intermediate results until the next `forwardBackward`. */
  rest(): void {
    for (const cache of this.#graphs) for (const graph of cache.values()) graph.dispose();
    for (const cache of this.#graphs) cache.clear();
  }
  dispose(): void {
    this.rest();
    this.#optimiser.dispose();
  }
}

/** Rounds the number of targets up to eighths of the tokens, so that few different graphs are built. */
function bucket(count: number, tokens: number): number {
  const step = Math.max(64, Math.ceil(tokens / 8));
  return Math.max(step, Math.ceil(count / step) * step);
}

/** Everything that would make a native assertion fail, or a gradient silently wrong. */
function check(data: readonly Datum[], loss: LossSpec, shape: Shape): void {
  const { normaliser, importanceCap = 1, clipLow = 1, clipHigh = 1, kl } = loss;
  if (!(normaliser > 0)) throw new RangeError(`the loss normaliser must be positive, not ${normaliser}`);
  if (!(importanceCap > 0 && clipLow > 0 && clipLow <= 1 && clipHigh > 0 && (kl === undefined || kl.coefficient >= 0)))
    throw new RangeError(`the loss has a cap, clip or weight out of range: ${JSON.stringify(loss)}`);
  data.forEach((d, i) => {
    const n = d.tokens.length;
    if ([d.targets, d.weights, d.logprobs, d.advantages, d.old ?? d.targets].some((a) => a.length !== n))
      throw new RangeError(`datum ${i}: its arrays differ in length`);
    if (n > shape.context)
      throw new EngineError(
        'unsupported',
        `A training sequence of ${n} tokens is longer than the model's context of ${shape.context}. Shorten the prompt or the answer limit.`,
      );
    for (let k = 0; k < n; k++) {
      const token = d.tokens[k] ?? -1;
      const target = d.targets[k] ?? -1;
      if (token < 0 || token >= shape.vocabulary || target < 0 || target >= shape.vocabulary)
        throw new RangeError(`datum ${i}: token ${token} → ${target} at ${k} is outside the vocabulary of ${shape.vocabulary}`);
    }
  });
}
