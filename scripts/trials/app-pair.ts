/**
 * `npm run app-pair [-- --pairs 3 --steps 14 --screen 2]`: the same training run with the app open on a screen and without it, one after the
 * other in alternating order, on an otherwise idle machine. Both do the same work, so their steps are compared one by one. Prints the seconds
 * of a step of each run, and how fast training with the app is as a share of that without it: of all steps together, and of the middle step,
 * which something else on the machine disturbs less.
 */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { isAlive } from '../../src/record/folder.ts';
import { openJournalReader } from '../../src/record/journal.ts';
import { bundleApp, startApp } from './app.ts';
import { option, ROOT, workplace } from './trial.ts';

const POLL_MS = 1000;

const pairs = option('pairs', 3);
const steps = option('steps', 14);
const screen = option('screen', 2);
using place = workplace();
const main = await bundleApp('app-pair');
const train = (dir: string): string[] => ['train', '--run-dir', dir, '--set', 'eval.tasks=4', '--set', `steps=${steps}`];
const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Seconds of each step of a run that has ended. */
function times(dir: string): number[] {
  const reader = openJournalReader(dir);
  try {
    const events = reader.events(0).map(({ event }) => event);
    if (!events.some(({ type }) => type === 'end')) throw new Error(`The run ${dir} did not end.`);
    return events.flatMap((event) => (event.type === 'step' ? [event.metrics['time/step'] ?? NaN] : []));
  } finally {
    reader.close();
  }
}

async function withApp(dir: string): Promise<number[]> {
  const app = startApp(main, train(dir), place.env);
  await app.saw('solve accuracy');
  app.write(String(screen));
  // Reading the journal meanwhile would cost what is to be measured.
  do await sleep(POLL_MS);
  while (isAlive(dir));
  app.write('\x03\x03');
  await app.ended;
  return times(dir);
}

function withoutApp(dir: string): number[] {
  spawnSync(process.execPath, ['--disable-warning=ExperimentalWarning', main, ...train(dir), '--headless'], {
    cwd: ROOT, stdio: 'ignore', env: { ...process.env, ...place.env },
  }); // prettier-ignore
  return times(dir);
}

/** The first step of a process also warms it up. */
const total = (seconds: readonly number[]): number => seconds.slice(1).reduce((sum, value) => sum + value, 0);
const middle = (values: number[]): number => values.sort((a, b) => a - b)[values.length >> 1] ?? NaN;
const sums = { open: 0, alone: 0 };
const ratios: number[] = [];
for (let pair = 0; pair < pairs; pair++) {
  const order = pair % 2 === 0 ? (['alone', 'open'] as const) : (['open', 'alone'] as const);
  const own = { open: [] as number[], alone: [] as number[] };
  for (const how of order) {
    const dir = join(place.dir, `${how}${pair}`);
    const seconds = how === 'open' ? await withApp(dir) : withoutApp(dir);
    own[how] = seconds;
    sums[how] += total(seconds);
    process.stdout.write(`${how.padEnd(6)} ${seconds.map((value) => value.toFixed(2)).join(' ')}\n`);
  }
  ratios.push(...own.alone.map((value, step) => value / own.open[step]!).slice(1));
  process.stdout.write(`pair ${pair + 1}: ${(total(own.alone) / total(own.open)).toFixed(3)}\n`);
}
process.stdout.write(
  `speed with the app open on screen ${screen}, against none: ${(sums.alone / sums.open).toFixed(3)}, middle step ${middle(ratios).toFixed(3)}\n`,
);
