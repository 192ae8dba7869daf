import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { brotliCompressSync, brotliDecompressSync, constants } from 'node:zlib';
import { pack, unpack } from './pack.ts';
import { RecordError } from './port.ts';
import { requireSum, type Cell } from './sums.ts';

/**
 * The long part of rollouts: texts, tokens and log-probabilities of many together, compressed as one block. Prompts repeat, thought,
 * answer and program repeat the completion: within a block each is stored about once. Everything comes back to the bit.
 */
export interface LongPart {
  readonly prompt: string;
  readonly completion: string;
  readonly thought: string;
  readonly answer: string;
  readonly program: string | null;
  readonly detail: string;
  readonly promptTokens: readonly number[];
  readonly tokens: readonly number[];
  readonly logprobs: readonly number[];
}

/** Characters after which a new block begins: reading one rollout unpacks its block. */
const BLOCK_CHARS = 1 << 18;
/** Blocks kept unpacked by a reader. */
const KEPT = 8;
const SERIES = ['promptTokens', 'tokens', 'logprobs'] as const;

// JSON keeps halves of surrogate pairs and NUL, which SQLite's text does not.
type Texts = readonly [string, string, string, string, string | null, string];
interface Head {
  readonly texts: readonly Texts[];
  /** Of each series: the lengths. */
  readonly lengths: readonly (readonly number[])[];
  /** Of each series: its packed bytes in the second part. */
  readonly bytes: readonly number[];
}

const sizeOf = ({ prompt, completion, detail }: LongPart): number => prompt.length + completion.length + detail.length;

/** Cuts a list into blocks, in order. */
export function blocksOf<T extends LongPart>(items: readonly T[]): T[][] {
  const blocks: T[][] = [];
  let chars = Infinity;
  for (const item of items) {
    if (chars > BLOCK_CHARS) {
      blocks.push([]);
      chars = 0;
    }
    blocks.at(-1)!.push(item);
    chars += sizeOf(item);
  }
  return blocks;
}

/** All first bytes of the numbers, then all second bytes, …: exponents, which are alike, come to stand together. */
function shuffle(bytes: Uint8Array, width: number): Uint8Array {
  const out = new Uint8Array(bytes.length);
  const count = bytes.length / width;
  for (let i = 0; i < count; i++) for (let b = 0; b < width; b++) out[b * count + i] = bytes[i * width + b]!;
  return out;
}
const unshuffle = (bytes: Uint8Array, width: number): Uint8Array => shuffle(bytes, bytes.length / width || 1);

/** Width of the packed numbers by the tag of `pack`. */
const WIDTHS: Readonly<Record<number, number>> = { 1: 2, 2: 4, 3: 4, 4: 8 };

