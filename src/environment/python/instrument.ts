import { ByteReader, ByteWriter } from '../wasm/bytes.ts';
import { OP, TYPE, readInstruction } from '../wasm/instructions.ts';
import type { ValueType } from '../wasm/instructions.ts';

/**
 * Rewrites the interpreter's WebAssembly so that it counts its own work and notes which memory it writes:
 *
 * - every turn of every loop, in C code too, takes a step of fuel, and every indirect call some more; when it is used up, a host import is called. So a
 *   loop that never comes back to Python (`sum(range(10**12))`) ends by fuel, at the same step on every machine;
 * - every indirect call takes some of the C stack, which CPython watches, as a measure of the host's own stack, which it
 *   cannot see: deep recursion in C is then an error of the program, or put off, as in any other CPython;
 * - every store marks its card of 4 KiB, so that a restore copies back what was written instead of everything.
 *
 * Nothing of the program's meaning changes. Indices of existing types, functions and globals stay as they are.
 */
export const CARD_SHIFT = 12;
/** A store that begins at the end of a card may reach this far into the next one. */
export const CARD_OVERLAP = 16;
export const EXPORTS = { cards: 'kelvin.cards', fuel: 'kelvin.fuel', global: 'kelvin.global.' } as const;

export interface Hooks {
  /** Import of type () → () that is called when the fuel is used up. */
  readonly tick: string;
  /** Import of type (i32 function, i32, i32, i32) → i32 that calls a function of the table by its own number of parameters. */
  readonly trampoline: string;
  /** Export whose indirect calls nest deepest and take least of the C stack themselves: it frees objects. */
  readonly deep: string;
}

/** Bytes of C stack that an indirect call takes, and one that frees an object. */
const CALL_BYTES = 64;
const DEEP_CALL_BYTES = 512;
/** Steps of fuel for an indirect call, so that loops which call much and turn seldom take fuel by the time they need. */
const CALL_STEPS = 4;

const SECTION = { type: 1, import: 2, function: 3, memory: 5, global: 6, export: 7, code: 10 } as const;
/** Cards for 4 GiB, so that no address is out of their range. */
const CARD_PAGES = 16;
/** Bytes that a bulk operation moves for one step of fuel, as a shift. */
const BULK_SHIFT = 6;
const { i32 } = TYPE;

interface Layout {
  /** Number of parameters by type. */
  readonly parameters: number[];
  /** Type of each function, imports first. */
  readonly functionTypes: number[];
  readonly mutableGlobals: number[];
  globals: number;
  tick: number;
  trampoline: number;
  deep: number;
  stackPointer: number;
  firstType: number;
  /** Functions before it are imports. */
  firstDefined: number;
  firstFunction: number;
}

/** Types of the functions that are added, and of those that the trampoline calls, as parameters and results. */
const ADDED_TYPES: readonly (readonly [number, number])[] = [
  [3, 0],
  [4, 1],
  [3, 1],
  [2, 1],
  [1, 1],
  [0, 1],
];
const ADDED_FUNCTIONS = { fill: 0, copy: 1, trampoline: 2 } as const;
const ADDED_FUNCTION_TYPES = [0, 0, 1];
const FIRST_TRAMPOLINE_TYPE = 2;

/** Throws when the file is not as the build that this was written for. */
export function instrument(bytes: Uint8Array, hooks: Hooks): Uint8Array<ArrayBuffer> {
  const layout = readLayout(bytes, hooks);
  const out = new ByteWriter(bytes.length * 2);
  out.copy(bytes, 0, 8);
  for (const { id, body } of sections(bytes)) {
    const rewritten = rewriteSection(id, body, layout);
    out.byte(id).u32(rewritten.length).copy(rewritten);
  }
  return out.view().slice() as Uint8Array<ArrayBuffer>;
}

function* sections(bytes: Uint8Array): Generator<{ id: number; body: ByteReader }> {
  const reader = new ByteReader(bytes, 8);
  while (!reader.done) {
    const id = reader.byte();
    yield { id, body: reader.take(reader.u32()) };
  }
}

