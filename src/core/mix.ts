import type { Rng } from './rng.ts';
import type { Task, TaskType } from './types.ts';

/**
 * What a step is spent on, learned from learning progress (`algorithm.mix: progress`).
 *
 * A step has slots; each goes to one arm: invent a task of a type with references chosen in some way (and have it solved), or
 * practise a past task of a type. An arm's progress is the absolute difference of its mean score in its newer and in its
 * older plays (Oudeyer et al. 2007; Matiisen et al. 2017), so that forgetting counts as well as learning. Exp3.S (Auer et
 * al. 2002) turns progress, scaled to [−1, 1] by its own quantiles as in Graves et al. 2017 (Automated Curriculum Learning
 * for Neural Networks, Sec. 2.3), into shares.
 */
export type ReferenceChoice = 'uniform' | 'newest' | 'learnable';
const CHOICES: readonly ReferenceChoice[] = ['uniform', 'newest', 'learnable'];

export type Arm =
  | { readonly role: 'propose'; readonly type: TaskType; readonly choice: ReferenceChoice }
  | { readonly role: 'solve'; readonly type: TaskType };

/** `propose/deduction/newest`, `solve/induction`: also the end of its metric. */
export const armName = (arm: Arm): string => (arm.role === 'propose' ? `propose/${arm.type}/${arm.choice}` : `solve/${arm.type}`);

export const armsFor = (types: readonly TaskType[]): Arm[] => [
  ...types.flatMap((type) => CHOICES.map((choice): Arm => ({ role: 'propose', type, choice }))),
  ...types.map((type): Arm => ({ role: 'solve', type })),
];

/** Plain data: goes into the checkpoint as it is. */
export interface MixState {
  /** Logarithm of each arm's weight, by name; an arm that is not there has 0. */
  readonly weights: Readonly<Record<string, number>>;
  /** Scores of each arm's latest plays, oldest first. */
  readonly scores: Readonly<Record<string, readonly number[]>>;
  /** Latest progress values of all arms, oldest first: what new ones are scaled by. */
  readonly history: readonly number[];
  /** Solve rate of recent tasks by id: which of them are learnable. */
  readonly rates: Readonly<Record<string, number>>;
}

export const EMPTY_MIX: MixState = { weights: {}, scores: {}, history: [], rates: {} };

/** Plays that an arm's progress is measured on: the newer half against the older. */
const WINDOW = 64;
const FEWEST = 16;
const HISTORY = 600;
/** Share of the slots that is spread evenly, so that no arm is ever given up. */
const EXPLORE = 0.25;
/** Share of the weights that each arm gets from the others: what was useless may become useful. */
const DRIFT = 0.05;
const RATE = 0.25;

const weightOf = (state: MixState, arm: Arm): number => state.weights[armName(arm)] ?? 0;

/** e to the power of each weight, the greatest scaled to 1. */
function powersOf(weights: readonly number[]): { readonly powers: readonly number[]; readonly total: number } {
  const top = Math.max(...weights);
  const powers = weights.map((weight) => Math.exp(weight - top));
  return { powers, total: powers.reduce((sum, power) => sum + power, 0) };
}

/** Share of the slots of each arm, in order; they sum to 1. */
export function shares(state: MixState, arms: readonly Arm[]): number[] {
  const { powers, total } = powersOf(arms.map((arm) => weightOf(state, arm)));
  return powers.map((power) => ((1 - EXPLORE) * power) / total + EXPLORE / arms.length);
}

/** Slots of each arm: systematic sampling, so that each count is its expectation rounded up or down. */
export function drawSlots(portions: readonly number[], slots: number, random: Rng): number[] {
  const offset = random.next();
  let [before, given] = [0, 0];
  return portions.map((portion, i) => {
    before += portion * slots;
    const upTo = i === portions.length - 1 ? slots : Math.min(slots, Math.floor(before + offset));
    const count = Math.max(0, upTo - given);
    given += count;
    return count;
  });
}

/** |mean of the newer half − mean of the older half|; null with too few plays. */
export function progressOf(scores: readonly number[]): number | null {
  if (scores.length < FEWEST) return null;
  const half = Math.floor(scores.length / 2);
  const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
  return Math.abs(mean(scores.slice(-half)) - mean(scores.slice(0, half)));
}

/** One play of an arm: the solve rate of a practised task, the reward of a proposal (0 when it is no task); in [0, 1]. */
export interface Play {
  readonly arm: Arm;
  readonly score: number;
}

/** The state after a step in which `plays` were made with these shares. */
export function learnMix(state: MixState, arms: readonly Arm[], plays: readonly Play[]): MixState {
  const portions = shares(state, arms);
  const played = Map.groupBy(plays, ({ arm }) => armName(arm));
  const scores = Object.fromEntries(
    arms.map((arm) => {
      const name = armName(arm);
      return [name, [...(state.scores[name] ?? []), ...(played.get(name) ?? []).map(({ score }) => score)].slice(-WINDOW)];
    }),
  );
  const progress = arms.map((arm) => (played.has(armName(arm)) ? progressOf(scores[armName(arm)] ?? []) : null));
  const history = [...state.history, ...progress.filter((value) => value !== null)].slice(-HISTORY);
  const scale = history.length < 2 * arms.length ? null : scaling(history);
  const gained = arms.map((arm, i) => {
    const value = progress[i];
    if (scale === null || value === null || value === undefined) return weightOf(state, arm);
    // An arm that is played more often than its share says would otherwise learn faster.
    const weight = (played.get(armName(arm))?.length ?? 0) / (plays.length * (portions[i] as number));
    return weightOf(state, arm) + RATE * scale(value) * weight;
  });
  const { powers, total } = powersOf(gained);
  const others = Math.max(1, arms.length - 1);
  const weights = Object.fromEntries(
    arms.map((arm, i) => {
      const power = powers[i] as number;
      return [armName(arm), Math.log((1 - DRIFT) * power + (DRIFT * (total - power)) / others)];
    }),
  );
  return { ...state, weights, scores, history };
}

/** Maps the 20th percentile to −1 and the 80th to 1. */
function scaling(history: readonly number[]): (value: number) => number {
  const sorted = [...history].sort((a, b) => a - b);
  const at = (part: number): number => sorted[Math.floor(part * (sorted.length - 1))] as number;
  const [low, high] = [at(0.2), at(0.8)];
  return (value) => (high > low ? Math.min(1, Math.max(-1, (2 * (value - low)) / (high - low) - 1)) : 0);
}

/** `newest` draws from this many. */
const NEWEST = 16;

/** The tasks that references are drawn from; all of them where the choice leaves fewer than `count`. */
export function narrow<T extends Task>(pool: readonly T[], choice: ReferenceChoice, rates: MixState['rates'], count: number): readonly T[] {
  if (choice === 'uniform') return pool;
  if (choice === 'newest') return pool.slice(-Math.max(NEWEST, count));
  const learnable = pool.filter(({ id }) => {
    const rate = rates[id];
    return rate !== undefined && rate > 0 && rate < 1;
  });
  return learnable.length < Math.max(1, count) ? pool : learnable;
}

/** The state with the solve rates of these tasks, without those of tasks that `kept` no longer holds. */
export function rememberRates(
  state: MixState,
  solved: readonly { readonly task: Task; readonly solveRate: number }[],
  kept: readonly Task[],
): MixState {
  const rates: Record<string, number> = { ...state.rates };
  for (const { task, solveRate } of solved) rates[task.id] = solveRate;
  return { ...state, rates: Object.fromEntries(kept.flatMap(({ id }) => (rates[id] === undefined ? [] : [[id, rates[id]]]))) };
}
