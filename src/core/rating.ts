/**
 * Ratings from who solved what: the Rasch model (Rasch 1960), P(player s solves task t) = σ(θ_s − b_t), the Elo model with tasks as
 * opponents. It tells how strong a player is apart from how hard the tasks were that it met.
 */
export interface Attempt {
  readonly player: number;
  readonly task: number;
  /** Tries of this player at this task, and how many succeeded. */
  readonly tries: number;
  readonly solved: number;
}

export interface Ratings {
  /** Strength of each player in Elo points, mean 0. */
  readonly players: readonly number[];
  /** Standard error of each, Elo points. */
  readonly errors: readonly number[];
  /** Difficulty of each task on the same scale; NaN where nobody tried. */
  readonly tasks: readonly number[];
}

/** Elo points of one unit of θ. */
const ELO = 400 / Math.LN10;
/** Variance of the normal prior on θ and b: a player that solves all, or nothing, gets a finite rating. */
const PRIOR = 4;
const ROUNDS = 200;

/** Maximum a posteriori by Newton's method, one parameter at a time. Deterministic. */
export function rate(playerCount: number, taskCount: number, attempts: readonly Attempt[]): Ratings {
  const theta = new Float64Array(playerCount);
  const b = new Float64Array(taskCount);
  const byPlayer = group(attempts, playerCount, (one) => one.player);
  const byTask = group(attempts, taskCount, (one) => one.task);
  const information = new Float64Array(playerCount);
  for (let round = 0; round < ROUNDS; round++) {
    let moved = 0;
    for (let s = 0; s < playerCount; s++) {
      const [slope, curve] = derivatives(byPlayer[s] as Attempt[], theta[s] as number, (one) => b[one.task] as number);
      information[s] = curve;
      moved = Math.max(moved, Math.abs(step(theta, s, slope / curve)));
    }
    for (let t = 0; t < taskCount; t++) {
      // A task is strong where players fail: the same sum with the roles exchanged.
      const lost = (byTask[t] as Attempt[]).map((one) => ({ ...one, solved: one.tries - one.solved }));
      const [slope, curve] = derivatives(lost, b[t] as number, (one) => theta[one.player] as number);
      moved = Math.max(moved, Math.abs(step(b, t, slope / curve)));
    }
    if (moved < 1e-9) break;
  }
  const mean = theta.reduce((sum, value) => sum + value, 0) / Math.max(1, playerCount);
  return {
    players: Array.from(theta, (value) => ELO * (value - mean)),
    errors: Array.from(information, (value) => ELO / Math.sqrt(value)),
    tasks: Array.from(b, (value, t) => ((byTask[t] as Attempt[]).length === 0 ? Number.NaN : ELO * (value - mean))),
  };
}

/** First derivative of the log posterior and minus the second, at `own` against opponents of strength `other`. */
function derivatives(attempts: readonly Attempt[], own: number, other: (one: Attempt) => number): [number, number] {
  let slope = -own / PRIOR;
  let curve = 1 / PRIOR;
  for (const one of attempts) {
    const p = 1 / (1 + Math.exp(other(one) - own));
    slope += one.solved - one.tries * p;
    curve += one.tries * p * (1 - p);
  }
  return [slope, curve];
}

/** Newton steps are cut, so that far from the optimum they do not overshoot. */
function step(values: Float64Array, at: number, by: number): number {
  const cut = Math.max(-1, Math.min(1, by));
  values[at] = (values[at] as number) + cut;
  return cut;
}

function group(attempts: readonly Attempt[], count: number, keyOf: (one: Attempt) => number): Attempt[][] {
  const groups: Attempt[][] = Array.from({ length: count }, () => []);
  for (const one of attempts) groups[keyOf(one)]?.push(one);
  return groups;
}
