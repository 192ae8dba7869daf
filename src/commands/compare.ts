import { mkdirSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join, resolve } from 'node:path';
import { readConfig } from '../config.ts';
import { jsonLine } from '../core/inert.ts';
import { curvesSvg } from '../experiments/curves.ts';
import { labelOf, planned, requireComparable } from '../experiments/plan.ts';
import type { Entry } from '../experiments/plan.ts';
import { grouped, resultOf } from '../experiments/result.ts';
import type { Group, RunResult } from '../experiments/result.ts';
import { markdownTable, plainTable } from '../experiments/table.ts';
import type { Table } from '../experiments/table.ts';
import { GREEDY, SAMPLED, ablationTable, comparisonTable, curveTable } from '../experiments/tables.ts';
import { runInChild } from './compare/child.ts';
import type { RunChild } from './compare/child.ts';
import { prepare, progressOn, runAll } from './compare/runs.ts';
import { UsageError } from './exits.ts';
import { threadsFor } from './open.ts';
import { resolveShipped } from './paths.ts';
import { viewOf } from './recorded.ts';

export interface CompareOptions {
  readonly configs: readonly string[];
  /** The shipped ablations instead of named configs, in the layout of the paper's table. */
  readonly ablations: boolean;
  readonly seeds: readonly number[];
  readonly set?: readonly string[] | undefined;
  readonly steps?: number | undefined;
  /** Where runs and results go; a second call with the same folder goes on. */
  readonly out?: string | undefined;
  /** Runs at a time; as many as the cores allow when absent. */
  readonly jobs?: number | undefined;
  readonly json: boolean;
  /** How one run is made, for tests that bring their own. */
  readonly runChild?: RunChild | undefined;
}

/** The ablations of Absolute Zero, Table 2, and what else is compared with `full`; in this order. */
export const ABLATIONS = [
  'full',
  'deduction-only',
  'no-induction',
  'no-references',
  'proposer-frozen',
  'global-baseline',
  'constant-reward',
  'buffer-of-one',
];

/**
 * `kelvin compare`: every configuration with every seed, each run in a process of its own; curves and tables over the seeds.
 * Finished runs are not run again, and a stop (SIGINT) leaves each run at its last complete step.
 */
export async function compareCommand(options: CompareOptions): Promise<number> {
  const entries = entriesOf(options);
  requireComparable(entries);
  if (options.seeds.length === 0 || new Set(options.seeds).size < options.seeds.length)
    throw new UsageError('--seeds takes different whole numbers, for instance --seeds 1,2,3');
  const out = resolve(options.out ?? join('comparisons', options.ablations ? 'ablations' : nameOf(entries)));
  const runs = planned(entries, options.seeds).map((run) => ({ ...run, dir: join(out, 'runs', run.name) }));
  mkdirSync(join(out, 'runs'), { recursive: true, mode: 0o700 });
  for (const run of runs) prepare(run);
  const progress = progressOn(process.stderr);
  const threads = threadsFor(entries[0]!.config.engine.threads, availableParallelism());
  const jobs = options.jobs ?? Math.max(1, Math.floor(availableParallelism() / threads));
  const code = await runAll(runs, jobs, options.runChild ?? runInChild, progress);

  const results = runs.map((run) => resultOf(run, viewOf(run.dir)));
  const labels = entries.map(({ label }) => label);
  const configs = entries.map(({ config }) => config);
  const groups = grouped(labels, results);
  const scores = options.ablations ? ablationTable(groups, configs) : comparisonTable(groups);
  const tables = [scores, curveTable(groups, GREEDY), curveTable(groups, SAMPLED)];
  write(out, groups, tables, results);
  if (options.json) process.stdout.write(`${jsonLine({ type: 'compare', out, results: results.map(shortened), tables })}\n`);
  else process.stdout.write(`${tables.map(plainTable).join('\n\n')}\n\nCurves, tables and runs: ${out}\n`);
  const open = results.filter(({ finished }) => !finished).length;
  if (open > 0) progress.say(`${open} of ${results.length} runs are not finished and are left out. The same command goes on with them.`);
  return code;
}

const nameOf = (entries: readonly Entry[]): string =>
  entries
    .map(({ label }) => label)
    .join('-vs-')
    .slice(0, 80);

function entriesOf({ configs, ablations, set = [], steps }: CompareOptions): Entry[] {
  if (ablations && configs.length > 0) throw new UsageError('--ablations brings its own configs; name none beside it.');
  const overrides = steps === undefined ? set : [...set, `steps=${steps}`];
  const files = ablations ? ABLATIONS.map((name) => join('configs', 'ablations', `${name}.json`)) : configs;
  return files.map((file) => ({ label: labelOf(file), config: readConfig(resolveShipped(file), overrides) }));
}

const shortened = ({ label, seed, dir, finished, steps, tokens, evals }: RunResult) => ({
  label,
  seed,
  dir,
  finished,
  steps,
  tokens,
  evals,
});

function write(out: string, groups: readonly Group[], tables: readonly Table[], results: readonly RunResult[]): void {
  writeFileSync(join(out, 'table.md'), `${tables.map(markdownTable).join('\n\n')}\n`);
  writeFileSync(join(out, 'compare.json'), `${JSON.stringify({ tables, results: results.map(shortened) }, null, 2)}\n`);
  const panels = [
    { title: 'Held-out accuracy, greedy', path: GREEDY },
    { title: 'Held-out accuracy, temperature 1', path: SAMPLED },
  ];
  writeFileSync(join(out, 'curves.svg'), curvesSvg(groups, panels));
}
