import { InvalidArgumentError, Option } from 'commander';
import type { Command } from 'commander';
import type { SnapshotCommand } from './snapshot.ts';

const size = (text: string): number => {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1) throw new InvalidArgumentError('It takes a whole number, 1 or more.');
  return value;
};

type Flags = Omit<SnapshotCommand, 'run' | 'json' | 'keys'> & { readonly json?: boolean; readonly keys: string };

/** The options of `kelvin snapshot`; the command itself is loaded when it is used. */
export function addSnapshot(program: Command, run: (options: SnapshotCommand) => Promise<void>): void {
  program
    .command('snapshot <run>')
    .description('one screen of the app as text or as an SVG picture, or the state of a run as JSON')
    .option('--json', 'one JSON object')
    .option('--svg <file>', 'write a picture')
    .option('--screen <name>', 'which screen: run, thoughts, tasks, safety, charts, …', 'run')
    .option('--columns <n>', 'width of the screen', size, 120)
    .option('--rows <n>', 'height of the screen', size, 40)
    .option('--keys <names>', 'keys pressed first, by name: "l,down,enter"', '')
    .addOption(new Option('--theme <name>', 'colours').choices(['dark', 'light']).default('dark'))
    .action((name: string, flags: Flags) =>
      run({ ...flags, run: name, json: Boolean(flags.json), keys: flags.keys.split(',').filter((key) => key !== '') }),
    );
}
