import { join } from 'node:path';
import { fileWriter, ParquetWriter } from 'hyparquet-writer';
import { wellFormed } from './jsonl.ts';
import type { Written } from './jsonl.ts';
import type { RunSource } from './source.ts';
import { TABLES } from './tables.ts';
import type { Cell, Column, Kind, Table } from './tables.ts';

type Schema = ConstructorParameters<typeof ParquetWriter>[0]['schema'];
type Element = Schema[number];

/** Rows of a row group: the texts of so many stay well below what a reader has to hold at once. */
const GROUP = 5000;

const PLAIN = {
  string: { type: 'BYTE_ARRAY', converted_type: 'UTF8' },
  int: { type: 'INT32' },
  double: { type: 'DOUBLE' },
  boolean: { type: 'BOOLEAN' },
  time: { type: 'INT64', converted_type: 'TIMESTAMP_MILLIS', logical_type: { type: 'TIMESTAMP', isAdjustedToUTC: true, unit: 'MILLIS' } },
} as const;
const ITEMS = { strings: 'string', ints: 'int', doubles: 'double' } as const;

/** Lists have the three levels that the format prescribes. */
function elements({ name, kind, nullable }: Column): Element[] {
  const repetition_type = nullable ? 'OPTIONAL' : 'REQUIRED';
  if (kind !== 'strings' && kind !== 'ints' && kind !== 'doubles') return [{ name, ...PLAIN[kind], repetition_type }];
  return [
    { name, repetition_type, num_children: 1, converted_type: 'LIST', logical_type: { type: 'LIST' } },
    { name: 'list', repetition_type: 'REPEATED', num_children: 1 },
    { name: 'element', ...PLAIN[ITEMS[kind]], repetition_type: 'REQUIRED' },
  ];
}

function value(cell: Cell, kind: Kind): unknown {
  if (typeof cell === 'string') return wellFormed(cell);
  if (kind === 'time') return new Date(cell as number);
  return Array.isArray(cell)
    ? (cell as readonly (string | number)[]).map((item) => (typeof item === 'string' ? wellFormed(item) : item))
    : cell;
}

function writeTable(source: RunSource, { name, about, columns, rows }: Table, path: string): number {
  const schema: Element[] = [{ name: 'root', num_children: columns.length, repetition_type: 'REQUIRED' }, ...columns.flatMap(elements)];
  const kvMetadata = [
    { key: 'kelvin.table', value: name },
    { key: 'kelvin.about', value: about },
    { key: 'kelvin.run', value: wellFormed(source.name) },
  ];
  const writer = new ParquetWriter({ writer: fileWriter(path), schema, kvMetadata, createdBy: 'kelvin' });
  let total = 0;
  let cells: unknown[][] = columns.map(() => []);
  const flush = (): void => {
    const count = cells[0]?.length ?? 0;
    if (count === 0) return;
    void writer.write({ columnData: columns.map((column, at) => ({ name: column.name, data: cells[at]! })), rowGroupSize: GROUP });
    total += count;
    cells = columns.map(() => []);
  };
  for (const row of rows(source)) {
    columns.forEach(({ kind }, at) => cells[at]!.push(value(row[at]!, kind)));
    if (cells[0]!.length === GROUP) flush();
  }
  flush();
  void writer.finish();
  return total;
}

/** One Parquet file a table (Snappy), with every number as it is recorded: NaN and infinities, too. */
export const writeParquet = (source: RunSource, dir: string): Written[] =>
  TABLES.map((table) => {
    const file = `${table.name}.parquet`;
    return { table: table.name, file, rows: writeTable(source, table, join(dir, file)) };
  });
