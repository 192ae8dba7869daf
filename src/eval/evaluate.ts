import { parseCompletion } from '../core/answers.ts';
import { speechFor } from '../core/prompts/index.ts';
import type { Speech } from '../core/prompts/index.ts';
import { seedOf } from '../core/rng.ts';
import type { Metrics, Task } from '../core/types.ts';
import type { Engine, Sequence } from '../engine/ports.ts';
import type { Environment } from '../environment/port.ts';
import { verifyAnswer } from '../environment/verify.ts';
import { levelOf } from './heldout.ts';

export interface EvaluateOptions {
  readonly engine: Engine;
  /** How to speak with the model; absent: as its file says. */
  readonly speech?: Speech | undefined;
  readonly environment: Environment;
  readonly tasks: readonly Task[];
  readonly seed: number;
  readonly maxTokens: number;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((done: number, total: number) => void) | undefined;
}

export interface AnswerOptions extends EvaluateOptions {
  /** 0 = greedy. */
  readonly temperature: number;
  /** Text put at the start of every completion, for instance to make the model think first. */
  readonly force?: string | undefined;
}

export interface EvaluatedTask {
  readonly task: Task;
  readonly completion: string;
  readonly tokens: number;
  readonly wellFormed: boolean;
  readonly thought: string;
  readonly correct: boolean;
  readonly detail: string;
}

/** Answers every task once and judges the answers; in the order of the tasks. */
export async function answerTasks(options: AnswerOptions): Promise<EvaluatedTask[]> {
  const { engine, environment, tasks, temperature, seed, maxTokens, signal, force = '' } = options;
  const { dialect, encode } = options.speech ?? speechFor(engine, { language: environment.language });
  const forced = force === '' ? [] : engine.tokenize(force);
  const requests = tasks.map((task) => ({
    prompt: [...encode({ role: 'solve', taskType: task.type, prompt: dialect.solvePrompt(task) }), ...forced],
    n: 1,
    maxTokens,
    temperature,
    seed: seedOf('evaluate', seed, temperature, task.id),
    stop: dialect.stop,
  }));
  let done = 0;
  const onSequence = (): void => options.onProgress?.(++done, tasks.length);
  const sequences = await engine.sample(requests, signal ? { onSequence, signal } : { onSequence });
  return Promise.all(tasks.map((task, i) => judge(task, sequences[i]?.[0])));

  async function judge(task: Task, sequence: Sequence | undefined): Promise<EvaluatedTask> {
    const completion = force + engine.detokenize(sequence?.tokens ?? []);
    const parsed = parseCompletion(completion, sequence?.stopReason ?? 'cut', dialect.opening);
    const base = { task, completion, tokens: sequence?.tokens.length ?? 0, thought: parsed.thought };
    if (!parsed.ok) return { ...base, wellFormed: false, correct: false, detail: parsed.reason };
    const solution = dialect.parseSolution(task.type, parsed.answer);
    if (!('solution' in solution)) return { ...base, wellFormed: false, correct: false, detail: solution.malformed };
    const { correct, detail } = await verifyAnswer(environment, task, solution.solution);
    return { ...base, wellFormed: true, correct, detail };
  }
}

/**
 * Fractions by slash path, with M = `heldout/temp1` or `heldout/greedy`: M, M/TYPE, M/TYPE/levelN are accuracies;
 * `heldout/format/…`, `heldout/thinks/…/TYPE` shares of well-formed answers and of answers with a thought;
 * `heldout/length/…/TYPE` mean completion lengths in tokens.
 */
export function summarise(answers: readonly EvaluatedTask[], temperature: number): Metrics {
  const name = temperature === 0 ? 'greedy' : 'temp1';
  const sums = new Map<string, { total: number; count: number }>();
  const add = (path: string, value: number): void => {
    const sum = sums.get(path) ?? { total: 0, count: 0 };
    sums.set(path, { total: sum.total + value, count: sum.count + 1 });
  };
  for (const { task, correct, wellFormed, thought, tokens } of answers) {
    const hit = correct ? 1 : 0;
    add(`heldout/${name}`, hit);
    add(`heldout/${name}/${task.type}`, hit);
    add(`heldout/${name}/${task.type}/level${levelOf(task)}`, hit);
    add(`heldout/format/${name}`, wellFormed ? 1 : 0);
    add(`heldout/thinks/${name}/${task.type}`, wellFormed && thought.trim() !== '' ? 1 : 0);
    add(`heldout/length/${name}/${task.type}`, tokens);
  }
  return Object.fromEntries([...sums].map(([path, { total, count }]) => [path, total / count]));
}

/** Every task at temperature 1 and greedily; progress counts both. */
export async function evaluate(options: EvaluateOptions): Promise<Metrics> {
  const total = 2 * options.tasks.length;
  const half = (offset: number): EvaluateOptions => ({ ...options, onProgress: (done) => options.onProgress?.(offset + done, total) });
  // The engine takes one call after the other; the second samples while the sandbox still judges the answers of the first.
  const [sampled, greedy] = await Promise.all([
    answerTasks({ ...half(0), temperature: 1 }),
    answerTasks({ ...half(options.tasks.length), temperature: 0 }),
  ]);
  return { ...summarise(sampled, 1), ...summarise(greedy, 0) };
}
