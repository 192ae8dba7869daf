/** Rotary positions: which pairs turn, how far, and the scalings that lengthen a model's context. */
import { EngineError } from '../ports.ts';
import type { GgufFile } from './gguf.ts';

/** Architectures, and whether their heads turn halves (element i with i + n/2) instead of neighbours (2i with 2i + 1). */
export const NEOX = { llama: false, qwen2: true, qwen3: true } as const;
export type Architecture = keyof typeof NEOX;

export interface Rope {
  /** Elements of each head that turn, from the first. */
  readonly width: number;
  /** Positions are multiplied by this (1 / factor of a linear or YaRN scaling). */
  readonly scale: number;
  /** YaRN (Peng et al. 2023): interpolates slow frequencies only; else all are scaled. */
  readonly yarn: boolean;
  /** Context before the scaling, which YaRN's ramp is laid out for. */
  readonly originalContext: number;
  /** Multiplies sines and cosines, beside YaRN's own 1 + 0.1·ln(factor). */
  readonly attention: number;
  readonly betaFast: number;
  readonly betaSlow: number;
  /** The file brings a divisor for each frequency (`rope_freqs.weight`, Llama 3.1). */
  readonly factors: boolean;
}

/** Reads what a file says of its rotary positions, with llama.cpp's keys and defaults. */
export function ropeOf(
  file: GgufFile,
  architecture: Architecture,
  headWidth: number,
  context: number,
  number: (key: string, fallback?: number) => number,
): Rope {
  const kind = file.metadata.get(`${architecture}.rope.scaling.type`) ?? 'linear';
  if (kind !== 'none' && kind !== 'linear' && kind !== 'yarn')
    throw new EngineError(
      'unsupported',
      `${file.path} uses the rotary scaling "${String(kind)}"; the trainer knows linear and yarn. Choose a model with one of these or none.`,
    );
  const further = ['alpha', 'yarn_log_multiplier', 'yarn_ext_factor', 'yarn_attn_factor'].find((key) =>
    file.metadata.has(`${architecture}.rope.scaling.${key}`),
  );
  if (further !== undefined)
    throw new EngineError(
      'unsupported',
      `${file.path} scales its rotary positions by ${architecture}.rope.scaling.${further}, which the trainer does not know. Choose another model.`,
    );
  const width = number('rope.dimension_count', headWidth);
  if (!Number.isInteger(width) || width % 2 !== 0 || width > headWidth)
    throw new EngineError(
      'corrupt',
      `${file.path}: rotary positions over ${width} of ${headWidth} elements do not fit. Export the model again.`,
    );
  return {
    width,
    scale: kind === 'none' ? 1 : 1 / number('rope.scaling.factor', number('rope.scale_linear', 1)),
    yarn: kind === 'yarn',
    originalContext: number('rope.scaling.original_context_length', context),
    attention: number('rope.scaling.attn_factor', 1),
    betaFast: number('rope.scaling.yarn_beta_fast', 32),
    betaSlow: number('rope.scaling.yarn_beta_slow', 1),
    factors: file.tensors.has('rope_freqs.weight'),
  };
}

/** The last nine arguments of `ggml_rope_ext`. */
export function ropeArguments(shape: {
  readonly architecture?: Architecture;
  readonly headWidth: number;
  readonly context: number;
  readonly ropeBase: number;
  readonly rope?: Rope | undefined;
}): number[] {
  const { width, scale, yarn, originalContext, attention, betaFast, betaSlow } = shape.rope ?? {
    ...{ width: shape.headWidth, scale: 1, yarn: false, originalContext: shape.context, attention: 1, betaFast: 32, betaSlow: 1 },
  };
  const mode = NEOX[shape.architecture ?? 'llama'] ? 2 : 0;
  return [width, mode, originalContext, shape.ropeBase, scale, yarn ? 1 : 0, attention, betaFast, betaSlow];
}
