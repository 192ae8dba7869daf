import type { DatabaseSync } from 'node:sqlite';
import type { RolloutQuery } from './port.ts';
import { codeOf, type CODES } from './rows.ts';
import { attachIndex, LEAST_WORD, phraseOf } from './search.ts';

const code = (column: keyof typeof CODES, word: string | undefined): number | undefined =>
  word === undefined ? undefined : codeOf(column, word);

/** Each condition of a query on columns with its value; absent keys ask for nothing. `mark` stands before columns whose index is not wanted. */
export function columnsAsked(
  query: Omit<RolloutQuery, 'limit' | 'offset'>,
  mark: '' | '+',
): { readonly sql: readonly string[]; readonly values: readonly (string | number)[] } {
  const all: [string, string | number | undefined][] = [
    [`${mark}role = ?`, code('role', query.role)],
    [`${mark}task_type = ?`, code('task_type', query.taskType)],
    [`${mark}outcome = ?`, code('outcome', query.outcome)],
    ['step = ?', query.step],
    ['task_id = ?', query.taskId],
    [(query.minSeverity ?? 0) > 0 ? 'severity > 0 AND severity >= ?' : 'severity >= ?', query.minSeverity],
  ];
  const asked = all.filter((pair): pair is [string, string | number] => pair[1] !== undefined);
  return { sql: [`${mark}live = 1`, ...asked.map(([sql]) => sql)], values: asked.map(([, value]) => value) };
}

/** Rows of the journal between two numbers, both left out. */
export interface Between {
  readonly above: number;
  readonly below: number;
}

/** Finds the numbers of rollouts, newest first, for a reader of the journal whose SQL knows `kelvin_text(block, slot)`. */
export function finder(db: DatabaseSync, dir: string): (query: Omit<RolloutQuery, 'limit' | 'offset'>, between: Between) => number[] {
  let attached = false;
  let wanted: (text: string) => boolean = () => true;
  db.function('kelvin_wanted', (text) => (wanted(String(text)) ? 1 : 0));

  const numbers = (sql: string, values: readonly (string | number)[]): number[] => db.prepare(sql).all(...values).map(({ n }) => Number(n)); // prettier-ignore

  const read = (query: Omit<RolloutQuery, 'limit' | 'offset'>, { above, below }: Between): number[] => {
    if (below - above < 2) return [];
    const { sql, values } = columnsAsked(query, '+');
    const { text = '', match } = query;
    const words = text.toLowerCase();
    wanted = (found) => (words === '' || found.toLowerCase().includes(words)) && (match?.(found) ?? true);
    const asks = words !== '' || match ? ['kelvin_wanted(kelvin_text(block, slot)) = 1'] : [];
    // Few rollouts are of one step or one task, or flagged: an index of their own finds them.
    const own = query.step !== undefined || query.taskId !== undefined || (query.minSeverity ?? 0) > 0 ? '+' : '';
    return numbers(
      `SELECT n FROM rollouts WHERE ${own}n > ? AND ${own}n < ? AND ${[...sql, ...asks].join(' AND ')} ORDER BY ${own}n DESC`,
      [above, below, ...values],
    );
  };

  const indexed = (query: Omit<RolloutQuery, 'limit' | 'offset'>, { above, below }: Between): number[] => {
    const { sql, values } = columnsAsked(query, '+');
    // FTS5 goes forward several times as fast as backward.
    return numbers(
      `SELECT r.n FROM search.words w CROSS JOIN rollouts r ON r.n = w.rowid
       WHERE w.words MATCH ? AND w.rowid > ? AND w.rowid < ? AND ${sql.join(' AND ')} ORDER BY w.rowid`,
      [phraseOf(query.text!), above, below, ...values],
    ).reverse();
  };

  return (query, between) => {
    if (query.match !== undefined || [...(query.text ?? '')].length < LEAST_WORD || !(attached ||= attachIndex(db, dir))) return read(query, between); // prettier-ignore
    const known = db.prepare('SELECT min(first) AS first, max(last) AS last FROM search.batches').get()!;
    if (known['last'] === null) return read(query, between);
    const [first, last] = [Number(known['first']), Number(known['last'])];
    const { above, below } = between;
    return [
      ...read(query, { above: Math.max(above, last), below }),
      ...indexed(query, { above: Math.max(above, first - 1), below: Math.min(below, last + 1) }),
      ...read(query, { above, below: Math.min(below, first) }),
    ];
  };
}
