import { spawn, spawnSync } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { createWriteStream, existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { ROOT } from '../trials/trial.ts';

export const SKYRL = '0.4.0';
const HERE = join(ROOT, 'scripts', 'skyrl');
const CACHE = join(ROOT, '.cache', `skyrl-${SKYRL}`);
// PyPI's torch for Linux does not load without the libraries of CUDA; PyTorch's own index has one for the CPU alone.
const TORCH =
  process.platform === 'linux' ? ['torch==2.13.0+cpu', '--extra-index-url', 'https://download.pytorch.org/whl/cpu'] : ['torch==2.13.0'];
const PYTHONS = [process.env['PYTHON'], 'python3.11', 'python3'];

/** A virtual environment with the pinned SkyRL, made from PyPI once (about 2.5 GB). Returns its Python. */
export function install(): string {
  const python = join(CACHE, 'venv', 'bin', 'python');
  const complete = join(CACHE, 'complete');
  if (existsSync(complete)) return python;
  const found = PYTHONS.find(
    (name) => name !== undefined && /^Python 3\.11\./.test(spawnSync(name, ['--version'], { encoding: 'utf8' }).stdout ?? ''),
  );
  if (found === undefined) throw new Error('SkyRL is pinned for Python 3.11, and none is here. Install it, or name it in PYTHON.');
  process.stdout.write(`installing SkyRL ${SKYRL} into ${CACHE}, once, some minutes\n`);
  rmSync(CACHE, { recursive: true, force: true });
  mkdirSync(CACHE, { recursive: true });
  run(found, ['-m', 'venv', join(CACHE, 'venv')]);
  run(python, ['-m', 'pip', 'install', '-q', '--no-deps', '-r', join(HERE, 'requirements.txt')]);
  run(python, ['-m', 'pip', 'install', '-q', '--no-deps', ...TORCH]);
  // Its metadata asks for Python 3.12; serve.py bridges what it uses of it.
  run(python, ['-m', 'pip', 'install', '-q', '--no-deps', '--ignore-requires-python', `skyrl==${SKYRL}`]);
  writeFileSync(complete, '');
  return python;
}

function run(command: string, args: readonly string[]): void {
  const { status, stderr } = spawnSync(command, args, { encoding: 'utf8', stdio: ['ignore', 'ignore', 'pipe'] });
  if (status !== 0) throw new Error(`${command} ${args.join(' ')} failed:\n${stderr.split('\n').slice(-8).join('\n')}`);
}

export interface Skyrl {
  readonly url: string;
  /** Ends the server and its engine at once, as a crash does. */
  kill(): Promise<void>;
}

/** Serves the model folder on 127.0.0.1; `dir` holds its database and checkpoints, so that a second server goes on with them. */
export async function serve(python: string, model: string, dir: string, port: number): Promise<Skyrl> {
  mkdirSync(dir, { recursive: true });
  const backend = { max_lora_adapters: 3, max_lora_rank: 16, train_micro_batch_size: 16, sample_max_num_sequences: 32 };
  const child = spawn(
    python,
    [
      join(HERE, 'serve.py'),
      ...['--base-model', model, '--backend', 'jax', '--backend-config', JSON.stringify(backend)],
      ...['--checkpoints-base', join(dir, 'checkpoints'), '--database-url', `sqlite:///${join(dir, 'tinker.db')}`],
      ...['--host', '127.0.0.1', '--port', String(port)],
    ],
    // A process group of its own: the server starts its engine as a second process.
    { detached: true, stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, JAX_PLATFORMS: 'cpu', HF_HUB_OFFLINE: '1' } },
  );
  const log = createWriteStream(join(dir, 'server.log'), { flags: 'a' });
  child.stdout.pipe(log, { end: false });
  child.stderr.pipe(log, { end: false });
  const url = `http://127.0.0.1:${port}`;
  const skyrl = { url, kill: () => killGroup(child) };
  process.once('exit', () => signal(child));
  for (let waited = 0; waited < 600; waited++) {
    if (child.exitCode !== null) throw new Error(`SkyRL ended with ${child.exitCode}; see ${join(dir, 'server.log')}.`);
    const healthy = await fetch(`${url}/api/v1/healthz`).then(
      ({ ok }) => ok,
      () => false,
    );
    if (healthy) return skyrl;
    await new Promise((resolve) => setTimeout(resolve, 1000));
  }
  await skyrl.kill();
  throw new Error(`SkyRL did not get ready within ten minutes; see ${join(dir, 'server.log')}.`);
}

function signal(child: ChildProcess): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, 'SIGKILL');
  } catch {
    // It has ended already.
  }
}

async function killGroup(child: ChildProcess): Promise<void> {
  const ended =
    child.exitCode !== null || child.signalCode !== null ? Promise.resolve() : new Promise((resolve) => child.once('exit', resolve));
  signal(child);
  await ended;
}

/** A port of this machine that nobody uses now. */
export const freePort = (): Promise<number> =>
  new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => resolve(port));
    });
  });
