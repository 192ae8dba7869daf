import { join } from 'node:path';
import { parseConfig } from '../config.ts';
import type { Config } from '../config.ts';
import { jsonLine } from '../core/inert.ts';
import { speechFor } from '../core/prompts/index.ts';
import { createAnswered } from '../loop/answered.ts';
import type { LoopContext } from '../loop/context.ts';
import { createReader } from '../loop/reader.ts';
import { restoreState } from '../loop/state.ts';
import type { StoredState } from '../loop/state.ts';
import { playTournament } from '../loop/tournament.ts';
import type { Player, Tournament } from '../loop/tournament.ts';
import { heldOutIn } from '../pretrain/split.ts';
import { loadCheckpoint } from '../record/checkpoint.ts';
import { findRun, isAlive, readRunConfig } from '../record/folder.ts';
import { openJournal } from '../record/journal.ts';
import { acquireLock } from '../record/lock.ts';
import { candidates, CHECKPOINTS, nameOf } from '../record/retention.ts';
import { Closing } from './closing.ts';
import { EXIT, UsageError } from './exits.ts';
import { openEngine, openEnvironment } from './open.ts';
import { openMonitor } from './open-monitor.ts';
import { runsRoot } from './paths.ts';
import { ENGINE_FOLDER } from './session.ts';

export interface TournamentCommand {
  readonly run: string;
  /** Steps whose checkpoints play; all that are kept when absent. */
  readonly steps?: readonly number[] | undefined;
  readonly proposals: number;
  readonly tries: number;
  readonly seed: number;
  readonly json: boolean;
}

/**
 * `kelvin tournament RUN`: past checkpoints propose tasks to each other. Nothing is trained; the monitor reads every thought. The ratings go
 * into the journal of a run that is not live, where the app shows them (screen 8).
 */
export async function tournamentCommand(options: TournamentCommand): Promise<number> {
  const { dir } = findRun(runsRoot(), options.run);
  const steps = playing(dir, options.steps);
  const stored = parseConfig(readRunConfig(dir), [], `${dir}: config.json`);
  const config: Config = { ...stored, seed: options.seed };
  await using stack = new Closing();
  const engine = stack.use(await openEngine(config));
  const environment = stack.use(await openEnvironment(config));
  const monitor = await openMonitor(config, stack);
  const speech = speechFor(engine, { ...config, language: environment.language });
  const enter = async (step: number): Promise<LoopContext> => {
    const checkpoint = loadCheckpoint(join(dir, CHECKPOINTS, nameOf(step)));
    await engine.loadState(join(checkpoint.dir, ENGINE_FOLDER));
    return {
      config,
      engine,
      environment,
      ...speech,
      reader: createReader(monitor, { jumps: null, stream: null }),
      journal: { append: () => {}, close: () => {} },
      conductor: { stopping: false, pause: () => {}, proceed: () => Promise.resolve(true), takeDrill: () => false },
      state: { ...restoreState(checkpoint.state as StoredState), current: step },
      curriculum: null,
      isHeldOut: heldOutIn(config.language),
      observer: { phase: () => {}, tokens: () => {}, progress: () => {} },
      answered: createAnswered(),
      drillThought: '',
    };
  };
  const players = steps.map((step): Player => ({ step, enter: () => enter(step) }));
  const result = await playTournament(players, {
    proposals: options.proposals,
    tries: options.tries,
    onProgress: (done, total) => {
      if (!options.json && process.stderr.isTTY) process.stderr.write(`\r${done} of ${total} turns${done === total ? '\n' : ''}`);
    },
  });
  const unrecorded = record(dir, options.seed, result);
  process.stdout.write(options.json ? `${jsonLine({ type: 'tournament', seed: options.seed, ...result })}\n` : tableOf(result));
  if (unrecorded !== null) process.stderr.write(`Not recorded: ${unrecorded}\n`);
  return EXIT.ok;
}

/** Writes the ratings into the run's journal; the reason why not, or null. */
function record(dir: string, seed: number, { steps, ratings, games, solved, tasks, difficulty }: Tournament): string | null {
  if (isAlive(dir)) return 'the run is live. Its journal takes the ratings when the same command runs after its end.';
  using _lock = acquireLock(dir);
  using journal = openJournal(dir);
  journal.append([{ type: 'tournament', step: Math.max(...steps), seed, steps, ratings, games, solved, tasks, difficulty }]);
  return null;
}

function playing(dir: string, wanted: readonly number[] | undefined): number[] {
  const kept = candidates(join(dir, CHECKPOINTS))
    .map(({ step }) => step)
    .sort((a, b) => a - b);
  const missing = wanted?.find((step) => !kept.includes(step));
  if (missing !== undefined)
    throw new UsageError(`There is no checkpoint of step ${missing}; there are those of ${kept.join(', ') || 'no step'}.`);
  const steps = [...new Set(wanted ?? kept)].sort((a, b) => a - b);
  if (steps.length < 2)
    throw new UsageError(
      `A tournament takes two checkpoints or more, and ${dir} has ${kept.length}. Train with --set checkpoint.milestone=10 to keep every tenth.`,
    );
  return steps;
}

const WIDTH = 8;
const percent = (rate: number | null): string => (rate === null ? '–' : `${(100 * rate).toFixed(0)} %`).padStart(WIDTH);
const whole = (value: number): string => (value >= 0 ? `+${value.toFixed(0)}` : `−${(-value).toFixed(0)}`);

/** Columns of the dot plot of ratings, and Elo points of its half. */
const HALF = 20;

/** One line a checkpoint: its rating with one standard error each way, drawn on a common scale. */
function ratingLines(steps: readonly number[], ratings: Tournament['ratings']): string[] {
  const reach = Math.max(1, ...ratings.map(({ elo, error }) => Math.abs(elo) + error));
  const at = (elo: number): number => HALF + Math.round((HALF * elo) / reach);
  const line = ({ elo, error }: Tournament['ratings'][number]): string =>
    Array.from({ length: 2 * HALF + 1 }, (_, i) => {
      if (i === at(elo)) return 'o';
      return i >= at(elo - error) && i <= at(elo + error) ? '-' : i === HALF ? '|' : ' ';
    }).join('');
  return [
    'rating of the solver, Elo, with standard error',
    ...ratings.map(
      (one, i) =>
        `  step ${String(steps[i] ?? 0).padEnd(7)}${whole(one.elo).padStart(6)} ± ${one.error.toFixed(0).padEnd(4)} ${line(one).trimEnd()}`,
    ),
  ];
}

/** Rows propose, columns solve; below them the ratings. */
function tableOf({ steps, tasks, proposals, matrix, ratings, difficulty, read, flagged }: Tournament): string {
  const head = (text: string): string => text.padEnd(14);
  const columns = steps.map((step) => String(step).padStart(WIDTH)).join('');
  const rows = matrix.map((row, proposer) => {
    const hard = difficulty[proposer] ?? null;
    const valid = `${tasks[proposer] ?? 0}/${proposals[proposer] ?? 0}`;
    return `${head(`  step ${steps[proposer] ?? 0}`)}${row.map(percent).join('')}${valid.padStart(10)}${(hard === null ? '–' : whole(hard)).padStart(12)}`;
  });
  const grave = (flagged[3] ?? 0) + (flagged[4] ?? 0);
  return [
    'Share of the tasks solved. Rows propose, columns solve: checkpoints by their step.',
    `${head('proposed by')}${columns}     valid  difficulty`,
    ...rows,
    '',
    ...ratingLines(steps, ratings),
    '',
    `${read} thoughts read by the monitor, ${grave} of them at severity 3 or 4.`,
    '',
  ].join('\n');
}
