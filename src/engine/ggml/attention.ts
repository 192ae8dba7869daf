/**
 * Causal grouped-query attention and its backward. Rows are cut into blocks of queries, so that most of the masked half is
 * never computed.
 */
import type { BlockBuilder } from './block.ts';
import { extents } from './ffi.ts';
import type { Pointer } from './libraries.ts';
import { queryBlocks, type QueryBlock } from './pack.ts';

/** What the backward needs: per head, [headWidth, length, heads, rows]. */
export interface Attended {
  readonly q: Pointer;
  readonly k: Pointer;
  readonly v: Pointer;
  /** Attention weights of each block of queries: [to, to − from, heads, rows]. */
  readonly p: readonly Pointer[];
  /** [headWidth·heads, T] */
  readonly o: Pointer;
}

/** @param turnedQ, turnedK [headWidth, heads, T]; the memory of `turnedQ` takes up the result. @param flatV [headWidth·kvHeads, T] */
export function attention(build: BlockBuilder, turnedQ: Pointer, turnedK: Pointer, flatV: Pointer): Attended {
  const { f, c } = build;
  const { heads, kvHeads, headWidth } = build.shape;
  const [q, k, v] = [perHead(build, turnedQ, heads), perHead(build, turnedK, kvHeads), perHead(build, flatV, kvHeads)];
  const joined = perToken(build, turnedQ, heads);
  const p = queryBlocks(build.length).map((block, i) => {
    const scores = build.product(first(build, k, block.to), queries(build, q, block));
    const weights = f.ggml_soft_max_ext(c, scores, build.masks[i] as Pointer, 1 / Math.sqrt(headWidth), 0);
    join(build, joined, build.products.back(c, first(build, v, block.to), weights), block);
    return weights;
  });
  return { q, k, v, p, o: f.ggml_reshape_2d(c, joined, headWidth * heads, build.rows * build.length) };
}

/**
 * Gradients of `turnedQ`, `turnedK` [headWidth, heads, T] and `flatV`, from `gOut` [headWidth·heads, T], whose memory takes up
 * the first. The groups of grouped-query attention are folded into the query dimension, so that one product sums over them.
 */
export function attentionBack(build: BlockBuilder, s: Attended, gOut: Pointer): { gq: Pointer; gk: Pointer; gv: Pointer } {
  const { f, c } = build;
  const { heads, kvHeads, headWidth } = build.shape;
  const tokens = build.rows * build.length;
  const go = build.add(perHead(build, gOut, heads));
  const joined = perToken(build, gOut, heads);
  let sums: { gk: Pointer; gv: Pointer } | null = null;
  // The last block looks at all keys, so its sums have the full length and the others are added into their beginning.
  for (const [i, block] of [...queryBlocks(build.length).entries()].reverse()) {
    const { from, to } = block;
    const group = (x: Pointer, inner: number): Pointer =>
      f.ggml_reshape_4d(c, x, inner, ((to - from) * heads) / kvHeads, kvHeads, build.rows);
    const p = s.p[i] as Pointer;
    const goHere = queries(build, go, block);
    const gs = f.ggml_soft_max_ext_back(c, build.product(first(build, s.v, to), goHere), p, 1 / Math.sqrt(headWidth), 0);
    const gv = build.outer(group(goHere, headWidth), group(p, to));
    const gk = build.outer(group(queries(build, s.q, block), headWidth), group(gs, to));
    if (sums === null) sums = { gk: build.add(gk), gv: build.add(gv) };
    else {
      build.add(f.ggml_add_inplace(c, first(build, sums.gv, to), gv));
      build.add(f.ggml_add_inplace(c, first(build, sums.gk, to), gk));
    }
    join(build, joined, build.products.back(c, first(build, s.k, to), gs), block);
  }
  const { gk, gv } = sums as { gk: Pointer; gv: Pointer };
  const back = (x: Pointer): Pointer => f.ggml_cont(c, f.ggml_permute(c, x, 0, 2, 1, 3));
  return {
    gq: f.ggml_reshape_3d(c, joined, headWidth, heads, tokens),
    gk: f.ggml_reshape_3d(c, back(gk), headWidth, kvHeads, tokens),
    gv: f.ggml_reshape_2d(c, back(gv), headWidth * kvHeads, tokens),
  };
}

/** [headWidth, heads, length, rows] over the memory of a contiguous tensor of as many numbers. */
function perToken(build: BlockBuilder, x: Pointer, heads: number): Pointer {
  return build.f.ggml_reshape_4d(build.c, x, build.shape.headWidth, heads, build.length, build.rows);
}
/** → [headWidth, length, heads, rows], contiguous */
function perHead(build: BlockBuilder, x: Pointer, heads: number): Pointer {
  return build.f.ggml_cont(build.c, build.f.ggml_permute(build.c, perToken(build, x, heads), 0, 2, 1, 3));
}

/** Puts [headWidth, to − from, heads, rows] into its place in [headWidth, heads, length, rows]. */
function join(build: BlockBuilder, joined: Pointer, part: Pointer, { from, to }: QueryBlock): void {
  const { f, c } = build;
  const [headWidth = 1, heads = 1, length = 1, rows = 1] = extents(joined);
  const token = headWidth * heads * 4;
  const place = f.ggml_view_4d(c, joined, headWidth, heads, to - from, rows, headWidth * 4, token, token * length, token * from);
  build.add(f.ggml_cpy(c, f.ggml_permute(c, part, 0, 2, 1, 3), place));
}
/** The first `count` positions of [headWidth, length, heads, rows]. */
function first(build: BlockBuilder, x: Pointer, count: number): Pointer {
  const [n0 = 1, n1 = 1, n2 = 1, n3 = 1] = extents(x);
  return build.f.ggml_view_4d(build.c, x, n0, count, n2, n3, n0 * 4, n0 * n1 * 4, n0 * n1 * n2 * 4, 0);
}
/** Columns [from, to) of [headWidth, length, heads, rows], contiguous. */
function queries(build: BlockBuilder, x: Pointer, { from, to }: QueryBlock): Pointer {
  const [n0 = 1, n1 = 1, n2 = 1, n3 = 1] = extents(x);
  const { f, c } = build;
  return f.ggml_cont(c, f.ggml_view_4d(c, x, n0, to - from, n2, n3, n0 * 4, n0 * n1 * 4, n0 * n1 * n2 * 4, from * n0 * 4));
}
