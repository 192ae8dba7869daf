/**
 * Machine code of a single-precision matrix product for AVX2 and FMA, with any strides:
 * C[j][c] = Σ_p A(j, p)·B(p, c), over three batch dimensions.
 *
 * The scheme is that of Goto & van de Geijn (2008): 16 columns of a block of B are packed so that they lie side by side, and
 * a micro-kernel keeps 6 × 16 sums in registers. ggml's own kernel runs out of registers on AVX2 (docs/performance.md).
 *
 * The code is a ggml custom operation: `void f(ggml_tensor* dst, int ith, int nth, void* call)`, System V calling convention.
 * `call` holds 64-bit integers in the order of `FIELDS`; strides are in bytes. dst = C, src[0] = A, src[1] = B.
 */
import {
  Assembler,
  at,
  indexed,
  R10,
  R11,
  R12,
  R13,
  R14,
  R15,
  R8,
  R9,
  RAX,
  RBP,
  RBX,
  RCX,
  RDI,
  RDX,
  RSI,
  RSP,
  type Memory,
} from './assembler.ts';

export const FIELDS = [
  ...['rows', 'columns', 'depth', 'aRow', 'aDepth', 'bDepth', 'bColumn', 'cRow', 'scratch'],
  ...['count1', 'count2', 'count3', 'a1', 'a2', 'a3', 'b1', 'b2', 'b3', 'c1', 'c2', 'c3'],
] as const;
type Field = string;

/** Rows and columns of sums kept in registers, and the depth of a packed block (16 KiB: half of a first-level cache). */
const ROWS = 6;
const COLUMNS = 16;
const DEPTH = 256;
const PANEL = DEPTH * COLUMNS * 4;
/** Bytes of memory that one call needs beside its operands: a packed block and a tile for ragged edges. */
export const SCRATCH = PANEL + ROWS * COLUMNS * 4;

const field = (name: Field): Memory => at(RBP, 8 * FIELDS.indexOf(name as (typeof FIELDS)[number]));

/** Local variables on the stack. */
const LOCALS = [
  'a3',
  'b3',
  'c3',
  'n3',
  'a2',
  'b2',
  'c2',
  'n2',
  'a1',
  'b1',
  'c1',
  'n1',
  'aBlock',
  'bBlock',
  'bPanel',
  'cPanel',
  'kc',
  'width',
  'c',
  'add',
];
const local = (name: string): Memory => at(RSP, 8 * LOCALS.indexOf(name));
const SAVED = [RBX, RBP, R12, R13, R14, R15];

/** @param offsets byte offsets of `src[0]` and `data` in `ggml_tensor`. */
export function sgemmCode(offsets: { readonly source: number; readonly data: number }): Uint8Array {
  const a = new Assembler();
  // Only the first of several threads works.
  a.compareConstant32(RSI, 0);
  a.jump('work', 'equal');
  a.ret();
  a.label('work');
  for (const register of SAVED) a.push(register);
  a.addConstant(RSP, -8 * LOCALS.length);
  a.move(RBP, RCX);
  for (const [name, source] of [
    ['a3', 0],
    ['b3', 1],
  ] as const) {
    a.load(RAX, at(RDI, offsets.source + 8 * source));
    a.load(RAX, at(RAX, offsets.data));
    a.store(local(name), RAX);
  }
  a.load(RAX, at(RDI, offsets.data));
  a.store(local('c3'), RAX);
  batch(a, 3);
  a.addConstant(RSP, 8 * LOCALS.length);
  for (const register of [...SAVED].reverse()) a.pop(register);
  a.clearUpper();
  a.ret();
  pack(a);
  copyTile(a);
  for (let rows = 1; rows <= ROWS; rows++) microKernel(a, rows);
  return a.bytes();
}

/** Loops over one batch dimension, or computes one product when none is left. */
function batch(a: Assembler, dimension: number): void {
  if (dimension === 0) return product(a);
  const own = (name: string): Memory => local(`${name}${dimension}`);
  a.load(RAX, field(`count${dimension}`));
  a.store(own('n'), RAX);
  a.label(`batch${dimension}`);
  if (dimension > 1)
    for (const name of ['a', 'b', 'c']) {
      a.load(RAX, own(name));
      a.store(local(`${name}${dimension - 1}`), RAX);
    }
  batch(a, dimension - 1);
  for (const name of ['a', 'b', 'c']) {
    a.load(RAX, own(name));
    a.add(RAX, field(`${name}${dimension}`));
    a.store(own(name), RAX);
  }
  a.load(RAX, own('n'));
  a.addConstant(RAX, -1);
  a.store(own('n'), RAX);
  a.compareConstant(RAX, 0);
  a.jump(`batch${dimension}`, 'greater');
}

