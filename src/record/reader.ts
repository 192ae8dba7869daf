import type { DatabaseSync } from 'node:sqlite';
import type { RolloutRecord, RunEvent } from '../core/events.ts';
import { EMPTY_VIEW, fold, type RunView } from '../core/fold.ts';
import type { Task } from '../core/types.ts';
import { guarded } from './errors.ts';
import { columnsAsked, finder } from './find.ts';
import { decode } from './json.ts';
import type { JournalReader, RolloutQuery, Stored } from './port.ts';
import { fromRow, ROLLOUT_COLUMNS, type Row } from './rows.ts';
import { openForReading } from './schema.ts';
import { longPartReader, wordsReader } from './texts.ts';
import { requireSum } from './sums.ts';

export interface RunReader extends JournalReader {
  /** The state of the run, folded from the few events that decide it; charts, counts and flagged thoughts stay empty. */
  outline(): RunView;
  /** For the test of the flag rate: severity of every thought of the steps after `step`, in order, and whether it repeats itself. Drills are left out. */
  severities(step: number): { readonly id: string; readonly severity: number; readonly loops: boolean }[];
  [Symbol.dispose](): void;
}

interface EventRow {
  readonly seq: number;
  readonly at: number;
  readonly step: number;
  readonly type: string;
  readonly body: string;
  readonly sum: number;
}

const COLUMNS = `seq, ${ROLLOUT_COLUMNS.join(', ')}, sum`;
const TASK_COLUMNS = 'seq, step, id, type, body, sum';

function toRecord(row: Row, longPart: ReturnType<typeof longPartReader>): RolloutRecord {
  requireSum([row['seq']!, ...ROLLOUT_COLUMNS.map((name) => row[name]!)], row['sum'], `The rollout ${String(row['id'])}`);
  return fromRow(row, longPart(Number(row['block']), Number(row['slot'])));
}

function toTask(row: Row): Task {
  requireSum([row['seq']!, row['step']!, row['id']!, row['type']!, row['body']!], row['sum'], `The task ${String(row['id'])}`);
  return decode(String(row['body'])) as Task;
}

/**
 * Each condition of a query with its value; absent keys ask for nothing. A count uses the index of kinds; a list (`+` keeps it from
 * that index) goes through the rows from the newest on and stops early.
 */
function conditions(query: Omit<RolloutQuery, 'limit' | 'offset'>, list: boolean): { where: string; values: (string | number)[] } {
  const { sql, values } = columnsAsked(query, list ? '+' : '');
  // Not LIKE: that stops at a NUL character, and % or _ in a search would match anything.
  const text = query.text ? ['instr(lower(kelvin_text(block, slot)), lower(?)) > 0'] : [];
  const matched = query.match ? [`n > (SELECT max(n) FROM rollouts) - ${MATCHED}`, 'kelvin_match(kelvin_text(block, slot)) = 1'] : [];
  return { where: [...sql, ...text, ...matched].join(' AND '), values: [...values, ...(query.text ? [query.text] : [])] };
}

/** Rollouts that are asked one by one. */
const MATCHED = 50_000;

/** Lets SQL ask the function of a query. */
function lend(db: DatabaseSync, { match }: Pick<RolloutQuery, 'match'>): void {
  if (match) db.function('kelvin_match', (text) => (match(String(text)) ? 1 : 0));
}

function toStored(db: DatabaseSync, { seq, at, step, type, body, sum }: EventRow): Stored {
  requireSum([at, step, type, body], sum, `Event ${seq} (${type}, step ${step})`);
  const event = decode(body) as Record<string, unknown>;
  if (type === 'rollouts') return { seq, at, event: { ...event, rollouts: [] } as unknown as RunEvent };
  if (type !== 'tasks') return { seq, at, event: event as unknown as RunEvent };
  const rows = db.prepare(`SELECT ${TASK_COLUMNS} FROM tasks WHERE seq = ? ORDER BY n`).all(seq);
  return { seq, at, event: { type, step, tasks: rows.map((row) => toTask(row as Row)) } };
}

/**
 * Opens the journal of a run folder for reading, while a run may be writing it: readers see whole transactions and
 * never hold the writer up. Throws `RecordError`: `missing` without a journal, `corrupt` when it is none.
 */
