/**
 * A layer over the file system and SQLite of one process of a trial, loaded with `--import`. It numbers what changes the disk below
 * KELVIN_TRIAL_ROOT and, as KELVIN_TRIAL says:
 *
 * - `count`: writes how many operations there were to KELVIN_TRIAL_OUT when the process ends;
 * - `fault N CODE COUNT`: operation N fails with CODE (ENOSPC, EIO, EROFS), and so do the next ones, COUNT in all;
 * - `cut N MODE`: at operation N the power fails. What had been fsynced is rebuilt in KELVIN_TRIAL_OUT, then the process dies.
 *   MODE `strict`: a name counts once its folder was fsynced. MODE `loose`: names survive at once, contents only by fsync.
 *
 * SQLite does its own input and output: a statement counts as an operation, and each commit as an fsync of its files (`synchronous = FULL`).
 */
import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { basename, dirname, join, relative, resolve } from 'node:path';
import { DatabaseSync, StatementSync } from 'node:sqlite';

const ROOT = resolve(process.env['KELVIN_TRIAL_ROOT'] ?? '');
const OUT = process.env['KELVIN_TRIAL_OUT'] ?? '';
const [plan = 'count', at = '0', kind = '', count = '1'] = (process.env['KELVIN_TRIAL'] ?? '').split(' ');
const FIRST = Number(at);
const ERRORS: Readonly<Record<string, { readonly errno: number; readonly sqlite: number; readonly text: string }>> = {
  ENOSPC: { errno: -28, sqlite: 13, text: 'no space left on device' },
  EIO: { errno: -5, sqlite: 10, text: 'i/o error' },
  EROFS: { errno: -30, sqlite: 8, text: 'read-only file system' },
};
const real = { ...fs };
const paths = new Map<number, string>();
let done = 0;

const inside = (path: unknown): path is string => typeof path === 'string' && !relative(ROOT, resolve(path)).startsWith('..');

/** Counts an operation. True: it has to fail. */
function fails(): boolean {
  done++;
  if (plan === 'cut' && done === FIRST) cutPower();
  return plan === 'fault' && done >= FIRST && done < FIRST + Number(count);
}

function systemError(what: string, path: string): Error {
  const { errno, text } = ERRORS[kind]!;
  return Object.assign(new Error(`${kind}: ${text}, ${what} '${path}'`), { code: kind, errno, syscall: what, path });
}

function check(what: string, path: unknown): void {
  if (inside(path) && fails()) throw systemError(what, path);
}

// What is durable: contents by inode, names by folder. Every inode seen is held open, so that its number is not given out again.
interface Held {
  /** A name that is durable leads to a folder even when that folder was never fsynced: to an empty one. */
  readonly folder: boolean;
  bytes: Buffer | null;
  names: Map<string, number> | null;
}
const durable = new Map<number, Held>();

function held(path: string): Held {
  const status = real.statSync(path);
  const { ino } = status;
  let entry = durable.get(ino);
  if (!entry) durable.set(ino, (entry = { folder: status.isDirectory(), bytes: null, names: null }));
  if (!holding.has(ino)) holding.set(ino, real.openSync(path, 'r'));
  return entry;
}
const holding = new Map<number, number>();

function synced(path: string): void {
  if (plan !== 'cut' || !real.existsSync(path)) return;
  const entry = held(path);
  if (!entry.folder) entry.bytes = real.readFileSync(path);
  else {
    const names = real.readdirSync(path).filter((name) => !volatile(name));
    for (const name of names) held(join(path, name));
    entry.names = new Map(names.map((name) => [name, real.statSync(join(path, name)).ino]));
  }
}

/** Sockets and shared memory do not outlive a machine. */
const volatile = (name: string): boolean => name.endsWith('.sock') || name.endsWith('-shm');

/** SQLite has fsynced the database and its log, and the folder when it made the log. */
function committed(file: string): void {
  if (plan !== 'cut') return;
  const folder = dirname(file);
  for (const name of [basename(file), `${basename(file)}-wal`]) {
    if (!real.existsSync(join(folder, name))) continue;
    synced(join(folder, name));
    if (name.endsWith('-wal')) durable.get(real.statSync(folder).ino)?.names?.set(name, real.statSync(join(folder, name)).ino);
  }
}

