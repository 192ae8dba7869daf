import type { DatabaseSync } from 'node:sqlite';
import { recordError } from './errors.ts';
import { RecordError } from './port.ts';
import { ROLLOUT_COLUMNS } from './rows.ts';
import { openForReading } from './schema.ts';
import { sumOf, type Cell } from './sums.ts';

/** Tables whose rows carry a checksum, with the columns it covers, in order. */
const SUMMED = {
  events: ['at', 'step', 'type', 'body'],
  rollouts: ['seq', ...ROLLOUT_COLUMNS],
  texts: ['seq', 'body'],
  tasks: ['seq', 'step', 'id', 'type', 'body'],
  findings: ['seq', 'step', 'rollout_id', 'idx', 'category', 'severity', 'detector'],
} as const;

/** What is wrong with the stored rows, one sentence, or null: SQLite's own check of its pages, then the checksum of every row. */
function problemOf(db: DatabaseSync): string | null {
  const pages = db.prepare('PRAGMA integrity_check(1)').get()?.['integrity_check'];
  if (pages !== 'ok') return String(pages).replace(/\s+/g, ' ').trim();
  for (const [table, columns] of Object.entries(SUMMED)) {
    for (const row of db.prepare(`SELECT ${columns.join(', ')}, sum FROM ${table}`).iterate()) {
      if (sumOf(columns.map((name) => row[name] as Cell)) !== row['sum'])
        return `a row of ${table}${row['step'] === undefined ? '' : `, step ${String(row['step'])}`}, no longer has the checksum it was written with`;
    }
  }
  if (db.prepare('SELECT 1 FROM rollouts WHERE block NOT IN (SELECT n FROM texts) LIMIT 1').get()) return 'texts of rollouts are gone';
  for (const table of ['rollouts', 'tasks'] as const) {
    const short = db
      .prepare(
        `SELECT step FROM events e WHERE type = '${table}' AND json_extract(body, '$.count') <> (SELECT count(*) FROM ${table} WHERE seq = e.seq) LIMIT 1`,
      )
      .get();
    if (short) return `step ${String(short['step'])} has lost or gained ${table}`;
  }
  return null;
}

const damaged = (dir: string, problem: string): RecordError =>
  new RecordError(
    'corrupt',
    `The journal of ${dir} is damaged: ${problem}. Restore journal.sqlite from a backup, or start a new run; the checkpoints are not affected, and \`kelvin export\` still takes what was learned.`,
  );

/** Throws `RecordError('corrupt')` unless every row of the journal is what was written. Takes about a second for each gigabyte. */
export function requireWhole(dir: string, db: DatabaseSync): void {
  let problem: string | null;
  try {
    problem = problemOf(db);
  } catch (error) {
    throw recordError(error, `cannot read the journal of ${dir}`);
  }
  if (problem !== null) throw damaged(dir, problem);
}

/** As `requireWhole`, for a run folder that may be at work. Throws `RecordError`: `missing` without a journal, `corrupt` when it is damaged. */
export function verifyRecord(dir: string): void {
  const db = openForReading(dir);
  try {
    requireWhole(dir, db);
  } finally {
    db.close();
  }
}