/** One product: blocks of depth, panels of columns, strips of rows. R12, R13, R14 count down what is left of each. */
function product(a: Assembler): void {
  const copy = (to: Memory, from: Memory): void => {
    a.load(RAX, from);
    a.store(to, RAX);
  };
  copy(local('aBlock'), local('a1'));
  copy(local('bBlock'), local('b1'));
  a.load(R12, field('depth'));
  a.label('depth');
  minimum(a, RDX, R12, DEPTH);
  a.store(local('kc'), RDX);
  copy(local('bPanel'), local('bBlock'));
  copy(local('cPanel'), local('c1'));
  a.load(R13, field('columns'));
  a.label('columns');
  minimum(a, RCX, R13, COLUMNS);
  a.store(local('width'), RCX);
  a.load(RSI, local('bPanel'));
  a.load(RDX, local('kc'));
  a.call('pack');
  a.load(R14, field('rows'));
  a.load(R8, local('aBlock'));
  a.load(RDI, local('cPanel'));
  a.load(R9, field('aRow'));
  a.load(R11, field('aDepth'));
  a.label('rows');
  a.load(RSI, field('scratch'));
  a.load(RDX, local('kc'));
  // Blocks of depth after the first add to what is there.
  a.loadConstant(RCX, 0);
  a.load(RAX, field('depth'));
  a.compare(R12, RAX);
  a.jump('firstBlock', 'equal');
  a.loadConstant(RCX, 1);
  a.label('firstBlock');
  a.load(RAX, local('width'));
  a.compareConstant(RAX, COLUMNS);
  a.jump('edge', 'less');
  a.load(RAX, field('cRow'));
  kernelFor(a, 'full');
  a.jump('rowsDone');
  a.label('edge');
  edge(a);
  a.label('rowsDone');
  for (let i = 0; i < ROWS; i++) {
    a.add(R8, R9);
    a.add(RDI, field('cRow'));
  }
  a.addConstant(R14, -ROWS);
  a.compareConstant(R14, 0);
  a.jump('rows', 'greater');
  const advance = (name: string, stride: Field, times: number): void => {
    a.loadConstant(RAX, times);
    a.multiply(RAX, field(stride));
    a.add(RAX, local(name));
    a.store(local(name), RAX);
  };
  advance('bPanel', 'bColumn', COLUMNS);
  a.load(RAX, local('cPanel'));
  a.addConstant(RAX, COLUMNS * 4);
  a.store(local('cPanel'), RAX);
  a.addConstant(R13, -COLUMNS);
  a.compareConstant(R13, 0);
  a.jump('columns', 'greater');
  advance('aBlock', 'aDepth', DEPTH);
  advance('bBlock', 'bDepth', DEPTH);
  a.addConstant(R12, -DEPTH);
  a.compareConstant(R12, 0);
  a.jump('depth', 'greater');
}

/** Calls the micro-kernel for min(ROWS, R14) rows. */
function kernelFor(a: Assembler, prefix: string): void {
  for (let rows = 1; rows < ROWS; rows++) {
    a.compareConstant(R14, rows);
    a.jump(`${prefix}Not${rows}`, 'notEqual');
    a.call(`kernel${rows}`);
    a.jump(`${prefix}Called`);
    a.label(`${prefix}Not${rows}`);
  }
  a.call(`kernel${ROWS}`);
  a.label(`${prefix}Called`);
}

