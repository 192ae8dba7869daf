import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { RolloutRecord, RunEvent } from '../core/events.ts';
import { chain, isAudited, requireChain, writeHead } from './audit.ts';
import { guarded, recordError } from './errors.ts';
import { canonical, encode } from './json.ts';
import type { Discarded, RunJournal } from './port.ts';
import { ROLLOUT_COLUMNS, toLongPart, toRow } from './rows.ts';
import { searched, SearchIndex, type Searchable } from './search.ts';
import { blocksOf, encodeBlock } from './texts.ts';
import { openForWriting } from './schema.ts';
import { sumOf, type Cell } from './sums.ts';
import { requireWhole } from './verify.ts';

export { openJournalReader } from './reader.ts';
export { hasJournal } from './schema.ts';
export { readAudit, verifyAudit } from './audit.ts';
export type { AuditEntry, AuditReport } from './audit.ts';
export { forgetAnchor, stateDir } from './anchor.ts';

/** Rollouts that must stay readable, with their findings, after their step was discarded. */
const EVIDENCE = `(SELECT rollout_id FROM findings WHERE severity >= 4 UNION SELECT rollout_id FROM audit WHERE rollout_id IS NOT NULL)`;

const rolloutIdOf = (event: RunEvent): string | null => ('rolloutId' in event ? event.rolloutId : null);

/** The event row: payloads that have a table of their own are counted here, not repeated. */
function bodyOf(event: RunEvent): string {
  if (event.type === 'rollouts') return encode({ type: event.type, step: event.step, count: event.rollouts.length });
  if (event.type === 'tasks') return encode({ type: event.type, step: event.step, count: event.tasks.length });
  return isAudited(event) ? canonical(event) : encode(event);
}

/** Inserts a row with its checksum; returns its number. */
const put = (statement: StatementSync, cells: readonly Cell[]): number => Number(statement.run(...cells, sumOf(cells)).lastInsertRowid);

/** Undoes what a failed transaction left, if SQLite has not done so itself. */
function rollBack(db: DatabaseSync): void {
  try {
    db.exec('ROLLBACK');
  } catch {
    // No transaction is open: SQLite rolled back on its own (disk full, I/O error).
  }
}

/**
 * Opens the journal of a run folder for writing; creates it when there is none. The folder must exist, and the
 * caller holds its lock. Throws `RecordError`: `unwritable`, `full`, `locked`, or `corrupt` when the file is no
 * journal, is of another version, or its audit log was changed from outside.
 *
 * `now` gives milliseconds since the epoch. `maxBytes` bounds the size of the journal file; beyond it `append`
 * throws `RecordError('full')`.
 */
