import { InvalidArgumentError } from 'commander';
import type { Command } from 'commander';
import type { CompareOptions } from './compare.ts';
import type { TournamentCommand } from './tournament.ts';

const whole = (text: string): number => {
  const value = Number(text);
  if (text.trim() === '' || !Number.isInteger(value) || value < 0) throw new InvalidArgumentError('It takes a whole number, 0 or more.');
  return value;
};
const positive = (text: string): number => {
  const value = whole(text);
  if (value === 0) throw new InvalidArgumentError('It takes a whole number above 0.');
  return value;
};
const wholes = (text: string): number[] => text.split(',').map(whole);
const collect = (value: string, previous: readonly string[] = []): string[] => [...previous, value];

/** Wraps an action so that its number becomes the exit code. */
type Act = <T extends unknown[]>(work: (...args: T) => Promise<number> | number) => (...args: T) => Promise<void>;
type CompareFlags = Omit<CompareOptions, 'configs' | 'ablations' | 'json'> & { readonly ablations?: boolean; readonly json?: boolean };
type TournamentFlags = Omit<TournamentCommand, 'run' | 'json'> & { readonly json?: boolean };

/** The commands of experiments: compare, tasks, tournament. Each is loaded when it is used. */
export function addExperimentCommands(program: Command, act: Act): void {
  program
    .command('compare [configs...]')
    .description('run configs side by side over seeds and draw their held-out curves and a table; goes on where it was stopped')
    .option('--ablations', 'the ablations of the paper (configs/ablations) in the layout of its table')
    .option('--seeds <list>', 'seeds, each run once with each config', wholes, [1, 2, 3])
    .option('--steps <n>', 'optimiser steps of every run', whole)
    .option('--set <path=value>', 'override a key in every config; may be repeated', collect)
    .option('--out <dir>', 'folder of runs and results (default: one under comparisons/, named after the configs)')
    .option('--jobs <n>', 'runs at a time (default: as many as the cores allow)', positive)
    .option('--json', 'one JSON object instead of tables')
    .action(
      act(async (configs: string[], flags: CompareFlags) => {
        const { compareCommand } = await import('./compare.ts');
        return await compareCommand({ ...flags, configs, ablations: Boolean(flags.ablations), json: Boolean(flags.json) });
      }),
    );
  program
    .command('tasks')
    .description("write curated tasks with answers and traces, made by the bundled model's generator, as JSON lines")
    .requiredOption('--out <file>', 'where they go')
    .option('--count <n>', 'tasks of each type', positive, 1000)
    .option('--seed <s>', 'seed of the generator', whole, 1)
    .action(
      act(async (flags: { readonly out: string; readonly count: number; readonly seed: number }) =>
        (await import('./tasks.ts')).tasksCommand(flags),
      ),
    );
  program
    .command('tournament <run>')
    .description('past checkpoints of a run propose tasks to each other: solve rates and ratings over time')
    .option('--steps <list>', 'steps whose checkpoints play, for instance 0,20,40 (default: all that are kept)', wholes)
    .option('--proposals <n>', 'proposals of each for each task type', positive, 16)
    .option('--tries <n>', 'tries of each at each task', positive, 4)
    .option('--seed <s>', 'seed of the sampling', whole, 1)
    .option('--json', 'one JSON line')
    .action(
      act(async (run: string, flags: TournamentFlags) =>
        (await import('./tournament.ts')).tournamentCommand({ ...flags, run, json: Boolean(flags.json) }),
      ),
    );
}
