/** The embedded engine: trainer and sampler on one GGUF in one process. */
import { createHash } from 'node:crypto';
import { createReadStream, mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type { Datum } from '../../core/types.ts';
import { EngineError, type Engine, type EngineInfo, type EngineOptions, type ForwardBackward, type LossSpec } from '../ports.ts';
import type { OptimParams, OptimResult, SampleOptions, SampleRequest, Sequence } from '../ports.ts';
import { readAdapter, writeAdapter } from './adapter.ts';
import { initialAdapter } from './adapter.ts';
import { openDevice, type Device } from './backend.ts';
import { exportFull } from './export.ts';
import { loadFrozen } from './frozen.ts';
import { isF32, readF32 } from './gguf-data.ts';
import { readGguf, type GgufFile } from './gguf.ts';
import { GraphDecoder } from './graph-decoder.ts';
import { LlamaDecoder } from './llama-decoder.ts';
import { bindLlama, loadLlamaModel, type Llama } from './llama.ts';
import type { Pointer } from './libraries.ts';
import { Parameters } from './parameters.ts';
import { uniformAt } from './random.ts';
import { Sampling } from './schedule.ts';
import { expectedTensors, shapeOf, type Shape } from './shape.ts';
import { loadState, saveState } from './state.ts';
import { decodeText, LlamaVocabulary, ownTokenizer, type Tokenizer } from './tokenizer.ts';
import { Trainer } from './trainer.ts';

/** Above this many parameters libllama samples: its quantised weights read faster than F32. */
const SMALL = 30_000_000;

/** For tests: which sampler, instead of the choice by size. */
export interface GgmlOverrides {
  readonly sampler?: 'graph' | 'llama';
}

/**
 * Opens a model for self-play or, with `inference`, for evaluation.
 * @throws EngineError with a sentence that says what to do; nothing stays open then.
 */
export async function openGgmlEngine(options: EngineOptions, overrides: GgmlOverrides = {}): Promise<Engine> {
  const file = readGguf(options.model);
  const shape = shapeOf(file);
  const count = (tensors: Map<string, readonly number[]>): number =>
    [...tensors.values()].reduce((a, dims) => a + dims.reduce((x, y) => x * y, 1), 0);
  const parameters = count(expectedTensors(shape));
  const sampler = overrides.sampler ?? (parameters <= SMALL && isF32(file) ? 'graph' : 'llama');
  const device = openDevice(options.backend, options.threads);
  const cleanup = new DisposableStack();
  try {
    const weights = await openWeights(options, file, shape, device, sampler);
    if (weights !== null) cleanup.defer(() => weights.dispose());
    const own = ownTokenizer(file);
    let model: LlamaModel | null = null;
    if (sampler === 'llama' || own === null) model = cleanup.use(new LlamaModel(device, options.model, sampler !== 'llama'));
    const tokenizer = own ?? new LlamaVocabulary((model as LlamaModel).l, (model as LlamaModel).native);
    const trainer =
      weights === null || options.inference === true ? null : new Trainer(device, weights, { tokenBudget: options.tokenBudget });
    if (trainer !== null) cleanup.defer(() => trainer.dispose());
    const context = Math.min(options.contextLength, shape.context);
    const slots = Math.max(1, Math.ceil(options.parallel / device.lanes.length));
    const info: EngineInfo = {
      backend: device.name,
      model: options.model,
      modelHash: await hashFile(options.model),
      architecture: 'llama',
      parameters,
      trainable: trainer === null ? 0 : [...trainer.parameters.trainable.values()].reduce((a, p) => a + p.size, 0),
      contextLength: context,
      vocabularySize: shape.vocabulary,
      eosToken: tokenizer.eosToken,
      dialect: dialectOf(file),
      mode: options.mode,
    };
    const decoders: (GraphDecoder | LlamaDecoder)[] = device.lanes.map((lane) => {
      const threads = device.lanes.length > 1 || device.name === 'ggml-cpu' ? 1 : options.threads;
      const decoder =
        sampler === 'graph'
          ? new GraphDecoder(device.g, lane, weights as Parameters, slots, context)
          : new LlamaDecoder((model as LlamaModel).l, (model as LlamaModel).native, {
              slots,
              context,
              vocabulary: shape.vocabulary,
              threads,
            });
      cleanup.defer(() => decoder.dispose());
      return decoder;
    });
    const engine = new GgmlEngine({ info, tokenizer, trainer, weights, decoders, model, shape, file, cleanup: cleanup.move() });
    if (sampler === 'llama' && options.mode === 'lora' && weights !== null) engine.refresh();
    else if (sampler === 'llama' && options.adapter !== undefined) engine.apply(options.adapter);
    return engine;
  } catch (error) {
    cleanup.dispose();
    throw error;
  }
}

/** Weights on the device, or null when libllama alone samples. */
async function openWeights(
  options: EngineOptions,
  file: GgufFile,
  shape: Shape,
  device: Device,
  sampler: 'graph' | 'llama',
): Promise<Parameters | null> {
  const inference = options.inference === true;
  if (options.mode === 'full' && options.adapter !== undefined)
    throw new EngineError('unsupported', 'An adapter needs engine.mode "lora".');
  if (options.mode === 'lora' && !(Number.isInteger(options.lora.rank) && options.lora.rank >= 1 && options.lora.alpha > 0))
    throw new EngineError(
      'unsupported',
      `The LoRA rank ${options.lora.rank} and alpha ${options.lora.alpha} must be positive, the rank a whole number.`,
    );
  if (sampler === 'llama' && inference) return null;
  if (options.mode === 'full')
    return new Parameters(device, { shape, mode: 'full', lora: options.lora, values: readF32(file).values, inference });
  let counter = 0;
  const start = options.adapter === undefined ? null : readAdapter(options.adapter, shape);
  if (start !== null && !inference && start.rank !== options.lora.rank)
    throw new EngineError('unsupported', `The adapter has rank ${start.rank}; set engine.lora.rank to it.`);
  const lora = start ?? options.lora;
  const values = start?.values ?? initialAdapter(shape, lora.rank, () => uniformAt(options.seed, 0, counter++));
  const frozen = await loadFrozen(device.g, device.lanes[0] as Pointer, file, shape, !inference);
  return new Parameters(device, { shape, mode: 'lora', lora: { rank: lora.rank, alpha: lora.alpha }, values, frozen, inference });
}

class LlamaModel implements Disposable {
  readonly l: Llama;
  readonly native: Pointer;
  adapter: Pointer | null = null;
  constructor(device: Device, file: string, vocabularyOnly: boolean) {
    this.l = bindLlama(device.g.build);
    this.native = loadLlamaModel(this.l, file, vocabularyOnly, device.name !== 'ggml-cpu');
  }
  [Symbol.dispose](): void {
    this.l.freeModel(this.native);
  }
}

interface Parts {
  readonly info: EngineInfo;
  readonly tokenizer: Tokenizer;
  readonly trainer: Trainer | null;
  readonly weights: Parameters | null;
  readonly decoders: readonly (GraphDecoder | LlamaDecoder)[];
  readonly model: LlamaModel | null;
  readonly shape: Shape;
  readonly file: GgufFile;
  readonly cleanup: DisposableStack;
}

class GgmlEngine implements Engine {
  readonly #p: Parts;
  #version = 0;
  #pending = false;
  #tail: Promise<unknown> = Promise.resolve();
  #closed = false;

  constructor(parts: Parts) {
    this.#p = parts;
  }
  get info(): EngineInfo {
    return this.#p.info;
  }
  get policyVersion(): number {
    return this.#version;
  }
  tokenize(text: string): number[] {
    return this.#p.tokenizer.encode(text);
  }
  detokenize(tokens: readonly number[]): string {
    return decodeText(this.#p.tokenizer, tokens);
  }

  sample(requests: readonly SampleRequest[], options: SampleOptions = {}): Promise<Sequence[][]> {
    return this.#inTurn(() => new Sampling(requests, options, this.#p.tokenizer, this.#version).run(this.#p.decoders));
  }
  forwardBackward(data: readonly Datum[], loss: LossSpec): Promise<ForwardBackward> {
    return this.#inTurn(async () => {
      const result = await this.#trainer().forwardBackward(data, loss);
      this.#pending = true;
      return result;
    });
  }
  optimStep(params: OptimParams): Promise<OptimResult> {
    return this.#inTurn(async () => {
      const trainer = this.#trainer();
      if (!this.#pending)
        throw new EngineError('stale', 'There is no gradient of the current weights to step on. Call forwardBackward first.');
      this.#pending = false;
      const result = await trainer.adamw(params);
      this.#version++;
      this.refresh();
      return result;
    });
  }
  saveState(dir: string): Promise<void> {
    return this.#inTurn(async () => {
      const trainer = this.#trainer();
      saveState(dir, trainer.parameters, this.info.modelHash, this.#version, trainer.optimiser.steps);
    });
  }
  loadState(dir: string): Promise<void> {
    return this.#inTurn(async () => {
      const trainer = this.#trainer();
      const { policyVersion, optimiserSteps } = loadState(dir, trainer.parameters, this.info.modelHash);
      trainer.parameters.clearGradients();
      trainer.optimiser.steps = optimiserSteps;
      this.#pending = false;
      this.#version = policyVersion;
      this.refresh();
    });
  }
  exportModel(file: string): Promise<void> {
    return this.#inTurn(async () => {
      const { parameters } = this.#trainer();
      if (parameters.mode === 'lora') writeAdapter(file, this.#p.shape, parameters.lora, parameters.read('w'));
      else exportFull(file, this.#p.file, parameters.read('w'));
    });
  }

  /** Hands the trainer's weights to a libllama sampler; the graph sampler reads them in place. */
  refresh(): void {
    const { model, weights, decoders, shape } = this.#p;
    if (model === null || weights === null || !decoders.some((d) => d instanceof LlamaDecoder)) return;
    if (weights.mode === 'full')
      throw new EngineError('unsupported', 'Full-parameter training of a model this large is not possible yet. Set engine.mode to "lora".');
    const folder = mkdtempSync(path.join(os.tmpdir(), 'kelvin-'));
    try {
      const file = path.join(folder, 'adapter.gguf');
      writeAdapter(file, shape, weights.lora, weights.read('w'));
      this.apply(file);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  }
  /** Loads an adapter file into the libllama sampler, in place of the one before. */
  apply(file: string): void {
    const { model, decoders, shape } = this.#p;
    if (model === null) return;
    readAdapter(file, shape);
    const adapter = model.l.loadAdapter(model.native, file) as Pointer | null;
    if (adapter === null)
      throw new EngineError('corrupt', `llama.cpp refuses the adapter ${file}. Check that it was trained on this model.`);
    for (const decoder of decoders) if (decoder instanceof LlamaDecoder) decoder.setAdapter(adapter);
    if (model.adapter !== null) model.l.freeAdapter(model.adapter);
    model.adapter = adapter;
  }

  #trainer(): Trainer {
    if (this.#p.trainer === null)
      throw new EngineError('unsupported', 'This engine was opened for inference only. Open it without "inference" to train.');
    return this.#p.trainer;
  }
  /** One native call at a time: calls wait for those before them. */
  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#tail.then(() => {
      if (this.#closed) throw new EngineError('native', 'The engine is closed.');
      return work();
    });
    this.#tail = result.catch(() => undefined);
    return result;
  }
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#closed) return;
    await this.#tail;
    this.#closed = true;
    this.#p.cleanup.dispose();
  }
}

const dialectOf = (file: GgufFile): string => {
  const dialect = file.metadata.get('kelvin.dialect');
  return typeof dialect === 'string' ? dialect : 'chat';
};

/** SHA-256 of a file, hex. */
async function hashFile(file: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(file, { highWaterMark: 1 << 20 })) hash.update(chunk as Buffer);
  return hash.digest('hex');
}
