import { spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { RunView } from '../core/fold.ts';
import { connectControl } from '../record/control-client.ts';
import { lastWords, noteExit, openStderr, STDERR_FILE } from '../record/last-words.ts';
import { findRun, isAlive, summarise } from '../record/folder.ts';
import { openJournalReader, verifyAudit } from '../record/journal.ts';
import { applyOwnKeys } from './app-settings.ts';
import type { DisplayName } from './display.ts';
import { UsageError } from './exits.ts';
import { modelsPort } from './models-port.ts';
import { runsRoot } from './paths.ts';
import { runsPort } from './runs-port.ts';
import type { figuresOf as Figures } from './thresholds.ts';

const LOG = 'run.log';
/** A large model takes minutes to load; a process that ends is noticed at once. */
const START_TIMEOUT_MS = 600_000;
const FIGURES_MS = 300;

/**
 * Starts the run process of a folder, detached: closing the window does not stop it, and what stops it leaves the app
 * standing. Its events go to run.log, what it and native libraries say on stderr to stderr.log. Resolves
 * when it answers on its control socket; throws with the end of its log when it ended instead.
 */
export async function startRunProcess(runDir: string, args: readonly string[] = []): Promise<void> {
  const log = openSync(join(runDir, LOG), 'a', 0o600);
  const stderr = openStderr(runDir);
  const main = process.argv[1] ?? fileURLToPath(import.meta.url);
  const child = spawn(process.execPath, [...process.execArgv, main, 'resume', runDir, '--headless', '--json', ...args], {
    detached: true,
    stdio: ['ignore', log, stderr],
    env: { ...process.env, NODE_ENV: 'production' },
  });
  closeSync(log);
  closeSync(stderr);
  let ended = false;
  child
    .once('exit', (code, signal) => {
      ended = true;
      noteExit(runDir, { code, signal });
    })
    .once('error', () => (ended = true));
  const deadline = Date.now() + START_TIMEOUT_MS;
  while (!ended && Date.now() < deadline) {
    await new Promise((resolve) => setTimeout(resolve, 50));
    if (!isAlive(runDir)) continue;
    try {
      (await connectControl(runDir, () => {})).close();
      child.unref();
      return;
    } catch {
      // Not listening yet.
    }
  }
  throw new UsageError(
    `The run did not start. ${lastWords(runDir) ?? ''}\nThe end of its log (${join(runDir, STDERR_FILE)}):\n${logTail(runDir)}`,
  );
}

function logTail(runDir: string): string {
  for (const file of [STDERR_FILE, LOG]) {
    try {
      const text = readFileSync(join(runDir, file), 'utf8').trim();
      if (text !== '') return text.split('\n').slice(-5).join('\n');
    } catch {
      // The next one.
    }
  }
  return '(no log)';
}

/**
 * `kelvin open RUN`: the app on a run, live or ended. A paused run whose process is gone gets one again, still paused, so
 * that it can be reviewed and resumed from the app. Another display than `full` follows it as lines.
 */
export async function openCommand(name: string, display: DisplayName): Promise<number> {
  const { dir, state } = findRun(runsRoot(), name);
  if (display !== 'full') return await (await import('./follow.ts')).followRun(dir, display);
  if (state === 'paused' && !isAlive(dir)) {
    await startRunProcess(dir, ['--stay-paused']);
  }
  return await showApp(dir);
}

/** Mounts the app on a run folder until the person leaves it. */
export async function showApp(runDir: string): Promise<number> {
  await applyOwnKeys();
  for (let dir = runDir; ;) {
    const { exitCode, open } = await showRun(dir);
    if (open === undefined) return exitCode;
    // A paused run without a process gets one again, still paused, so that it can be reviewed.
    if (summarise(open).state === 'paused' && !isAlive(open)) await startRunProcess(open, ['--stay-paused']);
    dir = open;
  }
}

/** What was measured of the monitor. Read when the app stands: it takes the checker of configurations along, which the first frame does not wait for. */
function figuresLater(runDir: string): (view: RunView) => readonly string[] {
  let figuresOf: typeof Figures | null = null;
  setTimeout(() => void import('./thresholds.ts').then((module) => (figuresOf = module.figuresOf)), FIGURES_MS).unref();
  return (view) => figuresOf?.(runDir, view.monitor) ?? ['What was measured is still being read. Close this and open it again.'];
}

async function showRun(runDir: string): Promise<{ readonly exitCode: number; readonly open?: string }> {
  const reader = openJournalReader(runDir);
  try {
    const { runApp } = await import('../../ui/main.tsx');
    const { exitCode, leave, open } = await runApp({
      runDir,
      reader,
      kelvin: [process.execPath, ...process.execArgv, process.argv[1] ?? fileURLToPath(import.meta.url)],
      models: modelsPort(),
      runs: runsPort(dirname(runDir), (dir) => startRunProcess(dir)),
      audit: () => verifyAudit(runDir),
      figures: figuresLater(runDir),
      lastWords: () => lastWords(runDir),
      connect: (onMessage, onClose) => connectControl(runDir, onMessage, onClose),
    });
    if (open !== undefined) return { exitCode, open };
    if (leave === 'running' && isAlive(runDir))
      process.stdout.write(`The run goes on in the background. Come back with: kelvin open ${basename(runDir)}\n`);
    return { exitCode };
  } finally {
    reader.close();
  }
}
