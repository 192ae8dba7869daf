import { addTask, drawSolveBatch } from '../core/buffer.ts';
import { repetition } from '../core/diversity.ts';
import { compositeReward, learnability } from '../core/rewards.ts';
import { rng } from '../core/rng.ts';
import type { Graded, Task } from '../core/types.ts';
import type { Played } from './conclude.ts';
import type { LoopContext } from './context.ts';
import { stepMetrics } from './metrics.ts';
import { learnShares, shareOut } from './mix.ts';
import { propose } from './propose.ts';
import type { JudgedProposal } from './propose.ts';
import { Attempts, solve } from './solve.ts';
import type { SolvedTask } from './solve.ts';
import type { Stopwatch } from './stopwatch.ts';
import { withAdvantages } from './update.ts';

/** Plays one step of Absolute Zero (Alg. 1): propose → validate → solve. Tasks enter the buffers of `context.state`. */
export async function playStep(context: LoopContext, step: number, lap: Stopwatch): Promise<Played> {
  const { config, state, reader } = context;
  reader.begin(step);

  const attempts = new Attempts(context, {
    step,
    label: 'difficulty',
    n: config.algorithm.rollouts,
    // D9: the reference code may sample these greedily, which drives every solve rate to 0 or 1.
    temperature: config.deviations.difficultyTemperature === 'paper' ? 0 : config.algorithm.temperature,
  });
  const spent = shareOut(context, step);
  const proposals = await propose(context, step, spent.proposals, (task) => attempts.job(task));
  const tasks = proposals.flatMap((item) => (item.task ? [item.task] : []));
  lap('sample');
  const difficulty = await attempts.judged();
  const practised = await practise(context, step, spent.practice);
  const batch = config.algorithm.solver === 'reuse' ? [...difficulty, ...practised] : await solveBatch(context, step, tasks);
  lap('solve');

  const graded = gradeProposals(context, proposals, difficulty);
  const items = withAdvantages(context, [
    ...graded.filter((_, i) => !proposals[i]?.excluded).map((item) => ({ ...item, group: null })),
    ...batch.flatMap(({ task, attempts }) => attempts.map((item) => ({ ...item, group: task.id }))),
  ]);
  const extra = config.algorithm.solver === 'reuse' ? [] : difficulty.flatMap((item) => item.attempts);
  const everything = [...graded, ...batch.flatMap((item) => item.attempts), ...extra];
  for (const task of tasks)
    state.buffers = addTask(state.buffers, task, { capacity: config.algorithm.bufferCapacity, overflow: config.deviations.bufferOverflow });
  const mixed = learnShares(context, proposals, graded, difficulty, practised);
  return {
    tasks,
    rollouts: everything,
    items,
    metrics: () => ({ ...stepMetrics(context, proposals, difficulty, everything), ...mixed }),
  };
}

/** Past tasks answered again, as often as new ones. */
async function practise(context: LoopContext, step: number, tasks: readonly Task[]): Promise<SolvedTask[]> {
  const { rollouts: n, temperature } = context.config.algorithm;
  return tasks.length === 0 ? [] : await solve(context, tasks, { step, label: 'practice', n, temperature });
}

/** The solver's own batch (not the difficulty rollouts): newest tasks first, one rollout each, as in the paper. */
async function solveBatch(context: LoopContext, step: number, newest: readonly Task[]): Promise<SolvedTask[]> {
  const { config, state } = context;
  const { taskTypes, solveBatch: size, temperature } = config.algorithm;
  // D1: the reference code builds this batch before the same step's proposals exist, one step late.
  const fresh = config.deviations.solveTiming === 'paper' ? [] : newest;
  const tasks = taskTypes.flatMap((type) => drawSolveBatch(state.buffers, type, fresh, size, rng(config.seed, 'solve', step, type)));
  return await solve(context, tasks, { step, label: 'batch', n: 1, temperature });
}

/** Proposals with their reward: learnability when valid (Eq. 4), else the penalties of Eq. 6. */
function gradeProposals(context: LoopContext, proposals: readonly JudgedProposal[], difficulty: readonly SolvedTask[]): Graded[] {
  const rates = new Map(difficulty.map(({ task, solveRate }) => [task.id, solveRate]));
  const { proposer, repetition: lambda } = context.config.reward;
  const penalty = lambda === 0 ? new Map<string, number>() : repetitions(context, proposals);
  return proposals.map(({ rollout, outcome, task, detail }) => {
    const rate = task ? (rates.get(task.id) ?? 0) : 0;
    const repeated = lambda * (penalty.get(rollout.id) ?? 0);
    const reward = compositeReward(outcome, task ? learnability(rate, proposer) - repeated : 0);
    const says = repeated > 0 ? ` Like others of this step: −${repeated.toFixed(2)}.` : '';
    return { rollout, outcome, reward, detail: task ? `${detail} Solve rate ${rate.toFixed(2)}.${says}` : detail };
  });
}

/** Share of the step's new programs that each resembles, by rollout. An induction task has its program from the buffer. */
function repetitions({ environment }: LoopContext, proposals: readonly JudgedProposal[]): Map<string, number> {
  const made = proposals.flatMap(({ rollout, task }) =>
    task && task.type !== 'induction' ? [{ id: rollout.id, program: task.program }] : [],
  );
  const shares = repetition(made.map(({ program }) => environment.normalise(program)));
  return new Map(made.map(({ id }, i) => [id, shares[i] as number]));
}
