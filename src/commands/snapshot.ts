import { writeFileSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import { healthOf } from '../core/health.ts';
import { inline, jsonLine } from '../core/inert.ts';
import { findRun } from '../record/folder.ts';
import type { RunSummary } from '../record/folder.ts';
import { openJournalReader, verifyAudit } from '../record/journal.ts';
import { EXIT, UsageError } from './exits.ts';
import { runsRoot } from './paths.ts';
import { viewOf } from './recorded.ts';
import { runsPort } from './runs-port.ts';
import { figuresOf } from './thresholds.ts';

export interface SnapshotCommand {
  readonly run: string;
  readonly json: boolean;
  /** File of the picture; absent: the screen as text on standard output. */
  readonly svg?: string | undefined;
  readonly screen: string;
  readonly columns: number;
  readonly rows: number;
  readonly theme: 'dark' | 'light';
  /** Keys pressed first, by name. */
  readonly keys: readonly string[];
}

/** `kelvin snapshot RUN`: a run at this moment, as one screen of the app (text or SVG) or as one JSON object. */
export async function snapshotCommand(options: SnapshotCommand): Promise<number> {
  const run = findRun(runsRoot(), options.run);
  if (options.json) {
    process.stdout.write(`${jsonLine(snapshotOf(run))}\n`);
    return EXIT.ok;
  }
  const { columns, rows } = options;
  if (columns < 80 || rows < 24 || columns > 400 || rows > 200)
    throw new UsageError('A screen has 80 to 400 columns and 24 to 200 rows (--columns, --rows).');
  const { snapshotSvg, snapshotText } = await import('../../ui/snapshot.ts');
  const { SCREENS } = await import('../../ui/keys.ts');
  const screen = SCREENS.find((name) => name === options.screen);
  if (!screen) throw new UsageError(`There is no screen "${inline(options.screen)}". Screens: ${SCREENS.join(', ')}.`);
  const reader = openJournalReader(run.dir);
  try {
    const request = {
      runName: basename(run.dir),
      reader,
      screen,
      columns,
      rows,
      theme: options.theme,
      keys: options.keys,
      runs: runsPort(dirname(run.dir), () => Promise.reject(new Error('This is a picture.'))),
      now: Date.now(),
      audit: verifyAudit(run.dir),
      figures: (view: ReturnType<typeof viewOf>) => figuresOf(run.dir, view.monitor),
    };
    if (options.svg === undefined) process.stdout.write(snapshotText(request));
    else {
      writeFileSync(options.svg, snapshotSvg(request));
      process.stdout.write(`${options.svg}\n`);
    }
  } finally {
    reader.close();
  }
  return EXIT.ok;
}

/** What `--json` prints: the run as the app's first and last lines know it, with the newest metrics. */
export function snapshotOf(run: RunSummary): object {
  const view = viewOf(run.dir);
  const audit = verifyAudit(run.dir);
  const { read, generated, tiers, drill, alerts } = healthOf({ view, audit });
  return {
    type: 'snapshot',
    run: run.name,
    dir: run.dir,
    state: run.state,
    step: view.step,
    totalSteps: view.totalSteps,
    pid: run.pid,
    started: run.started,
    model: view.info,
    counts: view.counts,
    pause: view.pause,
    error: view.error,
    ended: view.ended,
    metrics: view.steps.at(-1)?.[1] ?? {},
    evals: { first: view.evals[0] ?? null, last: view.evals.at(-1) ?? null },
    open: view.flagged
      .filter(({ label }) => label === 'new')
      .map(({ step, rolloutId, index, finding }) => ({ step, rolloutId, index, ...finding })),
    monitor: { version: view.monitor, read, generated, tiers, off: view.off, drill, audit, alerts },
  };
}
