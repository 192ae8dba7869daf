/** Small models made on the fly for the engine's tests. */
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type { Datum } from '../../src/core/types.ts';
import { initialWeights, writeModel, type VocabularyToken } from '../../src/engine/ggml/model-file.ts';
import type { Shape } from '../../src/engine/ggml/shape.ts';
import type { EngineOptions } from '../../src/engine/ports.ts';

export const EOS = 256;

/** All bytes, then an end-of-sequence, tags and fragments. */
export function vocabulary(): VocabularyToken[] {
  const bytes = Array.from({ length: 256 }, (_, i) => ({ bytes: Uint8Array.of(i) }));
  const tags = ['<eos>', '<think>', '</think>', '<answer>', '</answer>'].map((t) => ({ bytes: t, control: true }));
  return [...bytes, ...tags, ...['.map(x=>x', '.slice(', 'return ', 'let b='].map((t) => ({ bytes: t }))];
}

export const SHAPE: Shape = {
  layers: 2,
  width: 64,
  feedForward: 96,
  heads: 4,
  kvHeads: 2,
  headWidth: 16,
  vocabulary: 265,
  context: 128,
  epsilon: 1e-5,
  ropeBase: 10000,
  tied: true,
};

/** Deterministic numbers in [0, 1) (mulberry32). */
export function numbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

/** Weights with embeddings large enough that the distributions are neither flat nor one-hot. */
export function weightsFor(shape: Shape, seed = 1): Map<string, Float32Array> {
  const next = numbers(seed);
  const weights = initialWeights(shape, next);
  for (const [name, data] of weights) {
    if (name.startsWith('token_embd')) data.forEach((x, i) => (data[i] = x * 12));
    if (name.includes('norm')) data.forEach((x, i) => (data[i] = x * (0.8 + 0.4 * next())));
  }
  return weights;
}

/** A folder that is removed when the scope ends. */
export function folder(): { path: string; [Symbol.dispose](): void } {
  const at = mkdtempSync(path.join(os.tmpdir(), 'kelvin-test-'));
  return { path: at, [Symbol.dispose]: () => rmSync(at, { recursive: true, force: true }) };
}

export function writeTiny(file: string, shape: Shape = SHAPE, seed = 1): string {
  writeModel(file, { name: 'tiny', shape, vocabulary: vocabulary(), eosToken: EOS, dialect: 'nano' }, weightsFor(shape, seed));
  return file;
}

export function options(model: string, more: Partial<EngineOptions> = {}): EngineOptions {
  return {
    model,
    mode: 'full',
    lora: { rank: 4, alpha: 8 },
    backend: 'cpu',
    threads: 1,
    contextLength: 128,
    parallel: 8,
    tokenBudget: 256,
    seed: 7,
    ...more,
  };
}

/** A datum of a prompt and a sampled completion, as `core/datum` makes them. */
export function datum(prompt: readonly number[], tokens: readonly number[], logprobs: readonly number[], advantage: number): Datum {
  const all = [...prompt, ...tokens];
  const n = all.length - 1;
  const first = prompt.length - 1;
  const on = (value: (k: number) => number): Float32Array => Float32Array.from({ length: n }, (_, i) => (i < first ? 0 : value(i - first)));
  return {
    tokens: Int32Array.from(all.slice(0, n)),
    targets: Int32Array.from(all.slice(1)),
    weights: on(() => 1),
    logprobs: on((k) => logprobs[k] ?? 0),
    advantages: on(() => advantage),
  };
}
