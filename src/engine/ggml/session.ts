/** An open model: the engine port over a trainer, decoders and a tokenizer. */
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type { ChatFormat, TextPart } from '../../core/prompts/template.ts';
import type { Datum } from '../../core/types.ts';
import { EngineError, refusePolicy, refuseStale, type Engine, type EngineInfo, type ForwardBackward, type LossSpec } from '../ports.ts';
import type { OptimParams, OptimResult, SampleOptions, SampleRequest, Sequence } from '../ports.ts';
import { readAdapter, writeAdapter } from './adapter.ts';
import type { Device } from './backend.ts';
import { exportFull } from './export.ts';
import type { GgufFile } from './gguf.ts';
import type { GraphDecoder } from './graph-decoder.ts';
import { LlamaDecoder } from './llama-decoder.ts';
import { bindLlama, loadLlamaModel, type Llama } from './llama.ts';
import type { Pointer } from './libraries.ts';
import type { Parameters } from './parameters.ts';
import { exportPeft } from './peft.ts';
import { Sampling } from './schedule.ts';
import type { Shape } from './shape.ts';
import { loadState, saveState } from './state.ts';
import { decodeText, type Tokenizer } from './tokenizer.ts';
import type { Trainer } from './trainer.ts';

/** Frees native things, last opened first. */
export class Closer {
  readonly #closers: (() => void)[] = [];
  defer(close: () => void): void {
    this.#closers.push(close);
  }
  close(): void {
    for (const close of this.#closers.splice(0).reverse()) close();
  }
}

/** A model that libllama holds, and the adapter applied to it. */
export class LlamaModel {
  readonly l: Llama;
  readonly native: Pointer;
  adapter: Pointer | null = null;
  constructor(device: Device, file: string, vocabularyOnly: boolean) {
    this.l = bindLlama(device.g.build);
    this.native = loadLlamaModel(this.l, file, vocabularyOnly, device.name !== 'ggml-cpu');
  }
  dispose(): void {
    if (this.adapter !== null) this.l.freeAdapter(this.adapter);
    this.l.freeModel(this.native);
  }
}

export interface Parts {
  readonly info: EngineInfo;
  readonly chatFormat: ChatFormat;
  readonly tokenizer: Tokenizer;
  readonly trainer: Trainer | null;
  readonly weights: Parameters | null;
  readonly decoders: readonly (GraphDecoder | LlamaDecoder)[];
  readonly model: LlamaModel | null;
  readonly shape: Shape;
  readonly file: GgufFile;
  readonly cleanup: Closer;
}

export class GgmlEngine implements Engine {
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
  get chatFormat(): ChatFormat {
    return this.#p.chatFormat;
  }
  tokenize(text: string | readonly TextPart[]): number[] {
    return this.#p.tokenizer.encode(text);
  }
  detokenize(tokens: readonly number[]): string {
    return decodeText(this.#p.tokenizer, tokens);
  }

  get #large(): boolean {
    return this.#p.decoders.some((decoder) => decoder instanceof LlamaDecoder);
  }

  sample(requests: readonly SampleRequest[], options: SampleOptions = {}): Promise<Sequence[][]> {
    return this.#inTurn(() => {
      if (options.policy !== undefined && options.policy !== this.#version) refusePolicy(options.policy, this.#version);
      // A model for which libllama samples is large: then sampling and training take turns in the same memory.
      if (this.#large) this.#p.trainer?.rest();
      return new Sampling(options, this.#p.tokenizer, this.#version).run(requests, this.#p.decoders);
    });
  }
  forwardBackward(data: readonly Datum[], loss: LossSpec): Promise<ForwardBackward> {
    return this.#inTurn(async () => {
      refuseStale(data, this.#version, loss.staleness);
      this.#pending = false;
      for (const decoder of this.#p.decoders) if (decoder instanceof LlamaDecoder) decoder.rest();
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
  exportModel(file: string, format: 'gguf' | 'peft' = 'gguf'): Promise<void> {
    return this.#inTurn(async () => {
      const { parameters } = this.#trainer();
      if (parameters.mode === 'full' && format === 'peft')
        throw new EngineError('unsupported', 'PEFT folders hold adapters, and this run trains all weights. Export it as GGUF.');
      if (format === 'peft') exportPeft(file, this.#p.shape, parameters.lora, parameters.read('w'));
      else if (parameters.mode === 'lora') writeAdapter(file, this.#p.shape, parameters.lora, parameters.read('w'));
      else exportFull(file, this.#p.file, parameters.read('w'));
    });
  }

  /** Hands the trainer's weights to a libllama sampler; the graph sampler reads them in place. */
  refresh(): void {
    const { model, weights } = this.#p;
    if (model === null || weights === null || !this.#large) return;
    if (weights.mode === 'full')
      throw new EngineError('unsupported', 'Full-parameter training of a model this large is not possible yet. Set engine.mode to "lora".');
    this.#hand(weights.lora, weights.read('w'));
  }
  /** Loads an adapter (GGUF file or PEFT folder) into the libllama sampler, in place of the one before. */
  apply(adapter: string): void {
    const { values, ...lora } = readAdapter(adapter, this.#p.shape);
    this.#hand(lora, values);
  }
  /** llama.cpp reads adapters from files only; it sees none but those written here, whose every number was checked. */
  #hand(lora: { rank: number; alpha: number }, values: ReadonlyMap<string, Float32Array>): void {
    const { model, decoders, shape } = this.#p;
    if (model === null) return;
    const folder = mkdtempSync(path.join(os.tmpdir(), 'kelvin-'));
    try {
      const file = path.join(folder, 'adapter.gguf');
      writeAdapter(file, shape, lora, values);
      const adapter = model.l.loadAdapter(model.native, file) as Pointer | null;
      if (adapter === null)
        throw new EngineError('unsupported', `llama.cpp refuses the adapter. Check that it was trained on ${this.info.model}.`);
      for (const decoder of decoders) if (decoder instanceof LlamaDecoder) decoder.setAdapter(adapter);
      if (model.adapter !== null) model.l.freeAdapter(model.adapter);
      model.adapter = adapter;
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
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
    this.#p.cleanup.close();
  }
}
