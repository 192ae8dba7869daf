/** The engine port on a server that speaks the Tinker API: the same four verbs, the work done elsewhere. */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type { ChatFormat, TextPart } from '../../core/prompts/template.ts';
import type { Datum } from '../../core/types.ts';
import { readAdapter, writeAdapter } from '../ggml/adapter.ts';
import { readGguf } from '../ggml/gguf.ts';
import { shapeOf } from '../ggml/shape.ts';
import { decodeText } from '../ggml/tokenizer.ts';
import { EngineError, refusePolicy, refuseStale, type Engine, type EngineInfo, type ForwardBackward, type LossSpec } from '../ports.ts';
import type { OptimParams, OptimResult, SampleOptions, SampleRequest, Sequence } from '../ports.ts';
import type { TokenizerFiles } from '../tokenizer-files.ts';
import { unpackAdapter } from './archive.ts';
import type { TinkerClient, TinkerModel } from './client.ts';
import { lost, Uncertain } from './calls.ts';
import { forwardData, methodFor, outcome, wireData } from './losses.ts';
import { Rollouts, type Sampler } from './sampling.ts';
import { isTinkerState, readState, unusable, writeState } from './state.ts';
import { logprobsOf, type PassOutput, type WireDatum } from './wire.ts';

/** A request holds at most so many sequences and roughly so many bytes; gradients add up over requests. */
const MOST_SEQUENCES = 1024;
const MOST_REQUEST_BYTES = 5e6;
const BYTES_PER_TARGET = 28;
const MOST_LOADS = 8;
const LEAVE_MS = 5000;

export interface TinkerParts {
  readonly client: TinkerClient;
  /** Name of the base model on the server. */
  readonly baseModel: string;
  readonly rank: number;
  readonly seed: number;
  readonly tokenizer: TokenizerFiles;
  readonly info: EngineInfo;
  /** Sequences sampled side by side. */
  readonly parallel: number;
  /** Who computes the loss where the server could. */
  readonly losses: 'server' | 'client';
  /** A GGUF of the same base model on this machine, for adapters in GGUF format; '' = none. */
  readonly gguf: string;
}

interface Kept {
  readonly policyVersion: number;
  /** The server's path of the weights. */
  readonly saved: string;
  sampler: Promise<Sampler> | null;
}

export class TinkerEngine implements Engine {
  readonly info: EngineInfo;
  readonly chatFormat: ChatFormat;
  readonly #p: TinkerParts;
  #model: TinkerModel;
  #version = 0;
  /** Weights for sampling that the server has, by policy version: the current one, and as many before it as `LossSpec.staleness` says. */
  readonly #kept = new Map<number, Kept>();
  #staleness = 0;
  /** Sequences whose gradient the server holds, null = none. */
  #pending: number | null = null;
  #broken: EngineError | null = null;
  #tail: Promise<unknown> = Promise.resolve();
  #closed = false;

  private constructor(parts: TinkerParts, model: TinkerModel) {
    this.#p = parts;
    this.info = parts.info;
    this.chatFormat = parts.tokenizer.chatFormat;
    this.#model = model;
  }
  /** Creates the model on the server, so that a refusal comes before a run begins. */
  static async open(parts: TinkerParts): Promise<TinkerEngine> {
    return new TinkerEngine(parts, await parts.client.createModel(parts.baseModel, parts.rank, parts.seed));
  }

