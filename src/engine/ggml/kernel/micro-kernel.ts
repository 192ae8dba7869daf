/**
 * The innermost parts of the matrix product (sgemm.ts): packing a panel of B, the micro-kernel that keeps 6 × 16 sums in
 * registers, and the copy of a ragged tile. Each is a subroutine with its arguments in registers.
 */
import { type Assembler, at, indexed, R10, R11, R15, R8, R9, RAX, RBP, RBX, RCX, RDI, RDX, RSI, type Memory } from './assembler.ts';

/** What a call hands over, 64-bit integers; strides in bytes. RBP points to it. */
export const FIELDS = [
  ...['rows', 'columns', 'depth', 'aRow', 'aDepth', 'bDepth', 'bColumn', 'cRow', 'scratch'],
  ...['count1', 'count2', 'count3', 'a1', 'a2', 'a3', 'b1', 'b2', 'b3', 'c1', 'c2', 'c3'],
] as const;
export type Field = (typeof FIELDS)[number];

/** Rows and columns of sums kept in registers, and the depth of a packed block (16 KiB: half of a first-level cache). */
export const ROWS = 6;
export const COLUMNS = 16;
export const DEPTH = 256;
export const PANEL = DEPTH * COLUMNS * 4;

export const field = (name: Field): Memory => at(RBP, 8 * FIELDS.indexOf(name));

/**
 * copyTile: RSI destination, RDI its row stride, R15 source, RAX its row stride, R10 rows, RBX columns. Changes RSI, R15, R10,
 * RCX and RDX only.
 */
export function copyTile(a: Assembler): void {
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
 * 8 × 8 at a time. The panel after this one is fetched meanwhile: a large matrix comes from memory, and the multiplying hides it.
 */
export function pack(a: Assembler): void {
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
  a.load(R8, field('bDepth'));
  a.compareConstant(RDX, 0);
  a.jump('packAny', 'greater');
  a.ret();

  a.label('packRows');
  a.loadVector(0, at(RSI));
  a.loadVector(1, at(RSI, 32));
  a.storeVector(at(RDI), 0);
  a.storeVector(at(RDI, 32), 1);
  a.prefetch(at(RSI, 4 * COLUMNS));
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
  // RBX = 3·column stride, R8 = 16; R10 and R11 point to columns 0 and 4 of the half in work, RAX to that of the next panel.
  a.address(RBX, indexed(R9, R9, 2));
  a.address(R8, indexed(R9, R9, 1));
  for (let i = 0; i < 3; i++) a.add(R8, R8);
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
      a.address(RAX, indexed(base, R8));
      for (const next of [at(RAX), indexed(RAX, R9), indexed(RAX, R9, 2), indexed(RAX, RBX)]) a.prefetch(next);
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
export function microKernel(a: Assembler, rows: number): void {
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
