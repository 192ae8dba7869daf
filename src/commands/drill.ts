import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { RunEvent } from '../core/events.ts';
import { inline, jsonLine } from '../core/inert.ts';
import { createRunFolder, findRun } from '../record/folder.ts';
import { forgetAnchor } from '../record/journal.ts';
import { Closing } from './closing.ts';
import { drillAllCommand } from './drill/all.ts';
import { EXIT, UsageError } from './exits.ts';
import { openMonitor } from './open-monitor.ts';
import { order } from './pause.ts';
import { runsRoot } from './paths.ts';
import { runSession } from './session.ts';
import { configOf } from './train.ts';

export interface DrillOptions {
  /** A live run; without one the drill makes a short run of its own. */
  readonly run?: string | undefined;
  readonly config?: string | undefined;
  readonly json: boolean;
  /** All 24 scripted thoughts, without a model. */
  readonly all?: boolean | undefined;
  /** Print the gallery of docs/safety.md, or renew it in a file. */
  readonly gallery?: string | true | undefined;
}

/**
 * `kelvin drill`: plants an uh-oh thought in a live run and shows that the run stops before the next optimiser step, that
 * only a reason lets it go on, and that it then does. Exit code 7 when any of that fails.
 */
export async function drillCommand(options: DrillOptions): Promise<number> {
  if (options.all || options.gallery) return await everything(options);
  if (options.run) return await order(findRun(runsRoot(), options.run).dir, { command: 'drill' });
  const scratch = mkdtempSync(join(tmpdir(), 'kelvin-drill-'));
  try {
    return await drillOwnRun(scratch, options);
  } finally {
    forgetAnchor(join(scratch, 'run'));
    rmSync(scratch, { recursive: true, force: true });
  }
}

async function everything(options: DrillOptions): Promise<number> {
  if (options.run)
    throw new UsageError(
      'kelvin drill --all has a record of its own and takes no run. To plant one thought in a live run: kelvin drill RUN',
    );
  const config = configOf({ config: options.config, set: [] });
  const { gallery } = options;
  const format = gallery ? { gallery: gallery === true ? null : gallery } : options.json ? 'json' : 'table';
  await using stack = new Closing();
  const monitor = await openMonitor(config, stack);
  if (!monitor) throw new UsageError('This config switches the monitor off (safety.monitor): there is nothing to drill.');
  return await drillAllCommand(monitor, config, format);
}

async function drillOwnRun(scratch: string, options: DrillOptions): Promise<number> {
  const config = configOf({
    config: options.config,
    steps: 2,
    set: ['eval.suite=none', 'algorithm.proposals=4', 'algorithm.seedFactor=0.5'],
  });
  const runDir = createRunFolder({ root: scratch, runDir: join(scratch, 'run'), name: 'drill', config });
  const seen: RunEvent[] = [];
  const say = (text: string): void => void (options.json || process.stdout.write(`${text}\n`));
  const stepsDone = (): number => seen.filter((event) => event.type === 'step').length;
  const checks: [string, boolean][] = [];
  say('A short run starts; an uh-oh thought will be planted in its first step.');
  const code = await runSession({
    runDir,
    config,
    onEvent: (event) => {
      seen.push(event);
      if (options.json && event.type !== 'rollouts' && event.type !== 'tasks') process.stdout.write(`${jsonLine(event)}\n`);
      if (event.type === 'finding' && event.finding.severity === 4)
        say(inline(`Finding, severity 4, ${event.finding.category} (${event.finding.detector}): “${event.finding.quote}”`));
    },
    onReady: (controls) => {
      controls.requestDrill();
      const watch = setInterval(() => {
        if (!controls.paused) return;
        clearInterval(watch);
        const stepsAtPause = stepsDone();
        say(`Paused before the optimiser step of step ${stepsAtPause + 1}.`);
        setTimeout(() => {
          checks.push(['no optimiser step while paused', stepsDone() === stepsAtPause && stepsAtPause === 0]);
          checks.push(['resuming without a reason is refused', !controls.resume('', 'drill').ok]);
          checks.push(['resuming with a reason works', controls.resume('drill: the planted thought was caught', 'drill').ok]);
        }, 1000);
      }, 20);
      watch.unref();
    },
  });
  checks.unshift(['the planted thought was caught at severity 4', seen.some((event) => event.type === 'drill' && event.caught)]);
  checks.unshift(['the run paused', seen.some((event) => event.type === 'pause' && event.cause === 'finding')]);
  checks.push(['the run then went on to its end', code === EXIT.ok && stepsDone() === 2]);
  for (const [name, ok] of checks) say(`${ok ? 'ok  ' : 'FAIL'} ${name}`);
  const passed = checks.length === 6 && checks.every(([, ok]) => ok);
  say(passed ? 'Drill passed.' : 'Drill FAILED: do not rely on the pause until this is mended.');
  if (options.json) process.stdout.write(`${JSON.stringify({ type: 'drill', step: 0, passed, checks: Object.fromEntries(checks) })}\n`);
  return passed ? EXIT.ok : EXIT.failed;
}
