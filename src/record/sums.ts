import { crc32 } from 'node:zlib';
import { RecordError } from './port.ts';

export type Cell = string | number | null | Uint8Array;

const number = new DataView(new ArrayBuffer(8));
const numberBytes = new Uint8Array(number.buffer);

/** A cell as SQLite gives it back: no NaN, no −0, well-formed UTF-8. */
function bytesOf(cell: Cell): readonly [tag: number, bytes: Uint8Array] {
  if (cell === null || Number.isNaN(cell)) return [0, new Uint8Array()];
  if (typeof cell === 'string') return [2, Buffer.from(cell, 'utf8')];
  if (typeof cell !== 'number') return [3, cell];
  number.setFloat64(0, cell + 0, true);
  return [1, numberBytes];
}

/**
 * CRC-32 over the cells of a row, with their kinds and lengths. SQLite has no checksum of its own in a database file: without this
 * a bit that flips on the disk inside a text would be read as if the model had written it. Against malice there is the audit log.
 */
export function sumOf(cells: readonly Cell[]): number {
  let sum = 0;
  const head = new DataView(new ArrayBuffer(5));
  const headBytes = new Uint8Array(head.buffer);
  for (const cell of cells) {
    const [tag, bytes] = bytesOf(cell);
    head.setUint8(0, tag);
    head.setUint32(1, bytes.length, true);
    sum = crc32(bytes, crc32(headBytes, sum));
  }
  return sum;
}

/** Throws `RecordError('corrupt')` unless the row still is what was written. */
export function requireSum(cells: readonly Cell[], sum: unknown, what: string): void {
  if (sumOf(cells) === sum) return;
  throw new RecordError(
    'corrupt',
    `${what} is damaged: it no longer has the checksum it was written with. Restore the journal from a backup, or start a new run; \`kelvin audit\` says what else is damaged.`,
  );
}
