import { parseConfig } from '../config.ts';
import type { Config } from '../config.ts';
import { jsonLine } from '../core/inert.ts';
import type { Metrics } from '../core/types.ts';
import { outcomes } from '../eval/benchmarks/store.ts';
import { tableRows, tableText } from '../eval/benchmarks/table.ts';
import { evaluate } from '../eval/evaluate.ts';
import { heldoutTasks } from '../eval/heldout.ts';
import type { Suite } from '../eval/heldout.ts';
import { Closing } from './closing.ts';
import { subjectOf } from './eval/subject.ts';
import { evalSuites } from './eval/suite.ts';
import { EXIT, UsageError } from './exits.ts';
import { openEngine, openEnvironment } from './open.ts';

export interface EvalOptions {
  /** A run or a model; the bundled model when absent. */
  readonly target?: string | undefined;
  readonly adapter?: string | undefined;
  /** An OpenAI-compatible server that has the target. */
  readonly server?: string | undefined;
  /** Requests to it under way at a time. */
  readonly parallel?: number | undefined;
  /** `heldout`, `tune` or benchmarks as `NAME[=PATH]`; `heldout` when empty. */
  readonly suites: readonly string[];
  readonly tasks?: number | undefined;
  readonly samples: number;
  readonly temperature?: number | undefined;
  readonly k?: readonly number[] | undefined;
  readonly maxTokens: number;
  readonly context: number;
  readonly template?: Config['template'] | undefined;
  readonly seed: number;
  readonly threads: number;
  readonly table: boolean;
  readonly json: boolean;
}

const isOwn = (suite: string): suite is Suite => suite === 'heldout' || suite === 'tune';

/** `kelvin eval`: accuracy on held-out tasks, on published benchmarks, or the table of all results. */
export async function evalCommand(options: EvalOptions): Promise<number> {
  const { table, suites, target = 'models/nano.gguf' } = options;
  if (table && suites.length === 0) return showTable(options.json);
  const own = suites.length === 0 ? ['heldout'] : suites.filter(isOwn);
  const published = suites.filter((suite) => !isOwn(suite));
  if (own.length > 0 && published.length > 0)
    throw new UsageError('heldout and tune go without other suites: evaluate them by themselves.');
  if (options.server !== undefined && options.target === undefined)
    throw new UsageError('--server needs the name that the model has there: --model NAME.');
  if (options.server !== undefined && published.length === 0)
    throw new UsageError(
      'A model on a server is evaluated on published benchmarks: name one with --suite NAME[=PATH] (docs/benchmarks.md).',
    );
  if (published.length > 0) {
    const code = await evalSuites({ ...options, target, suites: published });
    return code === EXIT.ok && table ? showTable(options.json) : code;
  }
  for (const suite of own) await evalOwn(suite as Suite, target, options);
  return EXIT.ok;
}

function showTable(json: boolean): number {
  const found = outcomes();
  if (json) for (const row of tableRows(found)) process.stdout.write(`${jsonLine({ type: 'table', ...row })}\n`);
  else if (found.length > 0) process.stdout.write(`${tableText(found)}\n`);
  else process.stdout.write('No benchmark was finished on this machine yet. Take one with: kelvin eval MODEL --suite NAME=PATH\n');
  return EXIT.ok;
}

/** A held-out suite of the project's generator, at temperature 1 and greedy. */
async function evalOwn(suite: Suite, target: string, options: EvalOptions): Promise<void> {
  await using stack = new Closing();
  const { model, adapter, lora } = await subjectOf(target, options.adapter, stack);
  const config = parseConfig({
    model,
    ...(adapter ? { adapter } : {}),
    seed: options.seed,
    engine: { threads: options.threads, lora, ...(adapter ? { mode: 'lora' } : {}) },
    ...(options.tasks ? { eval: { tasks: options.tasks } } : {}),
  });
  const engine = stack.use(await openEngine(config, true));
  const environment = stack.use(await openEnvironment(config));
  const tasks = heldoutTasks(suite, config.eval.tasks);
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
  if (options.json) process.stdout.write(`${JSON.stringify({ type: 'eval', step: 0, suite, tasks: tasks.length, metrics })}\n`);
  else process.stdout.write(`${figures(metrics)}\n`);
}

const figures = (metrics: Metrics): string =>
  Object.entries(metrics)
    .map(([path, value]) => `${path.padEnd(44)} ${/length|time/.test(path) ? value.toFixed(1) : `${(100 * value).toFixed(1)} %`}`)
    .join('\n');
