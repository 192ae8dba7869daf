import table from './words.json' with { type: 'json' };

/** Numbers of a word vector. */
export const DIMS = table.dims;

let rows: ReadonlyMap<string, number> | undefined;
let vectors: Float32Array | undefined;

/** Row of a word in the table, −1 when it has none. */
export function rowOf(word: string): number {
  rows ??= new Map(table.words.split(' ').map((each, index) => [each, index]));
  return rows.get(word) ?? -1;
}

/** All vectors, row by row; decoded once from the product-quantised codes (`make-words.py`). */
export function wordVectors(): Float32Array {
  if (vectors !== undefined) return vectors;
  const codes = Buffer.from(table.codes, 'base64');
  const book = new Int8Array(Uint8Array.from(Buffer.from(table.book, 'base64')).buffer);
  const width = DIMS / table.parts;
  vectors = new Float32Array((codes.length / table.parts) * DIMS);
  for (let at = 0; at < codes.length; at++) {
    const from = ((at % table.parts) * 256 + (codes[at] ?? 0)) * width;
    for (let step = 0; step < width; step++) vectors[at * width + step] = (book[from + step] ?? 0) * table.scale;
  }
  return vectors;
}

/** All of the table as text, for the monitor's version. */
export const wordsFingerprint = (): string => table.codes;
