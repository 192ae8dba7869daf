/**
 * `npm run test:corruption [-- --files 500 --seed 1 --models 60]`: damages one file of a run (bits flipped, cut off, emptied, overwritten,
 * removed, or swapped for that of another run) and lets `kelvin resume` go on with it. Allowed: a sentence and an exit code, or the same
 * numbers as from the undamaged run. `--models`: how many of them damage the model or the adapter, each with a process and the engine of its
 * own. Exit code 1 at the first that is accepted, crashes or shows a trace.
 */
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { explain } from '../../src/commands/exits.ts';
import { resumeCommand } from '../../src/commands/resume.ts';
import { runSession } from '../../src/commands/session.ts';
import { createRunFolder } from '../../src/record/folder.ts';
import { openJournalReader } from '../../src/record/journal.ts';
import { modelTrials } from './models.ts';
import { chance, faultOf, fingerprint, option, workplace } from './trial.ts';
import { configOf, parts } from './world.ts';

const [files, seed] = [option('files', 500), option('seed', 1)];
const models = Math.min(files, option('models', Math.round(files / 8)));
const STEPS = 3;
using place = workplace();
const [run, master, other, state] = ['run', 'master', 'other', 'state'].map((name) => join(place.dir, name)) as [
  string,
  string,
  string,
  string,
];
const random = chance(seed);
const pick = <T>(items: readonly T[]): T => items[Math.floor(random() * items.length)] as T;

/** A run of `STEPS` steps in `dir`, with one drill so that its audit log has entries, and what it left in the state folder. */
async function make(dir: string, overrides: readonly string[]): Promise<void> {
  const config = configOf(STEPS, ['safety.monitor=false', ...overrides]);
  createRunFolder({ root: place.dir, runDir: dir, name: config.name, config });
  await runSession({ runDir: dir, config, parts, onEvent: () => {} });
}

/** Everything as it was before the damage, at the same place. */
function reset(): void {
  for (const [from, to] of [
    [master, run],
    [`${master}-state`, state],
  ] as const) {
    rmSync(to, { recursive: true, force: true });
    cpSync(from, to, { recursive: true });
  }
}

interface Outcome {
  readonly code: number;
  readonly said: string;
}

async function goOn(): Promise<Outcome> {
  const write = process.stderr.write.bind(process.stderr);
  let said = '';
  process.stderr.write = (text: string | Uint8Array): boolean => ((said += String(text)), true);
  try {
    return { code: await resumeCommand({ run, steps: STEPS + 1, display: 'none', parts }), said };
  } catch (error) {
    const { code, message } = explain(error);
    return { code, said: said + message };
  } finally {
    process.stderr.write = write;
  }
}

/** The resumed run says that something was damaged. */
function warned(): boolean {
  using reader = openJournalReader(run);
  return reader.events(0).some(({ event }) => event.type === 'warning' && /damaged|not the one|lost its end/.test(event.message));
}

const filesOf = (dir: string): string[] =>
  readdirSync(dir, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && !entry.name.startsWith('lock.'))
    .map((entry) => relative(dir, join(entry.parentPath, entry.name)))
    .sort();

/** Damages a file in place; says how. */
export function damage(file: string, swap: string | null): string {
  const bytes = readFileSync(file);
  const at = Math.floor(random() * bytes.length);
  const ways: Record<string, () => void> = {
    flipped: () => {
      for (let n = 1 + Math.floor(random() * 3); n > 0; n--) bytes[Math.floor(random() * bytes.length)]! ^= 1 << Math.floor(random() * 8);
      writeFileSync(file, bytes);
    },
    'cut off': () => truncateSync(file, at),
    emptied: () => truncateSync(file, 0),
    overwritten: () => {
      for (let i = at; i < Math.min(bytes.length, at + 512); i++) bytes[i] = Math.floor(random() * 256);
      writeFileSync(file, bytes);
    },
    removed: () => rmSync(file),
    ...(swap !== null && existsSync(swap) ? { swapped: () => cpSync(swap, file) } : {}),
  };
  const way = pick(['flipped', 'flipped', ...Object.keys(ways)]);
  ways[way]!();
  return way;
}

mkdirSync(place.dir, { recursive: true });
await make(run, []);
cpSync(run, master, { recursive: true });
cpSync(state, `${master}-state`, { recursive: true });
await make(other, ['seed=2']);
const reference = await goOn();
if (reference.code !== 0) throw new Error(`The undamaged run does not go on: ${reference.said}`);
const wanted = JSON.stringify(fingerprint(run, STEPS + 1));

const counts = new Map<string, number>();
const count = (key: string): void => void counts.set(key, (counts.get(key) ?? 0) + 1);
const fail = (what: string, why: string): never => {
  process.stderr.write(`${what}: ${why}\nRepeat with: npm run test:corruption -- --files ${files} --seed ${seed} --models ${models}\n`);
  process.exit(1);
};

const groups = [
  filesOf(master).filter((file) => file === 'journal.sqlite'),
  filesOf(master).filter((file) => file.includes('step-')),
  filesOf(master).filter((file) => file.includes(`step-00000${STEPS}`)),
  filesOf(master).filter((file) => /^(config|run)\.json$|^audit\.head$/.test(file)),
];
for (let n = 1; n <= files - models; n++) {
  reset();
  const file = pick(pick(groups));
  const way = damage(join(run, file), join(other, file));
  const what = `${n}: ${file} ${way}`;
  const { code, said } = await goOn();
  if (code === 0) {
    const found = JSON.stringify(fingerprint(run, STEPS + 1));
    if (found !== wanted) fail(what, `accepted, with other numbers: ${found} instead of ${wanted}`);
    const left = faultOf(run);
    if (left !== null) fail(what, `accepted, and damage stays: ${left}`);
    count(warned() ? 'same numbers, said so' : 'same numbers, the damage did not matter');
    if (!warned() && process.argv.includes('--verbose')) process.stdout.write(`${what}\n`);
  } else {
    if (![2, 3, 4, 5].includes(code)) fail(what, `exit code ${code}: ${said}`);
    if (!/\w{3}/.test(said) || /\n\s+at /.test(said)) fail(what, `no clear sentence: ${said}`);
    count(`exit code ${code}`);
  }
  if (n % 50 === 0) process.stdout.write(`${n} files\n`);
}
if (models > 0) await modelTrials({ models, place, damage, pick, fail, count });
const ends = [...counts].sort().map(([key, times]) => `${times} × ${key}`);
process.stdout.write(`${files} damaged files: ${ends.join(', ')}; none accepted, no crash.\n`);
process.exit(0);