/** A panel with fewer than 16 columns: sums go to a tile of full width, of which the valid part is copied. */
function edge(a: Assembler): void {
  const tile = (to: number): void => {
    a.load(to, field('scratch'));
    a.addConstant(to, PANEL);
  };
  const size = (): void => {
    minimum(a, R10, R14, ROWS);
    a.load(RBX, local('width'));
  };
  a.store(local('c'), RDI);
  a.store(local('add'), RCX);
  a.compareConstant(RCX, 0);
  a.jump('tileEmpty', 'equal');
  // tile ← C
  size();
  a.move(R15, RDI);
  a.load(RAX, field('cRow'));
  tile(RSI);
  a.loadConstant(RDI, COLUMNS * 4);
  a.call('copyTile');
  a.label('tileEmpty');
  a.load(RCX, local('add'));
  a.load(RDX, local('kc'));
  a.load(RSI, field('scratch'));
  tile(RDI);
  a.loadConstant(RAX, COLUMNS * 4);
  kernelFor(a, 'edge');
  // C ← tile
  size();
  a.load(RSI, local('c'));
  a.load(RDI, field('cRow'));
  tile(R15);
  a.loadConstant(RAX, COLUMNS * 4);
  a.call('copyTile');
  a.load(RDI, local('c'));
}

/** to ← min(from, limit) */
function minimum(a: Assembler, to: number, from: number, limit: number): void {
  const done = a.unique('minimum');
  a.move(to, from);
  a.compareConstant(to, limit);
  a.jump(done, 'lessOrEqual');
  a.loadConstant(to, limit);
  a.label(done);
}

/**
 * copyTile: RSI destination, RDI its row stride, R15 source, RAX its row stride, R10 rows, RBX columns. Changes RSI, R15, R10,
 * RCX and RDX only.
 */
function copyTile(a: Assembler): void {
  a.label('copyTile');
  a.loadConstant(RCX, 0);
  a.label('copyColumns');
  a.load32(RDX, indexed(R15, RCX, 4));
  a.store32(indexed(RSI, RCX, 4), RDX);
  a.addConstant(RCX, 1);
  a.compare(RCX, RBX);
  a.jump('copyColumns', 'less');
  a.add(RSI, RDI);
  a.add(R15, RAX);
  a.addConstant(R10, -1);
  a.compareConstant(R10, 0);
  a.jump('copyTile', 'greater');
  a.ret();
}

/**
 * pack: RSI first element of B's panel, RDX depth, RCX columns (1 to 16). Writes depth × 16 floats to the scratch memory,
 * missing columns as 0. Rows that are contiguous in B are copied; a block that is contiguous the other way is transposed
 * 8 × 8 at a time.
 */
function pack(a: Assembler): void {
  a.label('pack');
  a.load(RDI, field('scratch'));
  a.load(R8, field('bDepth'));
  a.load(R9, field('bColumn'));
  a.compareConstant(RCX, COLUMNS);
  a.jump('packAny', 'less');
  a.compareConstant(R9, 4);
  a.jump('packRows', 'equal');
  a.compareConstant(R8, 4);
  a.jump('packAny', 'notEqual');
  packTransposed(a);
  a.label('packRest');
  a.compareConstant(RDX, 0);
  a.jump('packAny', 'greater');
  a.ret();

  a.label('packRows');
  a.loadVector(0, at(RSI));
  a.loadVector(1, at(RSI, 32));
  a.storeVector(at(RDI), 0);
  a.storeVector(at(RDI, 32), 1);
  a.add(RSI, R8);
  a.addConstant(RDI, COLUMNS * 4);
  a.addConstant(RDX, -1);
  a.compareConstant(RDX, 0);
  a.jump('packRows', 'greater');
  a.ret();

  a.label('packAny');
  a.zeroVector(0);
  a.storeVector(at(RDI), 0);
  a.storeVector(at(RDI, 32), 0);
  a.move(R10, RSI);
  a.loadConstant(RBX, 0);
  a.label('packOne');
  a.load32(RAX, at(R10));
  a.store32(indexed(RDI, RBX, 4), RAX);
  a.add(R10, R9);
  a.addConstant(RBX, 1);
  a.compare(RBX, RCX);
  a.jump('packOne', 'less');
  a.add(RSI, R8);
  a.addConstant(RDI, COLUMNS * 4);
  a.addConstant(RDX, -1);
  a.compareConstant(RDX, 0);
  a.jump('packAny', 'greater');
  a.ret();
}

