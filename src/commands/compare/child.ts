import { spawn } from 'node:child_process';
import { closeSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { lastWords, noteExit, openStderr, STDERR_FILE } from '../../record/last-words.ts';
import { EXIT } from '../exits.ts';
import { splitLines } from '../lines.ts';

/** Other events may be longer; they are passed over. */
const LONGEST_LINE = 1_000_000;

/** A run under way in a process of its own. */
export interface ChildRun {
  /** `words`: what it said last, for a person. */
  readonly done: Promise<{ readonly code: number; readonly words: string }>;
  stop(signal: NodeJS.Signals): void;
}

/** `onStep` is told each optimiser step. */
export type RunChild = (runDir: string, onStep: (step: number) => void) => ChildRun;

/**
 * Runs a prepared run folder to its end, from its last complete step. The process has a group of its own, so that Ctrl-C
 * reaches it once, through `stop`; a fault of a native library ends that run only.
 */
export const runInChild: RunChild = (runDir, onStep) => {
  const stderr = openStderr(runDir);
  const main = process.argv[1] ?? fileURLToPath(import.meta.url);
  const child = spawn(process.execPath, [...process.execArgv, main, 'resume', runDir, '--headless', '--json', '--exit-on-pause'], {
    detached: true,
    stdio: ['ignore', 'pipe', stderr],
    env: { ...process.env, NODE_ENV: 'production' },
  });
  closeSync(stderr);
  if (child.stdout) void tell(child.stdout, onStep);
  const done = new Promise<{ code: number; words: string }>((resolve) => {
    child.once('error', (error) => resolve({ code: EXIT.fault, words: error.message }));
    child.once('exit', (code, signal) => {
      noteExit(runDir, { code, signal });
      resolve({ code: code ?? EXIT.fault, words: lastWords(runDir) ?? tail(runDir) });
    });
  });
  return { done, stop: (signal) => void child.kill(signal) };
};

async function tell(stdout: Readable, onStep: (step: number) => void): Promise<void> {
  for await (const line of splitLines(stdout, LONGEST_LINE)) {
    const step = line === null ? null : /^\{"type":"step","step":(\d+)/.exec(line);
    if (step) onStep(Number(step[1]));
  }
}

function tail(runDir: string): string {
  try {
    return readFileSync(join(runDir, STDERR_FILE), 'utf8').trim().split('\n').slice(-3).join(' ');
  } catch {
    return 'it said nothing.';
  }
}
