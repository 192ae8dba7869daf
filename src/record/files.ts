import { closeSync, fsyncSync, mkdirSync, openSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { guarded } from './errors.ts';

/** Nobody but the user reads a run: prompts and thoughts may hold what they fed in. */
export const PRIVATE_DIR = 0o700;
export const PRIVATE_FILE = 0o600;

/** Makes the contents of a file, or the names in a folder, survive a power cut. */
export function fsyncPath(path: string, folder = false): void {
  // Windows cannot open a folder for fsync; NTFS journals its names itself.
  if (folder && process.platform === 'win32') return;
  const fd = openSync(path, folder ? 'r' : 'r+');
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

/** Writes `text` to `path` durably: afterwards the file holds the old or the new text, never a part. */
export function writeDurably(path: string, text: string): void {
  guarded(`cannot write ${path}`, () => {
    const temporary = `${path}.${process.pid}.tmp`;
    try {
      writeFileSync(temporary, text, { mode: PRIVATE_FILE, flush: true });
      renameSync(temporary, path);
    } catch (error) {
      rmSync(temporary, { force: true });
      throw error;
    }
    fsyncPath(dirname(path), true);
  });
}

/** Creates a folder that only its owner can enter, parents included; their names are durable. */
export function makePrivateDir(path: string): void {
  guarded(`cannot create ${path}`, () => {
    const first = mkdirSync(path, { recursive: true, mode: PRIVATE_DIR });
    if (first === undefined) return;
    for (let dir = resolve(path); dir.length >= resolve(first).length; dir = dirname(dir)) fsyncPath(dirname(dir), true);
  });
}