  get policyVersion(): number {
    return this.#version;
  }
  tokenize(text: string | readonly TextPart[]): number[] {
    return this.#p.tokenizer.encode(text);
  }
  detokenize(tokens: readonly number[]): string {
    return decodeText(this.#p.tokenizer, tokens);
  }

  /** Not held up by training: a policy's sampler stays while the next one is trained. */
  async sample(requests: readonly SampleRequest[], options: SampleOptions = {}): Promise<Sequence[][]> {
    this.#usable();
    const { client, tokenizer, parallel } = this.#p;
    const { contextLength, vocabularySize } = this.info;
    const sampler = await this.#samplerOf(options.policy);
    return await new Rollouts({ client, tokenizer, parallel, contextLength, vocabulary: vocabularySize, sampler, options }).run(requests);
  }

  /** Opened once for each version of the policy. @param policy absent: the current one */
  async #samplerOf(policy?: number): Promise<Sampler> {
    const kept =
      this.#kept.get(policy ?? this.#version) ??
      (await this.#inTurn(async () => {
        if (policy === undefined || policy === this.#version) return await this.#savedForSampling();
        return this.#kept.get(policy) ?? refusePolicy(policy, this.#version);
      }));
    const opening = (kept.sampler ??= this.#p.client
      .createSampler(kept.saved)
      .then((session): Sampler => ({ session, policyVersion: kept.policyVersion, next: 0 })));
    opening.catch(() => (kept.sampler = null));
    return await opening;
  }

  /** Saves the current weights for sampling, once for each version; called in turn. */
  async #savedForSampling(): Promise<Kept> {
    const version = this.#version;
    const known = this.#kept.get(version);
    if (known) return known;
    const saved = await this.#model.save('save_weights_for_sampler', `policy-${version}`);
    const kept: Kept = { policyVersion: version, saved, sampler: null };
    this.#kept.set(version, kept);
    return kept;
  }

  forwardBackward(data: readonly Datum[], loss: LossSpec): Promise<ForwardBackward> {
    return this.#inTurn(async () => {
      refuseStale(data, this.#version, loss.staleness);
      if (data.length === 0) throw new EngineError('unsupported', 'There is no sequence to train on.');
      const { record } = this.#p.client;
      const method = methodFor(loss, record, this.#p.losses);
      if (record.reduction === 'sequences' && this.#pending !== null)
        throw new EngineError(
          'unsupported',
          `${record.name} divides the gradient by the number of sequences of a step, so a step takes one forwardBackward. Hand in all its data at once.`,
        );
      this.#staleness = loss.staleness ?? 0;
      // What is sampled ahead needs these weights when they are gone from the trainer.
      if (this.#staleness > 0 && data.some((datum) => datum.old === undefined)) await this.#savedForSampling();
      let before: Float32Array[] | undefined;
      if (method.kind === 'client') before = await this.#pass(forwardData(data), { loss: 'cross_entropy', config: {}, forwardOnly: true });
      const config = method.kind === 'server' ? method.config : {};
      const passed = this.#pass(wireData(data, loss, method, record, before), { loss: method.loss, config, forwardOnly: false });
      // Part of the gradient may be there when one of several requests fails.
      const logprobs = await passed.catch((error: unknown) => this.#breaks(error));
      this.#pending = (this.#pending ?? 0) + data.length;
      try {
        return outcome(data, loss, logprobs);
      } catch (error) {
        return this.#breaks(error);
      }
    });
  }

  async #pass(
    data: readonly WireDatum[],
    pass: Pick<Parameters<TinkerModel['pass']>[0], 'loss' | 'config' | 'forwardOnly'>,
  ): Promise<Float32Array[]> {
    const parts = split(data);
    const results: Promise<PassOutput>[] = [];
    for (const part of parts) {
      // In order; their results are waited for together.
      const result = (await this.#model.pass({ ...pass, data: part })).result();
      result.catch(() => undefined);
      results.push(result);
    }
    const outputs = await Promise.all(results);
    const call = pass.forwardOnly ? 'forward' : 'forward_backward';
    return outputs.flatMap((output, i) =>
      logprobsOf(
        output,
        (parts[i] ?? []).map(({ tokens }) => tokens.length),
        call,
      ),
    );
  }

  optimStep({ lr, beta1, beta2, eps, weightDecay, gradClip }: OptimParams): Promise<OptimResult> {
    return this.#inTurn(async () => {
      if (this.#pending === null)
        throw new EngineError('stale', 'There is no gradient of the current weights to step on. Call forwardBackward first.');
      const stepped = this.#model.optimStep({
        learning_rate: lr,
        beta1,
        beta2,
        eps,
        weight_decay: weightDecay,
        grad_clip_norm: gradClip,
      });
      const metrics = await stepped.catch((error: unknown) => this.#breaks(error));
      this.#pending = null;
      this.#version++;
      for (const version of this.#kept.keys()) if (version < this.#version - this.#staleness) this.#kept.delete(version);
      const norm = Object.entries(metrics).find(([name]) => this.#p.client.record.gradNorm.test(name))?.[1];
      return { gradNorm: norm ?? NaN };
    });
  }

  async saveState(dir: string): Promise<void> {
    await this.#inTurn(async () => {
      const { saved: sampler } = await this.#savedForSampling();
      const earlier = [...this.#kept.values()].filter(({ policyVersion }) => policyVersion < this.#version);
      const weights = await this.#model.save('save_weights', `step-${this.#version}`);
      const { baseModel, rank, client } = this.#p;
      writeState(dir, {
        server: client.record.name,
        baseModel,
        modelHash: this.info.modelHash,
        rank,
        policyVersion: this.#version,
        weights,
        sampler,
        ...(earlier.length === 0 ? {} : { earlier: earlier.map(({ policyVersion, saved }) => ({ policyVersion, sampler: saved })) }),
      });
    });
  }

  /** A fresh model whose first request is the load: servers allow no other. */
  async loadState(dir: string): Promise<void> {
    await this.#inTurn(async () => {
      if (!isTinkerState(dir)) throw unusable(dir, 'it was made by the embedded engine; set engine.kind to "embedded"');
      const state = readState(dir);
      const { baseModel, rank } = this.#p;
      if (state.baseModel !== baseModel || state.modelHash !== this.info.modelHash)
        throw unusable(dir, `it belongs to ${state.baseModel} with its tokenizer`);
      if (state.rank !== rank) throw unusable(dir, `it was made with engine.lora.rank ${state.rank}`);
      if (!this.#model.fresh) await this.#renew();
      for (let tries = 1; ; tries++) {
        try {
          await this.#model.load(state.weights);
          break;
        } catch (error) {
          if (!(error instanceof Uncertain) || tries === MOST_LOADS) throw error;
          await this.#renew();
        }
      }
      this.#pending = null;
      this.#broken = null;
      this.#kept.clear();
      for (const { policyVersion, sampler } of state.earlier ?? [])
        this.#kept.set(policyVersion, { policyVersion, saved: sampler, sampler: null });
      this.#version = state.policyVersion;
    }, true);
  }

  /** A model without requests in place of the one before. */
  async #renew(): Promise<void> {
    const { client, baseModel, rank, seed } = this.#p;
    const old = this.#model;
    this.#model = await client.createModel(baseModel, rank, seed);
    // A server has room for few adapters; one that is gone already is as good.
    await old.unload().catch(() => undefined);
  }

  async exportModel(file: string, format: 'gguf' | 'peft' = 'gguf'): Promise<void> {
    const { saved } = await this.#inTurn(() => this.#savedForSampling());
    await downloadAdapter(this.#p.client, saved, file, format, this.#p.gguf);
  }

  /** What the server holds is no longer known; only a checkpoint helps. */
  #breaks(error: unknown): never {
    this.#broken =
      error instanceof EngineError && error.code === 'server' ? error : lost(error instanceof Error ? error.message : String(error));
    throw error;
  }
  #usable(anew = false): void {
    if (this.#closed) throw new EngineError('native', 'The engine is closed.');
    if (this.#broken !== null && !anew) throw this.#broken;
  }
  /** Requests of a model are handed in one after the other: their order is their meaning. */
  #inTurn<T>(work: () => Promise<T>, anew = false): Promise<T> {
    const result = this.#tail.then(() => {
      this.#usable(anew);
      return work();
    });
    this.#tail = result.catch(() => undefined);
    return result;
  }
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    // A server has room for few adapters; checkpoints stay. Nobody waits long for it.
    if (this.#broken === null) await Promise.race([this.#model.unload().catch(() => undefined), this.#p.client.pause(LEAVE_MS)]);
    this.#p.client.close();
    await this.#tail;
  }
}

