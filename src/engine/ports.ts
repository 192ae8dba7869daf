import type { ChatFormat, TextPart } from '../core/prompts/template.ts';
import type { Datum, EngineInfo, MemoryPlan, Metrics, StopReason } from '../core/types.ts';

export type { EngineInfo } from '../core/types.ts';

/**
 * The engine port: four verbs (`sample`, `forwardBackward`, `optimStep`, `saveState` / `loadState`), the verbs of
 * the Tinker API, so that one loop drives the embedded engine, a Tinker server, or the scripted fake of the tests.
 */
export interface Engine {
  readonly info: EngineInfo;
  /** Number of optimiser steps the current weights have seen. A rollout carries the version it was sampled with. */
  readonly policyVersion: number;
  /** How the model's file says that conversations are written; null when it has no vocabulary of its own to say it with. */
  readonly chatFormat: ChatFormat | null;
  /** Token ids of `text`, without any implicit beginning-of-sequence token; tags such as `<think>` become one token where the vocabulary has them. No text of a `content` part becomes a control token. */
  tokenize(text: string | readonly TextPart[]): number[];
  /** Exact bytes of the tokens as UTF-8 (invalid sequences become U+FFFD). Special tokens are rendered as their text, except those that end a completion (eos, end of turn), which are empty. */
  detokenize(tokens: readonly number[]): string;
  /** Samples `request.n` completions for each request; the result has the requests' order, then that of `options.more`. */
  sample(requests: readonly SampleRequest[], options?: SampleOptions): Promise<Sequence[][]>;
  /** Adds the gradient of `loss` over `data` to the accumulated gradient; returns the trainer's own log-probabilities. */
  forwardBackward(data: readonly Datum[], loss: LossSpec): Promise<ForwardBackward>;
  /** Clips the accumulated gradient, steps AdamW, clears the gradient, refreshes the sampler, adds 1 to `policyVersion`. */
  optimStep(params: OptimParams): Promise<OptimResult>;
  /** Writes trainable weights, optimiser moments and policy version into `dir` (exists, empty). Every file is fsynced. */
  saveState(dir: string): Promise<void>;
  /** Restores what `saveState` wrote, bit for bit. Throws `EngineError('corrupt', …)` when a file is damaged or of another model. */
  loadState(dir: string): Promise<void>;
  /**
   * Writes what a user can load elsewhere: the full model as GGUF (full-parameter), or the adapter as a GGUF file or, with
   * `peft`, as a folder that Hugging Face PEFT loads.
   */
  exportModel(file: string, format?: 'gguf' | 'peft'): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

export interface SampleRequest {
  readonly prompt: readonly number[];
  /** Completions wanted for this prompt; the prompt is computed once by each thread that takes some of them. */
  readonly n: number;
  readonly maxTokens: number;
  /** 0 = greedy. Log-probabilities are under the distribution sampled from (temperature 1 at greedy). */
  readonly temperature: number;
  /**
   * Completion j of this request is a pure function of (weights, prompt, temperature, seed, j), whatever else is in the batch. Where
   * libllama samples (docs/engine.md), only up to rounding: it multiplies batches of other sizes in another order, and a near-tie may fall otherwise.
   */
  readonly seed: number;
  /** Text after which generation stops, kept in the output; the model's eos always stops. */
  readonly stop?: readonly string[];
}

export interface SampleOptions {
  /** Called as tokens appear; `request` and `index` say whose. Return false to cut that sequence (stopReason `cut`). */
  readonly onToken?: (request: number, index: number, token: number) => boolean | void;
  /** A sequence ended. */
  readonly onSequence?: (request: number, index: number, sequence: Sequence) => void;
  /**
   * Called after `onSequence`: requests that follow from this sequence join the running batch, for instance the rollouts
   * of a task once its proposal is judged. They are numbered on from the last request, in the order of the calls (not in
   * that of the promises), and stand behind `requests` in the result. When a promise resolves changes no sequence.
   */
  readonly more?: (request: number, index: number, sequence: Sequence) => Promise<readonly SampleRequest[]> | undefined;
  readonly signal?: AbortSignal;
  /**
   * Version of the policy to sample with; the current one when absent. An engine that samples while it trains keeps the
   * versions that `LossSpec.staleness` reaches back to, after `loadState` too. @throws EngineError `stale`
   */
  readonly policy?: number;
}

export interface Sequence {
  /** Generated tokens, eos included when it was generated. */
  readonly tokens: readonly number[];
  readonly logprobs: readonly number[];
  readonly stopReason: StopReason;
  readonly policyVersion: number;
}

/**
 * Sums over tokens, divided by `normaliser`. w, A: weight and advantage of the token; π: the policy being trained; sg: held
 * constant by the gradient. π_old: `datum.old`, the trainer's policy when the batch was sampled, or the sampler's
 * (`datum.logprobs`) when that is absent. r = π / π_old. v = min(π_old / π_sample, `importanceCap`), the truncated
 * importance weight for the mismatch of sampler and trainer (Yao et al. 2025).
 *
 * - `reinforce` (Williams 1992): −w·A·sg(min(π / π_sample, `importanceCap`))·log π
 * - `ppo` (Schulman et al. 2017; bounds apart: DAPO, Yu et al. 2025): −w·v·min(r·A, clip(r, 1 − `clipLow`, 1 + `clipHigh`)·A)
 * - `cispo` (MiniMax-M1 2025): −w·v·A·sg(clip(r, 1 − `clipLow`, 1 + `clipHigh`))·log π
 * - `cross_entropy`: −w·log π
 */
export interface LossSpec {
  readonly kind: 'reinforce' | 'ppo' | 'cispo' | 'cross_entropy';
  /** Divisor of the sum over tokens of all data of this optimiser step. */
  readonly normaliser: number;
  /** Optimiser steps that may lie between sampling and training; 0 when absent. Data further behind are refused, weights as far behind are kept. */
  readonly staleness?: number;
  /** Truncated importance sampling; absent = weight 1. */
  readonly importanceCap?: number;
  /** In (0, 1]; 0.2 when absent. */
  readonly clipLow?: number;
  /** Above 0; 0.28 when absent. */
  readonly clipHigh?: number;
  /**
   * Adds `coefficient`·w·k to every token, an estimate of KL(π ‖ base) (Schulman 2020): `k3` = ρ − 1 − log ρ,
   * `k2` = ½ (log ρ)², ρ = π_base / π. The base is the model without its adapter, so this needs a LoRA.
   */
  readonly kl?: { readonly coefficient: number; readonly estimator: 'k2' | 'k3' };
}

export interface ForwardBackward {
  readonly loss: number;
  /** log π of every target, per datum, N elements. */
  readonly logprobs: readonly Float32Array[];
  /** `entropy`; with a policy loss `mismatch/kl`, `mismatch/max`, `loss/clipped` (share of tokens); with `kl` also `loss/kl`. */
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
  /** Global L2 norm before clipping; NaN where a server does not say. */
  readonly gradNorm: number;
}

export interface EngineOptions {
  readonly model: string;
  /** A GGUF adapter or a PEFT folder. */
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
  /** Compute each block's forward twice instead of keeping its results: `auto` = when memory would be short. */
  readonly checkpointing?: 'auto' | 'on' | 'off' | undefined;
  /** Type in which matrices are multiplied in training; sums stay F32. */
  readonly compute?: 'f32' | 'bf16' | undefined;
  readonly seed: number;
  /** Inference only: no gradient and optimiser buffers. */
  readonly inference?: boolean | undefined;
  /** Told what training will take of the memory, before any of it is allocated and also when it does not fit. */
  readonly onPlan?: ((plan: MemoryPlan) => void) | undefined;
}

/** Faults of the engine that a user can act on; the message says what to do. */
export class EngineError extends Error {
  /** `server`: a server that does the work was lost or failed; the run goes on from its last complete step. */
  readonly code: 'missing' | 'corrupt' | 'unsupported' | 'memory' | 'native' | 'stale' | 'server';
  constructor(code: EngineError['code'], message: string) {
    super(message);
    this.name = 'EngineError';
    this.code = code;
  }
}

/**
 * @param allowed optimiser steps that data may be behind (`LossSpec.staleness`)
 * @throws EngineError `stale` when data were sampled by a version of the policy further behind the one that trains, or after it; later updates on one batch (`old`) are meant.
 */
export function refuseStale(data: readonly Datum[], policyVersion: number, allowed = 0): void {
  const stale = data.findIndex(
    (d) => d.old === undefined && d.policyVersion !== undefined && !isFresh(d.policyVersion, policyVersion, allowed),
  );
  if (stale >= 0)
    throw new EngineError(
      'stale',
      `Datum ${stale} was sampled by policy ${String(data[stale]?.policyVersion)}, the trainer holds ${policyVersion}: a stale rollout. Sample it again.`,
    );
}

/** Whether what `sampledBy` sampled may train `policyVersion`. */
export const isFresh = (sampledBy: number, policyVersion: number, allowed: number): boolean =>
  sampledBy <= policyVersion && sampledBy >= policyVersion - allowed;

/** @throws EngineError `stale`: an engine does not have the weights that `SampleOptions.policy` asks for. */
export function refusePolicy(policy: number, policyVersion: number): never {
  throw new EngineError(
    'stale',
    `There are no weights of policy ${policy} to sample with, the engine holds ${policyVersion}. Resume from a checkpoint, or set algorithm.staleness to 0.`,
  );
}
