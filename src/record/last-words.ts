/**
 * How the process of a run ended when its journal does not say: a signal (a native library that stops the process, the
 * system that kills it) and what stood on its stderr last. Nothing here is a record; it is read to tell a person.
 */
import { closeSync, fstatSync, openSync, readFileSync, readSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** stderr of a run process that was started by the app. */
export const STDERR_FILE = 'stderr.log';
const EXIT_FILE = 'exit.json';
/** As much of the end of stderr as is read. */
const TAIL_BYTES = 16_384;

interface Exit {
  readonly code: number | null;
  readonly signal: string | null;
  /** What was known of an earlier process when stderr was emptied for the next. */
  readonly words?: string;
}

/** Opens the stderr file of a new process of the run, empty; how the last one ended is kept for it. Returns its descriptor. */
export function openStderr(runDir: string): number {
  const words = lastWords(runDir);
  if (words === null) rmSync(join(runDir, EXIT_FILE), { force: true });
  else noteExit(runDir, { code: null, signal: null, words });
  return openSync(join(runDir, STDERR_FILE), 'w', 0o600);
}

/** Called in the run process itself: how the one before it ended. It is told once, and is not taken for this one's end. */
export function takeLastWords(runDir: string): string | null {
  const words = lastWords(runDir);
  rmSync(join(runDir, EXIT_FILE), { force: true });
  const file = join(runDir, STDERR_FILE);
  try {
    const [mine, found] = [fstatSync(2), statSync(file)];
    if (mine.ino !== found.ino || mine.dev !== found.dev) rmSync(file, { force: true });
  } catch {
    // There is none, or stderr is closed.
  }
  return words;
}

/** Written by whoever started the process and saw it end. */
export function noteExit(runDir: string, exit: Exit): void {
  try {
    writeFileSync(join(runDir, EXIT_FILE), JSON.stringify(exit), { mode: 0o600 });
  } catch {
    // The folder may be gone or the disk full: the note is a help, no record.
  }
}

/** One sentence on how the last process ended; null when nothing is known or it ended in order. Text is untrusted. */
export function lastWords(runDir: string): string | null {
  const exit = readExit(runDir);
  if (exit?.words !== undefined) return exit.words;
  const line = nativeLine(tail(join(runDir, STDERR_FILE)));
  if (exit?.signal === 'SIGKILL') return 'Its process was killed (SIGKILL), perhaps by the system for want of memory.';
  const ended = exit?.signal ? `Its process ended by ${exit.signal}` : line === null ? null : 'Its process was stopped by a native library';
  if (ended === null) return null;
  return line === null ? `${ended}; nothing was said on stderr.` : `${ended}: ${line}`;
}

function readExit(runDir: string): Exit | null {
  try {
    return JSON.parse(readFileSync(join(runDir, EXIT_FILE), 'utf8')) as Exit;
  } catch {
    return null;
  }
}

/** The line that names the operation, else the library's own assertion. */
function nativeLine(text: string): string | null {
  const lines = text.split('\n').map((line) => line.trim());
  return (
    lines.findLast((line) => line.startsWith('ggml stopped the process')) ?? lines.findLast((line) => line.includes('GGML_ASSERT')) ?? null
  );
}

function tail(file: string): string {
  let descriptor: number;
  try {
    descriptor = openSync(file, 'r');
  } catch {
    return '';
  }
  try {
    const { size } = fstatSync(descriptor);
    const buffer = Buffer.alloc(Math.min(size, TAIL_BYTES));
    readSync(descriptor, buffer, 0, buffer.length, size - buffer.length);
    return buffer.toString('utf8');
  } finally {
    closeSync(descriptor);
  }
}
