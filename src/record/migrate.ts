import type { DatabaseSync } from 'node:sqlite';
import type { RolloutRecord } from '../core/events.ts';
import { decode } from './json.ts';
import { unpack } from './pack.ts';
import { ROLLOUT_COLUMNS, toLongPart, toRow, type Row } from './rows.ts';
import { sumOf, type Cell } from './sums.ts';
import { blocksOf, encodeBlock } from './texts.ts';

/**
 * Journals of older versions. Version 1 had no checksums; 1 and 2 held texts, tokens and log-probabilities in the row of their rollout.
 * Its checksums begin with the conversion.
 */
export const OLDEST = 1;

/** Columns that tables still have, with their checksum. */
const SUMMED = {
  events: ['seq', 'at', 'step', 'type', 'body'],
  tasks: ['n', 'seq', 'step', 'id', 'type', 'body'],
  findings: ['seq', 'step', 'rollout_id', 'idx', 'category', 'severity', 'detector'],
} as const;
/** Rows of these are numbered by their first column, which the checksum of `journal.ts` leaves out where SQLite gave the number. */
const UNSUMMED: Readonly<Record<keyof typeof SUMMED, number>> = { events: 1, tasks: 1, findings: 0 };

/** A rollout of versions 1 and 2. */
function oldRecord(stored: Row): RolloutRecord {
  const row: Record<string, unknown> = { ...stored };
  for (const [name, cell] of decode(String(row['inexact'] ?? '[]')) as [string, string | number][]) row[name] = cell;
  const { id, step, role, prompt, completion, thought, answer, program, outcome, reward, detail, severity, advantage } = row;
  return {
    rollout: {
      id,
      step,
      role,
      prompt,
      completion,
      thought,
      answer,
      program,
      taskType: row['task_type'],
      taskId: row['task_id'],
      stopReason: row['stop_reason'],
      policyVersion: row['policy_version'],
      promptTokens: unpack(row['prompt_tokens'] as Uint8Array),
      tokens: unpack(row['tokens'] as Uint8Array),
      logprobs: unpack(row['logprobs'] as Uint8Array),
    },
    outcome,
    reward,
    detail,
    severity,
    advantage,
  } as RolloutRecord;
}

/**
 * Fills the empty tables of this version in `db` with the rows of an older journal, attached as `old`, within the caller's transaction.
 */
export function convert(db: DatabaseSync): void {
  for (const [table, columns] of Object.entries(SUMMED)) {
    const put = db.prepare(`INSERT INTO main.${table} (${columns.join(', ')}, sum) VALUES (${columns.map(() => '?').join(', ')}, ?)`);
    for (const row of db.prepare(`SELECT ${columns.join(', ')} FROM old.${table} ORDER BY 1`).iterate()) {
      const cells = columns.map((name) => row[name] as Cell);
      put.run(...cells, sumOf(cells.slice(UNSUMMED[table as keyof typeof SUMMED])));
    }
  }
  db.exec('INSERT INTO main.audit SELECT * FROM old.audit');
  db.exec(`UPDATE main.sqlite_sequence SET seq = (SELECT seq FROM old.sqlite_sequence WHERE name = 'events') WHERE name = 'events'`);
  const text = db.prepare('INSERT INTO main.texts (seq, body, sum) VALUES (?, ?, ?)');
  const rollout = db.prepare(
    `INSERT INTO main.rollouts (n, live, seq, ${ROLLOUT_COLUMNS.join(', ')}, sum) VALUES (?, ?, ?${', ?'.repeat(ROLLOUT_COLUMNS.length)}, ?)`,
  );
  const write = (seq: number, rows: readonly Row[]): void => {
    const items = rows.map((row) => {
      const record = oldRecord(row);
      return { row, record, ...toLongPart(record) };
    });
    for (const block of blocksOf(items)) {
      const body = encodeBlock(block);
      const number = Number(text.run(seq, body, sumOf([seq, body])).lastInsertRowid);
      block.forEach(({ row, record }, slot) => {
        const cells = [seq, ...toRow(record, number, slot)];
        rollout.run(row['n']!, row['live']!, ...cells, sumOf(cells));
      });
    }
  };
  const rows: Row[] = [];
  for (const row of db.prepare('SELECT * FROM old.rollouts ORDER BY n').iterate() as Iterable<Row>) {
    if (rows.length > 0 && rows[0]!['seq'] !== row['seq']) write(Number(rows[0]!['seq']), rows.splice(0));
    rows.push(row);
  }
  if (rows.length > 0) write(Number(rows[0]!['seq']), rows);
}
