import { drawProgram, drawReferences } from '../core/buffer.ts';
import type { ReferenceChoice } from '../core/mix.ts';
import { refuse, remember } from '../core/novelty.ts';
import type { Proposal } from '../core/prompts/dialect.ts';
import { rng } from '../core/rng.ts';
import type { Outcome, Pair, Rollout, Task, TaskType, TripletTask } from '../core/types.ts';
import type { LoopContext } from './context.ts';
import { sampleRollouts } from './rollouts.ts';
import type { Job, SampledRollout } from './rollouts.ts';

/** A proposal after the environment has judged it. */
export interface JudgedProposal {
  readonly rollout: Rollout;
  /** `passable` exactly when there is a task. */
  readonly outcome: Outcome;
  readonly task: Task | null;
  /** True for a held-out program: it takes no part in the update, neither as reward nor as penalty. */
  readonly excluded: boolean;
  readonly refused: boolean;
  /** How its references were chosen. */
  readonly choice: ReferenceChoice;
  readonly detail: string;
}

/** How many proposals of a type a step asks for, and what their references are. */
export interface ProposalShare {
  readonly type: TaskType;
  readonly choice: ReferenceChoice;
  readonly count: number;
}

/** The same number of proposals of each type, references as in the paper. */
export const evenShares = (types: readonly TaskType[], count: number): ProposalShare[] =>
  types.map((type) => ({ type, count, choice: 'uniform' }));

interface ProposeJob extends Job {
  readonly choice: ReferenceChoice;
  readonly references: readonly TripletTask[];
}

/**
 * The propose phase: draws references, samples one proposal per prompt, and lets the environment validate each
 * (integrity, forbidden capabilities, determinism). Illegal proposals are values. Absolute Zero, Sec. 3.3.
 *
 * A proposal is validated as soon as it has ended. Novelty is judged in the order of the prompts, so that it does not
 * depend on which execution ended first; a task takes its place, and the job of `solving` joins the running batch, once
 * all proposals before it are judged.
 */
export async function propose(
  context: LoopContext,
  step: number,
  shares: readonly ProposalShare[],
  solving?: (task: Task) => Job,
): Promise<JudgedProposal[]> {
  const { config, observer } = context;
  const validated: Validated[] = [];
  const judged: JudgedProposal[] = [];
  let finished = 0;
  const ended = async (job: ProposeJob, number: number, sampled: SampledRollout, before: Promise<unknown>): Promise<readonly Job[]> => {
    finished += 1;
    const validating = validate(context, job, sampled);
    validating.catch(() => undefined);
    // What is judged after a proposal depends on which ended before it, not on which was validated first.
    await before;
    validated[number] = await validating;
    const jobs: Job[] = [];
    for (let next = validated[judged.length]; next !== undefined; next = validated[judged.length]) {
      const proposal = admit(context, prompts[judged.length] as ProposeJob, next);
      judged.push(proposal);
      if (proposal.task && solving) jobs.push(solving(proposal.task));
    }
    if (finished === prompts.length) observer.phase('validate', judged.length, prompts.length);
    return jobs;
  };
  let last: Promise<unknown> = Promise.resolve();
  const prompts = config.algorithm.taskTypes.flatMap((type) =>
    proposeJobs(
      context,
      step,
      type,
      shares.filter((share) => share.type === type),
    ),
  );
  const jobs = prompts.map((job, number) => ({
    ...job,
    ended: (sampled: SampledRollout) => {
      const jobs = ended(job, number, sampled, last);
      last = jobs;
      return jobs;
    },
  }));
  await sampleRollouts(context, step, jobs);
  return judged;
}

function proposeJobs(context: LoopContext, step: number, type: TaskType, shares: readonly ProposalShare[]): ProposeJob[] {
  const { config, state, dialect, engine } = context;
  const { references: wanted, recent, inductionInputs, maxTokens } = config.algorithm;
  const choices = shares.flatMap(({ count, choice }) => Array.from({ length: count }, () => choice));
  return choices.map((choice, index) => {
    const among = { recent, choice, rates: state.mix.rates };
    const random = rng(config.seed, 'references', step, type, index);
    const key = `propose-${type}-${index}`;
    const { temperature } = config.algorithm;
    const base = { key, role: 'propose', taskType: type, taskId: null, n: 1, maxTokens: maxTokens.propose, temperature } as const;
    if (type === 'induction') {
      const source = drawProgram(state.buffers, among, random);
      return { ...base, choice, references: [source], prompt: dialect.proposeInductionPrompt(source.program, inductionInputs) };
    }
    let references = drawReferences(state.buffers, type, wanted, among, random);
    const fits = (): boolean =>
      context.encode({ role: 'propose', taskType: type, prompt: dialect.proposePrompt(type, references) }).length + maxTokens.propose <=
      engine.info.contextLength;
    while (references.length > 0 && !fits()) references = references.slice(0, -1);
    return { ...base, choice, references, prompt: dialect.proposePrompt(type, references) };
  });
}

