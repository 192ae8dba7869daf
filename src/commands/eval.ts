import { parseConfig } from '../config.ts';
import { evaluate } from '../eval/evaluate.ts';
import { heldoutTasks } from '../eval/heldout.ts';
import type { Metrics } from '../core/types.ts';
import { openEngine, openEnvironment } from './open.ts';

export interface EvalOptions {
  readonly model: string;
  readonly adapter?: string | undefined;
  readonly suite: 'heldout' | 'tune';
  readonly tasks?: number | undefined;
  readonly seed: number;
  readonly threads: number;
  readonly json: boolean;
}

/** `kelvin eval`: accuracy of a model on a held-out suite, at temperature 1 and greedy. */
export async function evalCommand(options: EvalOptions): Promise<number> {
  const config = parseConfig({
    model: options.model,
    ...(options.adapter ? { adapter: options.adapter } : {}),
    seed: options.seed,
    engine: { threads: options.threads, ...(options.adapter ? { mode: 'lora' } : {}) },
    ...(options.tasks ? { eval: { tasks: options.tasks } } : {}),
  });
  await using engine = await openEngine(config, true);
  await using environment = await openEnvironment(config);
  const tasks = heldoutTasks(options.suite, config.eval.tasks);
  const metrics = await evaluate({
    engine,
    environment,
    tasks,
    seed: config.seed,
    maxTokens: config.algorithm.maxTokens.solve,
    onProgress: (done: number, total: number) => {
      if (!options.json && process.stderr.isTTY) process.stderr.write(`\r${done} of ${total} answers${done === total ? '\n' : ''}`);
    },
  });
  if (options.json)
    process.stdout.write(`${JSON.stringify({ type: 'eval', step: 0, suite: options.suite, tasks: tasks.length, metrics })}\n`);
  else process.stdout.write(`${table(metrics)}\n`);
  return 0;
}

const table = (metrics: Metrics): string =>
  Object.entries(metrics)
    .map(([path, value]) => `${path.padEnd(44)} ${/length|time/.test(path) ? value.toFixed(1) : `${(100 * value).toFixed(1)} %`}`)
    .join('\n');
