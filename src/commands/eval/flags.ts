import { InvalidArgumentError, Option } from 'commander';
import type { Command } from 'commander';
import type { Config } from '../../config.ts';
import { UsageError } from '../exits.ts';

interface EvalFlags {
  readonly model?: string;
  readonly adapter?: string;
  readonly server?: string;
  readonly parallel: number;
  readonly suite?: string[];
  readonly tasks?: number;
  readonly samples: number;
  readonly temperature?: number;
  readonly k?: readonly number[];
  readonly maxTokens: number;
  readonly context: number;
  readonly template?: Config['template'];
  readonly seed: number;
  readonly threads: number;
  readonly table?: boolean;
  readonly json?: boolean;
}

const whole =
  (least: number) =>
  (text: string): number => {
    const value = Number(text);
    if (!Number.isInteger(value) || value < least) throw new InvalidArgumentError(`It takes a whole number, ${least} or more.`);
    return value;
  };
const degree = (text: string): number => {
  const value = Number(text);
  if (text.trim() === '' || !(value >= 0 && value <= 2)) throw new InvalidArgumentError('It takes a number from 0 to 2.');
  return value;
};
const numbers = (text: string): number[] => text.split(',').map(whole(1));
const collect = (value: string, before: readonly string[] = []): string[] => [...before, value];

type Act = <T extends unknown[]>(work: (...args: T) => Promise<number> | number) => (...args: T) => Promise<void>;

/** `kelvin eval`: held-out tasks or published benchmarks. */
export function addEval(program: Command, act: Act): void {
  program
    .command('eval [target]')
    .description('accuracy of a run or a model on held-out tasks or published benchmarks (docs/benchmarks.md)')
    .option('--model <model>', 'GGUF file, hf: or pip: URI, or a name that kelvin models lists (the same as the target)')
    .option('--adapter <path>', 'GGUF LoRA adapter or PEFT folder')
    .option('--server <url>', 'ask a model on an OpenAI-compatible server, named by --model; key in KELVIN_SERVER_API_KEY')
    .option('--parallel <n>', 'requests to the server under way at a time', whole(1), 8)
    .option('--suite <name[=path]>', 'heldout, tune, or a benchmark with its published file; may be repeated (default: heldout)', collect)
    .option('--tasks <n>', 'only the first n tasks or problems', whole(1))
    .option('--samples <n>', 'answers to each problem of a benchmark', whole(1), 1)
    .option('--temperature <t>', '0 = greedy (default: 0 for one sample, 0.8 for several)', degree)
    .option('--k <list>', 'which pass@k, as 1,10 (default: 1 and the number of samples)', numbers)
    .option('--max-tokens <n>', 'longest answer to a problem of a benchmark', whole(1), 1024)
    .option('--context <n>', 'tokens of question and answer together', whole(64), 2048)
    .addOption(new Option('--template <name>', 'frame of the prompt').choices(['auto', 'chat', 'base']))
    .option('--seed <s>', 'seed of the sampling', whole(0), 1)
    .option('--threads <n>', 'threads; 0 = all cores', whole(0), 0)
    .option('--table', 'every benchmark that was finished on this machine, models in rows')
    .option('--json', 'one JSON line a suite')
    .action(
      act(async (target: string | undefined, flags: EvalFlags, command: Command) => {
        for (const name of flags.server === undefined ? ['parallel'] : ['adapter', 'context', 'threads'])
          if (command.getOptionValueSource(name) === 'cli') {
            const why =
              flags.server === undefined ? 'is about requests to a server: name one with --server' : 'is the affair of the server';
            throw new UsageError(`--${name} ${why}, or leave it out.`);
          }
        const { evalCommand } = await import('../eval.ts');
        return await evalCommand({
          ...flags,
          target: target ?? flags.model,
          suites: flags.suite ?? [],
          table: Boolean(flags.table),
          json: Boolean(flags.json),
        });
      }),
    );
}
