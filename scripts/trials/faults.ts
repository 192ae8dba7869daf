/**
 * `npm run test:faults [-- --faults 100 --cuts 60 --seed 1 --steps 6]`: lets the disk refuse one operation of a run (full, failing,
 * read-only; once or from then on), and cuts the power at one operation so that only what had been fsynced is left. Each time the
 * run must pause or end with a clear error, and go on afterwards to the same numbers as one that met no fault. Exit code 1 at
 * the first difference.
 */
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { bundle, chance, faultOf, fingerprint, option, start, workplace } from './trial.ts';
import type { Ended } from './trial.ts';

const [faults, cuts, seed, steps] = [option('faults', 100), option('cuts', 60), option('seed', 1), option('steps', 6)];
using place = workplace();
const script = await bundle('run');
const preload = await bundle('layer');
const random = chance(seed);
const pick = <T>(items: readonly T[]): T => items[Math.floor(random() * items.length)] as T;

const root = join(place.dir, 'root');
const out = join(place.dir, 'out');
const dir = join(root, 'run');
const env = { KELVIN_STATE: join(root, 'state'), KELVIN_TRIAL_ROOT: root, KELVIN_TRIAL_OUT: out };
process.env['KELVIN_STATE'] = env.KELVIN_STATE;

const fresh = (): void => {
  rmSync(root, { recursive: true, force: true });
  rmSync(out, { recursive: true, force: true });
  mkdirSync(root, { recursive: true });
};
const run = (trial?: string): Promise<Ended> =>
  start(script, [dir, String(steps)], trial === undefined ? { env } : { env: { ...env, KELVIN_TRIAL: trial }, preload });

fresh();
const counted = await run('count');
if (counted.code !== 0) throw new Error(`The unbroken run ended with ${counted.code}: ${counted.stderr}`);
const operations = Number(readFileSync(out, 'utf8'));
const wanted = JSON.stringify(fingerprint(dir, steps));
process.stdout.write(`unbroken: ${steps} steps, ${operations} operations that change the disk\n`);

const fail = (what: string, message: string): never => {
  process.stderr.write(
    `${what}: ${message}\nRepeat with: npm run test:faults -- --faults ${faults} --cuts ${cuts} --seed ${seed} --steps ${steps}\n`,
  );
  process.exit(1);
};

/** The run goes on without faults, to the numbers of the unbroken one. */
async function goesOn(what: string): Promise<void> {
  if (existsSync(join(dir, 'journal.sqlite'))) {
    const damage = faultOf(dir);
    if (damage !== null && !/missing|no journal/.test(damage)) fail(what, `it left damage: ${damage}`);
  }
  const { code, stderr, signal } = await run();
  if (code !== 0) fail(what, `the resume ended with ${code ?? signal}: ${stderr}`);
  const found = JSON.stringify(fingerprint(dir, steps));
  if (found !== wanted) fail(what, `the numbers differ: ${found} instead of ${wanted}`);
  const damage = faultOf(dir);
  if (damage !== null) fail(what, damage);
}

/** No fault at all, out of order, paused. */
const CLEAR: readonly (number | null)[] = [0, 4, 5, 6];
const codes = new Map<string, number>();
for (let n = 1; n <= faults; n++) {
  fresh();
  const [at, code, count] = [1 + Math.floor(random() * operations), pick(['ENOSPC', 'EIO', 'EROFS']), pick([1, 3, 1e9])];
  const what = `fault ${n} (${code} at operation ${at} of ${operations}${count > 1 ? `, ${count === 1e9 ? 'and ever after' : `${count} times`}` : ''})`;
  const ended = await run(`fault ${at} ${code} ${count}`);
  if (!CLEAR.includes(ended.code)) fail(what, `exit code ${ended.code ?? ended.signal}: ${ended.stderr}`);
  if (ended.code === 4 && !/\. [A-Z].*\.\s*$/s.test(ended.stderr)) fail(what, `no advice: ${ended.stderr}`);
  if (/\n\s+at /.test(ended.stderr)) fail(what, `a trace: ${ended.stderr}`);
  codes.set(String(ended.code), (codes.get(String(ended.code)) ?? 0) + 1);
  await goesOn(what);
  if (n % 20 === 0) process.stdout.write(`${n} faults\n`);
}
const ends = [...codes].sort().map(([code, count]) => `${count} × exit code ${code}`);
if (faults > 0) process.stdout.write(`${faults} faults (${ends.join(', ')}): each went on to the same numbers.\n`);

for (let n = 1; n <= cuts; n++) {
  fresh();
  const [at, mode] = [1 + Math.floor(random() * operations), pick(['strict', 'loose'])];
  const what = `power cut ${n} (${mode}, at operation ${at} of ${operations})`;
  const ended = await run(`cut ${at} ${mode}`);
  if (ended.signal !== 'SIGKILL') fail(what, `it did not happen: ${ended.code} ${ended.stderr}`);
  rmSync(root, { recursive: true, force: true });
  renameSync(out, root);
  await goesOn(what);
  if (n % 20 === 0) process.stdout.write(`${n} power cuts\n`);
}
if (cuts > 0) process.stdout.write(`${cuts} power cuts: each went on to the same numbers.\n`);
