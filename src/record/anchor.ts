import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, realpathSync, rmSync } from 'node:fs';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { PRIVATE_DIR, writeDurably } from './files.ts';

/**
 * The second anchor of the audit log: the newest hash of each run in the user's own state folder, apart from the run. A run
 * folder that is swapped, restored from an older copy or rewritten as a whole, head file included, no longer matches it.
 */
export interface Anchor {
  /** Entries in the chain, the hash of the first and of the newest. */
  readonly n: number;
  readonly first: string;
  readonly hash: string;
}

/** `KELVIN_STATE`, else the place where the system keeps such files: `$XDG_STATE_HOME/kelvin`, `%LOCALAPPDATA%\kelvin`. */
export function stateDir(): string {
  const { KELVIN_STATE, XDG_STATE_HOME, LOCALAPPDATA } = process.env;
  if (KELVIN_STATE) return resolve(KELVIN_STATE);
  if (process.platform === 'win32' && LOCALAPPDATA) return join(LOCALAPPDATA, 'kelvin');
  return join(XDG_STATE_HOME || join(homedir(), '.local', 'state'), 'kelvin');
}

/** A run is known by where it lies and by its `run.json`: a new run in an old place is another run. */
function anchorFile(dir: string): string {
  const place = existsSync(dir) ? realpathSync(dir) : resolve(dir);
  const facts = existsSync(join(dir, 'run.json')) ? readFileSync(join(dir, 'run.json'), 'utf8') : '';
  return join(stateDir(), 'anchors', createHash('sha256').update(`${place}\n${facts}`).digest('hex').slice(0, 40));
}

/** The anchor of a run; null when there is none (a run of another machine, a moved folder); `damaged` when it cannot be read. */
export function readAnchor(dir: string): Anchor | null | 'damaged' {
  let text: string;
  try {
    text = readFileSync(anchorFile(dir), 'latin1');
  } catch {
    return null;
  }
  const match = /^(\d+) ([0-9a-f]{64}) ([0-9a-f]{64})\n/.exec(text);
  return match ? { n: Number(match[1]), first: match[2]!, hash: match[3]! } : 'damaged';
}

/** Writes the anchor. False when the state folder cannot be written: then the run goes on, and `kelvin audit` says that it has one anchor. */
export function writeAnchor(dir: string, { n, first, hash }: Anchor): boolean {
  try {
    const file = anchorFile(dir);
    mkdirSync(join(stateDir(), 'anchors'), { recursive: true, mode: PRIVATE_DIR });
    writeDurably(file, `${n} ${first} ${hash}\n${dir}\n`);
    return true;
  } catch {
    return false;
  }
}

/** Removes the anchor of a run that is deleted with its folder, for instance a drill's. */
export function forgetAnchor(dir: string): void {
  rmSync(anchorFile(dir), { force: true });
}