function readLayout(bytes: Uint8Array, hooks: Hooks): Layout {
  const layout: Layout = {
    parameters: [],
    functionTypes: [],
    mutableGlobals: [],
    globals: 0,
    tick: -1,
    trampoline: -1,
    deep: -1,
    stackPointer: -1,
    firstType: 0,
    firstDefined: 0,
    firstFunction: 0,
  };
  for (const { id, body } of sections(bytes)) {
    if (id === SECTION.type) for (let types = body.u32(); types > 0; types--) layout.parameters.push(readFunctionType(body));
    if (id === SECTION.import) for (let imports = body.u32(); imports > 0; imports--) readImport(body, layout, hooks);
    if (id === SECTION.function) for (let functions = body.u32(); functions > 0; functions--) layout.functionTypes.push(body.u32());
    if (id === SECTION.global) for (let globals = body.u32(); globals > 0; globals--) readGlobal(body, layout);
    if (id === SECTION.export) for (let exported = body.u32(); exported > 0; exported--) readExport(body, layout, hooks);
  }
  layout.firstType = layout.parameters.length;
  layout.firstFunction = layout.functionTypes.length;
  if (Math.min(layout.tick, layout.trampoline, layout.deep, layout.stackPointer) < 0)
    throw new Error('The WebAssembly file does not have what the instrumentation hooks.');
  return layout;
}

function readFunctionType(body: ByteReader): number {
  if (body.byte() !== 0x60) throw new Error('The WebAssembly file holds a type that is no function.');
  const parameters = body.u32();
  for (let left = parameters; left > 0; left--) skipValueType(body);
  for (let results = body.u32(); results > 0; results--) skipValueType(body);
  return parameters;
}

function skipValueType(body: ByteReader): void {
  const type = body.byte();
  // (ref null ht) and (ref ht) name their heap type.
  if (type === 0x63 || type === 0x64) body.skipNumber();
}

function readImport(body: ByteReader, layout: Layout, hooks: Hooks): void {
  body.name();
  const name = body.name();
  const kind = body.byte();
  if (kind === 0) {
    if (name === hooks.tick) layout.tick = layout.functionTypes.length;
    if (name === hooks.trampoline) layout.trampoline = layout.functionTypes.length;
    layout.firstDefined = layout.functionTypes.push(body.u32());
  } else if (kind === 3) {
    skipValueType(body);
    body.byte();
    layout.globals++;
  } else throw new Error('The WebAssembly file imports a memory, a table or a tag.');
}

function readGlobal(body: ByteReader, layout: Layout): void {
  skipValueType(body);
  if (body.byte() === 1) layout.mutableGlobals.push(layout.globals);
  while (readInstruction(body).kind !== 'end');
  layout.globals++;
}

function readExport(body: ByteReader, layout: Layout, hooks: Hooks): void {
  const name = body.name();
  body.byte();
  const index = body.u32();
  if (name === hooks.deep) layout.deep = index;
  if (name === '__stack_pointer') layout.stackPointer = index;
}

function rewriteSection(id: number, body: ByteReader, layout: Layout): Uint8Array {
  const { bytes, at, end } = body;
  const appended = (count: number, write: (out: ByteWriter) => void): Uint8Array => {
    const out = new ByteWriter(end - at + 1_024);
    out.u32(body.u32() + count).copy(bytes, body.at, end);
    write(out);
    return out.view();
  };
  switch (id) {
    case SECTION.type:
      return appended(ADDED_TYPES.length, (out) => {
        for (const [parameters, results] of ADDED_TYPES) {
          out.byte(0x60).u32(parameters).byte(...Array<number>(parameters).fill(i32)); // prettier-ignore
          out.u32(results).byte(...Array<number>(results).fill(i32));
        }
      });
    case SECTION.function:
      return appended(ADDED_FUNCTION_TYPES.length, (out) => ADDED_FUNCTION_TYPES.forEach((type) => out.u32(layout.firstType + type)));
    case SECTION.memory:
      return appended(1, (out) => out.byte(1).u32(CARD_PAGES).u32(CARD_PAGES));
    case SECTION.global:
      return appended(1, (out) => out.byte(i32, 1, OP.const, 0, OP.end));
    case SECTION.export:
      return appended(2 + layout.mutableGlobals.length, (out) => {
        out.name(EXPORTS.cards).byte(2).u32(1);
        out.name(EXPORTS.fuel).byte(3).u32(layout.globals);
        for (const index of layout.mutableGlobals)
          out
            .name(EXPORTS.global + index)
            .byte(3)
            .u32(index);
      });
    case SECTION.code:
      return rewriteCode(body, layout);
    default:
      return bytes.subarray(at, end);
  }
}

