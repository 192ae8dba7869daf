/**
 * The head on the loss positions, in chunks, so that tokens × vocabulary never exists whole: log-probabilities, entropy, loss
 * weights, and the gradient of the last hidden states.
 *
 * Gradient of −c·log π(t) in the logits is c·(π − onehot(t)). With a cap, c is further multiplied by
 * min(π_train / π_sample, cap), which is treated as a constant (truncated importance sampling).
 */
import type { BlockBuilder } from './block.ts';
import type { Pointer } from './libraries.ts';

export interface GraphSize {
  readonly rows: number;
  readonly length: number;
  /** Loss positions; unused ones get coefficient 0. */
  readonly targets: number;
  /** 0 = no importance weights. */
  readonly cap: number;
  /** false: log-probabilities and entropy only. */
  readonly train: boolean;
}

export interface Chunk {
  readonly from: number;
  readonly count: number;
  /** Flat index of each target in the chunk's [vocabulary, count] logits, as I32 to read and as I64 to write. */
  readonly read: Pointer;
  readonly write: Pointer;
}

/** Inputs and outputs of a graph; they live in a buffer of their own and keep their address. */
export interface Terminals {
  readonly tokens: Pointer;
  readonly positions: Pointer;
  readonly masks: readonly Pointer[];
  readonly select: Pointer;
  readonly coefficient: Pointer;
  readonly sampled: Pointer;
  readonly logprob: Pointer;
  readonly entropy: Pointer;
}

/** One chunk of the head; `gathered` [width, targets] receives the gradient of `hidden`. */
export function buildHead(
  build: BlockBuilder,
  size: GraphSize,
  io: Terminals,
  hidden: Pointer,
  gathered: Pointer,
  { from, count, read, write }: Chunk,
): void {
  const { f, c, shape } = build;
  const { width, vocabulary } = shape;
  const name = shape.tied ? 'token_embd.weight' : 'output.weight';
  const part = (t: Pointer): Pointer => f.ggml_view_2d(c, t, 1, count, 4, from * 4);
  const columns = (t: Pointer): Pointer => f.ggml_view_2d(c, t, width, count, width * 4, from * width * 4);
  const h = columns(hidden);
  const { normed, y } = build.norm('output_norm.weight', h);
  const z = build.product(build.weights.weight(name), y);
  const p = f.ggml_soft_max(c, z);
  const flat = f.ggml_reshape_2d(c, p, 1, vocabulary * count);
  const target = f.ggml_get_rows(c, flat, read);
  // The clamp keeps log finite where float32 underflows.
  const logprob = build.add(f.ggml_log(c, f.ggml_clamp(c, f.ggml_scale(c, target, 1), 1e-37, 1)));
  build.add(f.ggml_cpy(c, logprob, part(io.logprob)));
  // H = logsumexp(z) − Σ p z, and logsumexp(z) = z_t − log p_t.
  const zTarget = f.ggml_get_rows(c, f.ggml_reshape_2d(c, z, 1, vocabulary * count), read);
  const entropy = f.ggml_sub(c, f.ggml_sub(c, zTarget, logprob), f.ggml_sum_rows(c, f.ggml_mul(c, p, z)));
  build.add(f.ggml_cpy(c, entropy, part(io.entropy)));
  if (!size.train) return;
  let coefficient = part(io.coefficient);
  if (size.cap > 0) {
    const ratio = f.ggml_clamp(c, f.ggml_exp(c, f.ggml_sub(c, logprob, part(io.sampled))), 0, size.cap);
    coefficient = f.ggml_mul(c, ratio, coefficient);
  }
  const lessOne = build.add(f.ggml_scale_bias(c, target, 1, -1));
  const difference = f.ggml_reshape_2d(c, f.ggml_set_rows(c, flat, lessOne, write), vocabulary, count);
  const gz = build.add(f.ggml_mul(c, difference, coefficient));
  if (build.weights.gradient(name) !== null) build.accumulate(name, build.outer(y, gz));
  const gh = build.normBack('output_norm.weight', h, normed, build.productBack(name, gz));
  build.add(f.ggml_cpy(c, gh, columns(gathered)));
}
