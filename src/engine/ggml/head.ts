/**
 * The head on the loss positions, in chunks, so that tokens × vocabulary never exists whole: log-probabilities, entropy, loss
 * weights, and the gradient of the last hidden states.
 *
 * Gradient of −c·log π(t) in the logits is c·(π − onehot(t)). How c follows from the ratio r = π / π_old and from the base
 * model's log-probability is said in `../loss.ts`.
 */
import { LOG_RATIO_LIMIT, type Shape as LossShape } from '../loss.ts';
import type { BlockBuilder } from './block.ts';
import type { Pointer } from './libraries.ts';

export interface GraphSize extends LossShape {
  readonly rows: number;
  readonly length: number;
  /** Loss positions; unused ones get coefficient 0. */
  readonly targets: number;
  /** The model without its adapter. */
  readonly base: boolean;
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
  /** Of the loss, for each target: what `prepare` gives. */
  readonly factor: Pointer;
  readonly reference: Pointer;
  readonly bound: Pointer;
  readonly pull: Pointer;
  /** Log-probability under the base model. */
  readonly baseLogprob: Pointer;
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
  const z = build.logits(y);
  const p = f.ggml_soft_max(c, z);
  const flat = f.ggml_reshape_2d(c, p, 1, vocabulary * count);
  const target = f.ggml_get_rows(c, flat, read);
  // From the likeliest entry, whose probability never underflows as the target's may: logsumexp(z) = z_m − log p_m.
  const likeliest = f.ggml_reshape_2d(c, f.ggml_argmax(c, z), 1, count);
  const atLikeliest = (t: Pointer): Pointer =>
    f.ggml_reshape_2d(c, f.ggml_get_rows(c, f.ggml_reshape_3d(c, t, 1, vocabulary, count), likeliest), 1, count);
  const total = f.ggml_sub(c, atLikeliest(z), f.ggml_log(c, atLikeliest(p)));
  const zTarget = f.ggml_get_rows(c, f.ggml_reshape_2d(c, z, 1, vocabulary * count), read);
  const logprob = build.add(f.ggml_sub(c, zTarget, total));
  build.add(f.ggml_cpy(c, logprob, part(io.logprob)));
  // H = logsumexp(z) − Σ p z
  const entropy = f.ggml_sub(c, total, f.ggml_sum_rows(c, f.ggml_mul(c, p, z)));
  build.add(f.ggml_cpy(c, entropy, part(io.entropy)));
  if (!size.train) return;
  const coefficient = coefficients(build, size, io, part, logprob);
  const lessOne = build.add(f.ggml_scale_bias(c, target, 1, -1));
  const difference = f.ggml_reshape_2d(c, f.ggml_set_rows(c, flat, lessOne, write), vocabulary, count);
  const gz = build.add(f.ggml_mul(c, difference, coefficient));
  if (build.weights.gradient(name) !== null) build.accumulate(name, build.outer(y, gz));
  const gh = build.normBack('output_norm.weight', h, normed, build.logitsBack(gz));
  build.add(f.ggml_cpy(c, gh, columns(gathered)));
}

/** c of each target in the chunk, [1, count]. (`ggml_clamp` works in place, so it is given results that nothing else reads.) */
function coefficients(build: BlockBuilder, size: GraphSize, io: Terminals, part: (t: Pointer) => Pointer, logprob: Pointer): Pointer {
  const { f, c } = build;
  const limited = (a: Pointer, b: Pointer): Pointer => f.ggml_clamp(c, f.ggml_sub(c, a, b), -LOG_RATIO_LIMIT, LOG_RATIO_LIMIT);
  const factor = part(io.factor);
  let total = factor;
  if (size.ratio !== 'none') {
    const r = f.ggml_exp(c, limited(logprob, part(io.reference)));
    if (size.ratio === 'clamp') total = f.ggml_mul(c, f.ggml_clamp(c, r, size.low, size.high), factor);
    else {
      const within = f.ggml_step(c, f.ggml_sub(c, part(io.bound), f.ggml_mul(c, r, f.ggml_sgn(c, factor))));
      total = f.ggml_mul(c, f.ggml_mul(c, r, factor), within);
    }
  }
  if (size.kl === 'none') return total;
  // k3: k′ = 1 − ρ; k2: k′ = −log ρ.
  const logRho = limited(part(io.baseLogprob), logprob);
  const slope = size.kl === 'k3' ? f.ggml_scale_bias(c, f.ggml_exp(c, logRho), -1, 1) : f.ggml_scale(c, logRho, -1);
  return f.ggml_sub(c, total, f.ggml_mul(c, slope, part(io.pull)));
}
