import { ByteReader, ByteWriter } from '../wasm/bytes.ts';
import { OP, readInstruction } from '../wasm/instructions.ts';

/**
 * Rewrites the interpreter's WebAssembly so that it counts its own work: every turn of every loop and every call, in C
 * code too, takes fuel by the length of the code that follows, copying or filling memory takes a step a byte, and without
 * fuel it traps. So native code that never comes back to the interpreter (`join` of 2³² elements) ends by fuel, at the same
 * step on every machine. Fuel and C's stack pointer become exports: with them and the memory put back, an instance is as
 * new, even after a trap.
 */
export const FUEL_EXPORT = 'kelvin.fuel';
export const STACK_EXPORT = 'kelvin.stack';

const SECTION = { global: 6, export: 7, code: 10 } as const;
const GLOBAL_KIND = 3;
const STACK_POINTER = 0;
const FUEL = 1;
/** Holds the length of a copy while its fuel is taken. */
const LENGTH = 2;
/** For what the module does by itself when it is instantiated. */
const START_FUEL = 0x7fff_ffff;
/** Most that one stretch of code costs. */
const MOST = 64;
/** Functions shorter than this are free: a loop that calls them pays. */
const SHORT = 24;

/** Throws on instructions that it does not know, and when the file has not exactly one global of its own. */
export function instrument(bytes: Uint8Array): Uint8Array {
  const reader = new ByteReader(bytes, 8);
  const out = new ByteWriter(bytes.length * 2).copy(bytes, 0, 8);
  while (!reader.done) {
    const id = reader.byte();
    const body = rewriteSection(id, reader.take(reader.u32()));
    out.byte(id).u32(body.length).copy(body);
  }
  return out.view().slice();
}

function rewriteSection(id: number, body: ByteReader): Uint8Array {
  const { bytes, at, end } = body;
  if (id === SECTION.code) return rewriteCode(body);
  if (id !== SECTION.global && id !== SECTION.export) return bytes.subarray(at, end);
  const count = body.u32();
  const out = new ByteWriter(end - at + 64);
  if (id === SECTION.export) {
    out.u32(count + 2).copy(bytes, body.at, end);
    out.name(FUEL_EXPORT).byte(GLOBAL_KIND).u32(FUEL);
    return out.name(STACK_EXPORT).byte(GLOBAL_KIND).u32(STACK_POINTER).view();
  }
  if (count !== FUEL) throw new Error('The WebAssembly file has not the one global that the instrumentation expects.');
  out.u32(count + 2).copy(bytes, body.at, end);
  out.byte(0x7e, 1, I64.const).s32(START_FUEL).byte(OP.end);
  return out.byte(0x7f, 1, OP.const, 0, OP.end).view();
}

const I64 = { const: 0x42, subtract: 0x7d, less: 0x53, fromU32: 0xad } as const;
const UNREACHABLE = 0x00;
const NO_VALUE = 0x40;

function rewriteCode(body: ByteReader): Uint8Array {
  const out = new ByteWriter((body.end - body.at) * 2);
  const code = new ByteWriter(65_536);
  const count = body.u32();
  out.u32(count);
  for (let index = 0; index < count; index++) {
    const source = body.take(body.u32());
    code.clear();
    rewriteFunction(source, code);
    out.u32(code.length).copy(code.view());
  }
  return out.view();
}

/** Code that costs. */
interface Stretch {
  readonly at: number;
  /** Number of instructions; or the operation costs what it moves. */
  length: number | 'bytes';
}

function rewriteFunction(body: ByteReader, out: ByteWriter): void {
  const { bytes, at: start, end } = body;
  for (let groups = body.u32(); groups > 0; groups--) {
    body.u32();
    body.byte();
  }
  const [entry, ...others] = findStretches(body);
  let copied = start;
  for (const { at, length } of entry.length < SHORT ? others : [entry, ...others]) {
    out.copy(bytes, copied, at);
    copied = at;
    if (length === 'bytes') burnBytes(out);
    else burn(out, Math.min(MOST, length));
  }
  out.copy(bytes, copied, end);
}

type Code = Stretch & { length: number };

/** The code from the function's entry and from each loop's head, up to the next loop; and each copy and fill of memory. */
function findStretches(body: ByteReader): [Code, ...Stretch[]] {
  let current: Code = { at: body.at, length: 0 };
  const stretches: [Code, ...Stretch[]] = [current];
  while (!body.done) {
    const { at } = body;
    const { kind } = readInstruction(body);
    current.length++;
    if (kind === 'copy' || kind === 'fill') stretches.push({ at, length: 'bytes' });
    if (kind === 'loop') {
      current = { at: body.at, length: 0 };
      stretches.push(current);
    }
  }
  return stretches;
}

/** `if ((fuel -= cost) < 0) trap` */
function burn(out: ByteWriter, cost: number): void {
  out.byte(OP.globalGet, FUEL, I64.const).s32(cost).byte(I64.subtract, OP.globalSet, FUEL);
  trapWhenEmpty(out);
}

/** The same with the length that lies on top of the stack, and stays there. */
function burnBytes(out: ByteWriter): void {
  out.byte(OP.globalSet, LENGTH, OP.globalGet, FUEL, OP.globalGet, LENGTH, I64.fromU32, I64.subtract, OP.globalSet, FUEL);
  trapWhenEmpty(out);
  out.byte(OP.globalGet, LENGTH);
}

function trapWhenEmpty(out: ByteWriter): void {
  out.byte(OP.globalGet, FUEL, I64.const, 0, I64.less, OP.if, NO_VALUE, UNREACHABLE, OP.end);
}
