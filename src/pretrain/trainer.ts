import type { Datum } from '../core/types.ts';
import type { OptimParams } from '../engine/ports.ts';
import { openFullTrainer } from '../engine/ggml/open.ts';
import type { Shape } from '../engine/ggml/shape.ts';
import { openTorchTrainer } from './torch/trainer.ts';

export interface MuonSettings {
  readonly lr: number;
  readonly momentum: number;
  readonly weightDecay: number;
}

/** What pre-training asks of whatever does the arithmetic. */
export interface PretrainTrainer {
  /** Adds the gradient of −Σ w·log π / normaliser; log π of every target, per datum. */
  forwardBackward(data: readonly Datum[], loss: { readonly normaliser: number }): Promise<{ readonly logprobs: readonly Float32Array[] }>;
  /** Muon on the matrices of the blocks, AdamW on embeddings and norms; clears the gradient. */
  muon(adam: OptimParams, muon: MuonSettings): Promise<unknown>;
  readWeights(): Promise<Map<string, Float32Array>>;
  close(): void;
}

/** `ggml` is the embedded engine and needs nothing else; `torch` takes the same steps in PyTorch, several times faster on CPU. */
export type TrainerKind = 'ggml' | 'torch';

export function openTrainer(
  kind: TrainerKind,
  shape: Shape,
  values: ReadonlyMap<string, Float32Array>,
  options: { readonly threads: number; readonly tokenBudget: number },
): PretrainTrainer {
  if (kind === 'torch') return openTorchTrainer(shape, values, options.threads);
  const trainer = openFullTrainer({ shape, values: new Map(values) }, options);
  return {
    forwardBackward: (data, { normaliser }) => trainer.forwardBackward(data, { kind: 'cross_entropy', normaliser }),
    muon: (adam, muon) => trainer.muon(adam, muon),
    readWeights: () => Promise.resolve(trainer.readWeights()),
    close() {
      trainer.dispose();
      trainer.parameters.dispose();
    },
  };
}
