import type { Outcome } from './types.ts';

/**
 * Rewards of Absolute Zero, Eq. 4 – 6.
 *
 * D8: the reference code gives −0.5 to a proposal whose solve rate is 0 or 1; Eq. 4 says 0, and so do we. `azr`
 * reproduces the code. `r-zero` is 4r̄(1−r̄) (R-Zero); `constant`, 1 for every valid task, is the ablation without
 * learnability. Key: `reward.proposer`.
 */
export type ProposerReward = 'paper' | 'azr' | 'r-zero' | 'constant';

const WRONG = -0.5;
const MALFORMED = -1;

/** r_propose of Eq. 4 for the mean solve rate r̄ in [0, 1]. */
export function learnability(solveRate: number, rule: ProposerReward): number {
  if (!(solveRate >= 0 && solveRate <= 1)) throw new RangeError(`A solve rate lies in [0, 1]; this is ${solveRate}.`);
  if (rule === 'constant') return 1;
  if (rule === 'r-zero') return 4 * solveRate * (1 - solveRate);
  if (solveRate === 0 || solveRate === 1) return rule === 'azr' ? WRONG : 0;
  return 1 - solveRate;
}

/** Composite reward of Eq. 6: the role's own reward when passable, else −0.5 (wrong) or −1 (malformed). */
export function compositeReward(outcome: Outcome, roleReward: number): number {
  if (outcome === 'malformed') return MALFORMED;
  return outcome === 'wrong' ? WRONG : roleReward;
}
