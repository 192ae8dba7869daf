import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { digestOf } from '../../src/record/checkpoint.ts';
import { openJournalReader, verifyAudit } from '../../src/record/journal.ts';
import { verifyRecord } from '../../src/record/verify.ts';
import { nameOf } from '../../src/record/retention.ts';

export const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** Bundles a script of this folder for the processes of a trial. Returns its path. */
export async function bundle(name: string): Promise<string> {
  const { buildScript } = (await import(pathToFileURL(join(ROOT, 'bin', 'setup.mjs')).href)) as {
    buildScript: (path: string) => Promise<string>;
  };
  return await buildScript(`trials/${name}.ts`);
}

export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
  readonly ms: number;
}

/** Runs a bundled script; `kill` sends SIGKILL so many milliseconds after the start, or after a line was printed. */
export function start(
  script: string,
  args: readonly string[],
  options: {
    readonly kill?: number | undefined;
    readonly onLine?: ((line: string, kill: () => void) => void) | undefined;
    readonly preload?: string;
    readonly env?: Record<string, string>;
  } = {},
): Promise<Ended> {
  const began = performance.now();
  const preload = options.preload === undefined ? [] : ['--import', options.preload];
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', ...preload, script, ...args], {
    cwd: ROOT,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...options.env },
  });
  let [stdout, stderr] = ['', ''];
  const kill = (): void => void child.kill('SIGKILL');
  const timer = options.kill === undefined ? undefined : setTimeout(kill, options.kill);
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
    for (const line of text.split('\n').filter(Boolean)) options.onLine?.(line, kill);
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  return new Promise((resolve) => {
    child.on('close', (code, signal) => {
      clearTimeout(timer);
      resolve({ code, signal, stdout, stderr, ms: performance.now() - began });
    });
  });
}

/** What must be the same in two runs of one configuration: metrics of every step, every rollout, the last checkpoint; as hashes. */
export function fingerprint(
  dir: string,
  steps: number,
): { readonly metrics: string; readonly rollouts: string; readonly checkpoint: string } {
  using reader = openJournalReader(dir);
  const hash = (value: unknown): string => createHash('sha256').update(JSON.stringify(value)).digest('hex').slice(0, 16);
  const metrics = reader
    .events(0)
    .flatMap(({ event }) =>
      event.type === 'step'
        ? [[event.step, Object.entries(event.metrics).filter(([path]) => !/^(time|throughput|memory)\//.test(path))]]
        : [],
    );
  const rollouts = reader.rollouts({ limit: 1e9 }).sort((a, b) => (a.rollout.id < b.rollout.id ? -1 : 1));
  return { metrics: hash(metrics), rollouts: hash(rollouts), checkpoint: digestOf(join(dir, 'checkpoints', nameOf(steps))) };
}

/** Everything that a run folder says of itself holds; otherwise the sentence that says what does not. */
export function faultOf(dir: string): string | null {
  try {
    verifyRecord(dir);
    const audit = verifyAudit(dir);
    return audit.ok ? null : `audit log: ${audit.reason}`;
  } catch (error) {
    return (error as Error).message;
  }
}

/** A folder for the runs of a trial, and a state folder of its own; both are gone afterwards. */
export function workplace(): { readonly dir: string; readonly env: Record<string, string>; [Symbol.dispose](): void } {
  const dir = mkdtempSync(join(tmpdir(), 'kelvin-trial-'));
  const state = join(dir, 'state');
  process.env['KELVIN_STATE'] = state;
  return { dir, env: { KELVIN_STATE: state }, [Symbol.dispose]: () => rmSync(dir, { recursive: true, force: true }) };
}

/** `--name 5` of the command line. */
export function option(name: string, otherwise: number): number {
  const at = process.argv.indexOf(`--${name}`);
  const value = at < 0 ? otherwise : Number(process.argv[at + 1]);
  if (!Number.isInteger(value) || value < 0) throw new RangeError(`--${name} takes a whole number.`);
  return value;
}

/** Numbers in [0, 1) from a seed, always the same. */
export function chance(seed: number): () => number {
  let n = 0;
  return () => createHash('sha256').update(`${seed}:${n++}`).digest().readUInt32LE(0) / 2 ** 32;
}
