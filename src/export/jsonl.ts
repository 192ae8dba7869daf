import { join } from 'node:path';
import { jsonLine } from '../core/inert.ts';
import type { RunSource } from './source.ts';
import { TABLES } from './tables.ts';
import type { Cell, Kind } from './tables.ts';
import { TextFile } from './target.ts';

/** A file of a table, and how many rows it holds. */
export interface Written {
  readonly table: string;
  readonly file: string;
  readonly rows: number;
}

/** Readers of JSON and of Parquet refuse half a surrogate pair: it becomes U+FFFD, which keeps every offset. */
export const wellFormed = (text: string): string => (text.isWellFormed() ? text : text.toWellFormed());

const number = (value: number): number | null => (Number.isFinite(value) ? value : null);

function json(cell: Cell, kind: Kind): unknown {
  if (cell === null || typeof cell === 'boolean') return cell;
  if (kind === 'time') return new Date(cell as number).toISOString();
  if (typeof cell === 'string') return wellFormed(cell);
  if (typeof cell === 'number') return number(cell);
  return (cell as readonly (string | number)[]).map((item) => (typeof item === 'string' ? wellFormed(item) : number(item)));
}

/** One JSON Lines file a table. JSON has no NaN and no infinities: they are null. */
export function writeJsonl(source: RunSource, dir: string): Written[] {
  return TABLES.map((table) => {
    const file = `${table.name}.jsonl`;
    let rows = 0;
    using out = new TextFile(join(dir, file));
    for (const row of table.rows(source)) {
      const object = Object.fromEntries(table.columns.map(({ name, kind }, at) => [name, json(row[at]!, kind)]));
      out.write(`${jsonLine(object)}\n`);
      rows++;
    }
    return { table: table.name, file, rows };
  });
}