type Validated =
  | { readonly rollout: Rollout; readonly outcome: 'malformed' | 'wrong'; readonly detail: string }
  | {
      readonly rollout: Rollout;
      readonly outcome: 'passable';
      readonly proposal: Proposal;
      readonly program: string;
      readonly pairs: readonly Pair[];
    };

async function validate(context: LoopContext, job: ProposeJob, { rollout, parsed }: SampledRollout): Promise<Validated> {
  const { dialect, environment, config } = context;
  if (!parsed.ok) return { rollout, outcome: 'malformed', detail: parsed.reason };
  const proposal = dialect.parseProposal(job.taskType, parsed.answer, config.algorithm.inductionInputs);
  if ('malformed' in proposal) return { rollout, outcome: 'malformed', detail: proposal.malformed };
  const source = job.references[0];
  const program = proposal.type === 'induction' ? (source?.program ?? '') : proposal.program;
  const inputs = proposal.type === 'induction' ? [...new Set(proposal.inputs)] : [proposal.input];
  if (proposal.type === 'induction' && inputs.length < proposal.inputs.length)
    return { rollout, outcome: 'wrong', detail: 'The inputs are not all different.' };
  const verdict = await environment.validate(program, inputs);
  if (!verdict.ok) return { rollout, outcome: 'wrong', detail: verdict.detail };
  if (proposal.type === 'induction' && new Set(verdict.pairs.map((pair) => pair.output)).size < 2)
    return { rollout, outcome: 'wrong', detail: 'All inputs give the same output: the program cannot be found from them.' };
  return { rollout, outcome: 'passable', proposal, program, pairs: verdict.pairs };
}

/** Tokens without which no task can be answered. */
export const SHORTEST_ANSWER = 16;

function admit(context: LoopContext, job: ProposeJob, item: Validated): JudgedProposal {
  const none = { task: null, excluded: false, refused: false, choice: job.choice };
  if (item.outcome !== 'passable') return { ...none, rollout: item.rollout, outcome: item.outcome, detail: item.detail };
  const { config, dialect, engine, environment, state, isHeldOut } = context;
  const { proposal, pairs } = item;
  const rollout = { ...item.rollout, taskId: `t-${item.rollout.id}` };
  if (isHeldOut(item.program))
    return {
      ...none,
      rollout: item.rollout,
      outcome: 'wrong',
      excluded: true,
      detail: 'The program belongs to the held-out set; it is not used.',
    };

  const first = pairs[0] as Pair;
  const base = { id: rollout.taskId, program: item.program, step: rollout.step, parents: job.references.map((task) => task.id) };
  const task: Task =
    proposal.type === 'induction'
      ? { ...base, type: 'induction', pairs, shown: Math.min(config.algorithm.inductionShown, pairs.length - 1), message: proposal.message }
      : { ...base, type: proposal.type, input: first.input, output: first.output };
  // The program of a task is also what an induction proposal is asked about.
  const length = Math.max(
    context.encode({ role: 'solve', taskType: task.type, prompt: dialect.solvePrompt(task) }).length,
    context.encode({
      role: 'propose',
      taskType: 'induction',
      prompt: dialect.proposeInductionPrompt(task.program, config.algorithm.inductionInputs),
    }).length,
  );
  if (length + SHORTEST_ANSWER > engine.info.contextLength)
    return {
      ...none,
      rollout: item.rollout,
      outcome: 'wrong',
      detail: `The task takes ${length} tokens: the context has no room for an answer.`,
    };

  const entry = { type: proposal.type, program: environment.normalise(item.program), input: pairs.map((pair) => pair.input).join('\n') };
  const onlyWhileSeeding = config.deviations.deduplicate === 'paper' && state.seeded;
  const reason = onlyWhileSeeding
    ? null
    : refuse(
        state.memory,
        entry,
        job.references.map((task) => environment.normalise(task.program)),
        config.novelty,
      );
  if (reason) return { ...none, rollout: item.rollout, outcome: 'wrong', refused: true, detail: reason };
  remember(state.memory, entry);
  return { ...none, rollout, outcome: 'passable', task, detail: 'A valid task.' };
}
