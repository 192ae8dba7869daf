/**
 * A reinforcement-learning step and plain training on a 135 M model with LoRA of rank 16, against transformers + PEFT
 * (bench/torch/step.py) on the same machine in the same run, taking turns.
 *
 *   npm run bench training [rl|train] [REPEATS]
 *
 * KELVIN_PYTHON names a Python with torch, transformers and peft; without it only our side runs. Without a task both are run.
 *
 * Figures are CPU-seconds (the machine may be shared) and peak resident memory of each side's process.
 */
import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { median, report } from './report.ts';

const [only, repeats = '3'] = process.argv.slice(2);

interface Line {
  readonly [part: string]: number;
}

/** Runs one side in a process of its own and returns its last repeats (the first builds graphs and caches). */
function side(command: string, args: readonly string[]): Line[] | null {
  const run = spawnSync(command, args, { encoding: 'utf8', maxBuffer: 1 << 24 });
  if (run.status !== 0) {
    process.stderr.write(`${command} ${args.join(' ')}: ${(run.stderr || String(run.error)).split('\n').slice(-4).join('\n')}\n`);
    return null;
  }
  const lines = run.stdout.split('\n').filter((line) => line.startsWith('{'));
  return lines.map((line) => JSON.parse(line) as Line).slice(1);
}

const here = import.meta.dirname;
const ours = (task: string, threads: number): Line[] | null =>
  side(process.execPath, [
    '--disable-warning=ExperimentalWarning',
    path.join(here, 'training-step.ts'),
    task,
    String(threads),
    String(Number(repeats) + 1),
  ]);
const theirs = (task: string, threads: number): Line[] | null =>
  side(process.env['KELVIN_PYTHON'] ?? 'python3', [
    path.join(here, 'torch', 'step.py'),
    task,
    '--threads',
    String(threads),
    '--repeats',
    String(Number(repeats) + 1),
  ]);

for (const [task, threads, unit] of [
  ['rl', 2, 'RL step: 16 prompts × 4 rollouts, 64 + 64 tokens'],
  ['train', 1, 'training, 512 tokens, all targets'],
] as const) {
  if (only !== undefined && only !== task) continue;
  const mine = ours(task, threads);
  const other = theirs(task, threads);
  if (mine === null) process.exitCode = 1;
  if (mine === null) continue;
  const parts = (lines: Line[]): Record<string, number> =>
    Object.fromEntries(Object.keys(lines[0] ?? {}).map((key) => [key, median(lines.map((line) => line[key] ?? NaN))]));
  report(`${unit}; ${threads} thread${threads > 1 ? 's' : ''}`, parts(mine), other === null ? null : parts(other));
}