export function openJournalReader(dir: string): RunReader {
  const db = openForReading(dir);
  let open = true;
  const longPart = longPartReader(db);
  const words = wordsReader(db);
  db.function('kelvin_text', (block, slot) => {
    const { thought, answer } = words(Number(block), Number(slot));
    return `${thought} ${answer}`;
  });
  /** All reads of one call see one state of the journal. */
  const snapshot = <T>(work: () => T): T =>
    guarded(`cannot read the journal of ${dir}`, () => {
      db.exec('BEGIN');
      try {
        return work();
      } finally {
        db.exec('COMMIT');
      }
    });
  const find = finder(db, dir);
  const close = (): void => {
    if (open) db.close();
    open = false;
  };

  return {
    events: (afterSeq, limit = -1) =>
      snapshot(() => {
        const rows = db
          .prepare('SELECT seq, at, step, type, body, sum FROM events WHERE seq > ? ORDER BY seq LIMIT ?')
          .all(afterSeq, limit);
        return (rows as unknown as EventRow[]).map((row) => toStored(db, row));
      }),
    rollouts: ({ limit, offset = 0, ...query }) =>
      snapshot(() => {
        lend(db, query);
        const { where, values } = conditions(query, true);
        const rows = db
          .prepare(`SELECT ${COLUMNS} FROM rollouts WHERE ${where} ORDER BY n DESC LIMIT ? OFFSET ?`)
          .all(...values, limit, offset);
        return rows.map((row) => toRecord(row as Row, longPart));
      }),
    rollout: (id) =>
      snapshot(() => {
        // Each condition has an index of its own.
        const row = ['live', 'NOT live']
          .map((kept) => db.prepare(`SELECT ${COLUMNS} FROM rollouts WHERE ${kept} AND id = ? ORDER BY n DESC LIMIT 1`).get(id))
          .find((found) => found !== undefined);
        return row ? toRecord(row as Row, longPart) : null;
      }),
    rolloutCount: (query) =>
      snapshot(() => {
        lend(db, query);
        const { where, values } = conditions(query, false);
        return Number(db.prepare(`SELECT count(*) AS c FROM rollouts WHERE ${where}`).get(...values)!['c']);
      }),
    newest: () => snapshot(() => Number(db.prepare('SELECT max(n) AS n FROM rollouts').get()!['n'] ?? 0)),
    // Not one snapshot: an index is attached between transactions, and each statement sees whole ones anyway.
    find: (query, between) => guarded(`cannot search the journal of ${dir}`, () => find(query, between)),
    rolloutsAt: (numbers) =>
      snapshot(() => {
        const select = db.prepare(`SELECT ${COLUMNS} FROM rollouts WHERE live = 1 AND n = ?`);
        return numbers.flatMap((n) => {
          const row = select.get(n);
          return row ? [toRecord(row as Row, longPart)] : [];
        });
      }),
    tasks: ({ taskType, limit, offset = 0 }) =>
      snapshot(() => {
        const where = taskType === undefined ? '' : 'WHERE type = ?';
        const rows = db
          .prepare(`SELECT ${TASK_COLUMNS} FROM tasks ${where} ORDER BY n DESC LIMIT ? OFFSET ?`)
          .all(...(taskType === undefined ? [] : [taskType]), limit, offset);
        return rows.map((row) => toTask(row as Row));
      }),
    task: (id) =>
      snapshot(() => {
        const row = db.prepare(`SELECT ${TASK_COLUMNS} FROM tasks WHERE id = ?`).get(id);
        return row ? toTask(row as Row) : null;
      }),
    severities: (step) =>
      snapshot(() =>
        db
          .prepare(
            `SELECT id, severity, EXISTS (SELECT 1 FROM findings f WHERE f.rollout_id = r.id AND f.category = 'degenerate-loop') AS loops
             FROM rollouts r WHERE live = 1 AND step > ? AND id NOT LIKE '%.drill.%' ORDER BY n`,
          )
          .all(step)
          .map((row) => ({ id: String(row['id']), severity: Number(row['severity']), loops: Number(row['loops']) === 1 })),
      ),
    outline: () =>
      snapshot(() => {
        const rows = db
          .prepare(
            `SELECT seq, at, step, type, body, sum FROM events
             WHERE type IN ('start', 'pause', 'resume', 'error', 'end')
               OR seq IN (SELECT max(seq) FROM events WHERE type IN ('step', 'checkpoint') GROUP BY type)
             ORDER BY seq`,
          )
          .all() as unknown as EventRow[];
        return rows.reduce((view, row) => fold(view, toStored(db, row).event), EMPTY_VIEW);
      }),
    close,
    [Symbol.dispose]: close,
  };
}
