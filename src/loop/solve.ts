import type { Graded, Outcome, Task } from '../core/types.ts';
import { compositeReward } from '../core/rewards.ts';
import type { LoopContext } from './context.ts';
import { sampleRollouts } from './rollouts.ts';
import type { SampledRollout } from './rollouts.ts';
import { verifyAnswer } from './verify.ts';

export interface SolvedTask {
  readonly task: Task;
  readonly attempts: readonly Graded[];
  /** r̄ of Eq. 4: mean share of correct answers. */
  readonly solveRate: number;
}

export interface SolveOptions {
  readonly step: number;
  /** Distinguishes batches of one step, for instance `difficulty`. */
  readonly label: string;
  /** Rollouts per task. */
  readonly n: number;
  readonly temperature: number;
}

/** Samples n answers to each task and has the environment judge them (Eq. 5, Eq. 6). */
export async function solve(context: LoopContext, tasks: readonly Task[], options: SolveOptions): Promise<SolvedTask[]> {
  const { config, dialect, observer } = context;
  const sampled = await sampleRollouts(
    context,
    tasks.map((task, i) => ({
      key: `${options.label}-${task.type}-${i}`,
      role: 'solve',
      taskType: task.type,
      taskId: task.id,
      prompt: dialect.solvePrompt(task),
      n: options.n,
    })),
    { step: options.step, phase: 'solve', maxTokens: config.algorithm.maxTokens.solve, temperature: options.temperature },
  );
  const total = tasks.length * options.n;
  let done = 0;
  observer.phase('verify', 0, total);
  return await Promise.all(
    tasks.map(async (task, i) => {
      const judged = await Promise.all((sampled[i] ?? []).map((item) => judge(context, task, item)));
      observer.phase('verify', (done += judged.length), total);
      const solved = judged.filter((item) => item.correct).length;
      return { task, attempts: judged.map((item) => item.graded), solveRate: judged.length === 0 ? 0 : solved / judged.length };
    }),
  );
}

interface Judged {
  readonly graded: Graded;
  readonly correct: boolean;
}

async function judge(context: LoopContext, task: Task, { rollout, parsed }: SampledRollout): Promise<Judged> {
  const graded = (outcome: Outcome, roleReward: number, detail: string): Judged => ({
    graded: { rollout, outcome, reward: compositeReward(outcome, roleReward), detail },
    correct: outcome === 'passable' && roleReward === 1,
  });
  if (!parsed.ok) return graded('malformed', 0, parsed.reason);
  const answer = context.dialect.parseSolution(task.type, parsed.answer);
  if ('malformed' in answer) return graded('malformed', 0, answer.malformed);
  const grade = await verifyAnswer(context.environment, task, answer.solution);
  const partial = task.type === 'induction' && context.config.reward.induction === 'fraction' && grade.share > 0;
  if (grade.correct) return graded('passable', 1, grade.detail);
  return partial ? graded('passable', grade.share, grade.detail) : graded('wrong', 0, grade.detail);
}