/** Requests of a size that servers take. */
export function split(data: readonly WireDatum[]): WireDatum[][] {
  const parts: WireDatum[][] = [];
  let bytes = Infinity;
  for (const datum of data) {
    const size = datum.tokens.length * BYTES_PER_TARGET;
    if (bytes + size > MOST_REQUEST_BYTES || (parts.at(-1)?.length ?? 0) >= MOST_SEQUENCES) {
      parts.push([]);
      bytes = 0;
    }
    parts.at(-1)?.push(datum);
    bytes += size;
  }
  return parts;
}

/**
 * Fetches an adapter from a server: a PEFT folder, or a GGUF file for llama.cpp.
 * @param gguf a GGUF of the base model, whose shape the second needs; '' = none
 */
export async function downloadAdapter(
  client: TinkerClient,
  saved: string,
  file: string,
  format: 'gguf' | 'peft',
  gguf: string,
): Promise<void> {
  if (format === 'gguf' && gguf === '')
    throw new EngineError(
      'missing',
      'An adapter in GGUF format needs a GGUF of its base model on this machine. Name one in engine.tinker.gguf, or export as PEFT.',
    );
  const archive = await client.archive(saved);
  if (format === 'peft') {
    mkdirSync(file, { recursive: true });
    return unpackAdapter(archive, file);
  }
  const folder = mkdtempSync(path.join(os.tmpdir(), 'kelvin-'));
  try {
    unpackAdapter(archive, folder);
    const shape = shapeOf(readGguf(gguf));
    const { values, ...lora } = readAdapter(folder, shape);
    writeAdapter(file, shape, lora, values);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
