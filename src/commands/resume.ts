import { join } from 'node:path';
import { parseConfig, readConfig } from '../config.ts';
import type { Config } from '../config.ts';
import { inline } from '../core/inert.ts';
import { findRun, isAlive, readRunConfig, writeRunConfig } from '../record/folder.ts';
import { hasJournal } from '../record/journal.ts';
import { changeLine, configChanges } from './config-diff.ts';
import type { ConfigChange } from './config-diff.ts';
import { EXIT, UsageError } from './exits.ts';
import { createOutput } from './output.ts';
import type { Display } from './output.ts';
import { order } from './pause.ts';
import { runsRoot } from './paths.ts';
import { readEvents, viewOf } from './recorded.ts';
import { runSession } from './session.ts';
import type { SessionParts } from './session.ts';
import { userName } from './user.ts';

export interface ResumeOptions {
  readonly run: string;
  readonly reason?: string | undefined;
  readonly set?: readonly string[] | undefined;
  readonly config?: string | undefined;
  readonly steps?: number | undefined;
  readonly display: Display;
  readonly exitOnPause?: boolean | undefined;
  /** Go on although the configuration is not the one that the run recorded. */
  readonly accept?: boolean | undefined;
  readonly parts?: SessionParts | undefined;
  /** Gives a paused run its process back without resuming it. */
  readonly stayPaused?: boolean | undefined;
}

/**
 * `kelvin resume RUN`: lets a paused run go on (a reason is required and recorded), or continues a run whose process has
 * ended, from its last complete step.
 */
export async function resumeCommand(options: ResumeOptions): Promise<number> {
  const { dir } = findRun(runsRoot(), options.run);
  const view = viewOf(dir);
  const reason = options.reason?.trim();
  if (view.pause && !reason && !options.stayPaused) {
    process.stderr.write(
      `The run is paused at step ${view.pause.step} (${view.pause.cause}): ${inline(view.pause.reason)}\n` +
        `Read it first: kelvin open ${options.run}. Then: kelvin resume ${options.run} --reason "why it may go on"\n`,
    );
    return EXIT.paused;
  }
  if (isAlive(dir)) {
    // A pause that the disk refuses is known to the run's process alone: with a reason it is asked.
    if (!view.pause && !reason) throw new UsageError('The run is running already; kelvin open shows it.');
    return await order(dir, { command: 'resume', reason: reason as string, by: userName() });
  }
  if (view.ended === 'finished' && options.steps === undefined && !options.set?.length)
    throw new UsageError('The run is finished. To train it further, give it more steps: kelvin resume RUN --steps N');
  const overrides = [...(options.set ?? []), ...(options.steps === undefined ? [] : [`steps=${options.steps}`])];
  const config = options.config ? readConfig(options.config, overrides) : parseConfig(readRunConfig(dir), overrides, `${dir}: config.json`);
  const changes = changesOf(dir, config).filter(({ path }) => path !== 'steps' || options.steps === undefined);
  if (changes.length > 0 && !options.accept) return refuse(options, dir, changes);
  if (overrides.length > 0 || options.config) writeRunConfig(dir, config);
  const notes = changes.length > 0 ? [`Going on with another configuration: ${changes.map(changeLine).join('; ')}.`] : [];
  const output = createOutput(options.display, dir);
  return await runSession({
    runDir: dir,
    config,
    reason,
    notes,
    parts: options.parts,
    exitOnPause: options.exitOnPause,
    onEvent: output.event,
  });
}

/** How the configuration differs from the one that the run last recorded; nothing before its first start. */
function changesOf(dir: string, config: Config): ConfigChange[] {
  if (!hasJournal(dir)) return [];
  const start = readEvents(dir).findLast((event) => event.type === 'start');
  return start ? configChanges(asParsed(start.config), config) : [];
}

/** Keys that are newer than the record take their defaults; a record that this version cannot read is compared as it is. */
function asParsed(recorded: unknown): unknown {
  try {
    return parseConfig(recorded);
  } catch {
    return recorded;
  }
}

function refuse({ run, config, set }: ResumeOptions, dir: string, changes: readonly ConfigChange[]): number {
  const asked = config !== undefined || (set ?? []).length > 0;
  const lines = changes.map((change) => `  ${inline(changeLine(change))}\n`).join('');
  process.stderr.write(
    asked
      ? `This is another configuration than the run was made with:\n${lines}To go on with it, add --accept; the change is recorded. To go on as before: kelvin resume ${run}\n`
      : `${join(dir, 'config.json')} is not what the run recorded (recorded → file):\n${lines}If you changed it, go on with --accept; the change is recorded. If not, it is damaged: put the recorded values back.\n`,
  );
  return EXIT.usage;
}