const compress = (bytes: Uint8Array, text: boolean): Buffer =>
  brotliCompressSync(bytes, {
    params: {
      [constants.BROTLI_PARAM_QUALITY]: 5,
      [constants.BROTLI_PARAM_LGWIN]: 22,
      [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length,
      [constants.BROTLI_PARAM_MODE]: text ? constants.BROTLI_MODE_TEXT : constants.BROTLI_MODE_GENERIC,
    },
  });

/** One block: length of the first part (uint32, little-endian), JSON of the texts, numbers; both parts compressed. */
export function encodeBlock(items: readonly LongPart[]): Uint8Array {
  const packed = SERIES.map((name) => {
    const bytes = pack(items.flatMap((item) => item[name]));
    // Token ids repeat as wholes, so only numbers of four bytes and more, the log-probabilities, gain from it.
    return name === 'logprobs' ? Buffer.concat([bytes.subarray(0, 1), shuffle(bytes.subarray(1), WIDTHS[bytes[0]!]!)]) : bytes;
  });
  const head: Head = {
    texts: items.map(({ prompt, completion, thought, answer, program, detail }) => [prompt, completion, thought, answer, program, detail]),
    lengths: SERIES.map((name) => items.map((item) => item[name].length)),
    bytes: packed.map((bytes) => bytes.length),
  };
  const first = compress(Buffer.from(JSON.stringify(head), 'utf8'), true);
  const size = Buffer.alloc(4);
  size.writeUInt32LE(first.length);
  return Buffer.concat([size, first, compress(Buffer.concat(packed), false)]);
}

const bufferOf = (block: Uint8Array): Buffer => Buffer.from(block.buffer, block.byteOffset, block.byteLength);
const middleOf = (bytes: Buffer): number => 4 + bytes.readUInt32LE(0);
const headOf = (bytes: Buffer): Head => JSON.parse(brotliDecompressSync(bytes.subarray(4, middleOf(bytes))).toString('utf8')) as Head;

/** What a search reads of a block: thoughts and answers, without the numbers. */
const decodeWords = (block: Uint8Array): Pick<LongPart, 'thought' | 'answer'>[] =>
  headOf(bufferOf(block)).texts.map(([, , thought, answer]) => ({ thought, answer }));

/** The rollouts of a block. Their numbers, most of the work, are decoded when the first of them is asked for. */
export function decodeBlock(block: Uint8Array): LongPart[] {
  const bytes = bufferOf(block);
  const head = headOf(bytes);
  let decoded: readonly (readonly (readonly number[])[])[] | null = null;
  const numbers = (series: number, at: number): readonly number[] => (decoded ??= decodeNumbers(bytes, head))[series]![at]!;
  return head.texts.map(([prompt, completion, thought, answer, program, detail], at) => ({
    prompt,
    completion,
    thought,
    answer,
    program,
    detail,
    get promptTokens() {
      return numbers(0, at);
    },
    get tokens() {
      return numbers(1, at);
    },
    get logprobs() {
      return numbers(2, at);
    },
  }));
}

/** Of each series, the numbers of each rollout. */
function decodeNumbers(bytes: Buffer, head: Head): readonly (readonly (readonly number[])[])[] {
  const numbers = brotliDecompressSync(bytes.subarray(middleOf(bytes)));
  let from = 0;
  return SERIES.map((name, at) => {
    const part = numbers.subarray(from, (from += head.bytes[at]!));
    const plain = name === 'logprobs' ? Buffer.concat([part.subarray(0, 1), unshuffle(part.subarray(1), WIDTHS[part[0]!]!)]) : part;
    const all = unpack(plain);
    let next = 0;
    return head.lengths[at]!.map((length) => all.slice(next, (next += length)));
  });
}

/** Gives the long part of rollouts by block and place in it; throws `RecordError('corrupt')` on a damaged block. */
export const longPartReader = (db: DatabaseSync): ((block: number, slot: number) => LongPart) => blockReader(db, decodeBlock);

/** As `longPartReader`, of thought and answer alone. */
export const wordsReader = (db: DatabaseSync): ((block: number, slot: number) => Pick<LongPart, 'thought' | 'answer'>) =>
  blockReader(db, decodeWords);

function blockReader<T>(db: DatabaseSync, decode: (block: Uint8Array) => readonly T[]): (block: number, slot: number) => T {
  const kept = new Map<number, readonly T[]>();
  let select: StatementSync | null = null;
  const load = (block: number): readonly T[] => {
    select ??= db.prepare('SELECT seq, body, sum FROM texts WHERE n = ?');
    const row = select.get(block);
    const what = `Block ${block} of the texts`;
    if (!row) throw new RecordError('corrupt', `${what} is gone from the journal. Restore the journal from a backup.`);
    requireSum([row['seq'] as Cell, row['body'] as Cell], row['sum'], what);
    return decode(row['body'] as Uint8Array);
  };
  return (block, slot) => {
    const items = kept.get(block) ?? load(block);
    kept.delete(block);
    kept.set(block, items);
    if (kept.size > KEPT) kept.delete(kept.keys().next().value!);
    const item = items[slot];
    if (!item) throw new RecordError('corrupt', `Block ${block} of the texts has no rollout ${slot}. Restore the journal from a backup.`);
    return item;
  };
}
