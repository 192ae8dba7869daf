/**
 * Our losses in the words of a Tinker server, with the gradient of `LossSpec` (ports.ts) on every server.
 *
 * A server that has the loss computes it. Where it does not, `forward` gives log π, the gradient in log π is computed here in
 * closed form (`loss.ts`), and a loss that is linear in it carries it over: `cross_entropy` with weights −g where tokens are
 * summed, `importance_sampling` at ratio 1 with advantages −g where a server divides by the weights.
 */
import type { Datum } from '../../core/types.ts';
import { Tally } from '../ggml/tally.ts';
import { prepare, shapeOfLoss, tokenLoss, type LossToken } from '../loss.ts';
import { EngineError, type ForwardBackward, type LossSpec } from '../ports.ts';
import type { ServerRecord } from './servers.ts';
import type { LossName, WireDatum } from './wire.ts';

/** How a loss is put to a server. */
export type Method =
  | { readonly kind: 'server'; readonly loss: LossName; readonly config: Readonly<Record<string, number>> }
  | { readonly kind: 'client'; readonly loss: 'cross_entropy' | 'importance_sampling' };

/**
 * @param where who computes the loss: the `server` if it has it, or always the `client`, for one forward pass more
 * @throws EngineError `unsupported` for a KL term, which needs the base model
 */
export function methodFor(loss: LossSpec, record: ServerRecord, where: 'server' | 'client'): Method {
  if (loss.kl !== undefined)
    throw new EngineError(
      'unsupported',
      'The Tinker API gives no log-probabilities of the base model beside those of the adapter, and loss.kl needs them. Set loss.kl to 0.',
    );
  const summed = record.reduction === 'tokens';
  const client: Method = { kind: 'client', loss: summed ? 'cross_entropy' : 'importance_sampling' };
  if (where === 'client') return client;
  const server = (name: LossName, low: number, high: number): Method =>
    record.losses.has(name) ? { kind: 'server', loss: name, config: { clip_low_threshold: low, clip_high_threshold: high } } : client;
  const { ratio, low, high } = shapeOfLoss(loss);
  if (ratio === 'gate') return server('ppo', low, high);
  if (ratio === 'clamp') return server('cispo', low, high);
  // No ratio: cross-entropy with any weights, or a ratio that is clipped to 1.
  return summed ? { kind: 'server', loss: 'cross_entropy', config: {} } : server('cispo', 1, 1);
}

const tokenOf = (d: Datum, i: number): LossToken => ({
  weight: d.weights[i] ?? 0,
  advantage: d.advantages[i] ?? 0,
  sampled: d.logprobs[i] ?? 0,
  old: d.old?.[i] ?? null,
  base: 0,
});

/**
 * The sequences as a server takes them.
 * @param logprobs of the trainer, from `forward`; needed by the client's method
 */
export function wireData(
  data: readonly Datum[],
  loss: LossSpec,
  method: Method,
  record: ServerRecord,
  logprobs?: readonly Float32Array[],
): WireDatum[] {
  return data.map((datum, d) => {
    const mask = maskOf(datum);
    // A server that takes means gives the sum back when each sequence is scaled by its length and their number.
    const scale = record.reduction === 'sequences' ? mask.reduce((sum, on) => sum + on, 0) * data.length : 1;
    const reference = new Float32Array(mask.length);
    const factor = new Float32Array(mask.length);
    mask.forEach((on, i) => {
      if (on === 0) return;
      const token = tokenOf(datum, i);
      if (method.kind === 'server') {
        const prepared = prepare(loss, token);
        reference[i] = prepared.reference;
        factor[i] = prepared.factor * scale;
      } else {
        reference[i] = logprobs?.[d]?.[i] ?? 0;
        factor[i] = -tokenLoss(loss, token, reference[i] ?? 0).gradient * scale;
      }
    });
    const targets = { target_tokens: datum.targets };
    const inputs =
      method.loss === 'cross_entropy'
        ? { ...targets, weights: factor }
        : { ...targets, logprobs: reference, advantages: factor, ...(record.weights ? { weights: mask } : {}) };
    return { tokens: datum.tokens, inputs };
  });
}

/** For a forward pass alone. */
export const forwardData = (data: readonly Datum[]): WireDatum[] =>
  data.map((datum) => ({ tokens: datum.tokens, inputs: { target_tokens: datum.targets, weights: maskOf(datum) } }));

/** 1 where a target counts. */
const maskOf = (datum: Datum): Float32Array => datum.weights.map((w) => (w === 0 ? 0 : 1));

/**
 * Loss and metrics from the trainer's log-probabilities, as the embedded engine has them. `entropy` is an estimate: the mean
 * of −log π over the targets, whose expectation it is on sampled tokens.
 * @throws EngineError `server` when a log-probability is not a finite number
 */
export function outcome(data: readonly Datum[], loss: LossSpec, logprobs: readonly Float32Array[]): ForwardBackward {
  const tally = new Tally(data, loss, null);
  data.forEach((d, datum) => {
    const targets = [...d.weights.keys()].filter((index) => d.weights[index] !== 0).map((index) => ({ datum, index }));
    const found = Float32Array.from(targets, ({ index }) => logprobs[datum]?.[index] ?? NaN);
    tally.add(
      { targets },
      found,
      found.map((lp) => -lp),
    );
  });
  if (!Number.isFinite(tally.loss) || tally.logprobs.some((all) => all.some((lp) => !Number.isFinite(lp))))
    throw new EngineError(
      'server',
      'The log-probabilities from the Tinker server are not finite: the weights have diverged, or the server is faulty. Go back to a checkpoint and lower the learning rate.',
    );
  return { loss: tally.loss, logprobs: tally.logprobs, metrics: tally.metrics() };
}
