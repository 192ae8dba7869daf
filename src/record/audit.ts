import { createHash } from 'node:crypto';
import { closeSync, existsSync, fsyncSync, openSync, readFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import type { RunEvent } from '../core/events.ts';
import { readAnchor, stateDir, writeAnchor } from './anchor.ts';
import { guarded, recordError } from './errors.ts';
import { fsyncPath, PRIVATE_FILE } from './files.ts';
import { canonical, decode } from './json.ts';
import { RecordError } from './port.ts';
import { openForReading } from './schema.ts';

/**
 * The audit log: an append-only chain, each entry hashed together with the hash before it, and the newest hash kept
 * outside the journal: in `audit.head` beside it, and in the user's state folder (`anchor.ts`). An edited, removed, moved or
 * cut-off entry no longer matches, nor does a run folder that was swapped as a whole. The chain has no key: who can rewrite
 * journal, head file and state folder alike can forge it, so copy `audit.head` elsewhere where that matters.
 */
export const HEAD_FILE = 'audit.head';
const GENESIS = createHash('sha256').update('kelvin audit 1').digest('hex');

const AUDITED: readonly string[] = ['start', 'pause', 'resume', 'review', 'control', 'drill'];

/** Facts that no rollback removes: starts, pauses, resumes, reviews, drills, findings of severity 4. */
export const isAudited = (event: RunEvent): boolean =>
  AUDITED.includes(event.type) || (event.type === 'finding' && event.finding.severity >= 4);

/** `isAudited` in SQL, over `events`. */
const IS_AUDITED = `(type IN (${AUDITED.map((type) => `'${type}'`).join(', ')}) OR (type = 'finding' AND json_extract(body, '$.finding.severity') >= 4))`;

interface Entry {
  /** Position in `events`; null for a rollback, which is no event. */
  readonly seq: number | null;
  readonly at: number;
  readonly kind: string;
  readonly rolloutId: string | null;
  /** Canonical JSON. */
  readonly body: string;
}

interface Head {
  readonly n: number;
  readonly hash: string;
}

const link = (previous: string, n: number, { seq, at, kind, rolloutId, body }: Entry): string =>
  createHash('sha256')
    .update(`${previous}\n${canonical([n, seq, at, kind, rolloutId, body])}`)
    .digest('hex');

const lastOf = (db: DatabaseSync): Head =>
  (db.prepare('SELECT n, hash FROM audit ORDER BY n DESC LIMIT 1').get() as Head | undefined) ?? { n: 0, hash: GENESIS };

/** Adds an entry within the caller's transaction. */
export function chain(db: DatabaseSync, entry: Entry): void {
  const { n, hash } = lastOf(db);
  db.prepare('INSERT INTO audit (n, seq, at, kind, rollout_id, body, hash) VALUES (?, ?, ?, ?, ?, ?, ?)').run(
    n + 1,
    entry.seq,
    entry.at,
    entry.kind,
    entry.rolloutId,
    entry.body,
    link(hash, n + 1, entry),
  );
}

function readHead(dir: string): Head | null {
  if (!existsSync(join(dir, HEAD_FILE))) return null;
  const match = /^(\d{12}) ([0-9a-f]{64})\n$/.exec(readFileSync(join(dir, HEAD_FILE), 'latin1'));
  return match ? { n: Number(match[1]), hash: match[2]! } : { n: -1, hash: '' };
}

/**
 * Copies the newest hash to the head file, durably. The file has one length for ever and is written in place: that
 * works on a full disk, and so few bytes are never torn. Called after the commit: a crash in between leaves the head
 * behind the chain, which is sound, never ahead of it.
 */
export function writeHead(dir: string, db: DatabaseSync): void {
  guarded(`cannot write ${join(dir, HEAD_FILE)}`, () => {
    const { n, hash } = lastOf(db);
    const fresh = !existsSync(join(dir, HEAD_FILE));
    const fd = openSync(join(dir, HEAD_FILE), fresh ? 'w' : 'r+', PRIVATE_FILE);
    try {
      writeSync(fd, `${String(n).padStart(12, '0')} ${hash}\n`, 0);
      fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
    if (fresh) fsyncPath(dir, true);
    const first = db.prepare('SELECT hash FROM audit WHERE n = 1').get()?.['hash'];
    if (typeof first === 'string') writeAnchor(dir, { n, first, hash });
  });
}

export interface AuditReport {
  readonly ok: boolean;
  /** Entries in the chain. */
  readonly entries: number;
  /** Number (from 1) of the first entry that does not hold, when not ok. */
  readonly firstBroken?: number;
  /** What is wrong with it, one sentence. */
  readonly reason?: string;
  /** False: the user's state folder holds no anchor of this run (it was moved, or comes from another machine). */
  readonly anchored: boolean;
}

/** Recomputes the whole chain and compares it with the head and with the events it speaks of. */
function verifyChain(dir: string, db: DatabaseSync): AuditReport {
  // Before the chain: a writer at work may only add to it meanwhile.
  const head = readHead(dir);
  const anchor = readAnchor(dir);
  const rows = db
    .prepare(
      `SELECT a.n, a.seq, a.at, a.kind, a.rollout_id AS rolloutId, a.body, a.hash,
         a.seq IS NULL OR (e.body = a.body AND e.type = a.kind AND e.at = a.at) AS same
       FROM audit a LEFT JOIN events e ON e.seq = a.seq ORDER BY a.n`,
    )
    .all() as unknown as (Entry & Head & { readonly same: number | null })[];
  const anchored = anchor !== null;
  const broken = (firstBroken: number, reason: string): AuditReport => ({ ok: false, entries: rows.length, firstBroken, reason, anchored });
  const first = rows.find(({ n }) => n === 1)?.hash;
  if (anchor === 'damaged') return broken(1, `the anchor in ${stateDir()} is damaged`);
  if (anchor && rows.length > 0 && first !== undefined && anchor.first !== first)
    return broken(1, 'this is the log of another run: its first entry is not the one that was anchored');
  let previous = GENESIS;
  for (const [i, row] of rows.entries()) {
    if (row.n !== i + 1) return broken(i + 1, `entry ${i + 1} was removed`);
    if (row.hash !== link(previous, row.n, row)) return broken(row.n, `entry ${row.n} was changed, or one before it was removed`);
    if (!row.same) return broken(row.n, `the event of entry ${row.n} (${row.kind}) was changed or removed`);
    if (head?.n === row.n && head.hash !== row.hash) return broken(row.n, `entry ${row.n} is not the one that ${HEAD_FILE} names`);
    if (anchor?.n === row.n && anchor.hash !== row.hash) return broken(row.n, `entry ${row.n} is not the one that was anchored`);
    previous = row.hash;
  }
  if (rows.length > 0 && !head) return broken(1, `${HEAD_FILE} is missing`);
  if (head && head.n < 0) return broken(1, `${HEAD_FILE} is damaged`);
  if (head?.n === 0 && head.hash !== GENESIS) return broken(1, `${HEAD_FILE} does not start this chain`);
  if (head && head.n > rows.length) return broken(rows.length + 1, `${head.n - rows.length} entries at the end were removed`);
  if (anchor && anchor.n > rows.length)
    return broken(rows.length + 1, `${anchor.n - rows.length} entries at the end were removed, or the run was replaced by an older copy`);
  const alien = db
    .prepare(`SELECT seq, type FROM events WHERE ${IS_AUDITED} AND seq NOT IN (SELECT seq FROM audit WHERE seq IS NOT NULL) LIMIT 1`)
    .get();
  if (alien) return broken(rows.length + 1, `event ${Number(alien['seq'])} (${String(alien['type'])}) was not written by Kelvin`);
  return { ok: true, entries: rows.length, anchored };
}

/** Checks the audit log of a run folder, also while the run is at work. Throws `RecordError` when there is no readable journal. */
export function verifyAudit(dir: string): AuditReport {
  const db = openForReading(dir);
  try {
    return verifyChain(dir, db);
  } catch (error) {
    throw recordError(error, `cannot read the journal of ${dir}`);
  } finally {
    db.close();
  }
}

export interface AuditEntry {
  readonly n: number;
  /** Milliseconds since the epoch. */
  readonly at: number;
  /** Type of the event, or `discard` for a rollback. */
  readonly kind: string;
  readonly body: Readonly<Record<string, unknown>>;
  readonly hash: string;
}

/** The entries of the audit log, oldest first, as they stand: `verifyAudit` says whether to believe them. Bodies that are no JSON come back empty. */
export function readAudit(dir: string): AuditEntry[] {
  const db = openForReading(dir);
  try {
    const rows = db.prepare('SELECT n, at, kind, body, hash FROM audit ORDER BY n').all();
    return rows.map((row) => ({
      n: Number(row['n']),
      at: Number(row['at']),
      kind: String(row['kind']),
      body: bodyOf(String(row['body'])),
      hash: String(row['hash']),
    }));
  } catch (error) {
    throw recordError(error, `cannot read the journal of ${dir}`);
  } finally {
    db.close();
  }
}

function bodyOf(text: string): Readonly<Record<string, unknown>> {
  try {
    const value = decode(text);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}

/** Throws `RecordError('corrupt')` when the audit log was changed from outside: going on would cover the traces. */
export function requireChain(dir: string, db: DatabaseSync): void {
  const report = verifyChain(dir, db);
  if (report.ok) return;
  throw new RecordError(
    'corrupt',
    `The audit log of ${dir} was changed outside Kelvin: ${report.reason}. Restore journal.sqlite and ${HEAD_FILE} from a backup, or start a new run; this one stays readable.`,
  );
}
