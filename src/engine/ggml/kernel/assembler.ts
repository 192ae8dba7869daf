/**
 * A small assembler for x86-64: the integer and AVX2/FMA instructions that our kernels are made of, with labels.
 *
 * Encodings: Intel 64 and IA-32 Architectures Software Developer's Manual, volume 2 (REX, VEX, ModR/M, SIB).
 */

/** General registers by their number. */
export const RAX = 0;
export const RCX = 1;
export const RDX = 2;
export const RBX = 3;
export const RSP = 4;
export const RBP = 5;
export const RSI = 6;
export const RDI = 7;
export const R8 = 8;
export const R9 = 9;
export const R10 = 10;
export const R11 = 11;
export const R12 = 12;
export const R13 = 13;
export const R14 = 14;
export const R15 = 15;

/** `[base + index·scale + displacement]` */
export interface Memory {
  readonly base: number;
  readonly displacement: number;
  readonly index: number | null;
  readonly scale: 1 | 2 | 4 | 8;
}

export const at = (base: number, displacement = 0): Memory => ({ base, displacement, index: null, scale: 1 });
export const indexed = (base: number, index: number, scale: 1 | 2 | 4 | 8 = 1, displacement = 0): Memory => ({
  base,
  displacement,
  index,
  scale,
});

/** Condition codes of the conditional jumps. */
const CONDITIONS = { equal: 4, notEqual: 5, less: 12, atLeast: 13, lessOrEqual: 14, greater: 15 } as const;
export type Condition = keyof typeof CONDITIONS;

/** Opcodes of operations on two vectors of 8 floats. */
const ELEMENTWISE = { add: 0x58, multiply: 0x59, subtract: 0x5c, minimum: 0x5d, divide: 0x5e, maximum: 0x5f } as const;

export class Assembler {
  readonly #code: number[] = [];
  readonly #labels = new Map<string, number>();
  readonly #jumps: { readonly place: number; readonly label: string }[] = [];