function rewriteCode(body: ByteReader, layout: Layout): Uint8Array {
  const out = new ByteWriter((body.end - body.at) * 2);
  const count = body.u32();
  out.u32(count + ADDED_FUNCTION_TYPES.length);
  const rewriter = new FunctionRewriter(layout);
  const imported = layout.functionTypes.length - count;
  for (let index = 0; index < count; index++) {
    const parameters = layout.parameters[layout.functionTypes[imported + index] as number];
    const callBytes = imported + index === layout.deep ? DEEP_CALL_BYTES : CALL_BYTES;
    rewriter.rewrite(body.take(body.u32()), parameters as number, callBytes, out);
  }
  for (const added of [bulkFunction(0x0b, [0], layout), bulkFunction(0x0a, [0, 0], layout), trampolineFunction(layout)]) {
    out.u32(added.length).copy(added.view());
  }
  return out.view();
}

/** Locals that a rewritten function may need: the address, and the value by its type. */
const SCRATCH: readonly ValueType[] = [TYPE.i32, TYPE.i32, TYPE.i64, TYPE.f32, TYPE.f64, TYPE.v128];

class FunctionRewriter {
  private readonly layout: Layout;
  private readonly code = new ByteWriter(65_536);
  private readonly head = new ByteWriter(64);

  constructor(layout: Layout) {
    this.layout = layout;
  }

  rewrite(body: ByteReader, parameters: number, callBytes: number, out: ByteWriter): void {
    const { bytes } = body;
    const groups = body.u32();
    const groupsAt = body.at;
    let locals = parameters;
    for (let left = groups; left > 0; left--) {
      locals += body.u32();
      skipValueType(body);
    }
    const groupsEnd = body.at;
    const { code, head, layout } = this;
    code.clear();
    let stores = false;
    let copied = body.at;
    while (!body.done) {
      const { at } = body;
      const instruction = readInstruction(body);
      const take = (to: number): void => {
        code.copy(bytes, copied, to);
        copied = to;
      };
      const replace = (added: keyof typeof ADDED_FUNCTIONS): void => {
        take(at);
        copied = body.at;
        code.byte(OP.call).u32(layout.firstFunction + ADDED_FUNCTIONS[added]);
      };
      switch (instruction.kind) {
        case 'loop':
          take(body.at);
          this.burn();
          break;
        case 'store':
          take(at);
          this.mark(locals, instruction.value, instruction.offset);
          stores = true;
          break;
        case 'indirect':
          take(at);
          this.moveStack(OP.subtract, callBytes);
          this.spend(CALL_STEPS);
          take(body.at);
          this.moveStack(OP.add, callBytes);
          break;
        case 'call':
          if (instruction.target === layout.trampoline) replace('trampoline');
          else if (instruction.target >= layout.firstDefined) {
            take(at);
            this.spend(1);
          }
          break;
        case 'fill':
        case 'copy':
          replace(instruction.kind);
          break;
        default:
      }
    }
    code.copy(bytes, copied, body.end);
    head.clear();
    head.u32(groups + (stores ? SCRATCH.length : 0)).copy(bytes, groupsAt, groupsEnd);
    if (stores) for (const type of SCRATCH) head.byte(1, type);
    out
      .u32(head.length + code.length)
      .copy(head.view())
      .copy(code.view());
  }

