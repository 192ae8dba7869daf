/**
 * Packs training sequences into rows of one length, several to a row, and completions that share a prompt as a tree:
 * the prompt once, then each completion, which sees the prompt and itself only, at positions that go on from the prompt.
 * With n completions of a prompt of P tokens this saves (n − 1)·P tokens of forward and backward.
 */
import type { Datum } from '../../core/types.ts';

/** Tokens [from, to) of a datum placed in a row; `parent` is the piece of the row it continues. */
interface Piece {
  readonly datum: number;
  readonly from: number;
  readonly to: number;
  readonly column: number;
  readonly parent: Piece | null;
}

/** A target whose log-probability is wanted: predicted at flat position `at` of the batch. */
export interface Target {
  readonly at: number;
  readonly datum: number;
  readonly index: number;
}

/** One graph's worth of rows. */
export interface Batch {
  readonly rows: number;
  readonly length: number;
  readonly tokens: Int32Array;
  readonly positions: Int32Array;
  /** Additive masks, one for each block of queries: [to, to − from, 1, row] of (key, query, –, row), 0 or −∞. */
  readonly masks: readonly Float32Array[];
  readonly targets: readonly Target[];
}

/** Queries [from, to) of a row; they look at the keys [0, to) only. */
export interface QueryBlock {
  readonly from: number;
  readonly to: number;
}

/** Cuts a row into four blocks, so that most of the masked half of attention is never computed. Lengths are multiples of 32. */
export function queryBlocks(length: number): QueryBlock[] {
  const size = length / 4;
  return Array.from({ length: 4 }, (_, i) => ({ from: i * size, to: (i + 1) * size }));
}

const LENGTHS = [32, 64, 96, 128, 160, 192, 256, 320, 384, 512, 768, 1024, 1536, 2048, 3072, 4096, 6144, 8192, 12288, 16384];
const SHARED_MINIMUM = 8;

/** A prompt with some of its completions, to be placed whole. */
interface Tree {
  readonly prefix: number;
  readonly members: readonly number[];
  readonly size: number;
}

function firstWeighted(datum: Datum): number {
  const index = datum.weights.findIndex((w) => w !== 0);
  return index < 0 ? datum.tokens.length : index;
}

/** Groups data by shared prompt and cuts the groups into trees of at most `length` tokens. */
function trees(data: readonly Datum[], length: number): Tree[] {
  const groups = new Map<string, number[]>();
  data.forEach((datum, i) => {
    const k = firstWeighted(datum);
    if (k >= datum.tokens.length) return;
    const key = k + 1 < SHARED_MINIMUM ? `#${i}` : datum.tokens.subarray(0, k + 1).join();
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [i]);
    else group.push(i);
  });
  const out: Tree[] = [];
  for (const members of groups.values()) {
    const prefix = firstWeighted(data[members[0] ?? 0] as Datum) + 1;
    let piece: number[] = [];
    let size = prefix;
    for (const m of members) {
      const rest = (data[m] as Datum).tokens.length - prefix;
      if (piece.length > 0 && size + rest > length) {
        out.push({ prefix, members: piece, size });
        piece = [];
        size = prefix;
      }
      piece.push(m);
      size += rest;
    }
    out.push({ prefix, members: piece, size });
  }
  return out;
}

/** First-fit decreasing; order is fixed by (size, first member), so the packing is deterministic. */
function fill(all: readonly Tree[], length: number): Tree[][] {
  const rows: Tree[][] = [];
  const free: number[] = [];
  for (const tree of [...all].sort((a, b) => b.size - a.size || (a.members[0] ?? 0) - (b.members[0] ?? 0))) {
    let r = free.findIndex((f) => f >= tree.size);
    if (r < 0) {
      r = rows.length;
      rows.push([]);
      free.push(length);
    }
    rows[r]?.push(tree);
    free[r] = (free[r] ?? 0) - tree.size;
  }
  return rows;
}

