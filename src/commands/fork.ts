import { basename, join } from 'node:path';
import { parseConfig } from '../config.ts';
import type { Config } from '../config.ts';
import type { Parent, RunEvent } from '../core/events.ts';
import { EMPTY_VIEW, fold } from '../core/fold.ts';
import { inline } from '../core/inert.ts';
import { digestOf, loadCheckpoint } from '../record/checkpoint.ts';
import { findRun, readRun, readRunConfig } from '../record/folder.ts';
import { forkRun } from '../record/fork.ts';
import { readAudit, verifyAudit } from '../record/journal.ts';
import { RecordError } from '../record/port.ts';
import { candidates, CHECKPOINTS, nameOf } from '../record/retention.ts';
import { verifyRecord } from '../record/verify.ts';
import { changeLine, configChanges } from './config-diff.ts';
import { EXIT, UsageError } from './exits.ts';
import { runsRoot } from './paths.ts';
import { namedIn, readEvents } from './recorded.ts';

export interface ForkOptions {
  readonly run: string;
  /** Step whose checkpoint the fork goes on from; the newest when absent. */
  readonly at?: number | undefined;
  readonly set?: readonly string[] | undefined;
  readonly steps?: number | undefined;
  readonly runDir?: string | undefined;
  readonly json: boolean;
}

/** Keys that decide what a checkpoint's weights and buffers mean. */
const FIXED = ['model', 'adapter', 'language', 'engine.mode', 'engine.lora.rank', 'engine.lora.alpha', 'template'];

/** `kelvin fork RUN --at STEP --set key=value`: a new run from a kept checkpoint. The original is only read; `kelvin resume` trains the fork. */
export function forkCommand(options: ForkOptions): number {
  const { dir } = findRun(runsRoot(), options.run);
  verifyRecord(dir);
  const report = verifyAudit(dir);
  if (!report.ok)
    throw new RecordError(
      'corrupt',
      `The audit log of ${dir} does not hold: ${report.reason ?? ''}. \`kelvin audit\` says more; it is not forked.`,
    );
  const events = readEvents(dir);
  const step = stepOf(dir, events, options.at);
  const before = configAt(dir, events, step);
  const overrides = [...(options.set ?? []), ...(options.steps === undefined ? [] : [`steps=${options.steps}`])];
  const config = parseConfig(before, overrides, `${dir}: config.json`);
  const changes = configChanges(before, config);
  const fixed = changes.find(({ path }) => FIXED.includes(path));
  if (fixed)
    throw new UsageError(
      `A checkpoint holds what was learned with "${fixed.path}": ${JSON.stringify(fixed.before)}, so a fork cannot change it. Start a new run instead.`,
    );
  const paused = events.reduce(fold, EMPTY_VIEW).pause !== null;
  const parent: Parent = { run: basename(dir), id: readAudit(dir)[0]?.hash ?? '', step, changes: changes.map(changeLine) };
  const made = forkRun({
    from: dir,
    root: runsRoot(),
    runDir: options.runDir,
    name: readRun(dir).name,
    config,
    parent,
    events: opening(events, config, parent, paused),
  });
  const next = `kelvin resume ${made}${paused ? ' --reason "why it may go on"' : ''}`;
  const lines = changes.length === 0 ? '  nothing is changed' : changes.map((change) => `  ${inline(changeLine(change))}`).join('\n');
  process.stdout.write(
    options.json
      ? `${JSON.stringify({ type: 'fork', dir: made, parent, paused, next })}\n`
      : `${made}\nforked from ${inline(parent.run)} at step ${step}:\n${lines}\n${paused ? 'The original is paused, and so is the fork. ' : ''}Train it: ${next}\n`,
  );
  return EXIT.ok;
}

/** The step to fork at: one that the journal names, with a sound checkpoint. */
function stepOf(dir: string, events: readonly RunEvent[], asked: number | undefined): number {
  const named = namedIn(events);
  const root = join(dir, CHECKPOINTS);
  const steps = candidates(root)
    .map(({ step }) => step)
    .filter((step) => named.has(step));
  const step = asked ?? steps[0];
  if (step === undefined) throw new UsageError(`${basename(dir)} has no checkpoint yet; the first comes after seeding.`);
  if (!steps.includes(step)) {
    const kept = steps.length === 0 ? 'it has none' : `kept are those of steps ${steps.sort((a, b) => a - b).join(', ')}`;
    throw new UsageError(
      `${basename(dir)} has no checkpoint of step ${step}; ${kept}. More are kept with checkpoint.keep, or with kelvin checkpoints RUN --pin STEP.`,
    );
  }
  const checkpoint = loadCheckpoint(join(root, nameOf(step)));
  const digest = named.get(step) ?? null;
  if (digest !== null && digestOf(checkpoint.dir) !== digest)
    throw new RecordError('corrupt', `The checkpoint ${checkpoint.dir} is not the one that this run saved. Fork at another step.`);
  return step;
}

/** The configuration with which the run came to `step`: it may have been changed by a later resume. */
function configAt(dir: string, events: readonly RunEvent[], step: number): Config {
  const reached = events.findIndex((event) => event.type === 'checkpoint' && event.step === step);
  const start = events.slice(0, reached + 1).findLast((event) => event.type === 'start');
  return parseConfig(start?.config ?? readRunConfig(dir), [], `${dir}: the recorded configuration`);
}

/** The first entries of the fork: a start with its lineage, so that the audit log holds it, and an end, as nothing runs yet; a pause stays one. */
function opening(events: readonly RunEvent[], config: Config, parent: Parent, paused: boolean): RunEvent[] {
  const { parent: _parent, began: _began, ...last } = events.findLast((event) => event.type === 'start')!;
  return [
    { ...last, step: parent.step, config, resumed: true, parent },
    ...(paused ? [] : [{ type: 'end', step: parent.step, cause: 'stopped', summary: {} } as const]),
  ];
}
