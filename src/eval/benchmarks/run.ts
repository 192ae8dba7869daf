import type { Metrics, StopReason } from '../../core/types.ts';
import type { TemplateName } from '../../core/prompts/template.ts';
import { judge } from './judge.ts';
import type { JudgeParts } from './judge.ts';
import { passAtK } from './pass-at-k.ts';
import type { Problem } from './problem.ts';
import type { Respondent } from './respondent.ts';

/** What the answers depend on, besides model and problems. */
export interface Settings {
  readonly samples: number;
  /** 0 = greedy. */
  readonly temperature: number;
  readonly maxTokens: number;
  readonly seed: number;
  readonly template: TemplateName;
}

/** A judged sample. */
export interface Answer {
  readonly problem: string;
  /** Which of the samples of its problem, from 0. */
  readonly sample: number;
  readonly correct: boolean;
  readonly detail: string;
  readonly tokens: number;
  readonly stopReason: StopReason;
  readonly completion: string;
}

export interface RunOptions extends JudgeParts {
  readonly respondent: Respondent;
  readonly problems: readonly Problem[];
  readonly settings: Settings;
  /** Answers from before; their samples are not made again. */
  readonly known: readonly Answer[];
  /** Told of every new answer, as soon as it is judged. */
  readonly onAnswer: (answer: Answer) => void;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Samples and judges what is missing; returns the answers to all problems. Sample j of a problem depends on model, problem, settings and j alone, so an
 * evaluation that was broken off goes on as if it had not been, and more samples keep the first ones.
 */
export async function runBenchmark(options: RunOptions): Promise<Answer[]> {
  const { respondent, problems, settings, signal } = options;
  const { samples } = settings;
  const wanted = new Set(problems.map(({ id }) => id));
  const known = new Map<string, Answer>();
  for (const answer of options.known) if (wanted.has(answer.problem) && answer.sample < samples) known.set(key(answer), answer);
  const answers = [...known.values()];
  const note = (answer: Answer): void => {
    answers.push(answer);
    options.onAnswer(answer);
  };
  const isKnown = ({ id }: Problem, sample: number): boolean => known.has(key({ problem: id, sample }));
  const judging: Promise<void>[] = [];
  const asking = respondent({
    problems: problems.filter((problem) => Array.from({ length: samples }, (_, j) => j).some((sample) => !isKnown(problem, sample))),
    settings,
    isKnown,
    signal,
    onUnasked: ({ id }, sample, detail) => note({ ...unasked(id, sample), detail }),
    onReply: (problem, sample, reply) => {
      if (signal?.aborted) return;
      const judged = judge(problem, reply.completion, reply.stopReason, options).then((judgement) => {
        if (!signal?.aborted) note({ problem: problem.id, sample, ...judgement, ...reply });
      });
      judged.catch(() => undefined);
      judging.push(judged);
    },
  });
  // What was answered before a fault is judged and kept.
  await asking.catch(() => Promise.allSettled(judging));
  await asking;
  await Promise.all(judging);
  return answers;
}

const key = ({ problem, sample }: Pick<Answer, 'problem' | 'sample'>): string => `${sample} ${problem}`;

const unasked = (problem: string, sample: number): Answer => ({
  problem,
  sample,
  correct: false,
  detail: '',
  tokens: 0,
  stopReason: 'length',
  completion: '',
});

/**
 * `pass@K` for each K (mean over problems of the unbiased estimate), `length` (mean tokens of a completion), `cut` (share of completions that
 * ended at the token limit). Problems with too few samples for a K are a RangeError (pass-at-k.ts).
 */
export function summarise(answers: readonly Answer[], ks: readonly number[]): Metrics {
  const byProblem = new Map<string, Answer[]>();
  for (const answer of answers) byProblem.set(answer.problem, [...(byProblem.get(answer.problem) ?? []), answer]);
  const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / Math.max(1, values.length);
  const problems = [...byProblem.values()];
  return {
    ...Object.fromEntries(
      ks.map((k) => [`pass@${k}`, mean(problems.map((of) => passAtK(of.length, of.filter(({ correct }) => correct).length, k)))]),
    ),
    length: mean(answers.map(({ tokens }) => tokens)),
    cut: mean(answers.map(({ stopReason }) => (stopReason === 'length' ? 1 : 0))),
  };
}