function rebuild(ino: number, to: string, live: string | null): void {
  const entry = durable.get(ino);
  const isFolder = entry?.folder ?? (live !== null && real.statSync(live).isDirectory());
  if (!isFolder) return real.writeFileSync(to, entry?.bytes ?? Buffer.alloc(0), { mode: 0o600 });
  real.mkdirSync(to, { recursive: true, mode: 0o700 });
  if (kind === 'loose' && live !== null) {
    for (const name of real.readdirSync(live).filter((item) => !volatile(item)))
      rebuild(real.statSync(join(live, name)).ino, join(to, name), join(live, name));
  } else for (const [name, child] of entry?.names ?? []) rebuild(child, join(to, name), null);
}

function cutPower(): never {
  rebuild(real.statSync(ROOT).ino, OUT, ROOT);
  process.kill(process.pid, 'SIGKILL');
  for (;;);
}

/** Replaces a function of `fs` for all its importers. */
function replace<K extends keyof typeof fs>(name: K, make: (original: (typeof fs)[K]) => unknown): void {
  (fs as unknown as Record<string, unknown>)[name] = make(real[name]);
}

replace('openSync', (open) => (path: string, flags: string | number = 'r', mode?: number) => {
  if (flags !== 'r') check('open', path);
  const fd = open(path, flags, mode);
  if (inside(path)) paths.set(fd, resolve(path));
  return fd;
});
replace('closeSync', (close) => (fd: number) => {
  paths.delete(fd);
  close(fd);
});
replace('writeSync', (write) => (fd: number, data: Uint8Array | string, ...rest: never[]) => {
  const path = paths.get(fd);
  if (path !== undefined && fails()) {
    // A full disk takes a part first. The head file is so short that a disk takes it whole or not.
    if (typeof data !== 'string' && data.length > 1)
      (write as (fd: number, data: Uint8Array) => number)(fd, data.subarray(0, data.length >> 1));
    throw systemError('write', path);
  }
  return (write as (...args: unknown[]) => number)(fd, data, ...rest);
});
replace('writeFileSync', (write) => (path: string, data: string | Uint8Array, options?: { flush?: boolean; mode?: number }) => {
  if (inside(path) && fails()) {
    write(path, data.slice(0, data.length >> 1), { mode: 0o600 });
    throw systemError('write', path);
  }
  write(path, data, options);
  if (inside(path) && options?.flush) {
    check('fsync', path);
    synced(path);
  }
});
replace('fsyncSync', (fsync) => (fd: number) => {
  const path = paths.get(fd);
  check('fsync', path);
  fsync(fd);
  if (path !== undefined) synced(path);
});
replace('renameSync', (rename) => (from: string, to: string) => {
  check('rename', to);
  rename(from, to);
});
replace('mkdirSync', (mkdir) => (path: string, options?: { recursive?: boolean; mode?: number }) => {
  check('mkdir', path);
  return mkdir(path, options);
});
replace('rmSync', (rm) => (path: string, options?: object) => {
  check('rm', path);
  rm(path, options);
});
syncBuiltinESMExports();

const sqliteError = (): Error =>
  Object.assign(new Error(ERRORS[kind]!.text), { code: 'ERR_SQLITE_ERROR', errcode: ERRORS[kind]!.sqlite, errstr: ERRORS[kind]!.text });

const exec = DatabaseSync.prototype.exec;
DatabaseSync.prototype.exec = function (sql: string) {
  const file = this.location() ?? '';
  const changes = inside(file) && /\b(COMMIT|BEGIN IMMEDIATE|BEGIN EXCLUSIVE)\b/.test(sql);
  if (changes && fails()) throw sqliteError();
  exec.call(this, sql);
  if (changes && sql.includes('COMMIT')) committed(file);
};
type Run = (this: StatementSync, ...values: unknown[]) => ReturnType<StatementSync['run']>;
const run = StatementSync.prototype.run as Run;
const counted: Run = function (...values) {
  if (fails()) throw sqliteError();
  return run.apply(this, values);
};
StatementSync.prototype.run = counted;

if (plan === 'count') process.on('exit', () => real.writeFileSync(OUT, String(done)));