  /** The machine code; every jump target must have been placed. */
  bytes(): Uint8Array {
    const code = Uint8Array.from(this.#code);
    const view = new DataView(code.buffer);
    for (const { place, label } of this.#jumps) {
      const target = this.#labels.get(label);
      if (target === undefined) throw new Error(`the label ${label} was never placed`);
      view.setInt32(place, target - place - 4, true);
    }
    return code;
  }

  /** A label name that is used nowhere else. */
  unique(stem: string): string {
    return `${stem}#${this.#code.length}`;
  }
  label(name: string): void {
    if (this.#labels.has(name)) throw new Error(`the label ${name} is placed twice`);
    this.#labels.set(name, this.#code.length);
  }
  jump(label: string, condition?: Condition): void {
    if (condition === undefined) this.#code.push(0xe9);
    else this.#code.push(0x0f, 0x80 | CONDITIONS[condition]);
    this.#target(label);
  }
  call(label: string): void {
    this.#code.push(0xe8);
    this.#target(label);
  }
  ret(): void {
    this.#code.push(0xc3);
  }
  push(register: number): void {
    this.#code.push(0x40 | (register >> 3), 0x50 | (register & 7));
  }
  pop(register: number): void {
    this.#code.push(0x40 | (register >> 3), 0x58 | (register & 7));
  }

  /** 64-bit moves: register ← register, register ← memory, memory ← register. */
  move(to: number, from: number): void {
    this.#rex(true, to, null, from, [0x8b, 0xc0 | ((to & 7) << 3) | (from & 7)]);
  }
  load(to: number, from: Memory): void {
    this.#memoryOp([0x8b], to, from, true);
  }
  store(to: Memory, from: number): void {
    this.#memoryOp([0x89], from, to, true);
  }
  /** 32-bit moves, for copying floats. */
  load32(to: number, from: Memory): void {
    this.#memoryOp([0x8b], to, from, false);
  }
  store32(to: Memory, from: number): void {
    this.#memoryOp([0x89], from, to, false);
  }
  address(to: number, from: Memory): void {
    this.#memoryOp([0x8d], to, from, true);
  }
  /** Brings a line into the second-level cache; any address is allowed. */
  prefetch(from: Memory): void {
    this.#memoryOp([0x0f, 0x18], 2, from, false);
  }
  add(to: number, from: number | Memory): void {
    if (typeof from === 'number') this.#rex(true, to, null, from, [0x03, 0xc0 | ((to & 7) << 3) | (from & 7)]);
    else this.#memoryOp([0x03], to, from, true);
  }
  /** to ← to · memory */
  multiply(to: number, from: Memory): void {
    this.#memoryOp([0x0f, 0xaf], to, from, true);
  }
  addConstant(to: number, value: number): void {
    this.#rex(true, 0, null, to, [0x81, 0xc0 | (to & 7), ...int32(value)]);
  }
  compare(a: number, b: number): void {
    this.#rex(true, a, null, b, [0x3b, 0xc0 | ((a & 7) << 3) | (b & 7)]);
  }
  compareConstant(a: number, value: number): void {
    this.#rex(true, 0, null, a, [0x81, 0xf8 | (a & 7), ...int32(value)]);
  }
  compareConstant32(a: number, value: number): void {
    this.#rex(false, 0, null, a, [0x81, 0xf8 | (a & 7), ...int32(value)]);
  }
  loadConstant(to: number, value: number): void {
    this.#rex(true, 0, null, to, [0xc7, 0xc0 | (to & 7), ...int32(value)]);
  }

  /** 8 floats ← memory, unaligned. */
  loadVector(to: number, from: Memory): void {
    this.#vexMemory(1, 0, 0x10, to, 0, from);
  }
  storeVector(to: Memory, from: number): void {
    this.#vexMemory(1, 0, 0x11, from, 0, to);
  }
  /** All 8 floats ← one float in memory. */
  broadcast(to: number, from: Memory): void {
    this.#vexMemory(2, 1, 0x18, to, 0, from);
  }
  zeroVector(to: number): void {
    this.#vex(1, 0, 0x57, to, to, to);
  }
  addVector(to: number, a: number, b: Memory): void {
    this.#vexMemory(1, 0, 0x58, to, a, b);
  }
  /** to ← to + a·b, rounded once. */
  multiplyAdd(to: number, a: number, b: number): void {
    this.#vex(2, 1, 0xb8, to, a, b);
  }
  /** to ← −a·b + to, rounded once. */
  multiplySubtract(to: number, a: number, b: Memory): void {
    this.#vexMemory(2, 1, 0xbc, to, a, b);
  }
  /** to ← a·to + b, rounded once. */
  step(to: number, a: number, b: Memory): void {
    this.#vexMemory(2, 1, 0xa8, to, a, b);
  }
  /** to ← a (operation) b, element by element. */
  vector(operation: keyof typeof ELEMENTWISE, to: number, a: number, b: number | Memory): void {
    if (typeof b === 'number') this.#vex(1, 0, ELEMENTWISE[operation], to, a, b);
    else this.#vexMemory(1, 0, ELEMENTWISE[operation], to, a, b);
  }
  /** To the nearest whole number, as a float. */
  round(to: number, from: number): void {
    this.#vex(3, 1, 0x08, to, 0, from);
    this.#code.push(0);
  }
  /** Floats to 32-bit integers. */
  toIntegers(to: number, from: number): void {
    this.#vex(1, 1, 0x5b, to, 0, from);
  }
  /** 32-bit integers, shifted to the left. */
  shiftLeft(to: number, from: number, bits: number): void {
    this.#vex(1, 1, 0x72, 6, to, from);
    this.#code.push(bits);
  }
  addIntegers(to: number, a: number, b: number): void {
    this.#vex(1, 1, 0xfe, to, a, b);
  }
  /** 4×4 and 8×8 transposition steps. */
  unpackLow(to: number, a: number, b: number): void {
    this.#vex(1, 0, 0x14, to, a, b);
  }
  unpackHigh(to: number, a: number, b: number): void {
    this.#vex(1, 0, 0x15, to, a, b);
  }
  shuffle(to: number, a: number, b: number, control: number): void {
    this.#vex(1, 0, 0xc6, to, a, b);
    this.#code.push(control);
  }
  permuteHalves(to: number, a: number, b: number, control: number): void {
    this.#vex(3, 1, 0x06, to, a, b);
    this.#code.push(control);
  }
  /** Before returning to code that may use SSE. */
  clearUpper(): void {
    this.#code.push(0xc5, 0xf8, 0x77);
  }

  #target(label: string): void {
    this.#jumps.push({ place: this.#code.length, label });
    this.#code.push(0, 0, 0, 0);
  }
  #rex(wide: boolean, reg: number, index: number | null, base: number, rest: readonly number[]): void {
    this.#code.push(0x40 | (wide ? 8 : 0) | ((reg >> 3) << 2) | (((index ?? 0) >> 3) << 1) | (base >> 3), ...rest);
  }
  #memoryOp(opcode: readonly number[], reg: number, m: Memory, wide: boolean): void {
    this.#rex(wide, reg, m.index, m.base, [...opcode, ...operand(reg, m)]);
  }
  /** `map`: 1 = 0F, 2 = 0F38, 3 = 0F3A; `prefix`: 0 = none, 1 = 66. Always 256 bits. */
  #vexHead(map: number, prefix: number, opcode: number, reg: number, second: number, index: number, base: number): void {
    const inverted = (register: number): number => ((register >> 3) & 1) ^ 1;
    this.#code.push(
      0xc4,
      (inverted(reg) << 7) | (inverted(index) << 6) | (inverted(base) << 5) | map,
      ((~second & 15) << 3) | 4 | prefix,
      opcode,
    );
  }
  #vex(map: number, prefix: number, opcode: number, to: number, a: number, b: number): void {
    this.#vexHead(map, prefix, opcode, to, a, 0, b);
    this.#code.push(0xc0 | ((to & 7) << 3) | (b & 7));
  }
  #vexMemory(map: number, prefix: number, opcode: number, reg: number, second: number, m: Memory): void {
    this.#vexHead(map, prefix, opcode, reg, second, m.index ?? 0, m.base);
    this.#code.push(...operand(reg, m));
  }
}

/** ModR/M, SIB and displacement of a memory operand. */
function operand(reg: number, { base, displacement, index, scale }: Memory): number[] {
  const short = displacement >= -128 && displacement < 128;
  const mode = short ? 0x40 : 0x80;
  const tail = short ? [displacement & 255] : int32(displacement);
  if (index === null && (base & 7) !== RSP) return [mode | ((reg & 7) << 3) | (base & 7), ...tail];
  if (index === RSP) throw new Error('RSP cannot be an index');
  return [mode | ((reg & 7) << 3) | 4, (Math.log2(scale) << 6) | (((index ?? RSP) & 7) << 3) | (base & 7), ...tail];
}

function int32(value: number): number[] {
  return [...new Uint8Array(Int32Array.of(value).buffer)];
}
