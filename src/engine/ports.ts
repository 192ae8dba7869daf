import type { Datum, EngineInfo, Metrics, StopReason } from '../core/types.ts';

export type { EngineInfo } from '../core/types.ts';

/**
 * The engine port: four verbs (`sample`, `forwardBackward`, `optimStep`, `saveState` / `loadState`), the verbs of
 * the Tinker API, so that one loop drives the embedded engine, a Tinker server, or the scripted fake of the tests.
 */
export interface Engine {
  readonly info: EngineInfo;
  /** Number of optimiser steps the current weights have seen. A rollout carries the version it was sampled with. */
  readonly policyVersion: number;
  /** Token ids of `text`, without any implicit beginning-of-sequence token; tags such as `<think>` become one token where the vocabulary has them. */
  tokenize(text: string): number[];
  /** Exact bytes of the tokens as UTF-8 (invalid sequences become U+FFFD). Special tokens are rendered as their text, except `eos`, which is empty. */
  detokenize(tokens: readonly number[]): string;
  /** Samples `request.n` completions for each request; the result has the requests' order. */
  sample(requests: readonly SampleRequest[], options?: SampleOptions): Promise<Sequence[][]>;
  /** Adds the gradient of `loss` over `data` to the accumulated gradient; returns the trainer's own log-probabilities. */
  forwardBackward(data: readonly Datum[], loss: LossSpec): Promise<ForwardBackward>;
  /** Clips the accumulated gradient, steps AdamW, clears the gradient, refreshes the sampler, adds 1 to `policyVersion`. */
  optimStep(params: OptimParams): Promise<OptimResult>;
  /** Writes trainable weights, optimiser moments and policy version into `dir` (exists, empty). Every file is fsynced. */
  saveState(dir: string): Promise<void>;
  /** Restores what `saveState` wrote, bit for bit. Throws `EngineError('corrupt', …)` when a file is damaged or of another model. */
  loadState(dir: string): Promise<void>;
  /** Writes what a user can load elsewhere: the full model as GGUF (full-parameter) or a GGUF LoRA adapter. */
  exportModel(file: string): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

export interface SampleRequest {
  readonly prompt: readonly number[];
  /** Completions wanted for this prompt; the prompt is computed once. */
  readonly n: number;
  readonly maxTokens: number;
  /** 0 = greedy. Log-probabilities are under the distribution sampled from (temperature 1 at greedy). */
  readonly temperature: number;
  /** Completion j of this request is a pure function of (weights, prompt, temperature, seed, j), whatever else is in the batch. */
  readonly seed: number;
  /** Text after which generation stops, kept in the output; the model's eos always stops. */
  readonly stop?: readonly string[];
}

export interface SampleOptions {
  /** Called as tokens appear; `request` and `index` say whose. Return false to cut that sequence (stopReason `cut`). */
  readonly onToken?: (request: number, index: number, token: number) => boolean | void;
  /** A sequence ended. */
  readonly onSequence?: (request: number, index: number, sequence: Sequence) => void;
  readonly signal?: AbortSignal;
}

export interface Sequence {
  /** Generated tokens, eos included when it was generated. */
  readonly tokens: readonly number[];
  readonly logprobs: readonly number[];
  readonly stopReason: StopReason;
  readonly policyVersion: number;
}

/**
 * `reinforce`: −Σ w·A·log π / normaliser, weighted by min(π_train / π_sample, `importanceCap`) without gradient.
 * `cross_entropy`: −Σ w·log π / normaliser.
 */
export interface LossSpec {
  readonly kind: 'reinforce' | 'cross_entropy';
  /** Divisor of the sum over tokens of all data of this optimiser step. */
  readonly normaliser: number;
  /** Truncated importance sampling; absent = weight 1. */
  readonly importanceCap?: number;
}

export interface ForwardBackward {
  readonly loss: number;
  /** log π of every target, per datum, N elements. */
  readonly logprobs: readonly Float32Array[];
  /** For instance `mismatch/kl`, `mismatch/max`, `entropy`. */
  readonly metrics: Metrics;
}

export interface OptimParams {
  readonly lr: number;
  readonly beta1: number;
  readonly beta2: number;
  readonly eps: number;
  readonly weightDecay: number;
  /** Global L2 norm above which the gradient is scaled down; 0 = off. */
  readonly gradClip: number;
}

export interface OptimResult {
  /** Global L2 norm before clipping. */
  readonly gradNorm: number;
}

export interface EngineOptions {
  readonly model: string;
  readonly adapter?: string | undefined;
  readonly mode: 'full' | 'lora';
  readonly lora: { readonly rank: number; readonly alpha: number };
  /** `auto` picks CUDA, Vulkan or Metal when present, else CPU. */
  readonly backend: 'auto' | 'cpu' | 'cuda' | 'vulkan' | 'metal';
  /** 1 makes a run bit-reproducible. */
  readonly threads: number;
  readonly contextLength: number;
  /** Sequences decoded side by side. */
  readonly parallel: number;
  /** Tokens of one training graph: larger is faster and takes more memory. */
  readonly tokenBudget: number;
  readonly seed: number;
  /** Inference only: no gradient and optimiser buffers. */
  readonly inference?: boolean | undefined;
}

/** Faults of the engine that a user can act on; the message says what to do. */
export class EngineError extends Error {
  readonly code: 'missing' | 'corrupt' | 'unsupported' | 'memory' | 'native' | 'stale';
  constructor(code: EngineError['code'], message: string) {
    super(message);
    this.name = 'EngineError';
    this.code = code;
  }
}