const roundUp = (length: number): number => Math.ceil(length / 32) * 32;

/** The longest row that `planRows` chooses for sequences of up to `longest` tokens: the budget of a graph, within reason. */
export const longestRow = (longest: number, budget: number): number =>
  Math.max(roundUp(longest), Math.min(Math.floor(budget / 32) * 32, 8 * roundUp(longest)));

/**
 * Chooses the row length with the least arithmetic and packs.
 * @param attention cost of one attended position relative to one token of the linear layers.
 * @param budget tokens of one graph: rows are no longer, unless a single sequence is.
 */
export function planRows(data: readonly Datum[], attention: number, budget: number): { rows: Tree[][]; length: number } {
  const longest = data.reduce((a, d) => Math.max(a, d.tokens.length), 1);
  const total = data.reduce((a, d) => a + d.tokens.length, 0);
  let best: { rows: Tree[][]; length: number; cost: number } | null = null;
  const most = longestRow(longest, budget);
  for (const length of [roundUp(longest), ...LENGTHS.filter((l) => l >= longest && l <= most)]) {
    if (best !== null && length > Math.max(2 * total, longest + 31)) continue;
    const rows = fill(trees(data, length), length);
    const cost = rows.length * length * (1 + attention * length);
    if (best === null || cost < best.cost) best = { rows, length, cost };
  }
  return best ?? { rows: [], length: 32 };
}

/** Loss positions in some rows. */
export function countTargets(data: readonly Datum[], rows: readonly (readonly Tree[])[]): number {
  let count = 0;
  for (const tree of rows.flat()) for (const m of tree.members) for (const w of (data[m] as Datum).weights) if (w !== 0) count++;
  return count;
}

/** Lays `rows` (padded to `count` rows) out as the arrays of one batch. */
export function layOut(data: readonly Datum[], rows: readonly (readonly Tree[])[], count: number, length: number): Batch {
  const tokens = new Int32Array(count * length);
  const positions = new Int32Array(count * length);
  const blocks = queryBlocks(length);
  const masks = blocks.map(({ from, to }) => new Float32Array(count * (to - from) * to).fill(-Infinity));
  const see = (row: number, query: number, from: number, to: number): void => {
    const b = Math.floor((query * blocks.length) / length);
    const block = blocks[b] as QueryBlock;
    const line = (row * (block.to - block.from) + query - block.from) * block.to;
    masks[b]?.fill(0, line + from, line + to);
  };
  const targets: Target[] = [];
  for (let r = 0; r < count; r++) {
    let column = 0;
    const place = (piece: Piece): void => {
      const source = data[piece.datum] as Datum;
      for (let i = piece.from; i < piece.to; i++) {
        const c = piece.column + i - piece.from;
        tokens[r * length + c] = source.tokens[i] ?? 0;
        positions[r * length + c] = i;
        if (piece.parent !== null) see(r, c, piece.parent.column, piece.parent.column + piece.parent.to);
        see(r, c, piece.column, c + 1);
      }
      column += piece.to - piece.from;
    };
    for (const tree of rows[r] ?? []) {
      const prompt: Piece = { datum: tree.members[0] ?? 0, from: 0, to: tree.prefix, column, parent: null };
      place(prompt);
      for (const datum of tree.members) {
        const source = data[datum] as Datum;
        const piece: Piece = { datum, from: tree.prefix, to: source.tokens.length, column, parent: prompt };
        place(piece);
        for (let i = tree.prefix - 1; i < source.tokens.length; i++) {
          if (source.weights[i] === 0) continue;
          const c = i < tree.prefix ? prompt.column + i : piece.column + i - tree.prefix;
          targets.push({ at: r * length + c, datum, index: i });
        }
      }
    }
    for (let c = column; c < length; c++) see(r, c, c, c + 1);
  }
  return { rows: count, length, tokens, positions, masks, targets };
}
