import { CARD_OVERLAP, CARD_SHIFT, EXPORTS } from './instrument.ts';

const PAGE = 65_536;
const CARD = 1 << CARD_SHIFT;

/** The state of an interpreter at rest: what its memory and its globals held. Structured-cloneable. */
export interface Snapshot {
  readonly memory: SharedArrayBuffer;
  readonly globals: readonly (readonly [string, number])[];
}

/**
 * The linear memory of one instance. Whatever the host writes goes through `writable`, so that a restore knows of it
 * as it knows of the stores of the program itself.
 */
export class LinearMemory {
  private readonly memory: WebAssembly.Memory;
  private readonly cards: WebAssembly.Memory;
  private readonly globals: readonly (readonly [string, WebAssembly.Global])[];

  constructor({ exports }: WebAssembly.Instance) {
    this.memory = exports['memory'] as WebAssembly.Memory;
    this.cards = exports[EXPORTS.cards] as WebAssembly.Memory;
    this.globals = Object.entries(exports).flatMap(([name, value]) =>
      name.startsWith(EXPORTS.global) ? [[name, value as WebAssembly.Global] as const] : [],
    );
  }

  get byteLength(): number {
    return this.memory.buffer.byteLength;
  }

  get bytes(): Uint8Array<ArrayBuffer> {
    return new Uint8Array(this.memory.buffer as ArrayBuffer);
  }

  grow(bytes: number): void {
    this.memory.grow(Math.max(0, Math.ceil(bytes / PAGE)));
  }

  /** A view of `length` bytes at `at`, which count as written. Valid until the memory grows. */
  writable(at: number, length: number): DataView {
    if (length > 0) new Uint8Array(this.cards.buffer).fill(1, at >>> CARD_SHIFT, ((at + length - 1) >>> CARD_SHIFT) + 1);
    return new DataView(this.memory.buffer, at, length);
  }

  write(at: number, content: Uint8Array): void {
    this.writable(at, content.length);
    this.bytes.set(content, at);
  }

  u32(at: number): number {
    return new DataView(this.memory.buffer).getUint32(at, true);
  }

  /** Text that ends with a zero byte. */
  text(at: number): string {
    const { bytes } = this;
    return new TextDecoder().decode(bytes.subarray(at, bytes.indexOf(0, at)));
  }

  snapshot(): Snapshot {
    const memory = new SharedArrayBuffer(this.byteLength);
    new Uint8Array(memory).set(this.bytes);
    return { memory, globals: this.globals.map(([name, global]) => [name, global.value] as const) };
  }

  /** Puts a whole snapshot into a new instance, which holds nothing but zeros and the module's own data. */
  load(snapshot: Snapshot): void {
    if (this.byteLength < snapshot.memory.byteLength) this.grow(snapshot.memory.byteLength - this.byteLength);
    const source = new Uint8Array(snapshot.memory);
    const { bytes } = this;
    // Pages that are equal stay untouched, so that they cost no memory of the machine.
    for (let at = 0; at < source.length; at += PAGE) {
      const page = source.subarray(at, at + PAGE);
      if (Buffer.compare(page, bytes.subarray(at, at + PAGE)) !== 0) bytes.set(page, at);
    }
    this.rewind(snapshot);
    new Uint8Array(this.cards.buffer).fill(0);
  }

  /** Copies back every card that was written since `load` or the last `restore`. Returns how many bytes that were. */
  restore(snapshot: Snapshot): number {
    const cards = new Uint8Array(this.cards.buffer, 0, (this.byteLength >>> CARD_SHIFT) + 1);
    const source = new Uint8Array(snapshot.memory);
    const { bytes } = this;
    let copied = 0;
    for (let first = cards.indexOf(1); first !== -1; first = cards.indexOf(1, first)) {
      let last = first + 1;
      while (cards[last] === 1) last++;
      cards.fill(0, first, last);
      const from = first * CARD;
      const to = Math.min(last * CARD + CARD_OVERLAP, bytes.length);
      const known = Math.min(to, source.length);
      if (from < known) bytes.set(source.subarray(from, known), from);
      if (to > known) bytes.fill(0, Math.max(from, known), to);
      copied += to - from;
      first = last;
    }
    this.rewind(snapshot);
    return copied;
  }

  private rewind({ globals }: Snapshot): void {
    const values = new Map(globals);
    for (const [name, global] of this.globals) {
      const value = values.get(name);
      if (value !== undefined) global.value = value;
    }
  }
}