export function openJournal(dir: string, options: { readonly now?: () => number; readonly maxBytes?: number } = {}): RunJournal {
  const { now = Date.now, maxBytes } = options;
  const db = openForWriting(dir);
  let insert: Record<'event' | 'rollout' | 'text' | 'task' | 'finding', StatementSync>;
  try {
    if (maxBytes !== undefined) {
      const pageSize = Number(db.prepare('PRAGMA page_size').get()!['page_size']);
      db.exec(`PRAGMA max_page_count = ${Math.max(1, Math.floor(maxBytes / pageSize))}`);
    }
    requireChain(dir, db);
    requireWhole(dir, db);
    writeHead(dir, db);
    insert = {
      event: db.prepare('INSERT INTO events (at, step, type, body, sum) VALUES (?, ?, ?, ?, ?)'),
      rollout: db.prepare(
        `INSERT INTO rollouts (live, seq, ${ROLLOUT_COLUMNS.join(', ')}, sum) VALUES (1, ?${', ?'.repeat(ROLLOUT_COLUMNS.length)}, ?)`,
      ),
      text: db.prepare('INSERT INTO texts (seq, body, sum) VALUES (?, ?, ?)'),
      task: db.prepare('INSERT INTO tasks (seq, step, id, type, body, sum) VALUES (?, ?, ?, ?, ?, ?)'),
      finding: db.prepare(
        'INSERT INTO findings (seq, step, rollout_id, idx, category, severity, detector, sum) VALUES (?, ?, ?, ?, ?, ?, ?, ?)',
      ),
    };
  } catch (error) {
    db.close();
    throw recordError(error, `cannot open the journal of ${dir}`);
  }
  let open = true;
  let headBehind = false;
  const index = new SearchIndex(dir, db);
  let added: Searchable[] = [];

  const writeRollouts = (seq: number, records: readonly RolloutRecord[]): void => {
    for (const items of blocksOf(records.map((record) => ({ record, ...toLongPart(record) })))) {
      const block = put(insert.text, [seq, encodeBlock(items)]);
      items.forEach((item, slot) => {
        const n = put(insert.rollout, [seq, ...toRow(item.record, block, slot)]);
        added.push({ n, seq, text: searched(item) });
      });
    }
  };

  const write = (event: RunEvent): void => {
    const at = now();
    const body = bodyOf(event);
    const seq = put(insert.event, [at, event.step, event.type, body]);
    if (event.type === 'rollouts') writeRollouts(seq, event.rollouts);
    if (event.type === 'tasks') for (const task of event.tasks) put(insert.task, [seq, task.step, task.id, task.type, encode(task)]);
    if (event.type === 'finding') {
      const { category, severity, detector } = event.finding;
      put(insert.finding, [seq, event.step, event.rolloutId, event.index, category, severity, detector]);
    }
    if (isAudited(event)) chain(db, { seq, at, kind: event.type, rolloutId: rolloutIdOf(event), body });
  };

  /** One durable transaction. The head file follows the commit; if it could not be written, nothing more is recorded until it is. */
  const transact = <T>(touchesChain: (result: T) => boolean, work: () => T): T =>
    guarded(`cannot record to the journal of ${dir}`, () => {
      if (headBehind) writeHead(dir, db);
      headBehind = false;
      added = [];
      db.exec('BEGIN IMMEDIATE');
      let result: T;
      try {
        result = work();
        db.exec('COMMIT');
      } catch (error) {
        rollBack(db);
        throw error;
      }
      index.add(added);
      if (touchesChain(result)) {
        try {
          writeHead(dir, db);
        } catch {
          headBehind = true;
        }
      }
      return result;
    });

  const discard = (step: number): Discarded => {
    const remove = (sql: string): number => Number(db.prepare(sql).run(step).changes);
    const discarded: Discarded = {
      kept: remove(`UPDATE rollouts SET live = 0 WHERE live AND step > ? AND id IN ${EVIDENCE}`),
      rollouts: remove('DELETE FROM rollouts WHERE live AND step > ?'),
      tasks: remove('DELETE FROM tasks WHERE step > ?'),
      findings: remove(`DELETE FROM findings WHERE step > ? AND rollout_id NOT IN ${EVIDENCE}`),
      events: remove(
        'DELETE FROM events WHERE step > ? AND seq NOT IN (SELECT seq FROM audit WHERE seq IS NOT NULL UNION SELECT seq FROM findings)',
      ),
    };
    // Blocks are given out in order: those that only discarded rollouts used are the newest.
    db.exec(
      'DELETE FROM texts WHERE n > (SELECT coalesce(max(block), 0) FROM rollouts WHERE live) AND n NOT IN (SELECT block FROM rollouts WHERE NOT live)',
    );
    if (Object.values(discarded).some((count) => count > 0)) {
      chain(db, { seq: null, at: now(), kind: 'discard', rolloutId: null, body: canonical({ after: step, ...discarded }) });
    }
    return discarded;
  };

  const close = (): void => {
    if (open) db.close();
    if (open) index.close();
    open = false;
  };

  return {
    append(events) {
      if (events.length > 0)
        transact(
          () => events.some(isAudited),
          () => events.forEach(write),
        );
    },
    discardAfter: (step) => {
      const discarded = transact(
        (found) => Object.values(found).some((count) => count > 0),
        () => discard(step),
      );
      index.catchUp();
      return discarded;
    },
    close,
    [Symbol.dispose]: close,
  };
}
