import { addTask, drawSolveBatch } from '../core/buffer.ts';
import type { RolloutRecord } from '../core/events.ts';
import { compositeReward, learnability } from '../core/rewards.ts';
import { rng } from '../core/rng.ts';
import type { Graded, Metrics, Task } from '../core/types.ts';
import type { LoopContext } from './context.ts';
import { injectDrill } from './drill.ts';
import { findingEvents, passGate } from './gate.ts';
import { stepMetrics } from './metrics.ts';
import { propose } from './propose.ts';
import type { JudgedProposal } from './propose.ts';
import { Attempts, solve } from './solve.ts';
import type { SolvedTask } from './solve.ts';
import { update, withAdvantages } from './update.ts';
import type { TrainingItem } from './update.ts';

/**
 * One step of Absolute Zero (Alg. 1): propose → validate → solve → gate → update. Returns the step's metrics, or null
 * when the run was asked to stop while it was paused: then nothing of the step counts and it is repeated on resume.
 */
export async function runStep(context: LoopContext, step: number): Promise<Metrics | null> {
  const { config, state, reader, journal } = context;
  reader.begin(step);
  state.current = step;
  const lap = stopwatch();

  const attempts = new Attempts(context, {
    step,
    label: 'difficulty',
    n: config.algorithm.rollouts,
    // D9: the reference code may sample these greedily, which drives every solve rate to 0 or 1.
    temperature: config.deviations.difficultyTemperature === 'paper' ? 0 : config.algorithm.temperature,
  });
  const proposals = await propose(context, step, config.algorithm.proposals, (task) => attempts.job(task));
  const tasks = proposals.flatMap((item) => (item.task ? [item.task] : []));
  lap('sample');
  const difficulty = await attempts.judged();
  const batch = config.algorithm.solver === 'reuse' ? difficulty : await solveBatch(context, step, tasks);
  lap('solve');

  const graded = gradeProposals(context, proposals, difficulty);
  const items = withAdvantages(context, [
    ...graded.filter((_, i) => !proposals[i]?.excluded).map((item) => ({ ...item, group: null })),
    ...batch.flatMap(({ task, attempts }) => attempts.map((item) => ({ ...item, group: task.id }))),
  ]);
  const extra = batch === difficulty ? [] : difficulty.flatMap((item) => item.attempts);
  const everything = [...graded, ...batch.flatMap((item) => item.attempts), ...extra];
  const drilled = injectDrill(context, step, everything);

  for (const task of tasks)
    state.buffers = addTask(state.buffers, task, { capacity: config.algorithm.bufferCapacity, overflow: config.deviations.bufferOverflow });
  const all = drilled ? [...everything, drilled] : everything;
  const rollouts = all.map((item) => item.rollout);
  await reader.settle();
  journal.append([
    { type: 'tasks', step, tasks },
    { type: 'rollouts', step, rollouts: records(context, all, items) },
    ...findingEvents(context, step, rollouts),
    ...(drilled
      ? [
          {
            type: 'drill' as const,
            step,
            rolloutId: drilled.rollout.id,
            caught: reader.pauses(drilled.rollout.id),
          },
        ]
      : []),
  ]);
  const counts = reader.counts();
  const tokens = rollouts.reduce((sum, rollout) => sum + rollout.tokens.length, 0);
  context.observer.progress({ ...counts, tokens });
  lap('record');
  if (!(await passGate(context, rollouts))) return null;
  lap('gate');

  const metrics = stepMetrics(context, proposals, difficulty, everything);
  const optimised = await update(context, items);
  lap('update');
  state.step = step;
  const seconds = lap.total();
  return {
    ...metrics,
    ...optimised,
    ...lap.metrics(),
    'throughput/tokens': tokens,
    'throughput/tokens_per_second': tokens / Math.max(1e-3, seconds),
    'memory/rss_mb': process.memoryUsage.rss() / 1e6,
  };
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
  return proposals.map(({ rollout, outcome, task, detail }) => {
    const rate = task ? (rates.get(task.id) ?? 0) : 0;
    const reward = compositeReward(outcome, task ? learnability(rate, context.config.reward.proposer) : 0);
    return { rollout, outcome, reward, detail: task ? `${detail} Solve rate ${rate.toFixed(2)}.` : detail };
  });
}

function records(context: LoopContext, graded: readonly Graded[], items: readonly TrainingItem[]): RolloutRecord[] {
  const advantage = new Map(items.map((item) => [item.rollout.id, item.advantage]));
  return graded.map((item) => ({
    ...item,
    severity: context.reader.severity(item.rollout.id),
    advantage: advantage.get(item.rollout.id) ?? null,
  }));
}

interface Stopwatch {
  (name: string): void;
  total(): number;
  /** `time/<name>` and `time/step` in seconds. */
  metrics(): Metrics;
}

function stopwatch(): Stopwatch {
  const start = performance.now();
  let last = start;
  const laps: Record<string, number> = {};
  const lap = (name: string): void => {
    const now = performance.now();
    laps[`time/${name}`] = (now - last) / 1000;
    last = now;
  };
  const total = (): number => (performance.now() - start) / 1000;
  return Object.assign(lap, { total, metrics: () => ({ ...laps, 'time/step': total() }) });
}
