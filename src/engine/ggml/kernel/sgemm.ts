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
import { Assembler, at, R10, R11, R12, R13, R14, R15, R8, R9, RAX, RBP, RBX, RCX, RDI, RDX, RSI, RSP, type Memory } from './assembler.ts';
import { COLUMNS, copyTile, DEPTH, field, microKernel, pack, PANEL, ROWS, type Field } from './micro-kernel.ts';

/** Bytes of memory that one call needs beside its operands: a packed block and a tile for ragged edges. */
export const SCRATCH = PANEL + ROWS * COLUMNS * 4;

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
  a.load(RAX, field(`count${dimension}` as Field));
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
    a.add(RAX, field(`${name}${dimension}` as Field));
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
