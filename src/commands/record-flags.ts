import { InvalidArgumentError, Option } from 'commander';
import type { Command } from 'commander';
import type { ExportFormat } from './export.ts';
import type { RecordFormat } from './export-records.ts';
import type { ForkOptions } from './fork.ts';
import type { ReproduceOptions } from './reproduce.ts';

const whole = (text: string): number => {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 0) throw new InvalidArgumentError('It takes a whole number, 0 or more.');
  return value;
};
const notNegative = (text: string): number => {
  const value = Number(text);
  if (text.trim() === '' || !(value >= 0)) throw new InvalidArgumentError('It takes a number, 0 or more.');
  return value;
};
const collect = (value: string, previous: readonly string[] = []): string[] => [...previous, value];

/** Wraps an action so that its number becomes the exit code. */
type Act = <T extends unknown[]>(work: (...args: T) => Promise<number> | number) => (...args: T) => Promise<void>;
type Flags<T> = Omit<T, 'run' | 'json'> & { readonly json?: boolean };

/** The commands that read records: export, report, fork, reproduce. Each is loaded when it is used. */
export function addRecordCommands(program: Command, act: Act): void {
  program
    .command('export <run>')
    .description('write what a run has learned (gguf, peft, merged), or its record for other programs (docs/exports.md)')
    .addOption(
      new Option('--format <format>', 'gguf: adapter (whole model after full-parameter training)')
        .choices(['gguf', 'peft', 'merged', 'jsonl', 'parquet', 'csv', 'tensorboard', 'inspect'])
        .default('gguf'),
    )
    .option('--out <path>', 'file or folder (default: in this folder, named after the run)')
    .option('--json', 'one JSON line')
    .action(
      act(async (run: string, flags: Flags<{ readonly format: ExportFormat | RecordFormat; readonly out?: string }>) => {
        const { format, ...rest } = { ...flags, run, json: Boolean(flags.json) };
        if (format === 'gguf' || format === 'peft' || format === 'merged')
          return await (await import('./export.ts')).exportCommand({ ...rest, format });
        return await (await import('./export-records.ts')).exportRecords({ ...rest, format });
      }),
    );
  program
    .command('report <run>')
    .description('write one HTML page about a run that opens offline: charts, flagged thoughts, configuration, versions')
    .option('--out <file>', 'where it goes (default: in this folder, named after the run)')
    .option('--json', 'one JSON line')
    .action(
      act(async (run: string, flags: Flags<{ readonly out?: string }>) =>
        (await import('./report.ts')).reportCommand({ ...flags, run, json: Boolean(flags.json) }),
      ),
    );
  program
    .command('fork <run>')
    .description('make a new run from a kept checkpoint of another, with other settings; the original stays as it is')
    .option('--at <step>', 'step of the checkpoint (default: the newest)', whole)
    .option('--set <path=value>', 'change a config key; may be repeated', collect)
    .option('--steps <n>', 'train up to this many steps', whole)
    .option('--run-dir <dir>', 'folder of the new run (default: a new one under runs/)')
    .option('--json', 'one JSON line')
    .action(
      act(async (run: string, flags: Flags<ForkOptions>) =>
        (await import('./fork.ts')).forkCommand({ ...flags, run, json: Boolean(flags.json) }),
      ),
    );
  program
    .command('reproduce <run>')
    .description('run the recorded configuration again from its seed and compare the metrics of each step')
    .option('--steps <n>', 'how many steps (default: all)', whole)
    .option('--out <dir>', 'keep the repeated run here (default: a temporary folder)')
    .option('--tolerance <x>', 'largest relative difference (default: 0 with one thread, else 0.001)', notNegative)
    .option('--eval', 'repeat the held-out evaluations, too')
    .option('--json', 'one JSON line')
    .action(
      act(async (run: string, flags: Flags<ReproduceOptions>) =>
        (await import('./reproduce.ts')).reproduceCommand({ ...flags, run, json: Boolean(flags.json) }),
      ),
    );
}
