import type { Graded, Outcome, Task } from '../core/types.ts';
import { compositeReward } from '../core/rewards.ts';
import type { LoopContext } from './context.ts';
import { sampleRollouts } from './rollouts.ts';
import type { Job, SampledRollout } from './rollouts.ts';
import { verifyAnswer } from '../environment/verify.ts';

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
  const attempts = new Attempts(context, options);
  const jobs = tasks.map((task) => attempts.job(task));
  await sampleRollouts(context, options.step, jobs);
  return await attempts.judged();
}

/** Tasks being solved: each gets a job, and an answer is judged as soon as it is there, while others are still written. */
export class Attempts {
  readonly #context: LoopContext;
  readonly #options: SolveOptions;
  readonly #entries: { readonly task: Task; readonly judged: Promise<Judged>[] }[] = [];
  #done = 0;

  constructor(context: LoopContext, options: SolveOptions) {
    this.#context = context;
    this.#options = options;
  }

  /** The job that samples answers to `task`. Tasks count in the order in which they are given. */
  job(task: Task): Job {
    const { config, dialect } = this.#context;
    const { label, n, temperature } = this.#options;
    const judged: Promise<Judged>[] = [];
    const number = this.#entries.push({ task, judged }) - 1;
    return {
      key: `${label}-${task.type}-${number}`,
      role: 'solve',
      taskType: task.type,
      taskId: task.id,
      prompt: dialect.solvePrompt(task),
      n,
      maxTokens: config.algorithm.maxTokens.solve,
      temperature,
      ended: (sampled, index) => {
        const verdict = judge(this.#context, task, sampled);
        // A fault is thrown by `judged`; until then it must not end the process.
        verdict.then(
          () => (this.#done += 1),
          () => undefined,
        );
        judged[index] = verdict;
        return undefined;
      },
    };
  }

  /** Call when sampling has ended: all tasks with their attempts, in order. */
  async judged(): Promise<SolvedTask[]> {
    const { observer } = this.#context;
    const total = this.#entries.reduce((sum, { judged }) => sum + judged.length, 0);
    observer.phase('verify', this.#done, total);
    return await Promise.all(
      this.#entries.map(async ({ task, judged }) => {
        const attempts = await Promise.all(judged);
        observer.phase('verify', this.#done, total);
        const solved = attempts.filter((item) => item.correct).length;
        return { task, attempts: attempts.map((item) => item.graded), solveRate: attempts.length === 0 ? 0 : solved / attempts.length };
      }),
    );
  }
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
