import { chmodSync, closeSync, existsSync, openSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { fsyncPath, PRIVATE_FILE } from './files.ts';
import { recordError } from './errors.ts';
import { RecordError } from './port.ts';

export const JOURNAL_FILE = 'journal.sqlite';
/** Raised when a table changes shape; a journal of another version is refused, never guessed at. */
const VERSION = 2;
/** `PRAGMA application_id`, "KLVN": tells a Kelvin journal from any other SQLite file. */
const APPLICATION = 0x4b4c564e;

/**
 * Sequence numbers are never given out twice (AUTOINCREMENT), also after a rollback, so a reader that polls
 * `events(after)` misses nothing. `rollouts` puts short columns before texts: filters then never read the texts.
 * `live` is 0 for rollouts of a discarded step that were kept as evidence. `sum` is the checksum of the row (`sums.ts`).
 */
const TABLES = `
CREATE TABLE events (seq INTEGER PRIMARY KEY AUTOINCREMENT, at INTEGER NOT NULL, step INTEGER NOT NULL, type TEXT NOT NULL, body TEXT NOT NULL, sum INTEGER NOT NULL DEFAULT 0) STRICT;
CREATE INDEX events_type ON events (type, seq);

CREATE TABLE rollouts (
  n INTEGER PRIMARY KEY, seq INTEGER NOT NULL, live INTEGER NOT NULL, id TEXT NOT NULL, step INTEGER NOT NULL,
  role TEXT NOT NULL, task_type TEXT NOT NULL, task_id TEXT, outcome TEXT NOT NULL, severity INTEGER NOT NULL,
  reward REAL, advantage REAL, stop_reason TEXT NOT NULL, policy_version INTEGER NOT NULL, inexact TEXT,
  thought TEXT NOT NULL, answer TEXT NOT NULL, program TEXT, detail TEXT NOT NULL, prompt TEXT NOT NULL, completion TEXT NOT NULL,
  prompt_tokens BLOB NOT NULL, tokens BLOB NOT NULL, logprobs BLOB NOT NULL, sum INTEGER NOT NULL DEFAULT 0) STRICT;
CREATE UNIQUE INDEX rollouts_id ON rollouts (id) WHERE live;
CREATE INDEX rollouts_evidence ON rollouts (id) WHERE NOT live;
CREATE INDEX rollouts_step ON rollouts (live, step, n);
CREATE INDEX rollouts_severity ON rollouts (live, severity, n);
CREATE INDEX rollouts_task ON rollouts (task_id) WHERE task_id IS NOT NULL;
CREATE INDEX rollouts_kind ON rollouts (live, role, task_type, outcome, n);

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

/** Throws `RecordError('corrupt')` unless this is a journal of this version. */
function checkVersion(db: DatabaseSync, path: string): void {
  if (pragma(db, 'application_id') !== APPLICATION)
    throw new RecordError('corrupt', `${path} is not a Kelvin journal. Give the folder of a run; \`kelvin runs\` lists them.`);
  const version = Number(pragma(db, 'user_version'));
  if (version !== VERSION) {
    const advice = version > VERSION ? 'Update Kelvin to read it.' : 'Read it with the Kelvin that wrote it.';
    throw new RecordError('corrupt', `${path} has journal version ${version}; this Kelvin reads version ${VERSION}. ${advice}`);
  }
}

function connect(path: string, readOnly: boolean, prepare: (db: DatabaseSync) => void): DatabaseSync {
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

/** Opens the journal of a run folder for writing and creates it when there is none. */
export function openForWriting(dir: string): DatabaseSync {
  const path = join(dir, JOURNAL_FILE);
  try {
    // SQLite gives its -wal and -shm files the mode of the database.
    const fresh = !existsSync(path);
    closeSync(openSync(path, 'a', PRIVATE_FILE));
    if (fresh) chmodSync(path, PRIVATE_FILE);
  } catch (error) {
    throw recordError(error, `cannot open the journal ${path}`);
  }
  return connect(path, false, (db) => {
    // FULL in WAL mode fsyncs the log at each commit: what `append` returned from survives a power cut.
    db.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; BEGIN IMMEDIATE');
    const untouched = pragma(db, 'application_id') === 0 && db.prepare('SELECT count(*) AS c FROM sqlite_schema').get()!['c'] === 0;
    if (untouched) db.exec(`${TABLES} PRAGMA application_id = ${APPLICATION}; PRAGMA user_version = ${VERSION};`);
    db.exec('COMMIT');
    if (untouched) fsyncPath(dir, true);
    checkVersion(db, path);
  });
}

/** Opens the journal of a run folder for reading. Throws `RecordError('missing')` when the folder holds none. */
export function openForReading(dir: string): DatabaseSync {
  const path = join(dir, JOURNAL_FILE);
  const size = statSync(path, { throwIfNoEntry: false })?.size;
  if (size === undefined) throw new RecordError('missing', `${dir} holds no journal (${JOURNAL_FILE}). \`kelvin runs\` lists the runs.`);
  return connect(path, true, (db) => checkVersion(db, path));
}

/** Whether a run folder holds a journal; one that was only just made does not. */
export const hasJournal = (dir: string): boolean => existsSync(join(dir, JOURNAL_FILE));
