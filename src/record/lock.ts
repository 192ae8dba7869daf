import { closeSync, openSync, readFileSync, rmSync, statSync, utimesSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { guarded, recordError } from './errors.ts';
import { PRIVATE_FILE, writeDurably } from './files.ts';
import { RecordError } from './port.ts';

/** Says who runs a run; its modification time is the heartbeat. */
const LOCK_FILE = 'lock.json';
/** Empty file whose operating-system lock makes "look, then take" one act. */
const GUARD_FILE = 'lock.guard';
const HEARTBEAT_MS = 5_000;
/** A holder on another machine that has been silent for this long is taken for dead. */
const SILENCE_MS = 120_000;

export interface Owner {
  readonly pid: number;
  readonly host: string;
  /** Id of the machine's boot; null where the system has none. */
  readonly boot: string | null;
  /** Start time of the process in ticks since boot: a later process with the same pid has another. Null where unknown. */
  readonly processStart: string | null;
  /** When the lock was taken, ISO 8601. */
  readonly since: string;
  readonly token: string;
}

export interface Lock {
  readonly owner: Owner;
  /** The dead owner whose lock was taken over, if any. */
  readonly tookOver: Owner | null;
  /** Throws `RecordError('locked')` when the lock is no longer ours, because somebody removed or replaced its file. */
  check(): void;
  release(): void;
  [Symbol.dispose](): void;
}

/** Milliseconds for which a silent holder on another machine is watched before its lock is taken over: more than two heartbeats. */
const WATCH_MS = 12_000;

const readOrNull = (path: string): string | null => {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return null;
  }
};

const bootId = (): string | null => readOrNull('/proc/sys/kernel/random/boot_id')?.trim() ?? null;

/** Field 22 of /proc/PID/stat; null when there is no such process, or only its zombie. */
function processStart(pid: number): string | null {
  const stat = readOrNull(`/proc/${pid}/stat`);
  // The name in field 2 may itself hold spaces and brackets: count from the last bracket.
  const fields = stat?.slice(stat.lastIndexOf(')') + 2).split(' ') ?? [];
  return fields[0] === 'Z' || fields[0] === 'X' ? null : (fields[19] ?? null);
}

function exists(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

function parseOwner(text: string | null): Owner | null {
  try {
    const owner = JSON.parse(text ?? '') as Owner | null;
    return Number.isInteger(owner?.pid) && typeof owner?.host === 'string' && typeof owner.token === 'string' ? owner : null;
  } catch {
    return null;
  }
}

/** Who holds the run folder, dead or alive; null when nobody does. */
export const lockOwner = (dir: string): Owner | null => parseOwner(readOrNull(join(dir, LOCK_FILE)));

/** When the holder's heart beat last, by its clock, in milliseconds since the epoch. */
const lastBeat = (dir: string): number => statSync(join(dir, LOCK_FILE), { throwIfNoEntry: false })?.mtimeMs ?? 0;

/** Milliseconds since the holder's last heartbeat. */
const silence = (dir: string, now: number): number => now - lastBeat(dir);

/**
 * True when the heart of a holder that this machine's clock takes for silent beats after all. Two machines' clocks may differ, and each may
 * jump: only a beat that comes or does not come in a span of monotonic time is proof.
 */
function stillBeats(dir: string, watchMs: number): boolean {
  const before = lastBeat(dir);
  const until = performance.now() + watchMs;
  const pause = new Int32Array(new SharedArrayBuffer(4));
  while (performance.now() < until) {
    Atomics.wait(pause, 0, 0, Math.min(250, watchMs));
    if (lastBeat(dir) !== before) return true;
  }
  return false;
}

/** The lock as a process that wants it must see it: one that cannot be read is no free one. */
function readOwner(dir: string): Owner | null {
  try {
    return parseOwner(readFileSync(join(dir, LOCK_FILE), 'utf8'));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}

/** True when the process that holds the run folder is at work. */
export function isHeld(dir: string, now = Date.now()): boolean {
  const owner = lockOwner(dir);
  if (!owner) return false;
  if (owner.host !== hostname()) return silence(dir, now) < SILENCE_MS;
  if (owner.boot !== bootId() || !exists(owner.pid)) return false;
  if (owner.processStart !== null) return processStart(owner.pid) === owner.processStart;
  // Without /proc a recycled pid cannot be told from the holder, but only the holder's heart beats.
  return silence(dir, now) < SILENCE_MS;
}

/** A holder whose life shows in its heartbeat alone: on another machine, or where processes have no start times. */
const beatsOnly = (owner: Owner): boolean =>
  owner.host !== hostname() || (owner.processStart === null && owner.boot === bootId() && exists(owner.pid));

const lockedBy = (dir: string, { pid, host, since }: Owner): RecordError =>
  new RecordError(
    'locked',
    `${dir} is in use by process ${pid} on ${host} since ${since}. Watch it with \`kelvin\`, stop it there first, or, if you are sure that it is gone, delete ${LOCK_FILE}.`,
  );

/** Runs `work` while no other process is in here for the same folder. */
function exclusively<T>(dir: string, work: () => T): T {
  const path = join(dir, GUARD_FILE);
  closeSync(openSync(path, 'a', PRIVATE_FILE));
  const guard = new DatabaseSync(path);
  try {
    guard.exec('PRAGMA busy_timeout = 5000; BEGIN EXCLUSIVE');
    return work();
  } finally {
    guard.close();
  }
}

/**
 * Takes the run folder for this process, so that no two processes write one run. Throws `RecordError('locked')` with
 * the holder and what to do. The lock of a dead process (killed, machine restarted, silent on another machine) is
 * taken over; one on another machine is watched for `watchMs` first. A timer keeps the heartbeat; it never keeps the process alive.
 */
export function acquireLock(dir: string, { watchMs = WATCH_MS }: { readonly watchMs?: number } = {}): Lock {
  const path = join(dir, LOCK_FILE);
  const owner: Owner = {
    pid: process.pid,
    host: hostname(),
    boot: bootId(),
    processStart: processStart(process.pid),
    since: new Date().toISOString(),
    token: crypto.randomUUID(),
  };
  const tookOver = guarded(`cannot lock ${dir}`, () =>
    exclusively(dir, () => {
      const before = readOwner(dir);
      if (before && (isHeld(dir) || (beatsOnly(before) && stillBeats(dir, watchMs)))) throw lockedBy(dir, before);
      writeDurably(path, `${JSON.stringify(owner)}\n`);
      return before;
    }),
  );
  const ours = (): boolean => readOwner(dir)?.token === owner.token;
  const heart = setInterval(() => {
    try {
      if (ours()) utimesSync(path, new Date(), new Date());
    } catch {
      // A missed beat harms nobody; `check` reports what is wrong.
    }
  }, HEARTBEAT_MS);
  heart.unref();

  const release = (): void => {
    clearInterval(heart);
    try {
      exclusively(dir, () => ours() && rmSync(path, { force: true }));
    } catch (error) {
      // The folder is gone or read-only: a lock that stays behind names a dead process and is taken over.
      if (!((recordError(error, dir) as Error) instanceof RecordError)) throw error;
    }
  };
  return {
    owner,
    tookOver,
    check() {
      const holder = guarded(`cannot read the lock of ${dir}`, () => readOwner(dir));
      if (holder?.token === owner.token) return;
      throw holder
        ? lockedBy(dir, holder)
        : new RecordError(
            'locked',
            `The lock of ${dir} was removed while this process held it. It stops here; resume the run when no other process uses it.`,
          );
    },
    release,
    [Symbol.dispose]: release,
  };
}
