import type { Datum, Rollout } from './types.ts';

/**
 * Shifts a rollout by one for training: position t predicts token t + 1. Only generated tokens carry weight,
 * log-probability and advantage. Tokens are used as sampled, never decoded and encoded again.
 */
export function datumOf(
  rollout: Pick<Rollout, 'promptTokens' | 'tokens' | 'logprobs'> & Partial<Pick<Rollout, 'policyVersion'>>,
  advantage: number,
  weight = 1,
): Datum {
  const { promptTokens, tokens, logprobs, policyVersion } = rollout;
  if (promptTokens.length === 0 || tokens.length === 0) throw new RangeError('A datum needs a prompt token and a generated token.');
  if (tokens.length !== logprobs.length) throw new RangeError(`${tokens.length} tokens came with ${logprobs.length} log-probabilities.`);
  const all = Int32Array.from([...promptTokens, ...tokens]);
  const length = all.length - 1;
  const first = promptTokens.length - 1;
  const datum = {
    tokens: all.slice(0, length),
    targets: all.slice(1),
    weights: new Float32Array(length),
    logprobs: new Float32Array(length),
    advantages: new Float32Array(length),
    ...(policyVersion === undefined ? {} : { policyVersion }),
  };
  datum.weights.fill(weight, first);
  datum.logprobs.set(logprobs, first);
  datum.advantages.fill(advantage, first);
  return datum;
}

/** A supervised sequence: cross-entropy with the given weight per token of `tokens` (its own, not its target's). */
export function supervisedDatum(tokens: readonly number[], weights: readonly number[]): Datum {
  if (tokens.length < 2 || tokens.length !== weights.length)
    throw new RangeError('A supervised datum needs two tokens and a weight for each.');
  const length = tokens.length - 1;
  return {
    tokens: Int32Array.from(tokens.slice(0, length)),
    targets: Int32Array.from(tokens.slice(1)),
    weights: Float32Array.from(weights.slice(1)),
    logprobs: new Float32Array(length),
    advantages: new Float32Array(length),
  };
}
