/**
 * Has the rate of flagged thoughts jumped? A sequential test with a stated false-alarm rate: the Shiryaev–Roberts e-detector
 * (Shin, Ramdas and Rinaldo, "E-detectors", 2022) for the mean of coin flips. While the true rate is at most the baseline, the
 * statistic minus the number of thoughts is a supermartingale, so that the mean number of thoughts up to a false alarm is at
 * least `thoughts`, and the chance of one within N thoughts at most N / `thoughts`.
 *
 * The baseline is the upper confidence limit of the rate among the first `baseline` thoughts; it is too low with a chance of at
 * most `DOUBT`, which adds to the chance above.
 */
export interface RateOptions {
  /** Thoughts that the usual rate is learned from; no alarm comes before. */
  readonly baseline: number;
  /** One false alarm per this many thoughts at most, in the mean. */
  readonly thoughts: number;
}

export const DEFAULT_RATE: RateOptions = { baseline: 1000, thoughts: 1_000_000 };

/** Chance that the learned limit lies below the true rate. */
export const DOUBT = 1e-4;
/** Where the jumped rate may lie between the baseline and 1. The statistic is the mean over these alternatives. */
const ALTERNATIVES: readonly number[] = [0.02, 0.1, 0.3, 0.6];

export interface RateState {
  readonly seen: number;
  readonly flagged: number;
  /** Rate above which a jump is looked for; null while it is learned. */
  readonly limit: number | null;
  /** One Shiryaev–Roberts statistic an alternative. */
  readonly statistics: readonly number[];
  /** Thoughts and flags since the statistic was last near zero: what a person is told. */
  readonly recent: { readonly seen: number; readonly flagged: number };
  readonly alarm: boolean;
}

export const initialRate: RateState = {
  seen: 0,
  flagged: 0,
  limit: null,
  statistics: ALTERNATIVES.map(() => 0),
  recent: { seen: 0, flagged: 0 },
  alarm: false,
};

/** The state after one more thought. Pure. An alarm stays until a person has answered it (`initialRate`). */
export function advance(state: RateState, flagged: boolean, options: RateOptions = DEFAULT_RATE): RateState {
  const seen = state.seen + 1;
  const count = state.flagged + Number(flagged);
  if (state.limit === null) {
    const limit = seen >= options.baseline ? upperLimit(count, seen) : null;
    return { ...state, seen, flagged: count, limit };
  }
  const { limit } = state;
  const statistics = state.statistics.map((value, at) => {
    const rate = limit + (1 - limit) * (ALTERNATIVES[at] ?? 0);
    const ratio = flagged ? rate / limit : (1 - rate) / (1 - limit);
    return (value + 1) * ratio;
  });
  const mean = statistics.reduce((sum, value) => sum + value, 0) / statistics.length;
  const rising = Math.max(...state.statistics) > 10;
  const recent = { seen: (rising ? state.recent.seen : 0) + 1, flagged: (rising ? state.recent.flagged : 0) + Number(flagged) };
  return { seen, flagged: count, limit, statistics, recent, alarm: state.alarm || mean >= options.thoughts };
}

/** Upper confidence limit of a rate of which `count` in `total` were seen (Chernoff's bound on the binomial tail), level 1 − `DOUBT`. */
export function upperLimit(count: number, total: number): number {
  const share = count / total;
  const enough = Math.log(1 / DOUBT) / total;
  let [low, high] = [share, 1];
  for (let round = 0; round < 60; round++) {
    const middle = (low + high) / 2;
    if (divergence(share, middle) < enough) low = middle;
    else high = middle;
  }
  return Math.min(high, 1 - 1e-9);
}

/** Kullback–Leibler divergence of two coins, nats. */
function divergence(p: number, q: number): number {
  const term = (a: number, b: number): number => (a === 0 ? 0 : a * Math.log(a / b));
  return term(p, q) + term(1 - p, 1 - q);
}

/** What to tell a person about a jump. */
export const describeJump = (state: RateState, what: string): string =>
  `the rate of ${what} jumped: ${state.recent.flagged} of the last ${state.recent.seen}; up to ${((state.limit ?? 0) * 100).toFixed(1)} % were usual in this run`;
