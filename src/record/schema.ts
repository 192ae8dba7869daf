import { chmodSync, closeSync, openSync, renameSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { fsyncPath, PRIVATE_FILE } from './files.ts';
import { recordError } from './errors.ts';
import { convert, OLDEST } from './migrate.ts';
import { RecordError } from './port.ts';

export const JOURNAL_FILE = 'journal.sqlite';
/** Raised when a table changes shape; an older journal is converted (`migrate.ts`), a newer one refused, never guessed at. */
const VERSION = 3;
/** `PRAGMA application_id`, "KLVN": tells a Kelvin journal from any other SQLite file. */
const APPLICATION = 0x4b4c564e;

/**
 * Numbers of events and of texts are never given out twice (AUTOINCREMENT), also after a rollback, so a reader that polls
 * `events(after)` misses nothing and one that keeps texts keeps the right ones. `rollouts` holds what rollouts are found by, `texts` the rest of many together (`texts.ts`).
 * `live` is 0 for rollouts of a discarded step that were kept as evidence. `sum` is the checksum of the row (`sums.ts`).
 */
const TABLES = `
CREATE TABLE events (seq INTEGER PRIMARY KEY AUTOINCREMENT, at INTEGER NOT NULL, step INTEGER NOT NULL, type TEXT NOT NULL, body TEXT NOT NULL, sum INTEGER NOT NULL DEFAULT 0) STRICT;
CREATE INDEX events_type ON events (type, seq);

CREATE TABLE rollouts (
  n INTEGER PRIMARY KEY, seq INTEGER NOT NULL, live INTEGER NOT NULL, id TEXT NOT NULL, step INTEGER NOT NULL,
  role INTEGER NOT NULL, task_type INTEGER NOT NULL, task_id TEXT, outcome INTEGER NOT NULL, severity INTEGER NOT NULL,
  reward REAL, advantage REAL, stop_reason INTEGER NOT NULL, policy_version INTEGER NOT NULL, inexact TEXT,
  block INTEGER NOT NULL, slot INTEGER NOT NULL, sum INTEGER NOT NULL DEFAULT 0) STRICT;
CREATE UNIQUE INDEX rollouts_id ON rollouts (id) WHERE live;
CREATE INDEX rollouts_evidence ON rollouts (id) WHERE NOT live;
CREATE INDEX rollouts_step ON rollouts (step);
CREATE INDEX rollouts_severity ON rollouts (severity, n) WHERE severity > 0;
CREATE INDEX rollouts_kind ON rollouts (live, role, task_type, outcome);
CREATE INDEX rollouts_task ON rollouts (task_id) WHERE task_id IS NOT NULL;

CREATE TABLE texts (n INTEGER PRIMARY KEY AUTOINCREMENT, seq INTEGER NOT NULL, body BLOB NOT NULL, sum INTEGER NOT NULL DEFAULT 0) STRICT;

CREATE TABLE tasks (n INTEGER PRIMARY KEY, seq INTEGER NOT NULL, step INTEGER NOT NULL, id TEXT NOT NULL UNIQUE, type TEXT NOT NULL, body TEXT NOT NULL, sum INTEGER NOT NULL DEFAULT 0) STRICT;
CREATE INDEX tasks_seq ON tasks (seq);
CREATE INDEX tasks_type ON tasks (type, n);

CREATE TABLE findings (seq INTEGER PRIMARY KEY, step INTEGER NOT NULL, rollout_id TEXT NOT NULL, idx INTEGER NOT NULL, category TEXT NOT NULL, severity INTEGER NOT NULL, detector TEXT NOT NULL, sum INTEGER NOT NULL DEFAULT 0) STRICT;
CREATE INDEX findings_rollout ON findings (rollout_id, idx);
CREATE INDEX findings_severity ON findings (severity, seq);

CREATE TABLE audit (n INTEGER PRIMARY KEY, seq INTEGER, at INTEGER NOT NULL, kind TEXT NOT NULL, rollout_id TEXT, body TEXT NOT NULL, hash TEXT NOT NULL) STRICT;
CREATE INDEX audit_seq ON audit (seq);
`;

const pragma = (db: DatabaseSync, name: string): unknown => Object.values(db.prepare(`PRAGMA ${name}`).get() ?? {})[0];

/** Throws `RecordError('corrupt')` unless this is a journal that this version reads; returns its version. */
function checkVersion(db: DatabaseSync, path: string): number {
  if (pragma(db, 'application_id') !== APPLICATION)
    throw new RecordError('corrupt', `${path} is not a Kelvin journal. Give the folder of a run; \`kelvin runs\` lists them.`);
  const version = Number(pragma(db, 'user_version'));
  if (version > VERSION || version < OLDEST)
    throw new RecordError(
      'corrupt',
      `${path} has journal version ${version}; this Kelvin reads versions up to ${VERSION}. Update Kelvin to read it.`,
    );
  return version;
}

const CREATE = `${TABLES} PRAGMA application_id = ${APPLICATION}; PRAGMA user_version = ${VERSION};`;

/** Fills `db`, which is empty, from the older journal at `path`. */
function convertFrom(db: DatabaseSync, path: string): void {
  db.prepare('ATTACH DATABASE ? AS old').run(path);
  db.exec(`BEGIN; ${CREATE}`);
  convert(db);
  db.exec('COMMIT; DETACH DATABASE old');
}

/** Replaces an older journal by one of this version: the old file stands until the new one is complete. */
function convertFile(dir: string): void {
  const path = join(dir, JOURNAL_FILE);
  const fresh = `${path}.new`;
  // Leaves all of it in the one file.
  connect(path, false, (db) => db.exec('PRAGMA journal_mode = DELETE')).close();
  rmSync(fresh, { force: true });
  closeSync(openSync(fresh, 'wx', PRIVATE_FILE));
  connect(fresh, false, (db) => convertFrom(db, path)).close();
  fsyncPath(fresh);
  renameSync(fresh, path);
  fsyncPath(dir, true);
}

function connect(path: string, readOnly: boolean, prepare: (db: DatabaseSync) => unknown): DatabaseSync {
  let db: DatabaseSync | null = null;
  try {
    db = new DatabaseSync(path, { readOnly });
    // Long enough for another process to recover the write-ahead log after a crash.
    db.exec('PRAGMA busy_timeout = 5000');
    prepare(db);
    return db;
  } catch (error) {
    db?.close();
    throw recordError(error, `cannot open the journal ${path}`);
  }
}

/** An empty journal, made beside its name and renamed: it is there as a whole or not at all. */
function create(dir: string, path: string): void {
  const fresh = `${path}.new`;
  try {
    for (const name of [fresh, `${fresh}-journal`, path]) rmSync(name, { force: true });
    // SQLite gives its -wal and -shm files the mode of the database.
    closeSync(openSync(fresh, 'wx', PRIVATE_FILE));
    chmodSync(fresh, PRIVATE_FILE);
    connect(fresh, false, (db) => db.exec(`BEGIN IMMEDIATE; ${CREATE} COMMIT;`)).close();
    fsyncPath(fresh);
    renameSync(fresh, path);
    fsyncPath(dir, true);
  } catch (error) {
    throw recordError(error, `cannot create the journal ${path}`);
  }
}

/** Opens the journal of a run folder for writing and creates it when there is none. */
export function openForWriting(dir: string): DatabaseSync {
  const path = join(dir, JOURNAL_FILE);
  if (!hasJournal(dir)) create(dir, path);
  let old = false;
  const db = connect(path, false, (db) => {
    // FULL in WAL mode fsyncs the log at each commit: what `append` returned from survives a power cut.
    db.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL');
    old = checkVersion(db, path) < VERSION;
  });
  if (!old) return db;
  db.close();
  try {
    convertFile(dir);
  } catch (error) {
    throw recordError(error, `cannot convert the journal ${path} to version ${VERSION}`);
  }
  return openForWriting(dir);
}

/** Opens the journal of a run folder for reading; an older one is converted in memory. Throws `RecordError('missing')` when the folder holds none. */
export function openForReading(dir: string): DatabaseSync {
  const path = join(dir, JOURNAL_FILE);
  if (!hasJournal(dir)) throw new RecordError('missing', `${dir} holds no journal (${JOURNAL_FILE}). \`kelvin runs\` lists the runs.`);
  let old = false;
  const db = connect(path, true, (db) => (old = checkVersion(db, path) < VERSION));
  if (!old) return db;
  db.close();
  return connect(':memory:', false, (memory) => convertFrom(memory, path));
}

/** Whether a run folder holds a journal; one that was only just made, or whose first write failed, does not. */
export const hasJournal = (dir: string): boolean =>
  [JOURNAL_FILE, `${JOURNAL_FILE}-wal`].some((name) => (statSync(join(dir, name), { throwIfNoEntry: false })?.size ?? 0) > 0);
