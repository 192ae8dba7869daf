import { parseCompletion } from '../core/answers.ts';
import type { Phase } from '../core/events.ts';
import { seedOf } from '../core/rng.ts';
import type { Parsed, Role, Rollout, TaskType } from '../core/types.ts';
import type { LoopContext } from './context.ts';

/** One prompt and how many completions of it are wanted. */
export interface Job {
  /** Unique within its step; rollout ids are `s{step}.{key}.{index}`. */
  readonly key: string;
  readonly role: Role;
  readonly taskType: TaskType;
  readonly prompt: string;
  readonly taskId: string | null;
  readonly n: number;
}

export interface SampledRollout {
  readonly rollout: Rollout;
  readonly parsed: Parsed;
}

export interface SamplingOptions {
  readonly step: number;
  readonly phase: Phase;
  readonly maxTokens: number;
  readonly temperature: number;
}

/**
 * Samples every job; the result has the jobs' order, n rollouts each. A completion depends only on weights, prompt and
 * (run seed, step, job key, index). Each is read by the monitor before anything else uses it.
 */
export async function sampleRollouts(context: LoopContext, jobs: readonly Job[], options: SamplingOptions): Promise<SampledRollout[][]> {
  const { config, engine, dialect, observer } = context;
  const prompts = jobs.map((job) => engine.tokenize(job.prompt));
  const total = jobs.reduce((sum, job) => sum + job.n, 0);
  let done = 0;
  let tokens = 0;
  const followed = { request: -1, index: -1, tokens: [] as number[] };
  observer.phase(options.phase, 0, total);

  const sequences = await engine.sample(
    jobs.map((job, i) => ({
      prompt: prompts[i] as number[],
      n: job.n,
      maxTokens: options.maxTokens,
      temperature: options.temperature,
      seed: seedOf(config.seed, 'sample', options.step, job.key),
      stop: dialect.stop,
    })),
    {
      onToken: (request, index, token) => {
        if (followed.request === -1) Object.assign(followed, { request, index, tokens: [] });
        if (followed.request === request && followed.index === index) {
          const { tokens: soFar } = followed;
          soFar.push(token);
          const job = jobs[request] as Job;
          observer.tokens(rolloutId(options.step, job, index), job.role, job.taskType, () => engine.detokenize(soFar));
        }
      },
      onSequence: (request, index, sequence) => {
        if (followed.request === request && followed.index === index) followed.request = -1;
        done += 1;
        tokens += sequence.tokens.length;
        observer.phase(options.phase, done, total);
        if (done === total) observer.progress({ generated: total, read: 0, tokens });
      },
    },
  );

  return jobs.map((job, i) =>
    (sequences[i] ?? []).map((sequence, index) => {
      const completion = engine.detokenize(sequence.tokens);
      const parsed = parseCompletion(completion, sequence.stopReason, dialect.opening);
      const rollout: Rollout = {
        id: rolloutId(options.step, job, index),
        step: options.step,
        role: job.role,
        taskType: job.taskType,
        taskId: job.taskId,
        prompt: job.prompt,
        completion,
        thought: parsed.thought,
        answer: parsed.ok ? parsed.answer : '',
        program: programOf(context, job, parsed),
        promptTokens: prompts[i] as number[],
        tokens: sequence.tokens,
        logprobs: sequence.logprobs,
        stopReason: sequence.stopReason,
        policyVersion: sequence.policyVersion,
      };
      context.reader.read(rollout);
      return { parsed, rollout };
    }),
  );
}

const rolloutId = (step: number, job: Job, index: number): string => `s${step}.${job.key}.${index}`;

/** The program that a rollout wrote, so that the monitor reads it beside the thought. */
function programOf({ dialect, config }: LoopContext, job: Job, parsed: Parsed): string | null {
  if (!parsed.ok) return null;
  if (job.role === 'solve') {
    const solution = job.taskType === 'induction' ? dialect.parseSolution('induction', parsed.answer) : null;
    return solution && 'solution' in solution ? solution.solution : null;
  }
  const proposal = dialect.parseProposal(job.taskType, parsed.answer, config.algorithm.inductionInputs);
  return 'program' in proposal ? proposal.program : null;
}
