import { parseCompletion } from '../core/answers.ts';
import { seedOf } from '../core/rng.ts';
import type { Parsed, Role, Rollout, TaskType } from '../core/types.ts';
import type { SampleRequest, Sequence } from '../engine/ports.ts';
import type { LoopContext } from './context.ts';
import { TokenStream } from './stream.ts';

/** One prompt and how many completions of it are wanted. */
export interface Job {
  /** Unique within its step; rollout ids are `s{step}.{key}.{index}`. */
  readonly key: string;
  readonly role: Role;
  readonly taskType: TaskType;
  readonly prompt: string;
  readonly taskId: string | null;
  readonly n: number;
  readonly maxTokens: number;
  readonly temperature: number;
  /**
   * Called when one of the completions has ended and the monitor has read it, while others still run. Jobs that it
   * promises join the batch. Promises are taken in the order of the calls.
   */
  readonly ended?: (sampled: SampledRollout, index: number) => Promise<readonly Job[]> | undefined;
}

export interface SampledRollout {
  readonly rollout: Rollout;
  readonly parsed: Parsed;
}

/**
 * Samples every job and what follows from it; the result has the order of `jobs`, n rollouts each. A completion depends
 * only on weights, prompt and (run seed, step, job key, index). Each is read by the monitor before anything else uses it.
 */
export async function sampleRollouts(context: LoopContext, step: number, jobs: readonly Job[]): Promise<SampledRollout[][]> {
  return await new Sampling(context, step).run(jobs);
}

class Sampling {
  readonly #context: LoopContext;
  readonly #step: number;
  /** Jobs by the number of their request, those that joined later behind the first. */
  readonly #jobs: Job[] = [];
  readonly #prompts: number[][] = [];
  readonly #sampled: SampledRollout[][] = [];
  readonly #streams = new Map<string, TokenStream>();
  readonly #done: Record<Role, number> = { propose: 0, solve: 0 };
  #followed: string | null = null;
  #last: Promise<unknown> = Promise.resolve();

  constructor(context: LoopContext, step: number) {
    this.#context = context;
    this.#step = step;
  }

  async run(jobs: readonly Job[]): Promise<SampledRollout[][]> {
    const { engine, ahead } = this.#context;
    const requests = this.#add(jobs);
    await engine.sample(requests, {
      onToken: (request, index, token) => this.#token(request, index, token),
      more: (request, index, sequence) => this.#ended(request, index, sequence),
      ...ahead,
    });
    return this.#sampled.slice(0, jobs.length);
  }

  #add(jobs: readonly Job[]): SampleRequest[] {
    const { config, dialect, encode } = this.#context;
    const requests = jobs.map((job) => {
      const prompt = encode(job);
      this.#jobs.push(job);
      this.#prompts.push(prompt);
      this.#sampled.push([]);
      const { n, maxTokens, temperature } = job;
      return { prompt, n, maxTokens, temperature, seed: seedOf(config.seed, 'sample', this.#step, job.key), stop: dialect.stop };
    });
    if (jobs.length > 0) this.#progress();
    return requests;
  }

  /** The phase is that of the earliest role still under way. */
  #progress(): void {
    const total = (role: Role): number => this.#jobs.reduce((sum, job) => sum + (job.role === role ? job.n : 0), 0);
    const role = this.#done.propose < total('propose') ? 'propose' : 'solve';
    if (total(role) > 0) this.#context.observer.phase(role, this.#done[role], total(role));
    else if (total('propose') > 0) this.#context.observer.phase('propose', this.#done.propose, total('propose'));
  }

  #token(request: number, index: number, token: number): boolean | void {
    const { engine, observer, reader } = this.#context;
    const job = this.#jobs[request] as Job;
    const id = this.#id(job, index);
    this.#followed ??= id;
    const followed = this.#followed === id;
    if (!followed && reader.watch === undefined) return;
    let stream = this.#streams.get(id);
    if (stream === undefined) this.#streams.set(id, (stream = new TokenStream((tokens) => engine.detokenize(tokens))));
    stream.push(token);
    if (followed) observer.tokens(id, job.role, job.taskType, () => engine.detokenize(stream.tokens));
    if (reader.watch === undefined || !stream.atBoundary()) return;
    if (reader.watch(id, stream.text()) === 'cut') return false;
  }

  #ended(request: number, index: number, sequence: Sequence): Promise<readonly SampleRequest[]> | undefined {
    const { observer } = this.#context;
    const job = this.#jobs[request] as Job;
    const id = this.#id(job, index);
    this.#streams.delete(id);
    if (this.#followed === id) this.#followed = null;
    const sampled = this.#read(id, job, this.#prompts[request] as number[], sequence);
    (this.#sampled[request] as SampledRollout[])[index] = sampled;
    this.#done[job.role] += 1;
    this.#progress();
    observer.progress({ generated: 1, read: 0, tokens: sequence.tokens.length });
    const jobs = job.ended?.(sampled, index);
    if (jobs === undefined) return undefined;
    // The engine numbers requests in the order of these calls, so they are entered here in that order too.
    const requests = this.#last.then(async () => this.#add(await jobs));
    this.#last = requests;
    jobs.catch(() => undefined);
    return requests;
  }

  #read(id: string, job: Job, promptTokens: number[], sequence: Sequence): SampledRollout {
    const { engine, dialect, reader } = this.#context;
    const completion = engine.detokenize(sequence.tokens);
    const parsed = parseCompletion(completion, sequence.stopReason, dialect.opening);
    const rollout: Rollout = {
      id,
      step: this.#step,
      role: job.role,
      taskType: job.taskType,
      taskId: job.taskId,
      prompt: job.prompt,
      completion,
      thought: parsed.thought,
      answer: parsed.ok ? parsed.answer : '',
      program: programOf(this.#context, job, parsed),
      promptTokens,
      tokens: sequence.tokens,
      logprobs: sequence.logprobs,
      stopReason: sequence.stopReason,
      policyVersion: sequence.policyVersion,
    };
    reader.read(rollout);
    return { parsed, rollout };
  }

  #id(job: Job, index: number): string {
    return `s${this.#step}.${job.key}.${index}`;
  }
}

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