  private moveStack(operation: number, bytes: number): void {
    const { stackPointer } = this.layout;
    this.code.byte(OP.globalGet).u32(stackPointer).byte(OP.const).s32(bytes).byte(operation, OP.globalSet).u32(stackPointer);
  }

  private spend(steps: number): void {
    const { globals: fuel } = this.layout;
    this.code.byte(OP.globalGet).u32(fuel).byte(OP.const, steps, OP.subtract, OP.globalSet).u32(fuel);
  }

  /** `if (--fuel <= 0) tick()` */
  private burn(): void {
    const { tick, globals: fuel } = this.layout;
    this.spend(1);
    this.code.byte(OP.globalGet).u32(fuel).byte(OP.const, 1, LESS_THAN, OP.if, NO_VALUE, OP.call).u32(tick).byte(OP.end);
  }

  /** Takes address and value off the stack, marks the card, and puts them back for the store that follows. */
  private mark(scratch: number, type: ValueType, offset: number): void {
    const address = scratch;
    const value = scratch + SCRATCH.indexOf(type, 1);
    const { code } = this;
    code.byte(OP.localSet).u32(value).byte(OP.localTee).u32(address);
    if (offset > 0) code.byte(OP.const).s32(offset).byte(OP.add);
    code.byte(OP.const, CARD_SHIFT, OP.shiftRight, OP.const, 1, OP.store8, 0x40, 1, 0);
    code.byte(OP.localGet).u32(address).byte(OP.localGet).u32(value);
  }
}

const LESS_THAN = 0x48;
const NO_VALUE = 0x40;

/** `memory.fill` or `memory.copy` that marks its cards and takes fuel by its length: (destination, value or source, length). */
function bulkFunction(operation: number, memories: readonly number[], { globals: fuel }: Layout): ByteWriter {
  const card = (out: ByteWriter): ByteWriter => out.byte(OP.const, CARD_SHIFT, OP.shiftRight);
  const out = new ByteWriter().u32(0);
  // cards.fill(destination >> shift, 1, ((destination + length - 1) >> shift) - (destination >> shift) + 1)
  card(out.byte(OP.localGet, 0)).byte(OP.const, 1);
  card(out.byte(OP.localGet, 0, OP.localGet, 2, OP.add, OP.const, 1, OP.subtract));
  card(out.byte(OP.localGet, 0)).byte(OP.subtract, OP.const, 1, OP.add, OP.bulk, 0x0b, 1);
  out.byte(OP.globalGet).u32(fuel).byte(OP.localGet, 2, OP.const, BULK_SHIFT, OP.shiftRight, OP.subtract, OP.globalSet).u32(fuel);
  return out.byte(OP.localGet, 0, OP.localGet, 1, OP.localGet, 2, OP.bulk, operation, ...memories, OP.end);
}

/**
 * Calls a function of the table with as many of the three arguments as its type takes, which C cannot express: CPython
 * calls some functions through a pointer of another type. Does inside WebAssembly what the import does on the host.
 */
function trampolineFunction({ firstType }: Layout): ByteWriter {
  const out = new ByteWriter().u32(0);
  const types = ADDED_TYPES.slice(FIRST_TRAMPOLINE_TYPE);
  types.forEach(([parameters], index) => {
    const type = firstType + FIRST_TRAMPOLINE_TYPE + index;
    // if (table[function] is of this type) return table[function](…)
    out.byte(OP.localGet, 0, 0x25, 0, 0xfb, 0x14).s32(type).byte(OP.if, NO_VALUE);
    for (let argument = 1; argument <= parameters; argument++) out.byte(OP.localGet, argument);
    out.byte(OP.localGet, 0, 0x11).u32(type).byte(0, 0x0f, OP.end);
  });
  return out.byte(0x00, OP.end);
}
