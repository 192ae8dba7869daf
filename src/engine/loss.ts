/**
 * The policy losses of one token, as plain arithmetic: value and gradient. The training graph computes the same
 * (`ggml/head.ts`); `LossSpec` in `ports.ts` has the formulae and their sources.
 */
import type { LossSpec } from './ports.ts';

/** Log-ratios are cut off here, so that no exponential overflows float32. */
export const LOG_RATIO_LIMIT = 20;
const CLIP_LOW = 0.2;
const CLIP_HIGH = 0.28;

/** One target of a datum. Log-probabilities in nats. */
export interface LossToken {
  readonly weight: number;
  readonly advantage: number;
  /** Under the sampler. */
  readonly sampled: number;
  /** Under the trainer when the batch was sampled; null = not known, take the sampler's. */
  readonly old: number | null;
  /** Under the base model; 0 without `kl`. */
  readonly base: number;
}

/**
 * A token's loss, split into what is known before the forward pass and how the rest depends on log π:
 * gradient in log π = −factor·shape(exp(log π − reference)) + pull·k′(log π).
 */
export interface Prepared {
  readonly factor: number;
  /** log π_old of the ratio. */
  readonly reference: number;
  /** For `ppo`: the gradient is zero where r·sign(A) passes this. */
  readonly bound: number;
  readonly pull: number;
}

/** How the factor depends on the ratio r: not at all, clamped to [low, high], or r itself where it is not clipped. */
export interface Shape {
  readonly ratio: 'none' | 'clamp' | 'gate';
  readonly low: number;
  readonly high: number;
  readonly kl: 'none' | 'k2' | 'k3';
}

export function shapeOfLoss(loss: LossSpec): Shape {
  const low = 1 - (loss.clipLow ?? CLIP_LOW);
  const high = 1 + (loss.clipHigh ?? CLIP_HIGH);
  const kl = loss.kl === undefined ? 'none' : loss.kl.estimator;
  if (loss.kind === 'ppo') return { ratio: 'gate', low, high, kl };
  if (loss.kind === 'cispo') return { ratio: 'clamp', low, high, kl };
  if (loss.kind === 'reinforce' && loss.importanceCap !== undefined) return { ratio: 'clamp', low: 0, high: loss.importanceCap, kl };
  return { ratio: 'none', low: 0, high: 0, kl };
}

export function prepare(loss: LossSpec, { weight, advantage, sampled, old }: LossToken): Prepared {
  const { low, high } = shapeOfLoss(loss);
  const decoupled = (loss.kind === 'ppo' || loss.kind === 'cispo') && old !== null && loss.importanceCap !== undefined;
  const v = decoupled ? Math.min(ratioOf(old, sampled), loss.importanceCap ?? 1) : 1;
  return {
    factor: (weight * v * (loss.kind === 'cross_entropy' ? 1 : advantage)) / loss.normaliser,
    reference: loss.kind === 'reinforce' ? sampled : (old ?? sampled),
    bound: advantage > 0 ? high : -low,
    pull: (weight * (loss.kl?.coefficient ?? 0)) / loss.normaliser,
  };
}

export interface TokenLoss {
  readonly value: number;
  /** Derivative of the loss in log π, the held-constant parts held constant. */
  readonly gradient: number;
  /** The ratio was outside its bounds in the direction that counts. */
  readonly clipped: boolean;
  /** k3 estimate of KL(π ‖ base). */
  readonly kl: number;
}

export function tokenLoss(loss: LossSpec, token: LossToken, logprob: number): TokenLoss {
  const shape = shapeOfLoss(loss);
  const { factor, reference, bound, pull } = prepare(loss, token);
  const r = ratioOf(logprob, reference);
  const rho = ratioOf(token.base, logprob);
  const k3 = rho - 1 - Math.log(rho);
  const k = shape.kl === 'k3' ? k3 : Math.log(rho) ** 2 / 2;
  const slope = shape.kl === 'k3' ? 1 - rho : -Math.log(rho);
  const penalty = shape.kl === 'none' ? { value: 0, gradient: 0, kl: 0 } : { value: pull * k, gradient: pull * slope, kl: k3 };
  const add = (value: number, gradient: number, clipped: boolean): TokenLoss => ({
    value: value + penalty.value,
    gradient: gradient + penalty.gradient,
    clipped,
    kl: penalty.kl,
  });
  if (shape.ratio === 'none') return add(-factor * logprob, -factor, false);
  const clamped = Math.min(Math.max(r, shape.low), shape.high);
  if (shape.ratio === 'clamp') return add(-factor * clamped * logprob, -factor * clamped, clamped !== r);
  const clipped = r * Math.sign(factor) >= bound && factor !== 0;
  return clipped ? add(-factor * clamped, 0, true) : add(-factor * r, -factor * r, false);
}

const ratioOf = (logprob: number, reference: number): number =>
  Math.exp(Math.min(Math.max(logprob - reference, -LOG_RATIO_LIMIT), LOG_RATIO_LIMIT));
