import { ByteReader, ByteWriter } from '../wasm/bytes.ts';
import { OP, readInstruction } from '../wasm/instructions.ts';

/**
 * Rewrites the interpreter's WebAssembly so that it counts its own work: every turn of every loop and every call, in C
 * code too, takes fuel by the length of the code that follows, and without fuel it traps. So native code that never
 * comes back to the interpreter (`join` of 2³² elements) ends by fuel, at the same step on every machine. The two globals,
 * fuel and C's stack pointer, become exports: with them and the memory put back, an instance is as new, even after a trap.
 */
export const FUEL_EXPORT = 'kelvin.fuel';
export const STACK_EXPORT = 'kelvin.stack';

const SECTION = { global: 6, export: 7, code: 10 } as const;
const GLOBAL_KIND = 3;
const STACK_POINTER = 0;
const FUEL = 1;
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
  const mutableI64 = [0x7e, 1, I64.const, 0, OP.end];
  return out.u32(count + 1).copy(bytes, body.at, end).byte(...mutableI64).view(); // prettier-ignore
}

const I64 = { const: 0x42, subtract: 0x7d, less: 0x53 } as const;
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

interface Stretch {
  /** Where the code begins that costs. */
  readonly at: number;
  length: number;
}

function rewriteFunction(body: ByteReader, out: ByteWriter): void {
  const { bytes, at: start, end } = body;
  for (let groups = body.u32(); groups > 0; groups--) {
    body.u32();
    body.byte();
  }
  const [entry, ...loops] = findStretches(body);
  let copied = start;
  for (const stretch of entry.length < SHORT ? loops : [entry, ...loops]) {
    out.copy(bytes, copied, stretch.at);
    copied = stretch.at;
    burn(out, Math.min(MOST, stretch.length));
  }
  out.copy(bytes, copied, end);
}

/** The code from the function's entry and from each loop's head, up to the next loop. */
function findStretches(body: ByteReader): [Stretch, ...Stretch[]] {
  let current: Stretch = { at: body.at, length: 0 };
  const stretches: [Stretch, ...Stretch[]] = [current];
  while (!body.done) {
    const { kind } = readInstruction(body);
    current.length++;
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
  out.byte(OP.globalGet, FUEL, I64.const, 0, I64.less, OP.if, NO_VALUE, UNREACHABLE, OP.end);
}
