import { parseCompletion } from '../core/answers.ts';
import type { Curated, Graded, Metrics, Pair, Rollout, Task } from '../core/types.ts';
import type { Played } from './conclude.ts';
import type { LoopContext } from './context.ts';
import { SHORTEST_ANSWER } from './propose.ts';
import { stepMetrics } from './metrics.ts';
import { solve } from './solve.ts';
import type { Stopwatch } from './stopwatch.ts';
import { withAdvantages } from './update.ts';

/**
 * Plays one step of a paradigm that learns from curated tasks (Absolute Zero, Fig. 2), under the same gate as self-play:
 * - `rlvr` answers `proposals` tasks of each type `rollouts` times; the verified answers are the reward.
 * - `sft` imitates `proposals × rollouts` expert traces of each type. They are read by the monitor like any thought.
 */
export async function playCurated(context: LoopContext, step: number, lap: Stopwatch): Promise<Played> {
  const { config, reader } = context;
  reader.begin(step);
  const { proposals, rollouts } = config.algorithm;
  const imitating = config.paradigm === 'sft';
  const drawn = await draw(context, step, imitating ? proposals * rollouts : proposals);
  const played = imitating ? imitate(context, step, drawn.good) : await reinforce(context, step, drawn.good, lap);
  const warnings =
    drawn.refused.length === 0 ? [] : [`${drawn.refused.length} curated tasks were left out; the first: ${drawn.refused[0]}`];
  const metrics = (): Metrics => ({ ...played.metrics(), 'data/used': drawn.good.length, 'data/refused': drawn.refused.length });
  return { ...played, warnings, metrics };
}

/** The step's share of the curriculum, checked by the environment: what it says must be true, as of a proposal. */
async function draw(context: LoopContext, step: number, perType: number): Promise<{ good: Curated[]; refused: string[] }> {
  const { config, curriculum } = context;
  if (!curriculum) throw new Error('A step on curated tasks needs a curriculum.');
  const all = config.algorithm.taskTypes.flatMap((type) => curriculum(type, (step - 1) * perType, perType));
  const checked = await Promise.all(all.map(async (item) => ({ item, result: await check(context, step, item) })));
  const good: Curated[] = [];
  const refused: string[] = [];
  for (const { item, result } of checked) {
    const reason =
      typeof result === 'string' ? result : config.paradigm === 'sft' ? unfit(context, expert(context, step, result, item.trace)) : null;
    if (typeof result === 'string' || reason !== null) refused.push(`${item.task.id}: ${reason ?? ''}`);
    else good.push({ ...item, task: result });
  }
  return { good, refused };
}

/** The task with values in canonical form, or the reason why it is not used. */
async function check(context: LoopContext, step: number, { task, trace }: Curated): Promise<Task | string> {
  const { environment, dialect, engine, config, isHeldOut } = context;
  if (isHeldOut(task.program)) return 'its program belongs to the held-out set.';
  if (config.paradigm === 'sft' && trace === null) return 'it has no trace to imitate.';
  const pairs: readonly Pair[] = task.type === 'induction' ? task.pairs : [task];
  const verdict = await environment.validate(
    task.program,
    pairs.map((pair) => pair.input),
  );
  if (!verdict.ok) return verdict.detail;
  const wrong = verdict.pairs.findIndex((pair, i) => environment.canonicalValue(pairs[i]?.output ?? '') !== pair.output);
  if (wrong >= 0)
    return `on ${verdict.pairs[wrong]?.input ?? ''} the program returns ${verdict.pairs[wrong]?.output ?? ''}, not ${pairs[wrong]?.output ?? ''}.`;
  const [first] = verdict.pairs;
  const known: Task = task.type === 'induction' ? { ...task, step, pairs: verdict.pairs } : { ...task, ...(first as Pair), step };
  const length = context.encode({ role: 'solve', taskType: known.type, prompt: dialect.solvePrompt(known) }).length;
  const room = engine.info.contextLength - length;
  return room < SHORTEST_ANSWER ? `it takes ${length} tokens: the context has no room for an answer.` : known;
}

async function reinforce(context: LoopContext, step: number, data: readonly Curated[], lap: Stopwatch): Promise<Played> {
  const { rollouts: n, temperature } = context.config.algorithm;
  const tasks = data.map(({ task }) => task);
  const solved = await solve(context, tasks, { step, label: 'curated', n, temperature });
  lap('solve');
  const rollouts = solved.flatMap((item) => item.attempts);
  const items = withAdvantages(
    context,
    solved.flatMap(({ task, attempts }) => attempts.map((item) => ({ ...item, group: task.id }))),
  );
  return { tasks, rollouts, items, metrics: () => stepMetrics(context, [], solved, rollouts) };
}

function imitate(context: LoopContext, step: number, data: readonly Curated[]): Played {
  const { reader } = context;
  const rollouts = data.map(({ task, trace }): Graded => {
    const rollout = expert(context, step, task, trace);
    reader.read(rollout);
    return { rollout, outcome: 'passable', reward: 1, detail: 'An expert trace from the data.' };
  });
  const items = rollouts.map((item) => ({ ...item, group: null, advantage: 0 }));
  const metrics = (): Metrics => {
    const { generated, read } = reader.counts();
    return { 'monitor/generated': generated, 'monitor/read': read };
  };
  return { tasks: data.map(({ task }) => task), rollouts, items, metrics };
}

/** Why a trace cannot be imitated, or null: it must be an answer that the solver itself could give. */
function unfit({ dialect, engine }: LoopContext, { taskType, completion, promptTokens, tokens }: Rollout): string | null {
  const length = promptTokens.length + tokens.length;
  if (length > engine.info.contextLength) return `with its trace it takes ${length} tokens, more than the context has.`;
  const parsed = parseCompletion(completion, 'stop', dialect.opening);
  if (!parsed.ok) return `its trace breaks the format. ${parsed.reason}`;
  const answer = dialect.parseSolution(taskType, parsed.answer);
  return 'malformed' in answer ? answer.malformed : null;
}

/** A trace as if the policy had sampled it: it takes the path of every thought. Its log-probabilities are not known (0). */
function expert(context: LoopContext, step: number, task: Task, thought: string | null): Rollout {
  const { dialect, engine } = context;
  const trace = thought ?? '';
  const prompt = dialect.solvePrompt(task);
  const solution = task.type === 'deduction' ? task.output : task.type === 'abduction' ? task.input : task.program;
  const answer = dialect.writeSolution(task.type, solution);
  const whole = `<think>${trace}</think><answer>${answer}</answer>`;
  const completion = whole.startsWith(dialect.opening) ? whole.slice(dialect.opening.length) : whole;
  const tokens = [...engine.tokenize(completion), engine.info.eosToken];
  return {
    id: `s${step}.expert-${task.id}.0`,
    step,
    role: 'solve',
    taskType: task.type,
    taskId: task.id,
    prompt,
    completion,
    thought: trace,
    answer,
    program: task.type === 'induction' ? task.program : null,
    promptTokens: context.encode({ role: 'solve', taskType: task.type, prompt }),
    tokens,
    logprobs: tokens.map(() => 0),
    stopReason: 'stop',
    policyVersion: engine.policyVersion,
  };
}
