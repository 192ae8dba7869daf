/**
 * `npm run soak [-- --steps 10000]`: one long run on the scripted engine, then a table of what a step costs as the run grows: time,
 * journal bytes, memory, open files. Exit code 1 when one of them grows: the last fifth is compared with the second.
 */
import { mkdirSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { runSession } from '../../src/commands/session.ts';
import { createRunFolder } from '../../src/record/folder.ts';
import { faultOf, option, workplace } from './trial.ts';
import { configOf, parts } from './world.ts';

interface Sample {
  readonly ms: number;
  readonly bytes: number;
  readonly heap: number;
  readonly handles: number;
}

const steps = option('steps', 10_000);
if (steps < 100) throw new RangeError('--steps takes at least 100: less says nothing about growth.');
const every = option('checkpoint-every', 10);
using place = workplace();
mkdirSync(place.dir, { recursive: true });
const config = configOf(steps, [`checkpoint.every=${every}`]);
const runDir = createRunFolder({ root: place.dir, runDir: join(place.dir, 'soak'), name: 'soak', config });

const journalBytes = (): number => statSync(join(runDir, 'journal.sqlite')).size;
const openFiles = (): number => (process.platform === 'linux' ? readdirSync('/proc/self/fd').length : 0);

const block = Math.floor(steps / 10);
const samples: Sample[] = [];
const mark = (): { at: number; bytes: number } => ({ at: performance.now(), bytes: journalBytes() });
let last = { at: performance.now(), bytes: 0 };
process.stdout.write('  steps    ms/step   journal bytes/step   heap MB   open files\n');
const code = await runSession({
  runDir,
  config,
  parts,
  onEvent: ({ type, step }) => {
    if (type !== 'step' || step % block !== 0) return;
    // With --expose-gc the heap is what is reachable; without, an upper bound.
    (globalThis as { gc?: () => void }).gc?.();
    const now = mark();
    const sample = {
      ms: (now.at - last.at) / block,
      bytes: (now.bytes - last.bytes) / block,
      heap: process.memoryUsage().heapUsed / 1e6,
      handles: openFiles(),
    };
    samples.push(sample);
    process.stdout.write(
      `${String(step).padStart(7)} ${sample.ms.toFixed(2).padStart(10)} ${sample.bytes.toFixed(0).padStart(20)} ${sample.heap.toFixed(1).padStart(9)} ${String(sample.handles).padStart(12)}\n`,
    );
    last = mark();
  },
});

const problems: string[] = [];
if (code !== 0) problems.push(`the run ended with exit code ${code}`);
const fault = faultOf(runDir);
if (fault !== null) problems.push(fault);
const mean = (from: number, key: keyof Sample): number => (samples[from]![key] + samples[from + 1]![key]) / 2;
/** Allowed growth from the second and third tenth to the last two: a share, and an amount below which it is noise. */
const LIMITS: readonly [keyof Sample, number, number][] = [['ms', 0.5, 2], ['bytes', 0.25, 200], ['heap', 0.25, 8], ['handles', 0, 2]]; // prettier-ignore
for (const [key, share, noise] of LIMITS) {
  const [early, late] = [mean(1, key), mean(8, key)];
  if (late > early * (1 + share) + noise) problems.push(`${key} grew from ${early.toFixed(1)} to ${late.toFixed(1)}`);
}
for (const problem of problems) process.stderr.write(`${problem}\n`);
process.stdout.write(
  problems.length === 0 ? `${steps} steps: time, journal, memory and open files are flat.\n` : `${steps} steps: it grows.\n`,
);
process.exit(problems.length === 0 ? 0 : 1);
