import type { ByteReader } from './bytes.ts';

/** Opcodes that the instrumentation looks at or writes (WebAssembly core specification, chapter 5.4). */
export const OP = {
  loop: 0x03,
  if: 0x04,
  end: 0x0b,
  call: 0x10,
  localGet: 0x20,
  localSet: 0x21,
  localTee: 0x22,
  globalGet: 0x23,
  globalSet: 0x24,
  store8: 0x3a,
  const: 0x41,
  eqz: 0x45,
  add: 0x6a,
  subtract: 0x6b,
  shiftRight: 0x76,
  bulk: 0xfc,
  vector: 0xfd,
} as const;

export const TYPE = { i32: 0x7f, i64: 0x7e, f32: 0x7d, f64: 0x7c, v128: 0x7b } as const;
export type ValueType = (typeof TYPE)[keyof typeof TYPE];

/** What each plain store (0x36 to 0x3e) takes from the stack above the address. */
const STORES: readonly ValueType[] = [TYPE.i32, TYPE.i64, TYPE.f32, TYPE.f64, TYPE.i32, TYPE.i32, TYPE.i64, TYPE.i64, TYPE.i64];
const FIRST_STORE = 0x36;

export type Instruction =
  | { readonly kind: 'other' | 'loop' | 'end' | 'block' | 'indirect' }
  | { readonly kind: 'call'; readonly target: number }
  | { readonly kind: 'store'; readonly value: ValueType; readonly offset: number }
  | { readonly kind: 'fill' | 'copy' };

const OTHER: Instruction = { kind: 'other' };
const BLOCK: Instruction = { kind: 'block' };
const LOOP: Instruction = { kind: 'loop' };
const END: Instruction = { kind: 'end' };
const INDIRECT: Instruction = { kind: 'indirect' };
const FILL: Instruction = { kind: 'fill' };
const COPY: Instruction = { kind: 'copy' };

/** Reads one instruction and says what the instrumentation must know of it. Throws on one that it does not know. */
export function readInstruction(reader: ByteReader): Instruction {
  const opcode = reader.byte();
  if (opcode >= FIRST_STORE && opcode < FIRST_STORE + STORES.length) {
    return { kind: 'store', offset: memoryOffset(reader), value: STORES[opcode - FIRST_STORE] as ValueType };
  }
  if (opcode >= 0x28 && opcode < FIRST_STORE) {
    memoryOffset(reader);
    return OTHER;
  }
  // Numbers: comparison, arithmetic, conversion.
  if (opcode >= 0x45 && opcode <= 0xc4) return OTHER;
  switch (opcode) {
    case 0x02: // block
    case OP.if:
    case 0x06: // try
      reader.skipNumber();
      return BLOCK;
    case OP.loop:
      reader.skipNumber();
      return LOOP;
    case OP.end:
      return END;
    case 0x18: // delegate closes its try
      reader.skipNumber();
      return END;
    case 0x1f: // try_table
      readHandlers(reader);
      return BLOCK;
    case OP.call:
      return { kind: 'call', target: reader.u32() };
    case 0x11: // call_indirect
      reader.skipNumber();
      reader.skipNumber();
      return INDIRECT;
    case 0x13: // return_call_indirect
      reader.skipNumber();
      reader.skipNumber();
      return OTHER;
    case 0x0e: // br_table
      for (let labels = reader.u32() + 1; labels > 0; labels--) reader.skipNumber();
      return OTHER;
    case 0x1c: // select with types
      for (let types = reader.u32(); types > 0; types--) reader.byte();
      return OTHER;
    case 0x43: // f32.const
      reader.skip(4);
      return OTHER;
    case 0x44: // f64.const
      reader.skip(8);
      return OTHER;
    case OP.bulk:
      return readBulk(reader);
    case OP.vector:
      return readVector(reader);
    default:
      if (!passOver(opcode, reader)) throw new Error(`The WebAssembly file holds the unknown instruction 0x${opcode.toString(16)}.`);
      return OTHER;
  }
}

/** Instructions without an operand, and with one number. False for all others. */
function passOver(opcode: number, reader: ByteReader): boolean {
  const bare = [0x00, 0x01, 0x05, 0x0a, 0x0f, 0x19, 0x1a, 0x1b, 0xd1, 0xd3, 0xd4];
  if (bare.includes(opcode)) return true;
  const single = [0x07, 0x08, 0x09, 0x0c, 0x0d, 0x12, 0x14, 0x15, 0x3f, 0x40, 0x41, 0x42, 0xd0, 0xd2];
  if (!single.includes(opcode) && !(opcode >= 0x20 && opcode <= 0x26)) return false;
  reader.skipNumber();
  return true;
}

/** Bit 6 of the alignment says that the index of a memory follows. */
const OTHER_MEMORY = 0x40;

function memoryOffset(reader: ByteReader): number {
  if (reader.u32() >= OTHER_MEMORY) throw new Error('The WebAssembly file has more than one memory.');
  return reader.u32();
}

function readHandlers(reader: ByteReader): void {
  reader.skipNumber();
  for (let handlers = reader.u32(); handlers > 0; handlers--) {
    if (reader.byte() < 2) reader.skipNumber(); // catch and catch_ref name a tag
    reader.skipNumber();
  }
}

/** Truncations, and operations on ranges of memory and tables. */
function readBulk(reader: ByteReader): Instruction {
  const operation = reader.u32();
  if (operation < 8) return OTHER;
  if (operation === 8) throw new Error('The WebAssembly file initialises memory while it runs.');
  reader.skipNumber();
  if (operation === 11) return FILL;
  if (operation === 10 || operation === 12 || operation === 14) reader.skipNumber();
  return operation === 10 ? COPY : OTHER;
}

const VECTOR_STORE = 11;

function readVector(reader: ByteReader): Instruction {
  const operation = reader.u32();
  if (operation === VECTOR_STORE) return { kind: 'store', value: TYPE.v128, offset: memoryOffset(reader) };
  if (operation < VECTOR_STORE || operation === 92 || operation === 93) memoryOffset(reader);
  else if (operation === 12 || operation === 13) reader.skip(16);
  else if (operation >= 21 && operation <= 34) reader.byte();
  else if (operation >= 84 && operation <= 87) {
    memoryOffset(reader);
    reader.byte();
  } else if (operation >= 88 && operation <= 91) throw new Error('The WebAssembly file stores single lanes of vectors.');
  return OTHER;
}
