/**
 * Where the pinned QuickJS build (gate.ts) keeps things in its memory: static data, then the native stack, which grows
 * down from `stackTop`, then the heap up to a break that C's `sbrk` stores at `breakAt`.
 */
const LAYOUT = { staticEnd: 99_952, stackTop: 5_342_832, breakAt: 96_576 } as const;

const PAGE = 65_536;
const ZEROS = new Uint8Array(PAGE);
/** QuickJS checks the stack's depth on entering a function; what one function then needs is far less than this. */
const STACK_MARGIN = 2 * PAGE;
const GUARD = 2 * PAGE;

/** A copy of an interpreter's memory at boot, put back after every run. */
export class MemoryImage {
  private readonly memory: WebAssembly.Memory;
  private readonly stackPointer: { value: number };
  private readonly stackStart: number;
  private readonly stretches: readonly Stretch[];
  private readonly staticData: Uint8Array;
  private readonly stack: Uint8Array;
  private readonly heap: Uint8Array;
  private readonly stackLow: number;

  /** Throws when the memory does not look as the layout says. */
  constructor(memory: WebAssembly.Memory, stackPointer: { value: number }, stackBytes: number) {
    this.memory = memory;
    this.stackPointer = stackPointer;
    this.stackStart = stackPointer.value;
    const bytes = new Uint8Array(memory.buffer);
    const end = this.breakNow();
    this.stretches = findStretches(bytes);
    this.stackLow = LAYOUT.stackTop - stackBytes - STACK_MARGIN;
    const low = this.stackLow - GUARD;
    if (low < LAYOUT.staticEnd || !isZero(bytes, LAYOUT.staticEnd, this.stackLow) || !isZero(bytes, end, bytes.length)) {
      throw new Error('The memory of the JavaScript sandbox is not laid out as expected; reinstall the dependencies.');
    }
    this.staticData = bytes.slice(0, LAYOUT.staticEnd);
    this.stack = bytes.slice(this.stackLow, LAYOUT.stackTop);
    this.heap = bytes.slice(LAYOUT.stackTop, end);
  }

  /**
   * Puts back what a run can have touched: static data, the stack as deep as QuickJS lets it grow, the heap up to its
   * break. Everything is put back when the guard below the stack was touched.
   */
  restore(): void {
    const bytes = new Uint8Array(this.memory.buffer);
    const end = this.breakNow();
    if (end > bytes.length || end < LAYOUT.stackTop || !isZero(bytes, this.stackLow - GUARD, this.stackLow)) {
      this.restoreAll();
      return;
    }
    this.stackPointer.value = this.stackStart;
    bytes.set(this.staticData, 0);
    bytes.set(this.stack, this.stackLow);
    bytes.set(this.heap, LAYOUT.stackTop);
    bytes.fill(0, LAYOUT.stackTop + this.heap.length, Math.max(end, LAYOUT.stackTop + this.heap.length));
  }

  /** Puts every byte back, whatever happened. */
  restoreAll(): void {
    const bytes = new Uint8Array(this.memory.buffer);
    this.stackPointer.value = this.stackStart;
    bytes.fill(0);
    for (const { at, content } of this.stretches) bytes.set(content, at);
  }

  /** Whether every byte is what it was. */
  isRestored(): boolean {
    const bytes = new Uint8Array(this.memory.buffer);
    let at = 0;
    for (const stretch of this.stretches) {
      if (
        !isZero(bytes, at, stretch.at) ||
        Buffer.compare(bytes.subarray(stretch.at, stretch.at + stretch.content.length), stretch.content)
      )
        return false;
      at = stretch.at + stretch.content.length;
    }
    return isZero(bytes, at, bytes.length);
  }

  private breakNow(): number {
    return new DataView(this.memory.buffer).getUint32(LAYOUT.breakAt, true);
  }
}

interface Stretch {
  readonly at: number;
  readonly content: Uint8Array;
}

/** The stretches of memory that hold anything but zeros; most of an interpreter's memory is a stack it never used. */
function findStretches(bytes: Uint8Array): readonly Stretch[] {
  const stretches: Stretch[] = [];
  let start: number | null = null;
  for (let at = 0; at <= bytes.length; at += PAGE) {
    const used = at < bytes.length && !isZero(bytes, at, at + PAGE);
    if (used) start ??= at;
    else if (start !== null) {
      stretches.push({ at: start, content: bytes.slice(start, at) });
      start = null;
    }
  }
  return stretches;
}

function isZero(bytes: Uint8Array, from: number, to: number): boolean {
  for (let at = from; at < to; at += PAGE) {
    const part = bytes.subarray(at, Math.min(at + PAGE, to));
    if (Buffer.compare(part, part.length === PAGE ? ZEROS : ZEROS.subarray(0, part.length)) !== 0) return false;
  }
  return true;
}
