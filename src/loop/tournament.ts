import { rate } from '../core/rating.ts';
import type { Attempt } from '../core/rating.ts';
import { TASK_TYPES } from '../core/types.ts';
import type { Task, TaskType } from '../core/types.ts';
import type { LoopContext } from './context.ts';
import { evenShares, propose } from './propose.ts';
import { solve } from './solve.ts';

/** One checkpoint of the run. */
export interface Player {
  readonly step: number;
  /** Puts its weights into the engine and gives the context with its buffers. */
  readonly enter: () => Promise<LoopContext>;
}

export interface TournamentOptions {
  /** Proposals of each player for each task type. */
  readonly proposals: number;
  /** Tries of each player at each task. */
  readonly tries: number;
  readonly onProgress?: (done: number, total: number) => void;
}

/** Who proposed what, and who solved it. */
export interface Tournament {
  readonly steps: readonly number[];
  /** Valid tasks of each proposer, and its proposals. */
  readonly tasks: readonly number[];
  readonly proposals: readonly number[];
  /** Tries of each solver at the tasks of all, and the share that it solved; null without tries. */
  readonly games: readonly number[];
  readonly solved: readonly (number | null)[];
  /** `matrix[p][s]`: mean solve rate of solver s on the tasks of proposer p; null where p proposed none. */
  readonly matrix: readonly (readonly (number | null)[])[];
  /** The same by task type. */
  readonly byType: Readonly<Record<TaskType, readonly (readonly (number | null)[])[]>>;
  /** Elo points of the solvers, mean 0, with standard errors (`core/rating.ts`). */
  readonly ratings: readonly { readonly elo: number; readonly error: number }[];
  /** Mean difficulty of each proposer's tasks on the same scale; null where it proposed none. */
  readonly difficulty: readonly (number | null)[];
  /** Thoughts read by the monitor, and those flagged at each severity 0 to 4. */
  readonly read: number;
  readonly flagged: readonly number[];
}

/**
 * Past checkpoints as proposers and solvers against each other: every player proposes, every player tries every valid task.
 * Nothing is trained or recorded; the monitor reads every thought.
 */
export async function playTournament(players: readonly Player[], options: TournamentOptions): Promise<Tournament> {
  const { proposals, tries, onProgress } = options;
  const flagged = [0, 0, 0, 0, 0];
  let read = 0;
  const total = players.length * 2;
  const watch = async (context: LoopContext, ids: readonly string[]): Promise<void> => {
    await context.reader.settle();
    for (const id of ids) {
      const severity = context.reader.severity(id);
      flagged[severity] = (flagged[severity] ?? 0) + 1;
    }
    read += context.reader.counts().read;
  };

  const tasks: { readonly proposer: number; readonly task: Task }[] = [];
  const proposed: number[] = [];
  for (const [proposer, player] of players.entries()) {
    const context = await player.enter();
    context.reader.begin(player.step);
    const made = await propose(context, player.step, evenShares(context.config.algorithm.taskTypes, proposals));
    await watch(
      context,
      made.map(({ rollout }) => rollout.id),
    );
    proposed.push(made.length);
    // Ids name a step, and the same step may propose in two tournaments; players must not mix.
    for (const { task } of made) if (task) tasks.push({ proposer, task: { ...task, id: `${proposer}.${task.id}` } });
    onProgress?.(proposer + 1, total);
  }

  const attempts: Attempt[] = [];
  for (const [solver, player] of players.entries()) {
    const context = await player.enter();
    context.reader.begin(player.step);
    const { temperature } = context.config.algorithm;
    const solved = await solve(
      context,
      tasks.map(({ task }) => task),
      { step: player.step, label: 'tournament', n: tries, temperature },
    );
    await watch(
      context,
      solved.flatMap((item) => item.attempts.map(({ rollout }) => rollout.id)),
    );
    for (const [task, { solveRate, attempts: made }] of solved.entries())
      attempts.push({ player: solver, task, tries: made.length, solved: Math.round(solveRate * made.length) });
    onProgress?.(players.length + solver + 1, total);
  }

  const matrixOf = (wanted: (task: Task) => boolean): (number | null)[][] =>
    players.map((_, proposer) =>
      players.map((_player, solver) => {
        const own = attempts.filter(({ player, task }) => {
          const entry = tasks[task];
          return player === solver && entry?.proposer === proposer && wanted(entry.task);
        });
        const count = own.reduce((sum, one) => sum + one.tries, 0);
        return count === 0 ? null : own.reduce((sum, one) => sum + one.solved, 0) / count;
      }),
    );
  const ofSolver = (solver: number): Attempt[] => attempts.filter(({ player }) => player === solver);
  const sum = (own: readonly Attempt[], of: 'tries' | 'solved'): number => own.reduce((total, one) => total + one[of], 0);
  const games = players.map((_, solver) => sum(ofSolver(solver), 'tries'));
  const ratings = rate(players.length, tasks.length, attempts);
  return {
    steps: players.map(({ step }) => step),
    tasks: players.map((_, proposer) => tasks.filter((entry) => entry.proposer === proposer).length),
    proposals: proposed,
    games,
    solved: games.map((count, solver) => (count === 0 ? null : sum(ofSolver(solver), 'solved') / count)),
    matrix: matrixOf(() => true),
    byType: Object.fromEntries(TASK_TYPES.map((type) => [type, matrixOf((task) => task.type === type)])) as unknown as Tournament['byType'],
    ratings: ratings.players.map((elo, i) => ({ elo, error: ratings.errors[i] as number })),
    difficulty: players.map((_, proposer) => mean(ratings.tasks.filter((_task, i) => tasks[i]?.proposer === proposer))),
    read,
    flagged,
  };
}

const mean = (values: readonly number[]): number | null =>
  values.length === 0 ? null : values.reduce((sum, value) => sum + value, 0) / values.length;