/** While at least 8 of the depth are left: two 8 × 8 blocks, transposed in registers. */
function packTransposed(a: Assembler): void {
  // RBX = 3·column stride; R10 and R11 point to columns 0 and 4 of the half in work.
  a.address(RBX, indexed(R9, R9, 2));
  a.label('packEight');
  a.compareConstant(RDX, 8);
  a.jump('packRest', 'less');
  for (const half of [0, 1]) {
    if (half === 0) a.move(R10, RSI);
    else a.address(R10, indexed(R11, R9, 4));
    a.address(R11, indexed(R10, R9, 4));
    for (const [quarter, base] of [
      [0, R10],
      [4, R11],
    ] as const) {
      a.loadVector(quarter, at(base));
      a.loadVector(quarter + 1, indexed(base, R9));
      a.loadVector(quarter + 2, indexed(base, R9, 2));
      a.loadVector(quarter + 3, indexed(base, RBX));
    }
    for (const i of [0, 2, 4, 6]) {
      a.unpackLow(8 + i, i, i + 1);
      a.unpackHigh(9 + i, i, i + 1);
    }
    for (const i of [0, 4]) {
      a.shuffle(i, 8 + i, 10 + i, 0x44);
      a.shuffle(i + 1, 8 + i, 10 + i, 0xee);
      a.shuffle(i + 2, 9 + i, 11 + i, 0x44);
      a.shuffle(i + 3, 9 + i, 11 + i, 0xee);
    }
    for (const i of [0, 1, 2, 3]) {
      a.permuteHalves(8 + i, i, i + 4, 0x20);
      a.permuteHalves(12 + i, i, i + 4, 0x31);
    }
    for (let i = 0; i < 8; i++) a.storeVector(at(RDI, i * COLUMNS * 4 + 32 * half), 8 + i);
  }
  a.addConstant(RSI, 32);
  a.addConstant(RDI, 8 * COLUMNS * 4);
  a.addConstant(RDX, -8);
  a.jump('packEight');
}

/**
 * kernel<rows>: RSI packed B, RDX depth, R8 A, R9 its row stride, R11 its depth stride, RDI C, RAX its row stride, RCX whether to
 * add to C. Changes RSI, RDX, R10, R15, RBX only.
 */
function microKernel(a: Assembler, rows: number): void {
  const sum = (row: number, half: number): number => 2 * row + half;
  const A = [at(R15), indexed(R15, R9), indexed(R15, R9, 2), at(R10), indexed(R10, R9), indexed(R10, R9, 2)];
  const third = (to: number, base: number, stride: number): void => {
    a.address(to, indexed(base, stride, 2));
    a.add(to, stride);
  };
  const terms = (i: number): void => {
    a.loadVector(12, at(RSI, 64 * i));
    a.loadVector(13, at(RSI, 64 * i + 32));
    for (let row = 0; row < rows; row++) {
      const value = 14 + (row & 1);
      a.broadcast(value, A[row] as Memory);
      a.multiplyAdd(sum(row, 0), value, 12);
      a.multiplyAdd(sum(row, 1), value, 13);
    }
    a.add(R15, R11);
    if (rows > 3) a.add(R10, R11);
  };
  a.label(`kernel${rows}`);
  a.move(R15, R8);
  if (rows > 3) third(R10, R8, R9);
  for (let i = 0; i < 2 * rows; i++) a.zeroVector(i);
  a.label(`four${rows}`);
  a.compareConstant(RDX, 4);
  a.jump(`one${rows}`, 'less');
  a.label(`fourMore${rows}`);
  for (let i = 0; i < 4; i++) terms(i);
  a.addConstant(RSI, 256);
  a.addConstant(RDX, -4);
  a.compareConstant(RDX, 4);
  a.jump(`fourMore${rows}`, 'atLeast');
  a.label(`one${rows}`);
  a.compareConstant(RDX, 0);
  a.jump(`done${rows}`, 'lessOrEqual');
  terms(0);
  a.addConstant(RSI, 64);
  a.addConstant(RDX, -1);
  a.jump(`one${rows}`);
  a.label(`done${rows}`);
  if (rows > 3) third(RBX, RDI, RAX);
  const C = (row: number, half: number): Memory => {
    const base = row < 3 ? RDI : RBX;
    const step = row % 3;
    return step === 0 ? at(base, 32 * half) : indexed(base, RAX, step === 1 ? 1 : 2, 32 * half);
  };
  a.compareConstant(RCX, 0);
  a.jump(`store${rows}`, 'equal');
  for (let row = 0; row < rows; row++) for (const half of [0, 1]) a.addVector(sum(row, half), sum(row, half), C(row, half));
  a.label(`store${rows}`);
  for (let row = 0; row < rows; row++) for (const half of [0, 1]) a.storeVector(C(row, half), sum(row, half));
  a.ret();
}
