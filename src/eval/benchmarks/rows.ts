import { createReadStream, existsSync, readFileSync, statSync } from 'node:fs';
import { basename } from 'node:path';
import { createInterface } from 'node:readline';
import { pipeline } from 'node:stream';
import type { Readable } from 'node:stream';
import { createGunzip, gunzipSync } from 'node:zlib';
import { SuiteError } from './errors.ts';

export interface Row {
  /** For messages: `file.jsonl, line 3`. */
  readonly where: string;
  readonly fields: Readonly<Record<string, unknown>>;
  /** The JSON text of the row; null where the file is no JSON. Exact numbers are read from it (json.ts). */
  readonly text: string | null;
}

/** Whole files are read up to this size; longer ones must have one row a line. */
const WHOLE_BYTES = 400e6;

/**
 * The rows of a published file: JSON Lines, a JSON array, or Parquet; the first two also packed with gzip. Lines are read
 * one at a time, so that a file may be larger than memory.
 * @throws SuiteError that names file and line.
 */
export async function* readRows(file: string): AsyncGenerator<Row> {
  if (!existsSync(file)) throw new SuiteError(`${file} does not exist. Name the published file: --suite NAME=PATH.`);
  if (!statSync(file).isFile()) throw new SuiteError(`${file} is not a file. Name the published file, or several with commas between.`);
  const name = basename(file);
  const head = await start(file);
  if (head.startsWith('PAR1')) yield* parquetRows(file, name);
  else if (/^\s*\[/.test(head)) yield* arrayRows(file, name);
  else yield* lineRows(file, name);
}

const isPacked = (file: string): boolean => /\.gz$/i.test(file);

/** The first characters, unpacked. */
async function start(file: string): Promise<string> {
  const stream = textStream(file, basename(file));
  try {
    for await (const chunk of stream)
      return (chunk as Buffer)
        .subarray(0, 64)
        .toString('latin1')
        .replace(/^\xef\xbb\xbf/, '');
  } catch (error) {
    throw unpackable(basename(file), error);
  } finally {
    stream.destroy();
  }
  throw new SuiteError(`${basename(file)} is empty.`);
}

const unpackable = (name: string, error: unknown): SuiteError =>
  error instanceof SuiteError ? error : new SuiteError(`${name} cannot be read: ${(error as Error).message}. Fetch it again.`);

function textStream(file: string, name: string): Readable {
  const source = createReadStream(file);
  if (!isPacked(file)) return source;
  const unpacked = createGunzip();
  pipeline(source, unpacked, (error) => {
    if (error) unpacked.destroy(unpackable(name, error));
  });
  return unpacked;
}

async function* lineRows(file: string, name: string): AsyncGenerator<Row> {
  const lines = createInterface({ input: textStream(file, name), crlfDelay: Infinity });
  let line = 0;
  try {
    for await (const text of lines) {
      line++;
      const json = line === 1 ? text.replace(/^\uFEFF/, '') : text;
      if (json.trim() === '') continue;
      const where = `${name}, line ${line}`;
      yield { where, fields: objectOf(parse(json, where), where), text: json };
    }
  } catch (error) {
    throw unpackable(name, error);
  }
}

async function* arrayRows(file: string, name: string): AsyncGenerator<Row> {
  if (statSync(file).size > WHOLE_BYTES)
    throw new SuiteError(`${name} is one JSON array too large to read. Write one object a line instead.`);
  const bytes = readFileSync(file);
  const text = (isPacked(file) ? gunzipSync(bytes, { maxOutputLength: WHOLE_BYTES }) : bytes).toString('utf8').replace(/^\uFEFF/, '');
  const list = parse(text, name) as unknown[];
  for (const [i, item] of list.entries()) {
    const where = `${name}, item ${i + 1}`;
    yield { where, fields: objectOf(item, where), text: JSON.stringify(item) };
  }
}

async function* parquetRows(file: string, name: string): AsyncGenerator<Row> {
  const [{ parquetReadObjects, asyncBufferFromFile }, { compressors }] = await Promise.all([
    import('hyparquet'),
    import('hyparquet-compressors'),
  ]);
  let rows: Record<string, unknown>[];
  try {
    rows = await parquetReadObjects({ file: await asyncBufferFromFile(file), compressors });
  } catch (error) {
    throw new SuiteError(`${name} cannot be read as Parquet: ${(error as Error).message}. Fetch it again.`);
  }
  for (const [i, fields] of rows.entries()) yield { where: `${name}, row ${i + 1}`, fields: plain(fields), text: null };
}

/** Parquet gives 64-bit integers as BigInt. */
const plain = (fields: Record<string, unknown>): Record<string, unknown> =>
  Object.fromEntries(
    Object.entries(fields).map(([key, value]) => [
      key,
      typeof value === 'bigint' && Number.isSafeInteger(Number(value)) ? Number(value) : value,
    ]),
  );

function parse(text: string, where: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    // Python writes NaN and Infinity into JSON; they matter only where exact numbers are read.
    const tolerant = text.replace(/"(?:[^"\\]|\\.)*"|-?Infinity\b|\bNaN\b/g, (part) => (part.startsWith('"') ? part : 'null'));
    if (tolerant !== text) return parse(tolerant, where);
    throw new SuiteError(`${where}: it is not JSON (${(error as Error).message}).`);
  }
}

function objectOf(value: unknown, where: string): Readonly<Record<string, unknown>> {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  throw new SuiteError(`${where}: it is not a JSON object.`);
}
