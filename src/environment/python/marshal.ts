import { VALUE_LIMITS } from '../limits.ts';
import { ByteWriter } from '../wasm/bytes.ts';
import { Unwritable } from './value.ts';
import type { PyValue } from './value.ts';

/**
 * CPython's `marshal` records (version 4, Python/marshal.c), the way in which values cross the wall: written and read
 * by C code that a program cannot patch, and holding exact built-in types only. No text of a value is ever compiled.
 */
export const MARSHAL_VERSION = 4;

/** In front of arguments that are code: no record begins with it. */
export const CODE_MARK = '\u{1f40d}';

const DIGIT_BITS = 15n;
const DIGIT_MASK = (1n << DIGIT_BITS) - 1n;
const INT32_MIN = -(2n ** 31n);
const INT32_MAX = 2n ** 31n - 1n;
/** Set on a record that a later one may refer to. */
const REFERABLE = 0x80;

export function encodeMarshal(value: PyValue): Uint8Array {
  const out = new ByteWriter(64);
  writeRecord(out, value);
  return out.view().slice();
}

function writeRecord(out: ByteWriter, value: PyValue): void {
  const code = (letter: string): ByteWriter => out.byte(letter.charCodeAt(0));
  switch (value.kind) {
    case 'none':
      return void code('N');
    case 'bool':
      return void code(value.value ? 'T' : 'F');
    case 'int':
      return writeInteger(out, value.value);
    case 'float':
      return void writeDouble(code('g'), value.value);
    case 'complex':
      return void writeDouble(writeDouble(code('y'), value.real), value.imaginary);
    case 'str': {
      const bytes = encodeText(value.value);
      return void writeInt32(code('u'), bytes.length).copy(bytes);
    }
    case 'bytes':
      return void writeInt32(code('s'), value.value.length).copy(value.value);
    case 'list':
    case 'tuple':
    case 'set':
    case 'frozenset':
      writeInt32(code({ list: '[', tuple: '(', set: '<', frozenset: '>' }[value.kind]), value.items.length);
      for (const item of value.items) writeRecord(out, item);
      return;
    case 'dict':
      code('{');
      for (const [key, item] of value.entries) {
        writeRecord(out, key);
        writeRecord(out, item);
      }
      return void code('0');
  }
}

function writeInteger(out: ByteWriter, value: bigint): void {
  if (value >= INT32_MIN && value <= INT32_MAX) {
    writeInt32(out.byte('i'.charCodeAt(0)), Number(value));
    return;
  }
  const digits: number[] = [];
  for (let rest = value < 0n ? -value : value; rest > 0n; rest >>= DIGIT_BITS) digits.push(Number(rest & DIGIT_MASK));
  writeInt32(out.byte('l'.charCodeAt(0)), value < 0n ? -digits.length : digits.length);
  for (const digit of digits) out.byte(digit & 0xff, digit >> 8);
}

const writeInt32 = (out: ByteWriter, value: number): ByteWriter =>
  out.byte(value & 0xff, (value >> 8) & 0xff, (value >> 16) & 0xff, (value >> 24) & 0xff);

function writeDouble(out: ByteWriter, value: number): ByteWriter {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setFloat64(0, value, true);
  return out.copy(bytes);
}

/** UTF-8 in which lone surrogates have three bytes each, as Python's `surrogatepass` has it. */
function encodeText(text: string): Uint8Array {
  if (text.isWellFormed()) return new TextEncoder().encode(text);
  const parts = Array.from(text, (character) => {
    const code = character.codePointAt(0) ?? 0;
    if (code < 0xd800 || code > 0xdfff) return new TextEncoder().encode(character);
    return Uint8Array.of(0xe0 | (code >> 12), 0x80 | ((code >> 6) & 0x3f), 0x80 | (code & 0x3f));
  });
  return Buffer.concat(parts);
}

/** 15-bit digits of the longest integer whose decimal digits fit a canonical text. */
const MOST_DIGITS = Math.ceil((VALUE_LIMITS.chars * Math.log2(10)) / 15);
const TOO_LONG = `is longer than ${VALUE_LIMITS.chars} characters`;
/** Bytes of the longest text that has no more characters than that. */
const MOST_BYTES = 4 * VALUE_LIMITS.chars;

/** Reads one record. Throws `Unwritable` for what is no data, and for more depth or parts than a value may have. */
export function decodeMarshal(bytes: Uint8Array): PyValue {
  return new MarshalReader(bytes).read(0);
}

class MarshalReader {
  private readonly bytes: Uint8Array;
  private readonly view: DataView;
  private readonly seen: (PyValue | null)[] = [];
  /** Parts of each value that may be referred to, so that a small record cannot stand for a huge value. */
  private readonly sizes = new Map<PyValue, number>();
  private at = 0;
  private nodes = 0;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  read(depth: number): PyValue {
    if (depth > VALUE_LIMITS.depth) throw new Unwritable(`nests deeper than ${VALUE_LIMITS.depth} levels`);
    this.count(1);
    const code = this.byte();
    const letter = String.fromCharCode(code & ~REFERABLE);
    if (letter === 'r') return this.reference();
    if ((code & REFERABLE) === 0) return this.record(letter, depth);
    const slot = this.seen.push(null) - 1;
    const before = this.nodes;
    const value = this.record(letter, depth);
    this.seen[slot] = value;
    this.sizes.set(value, this.nodes - before);
    return value;
  }

  private reference(): PyValue {
    const value = this.seen[this.int32()];
    if (value === undefined) throw new Unwritable('cannot be read');
    if (value === null) throw new Unwritable('contains itself');
    this.count(this.sizes.get(value) ?? 0);
    return value;
  }

  private record(letter: string, depth: number): PyValue {
    switch (letter) {
      case 'N':
        return { kind: 'none' };
      case 'T':
      case 'F':
        return { kind: 'bool', value: letter === 'T' };
      case 'i':
        return { kind: 'int', value: BigInt(this.int32()) };
      case 'l':
        return { kind: 'int', value: this.integer() };
      case 'g':
        return { kind: 'float', value: this.double() };
      case 'y':
        return { kind: 'complex', real: this.double(), imaginary: this.double() };
      case 's':
        return { kind: 'bytes', value: this.text(this.int32()).slice() };
      case 'u':
      case 't':
        return { kind: 'str', value: decodeText(this.text(this.int32())) };
      case 'a':
      case 'A':
        return { kind: 'str', value: decodeText(this.text(this.int32())) };
      case 'z':
      case 'Z':
        return { kind: 'str', value: decodeText(this.text(this.byte())) };
      case ')':
        return { kind: 'tuple', items: this.items(this.byte(), depth) };
      case '(':
        return { kind: 'tuple', items: this.items(this.int32(), depth) };
      case '[':
        return { kind: 'list', items: this.items(this.int32(), depth) };
      case '<':
        return { kind: 'set', items: this.items(this.int32(), depth) };
      case '>':
        return { kind: 'frozenset', items: this.items(this.int32(), depth) };
      case '{':
        return { kind: 'dict', entries: this.entries(depth) };
      default:
        throw new Unwritable('holds something that is no data');
    }
  }

  private items(length: number, depth: number): PyValue[] {
    const items: PyValue[] = [];
    for (let index = 0; index < length; index++) items.push(this.read(depth + 1));
    return items;
  }

  private entries(depth: number): (readonly [PyValue, PyValue])[] {
    const entries: (readonly [PyValue, PyValue])[] = [];
    while (this.bytes[this.at] !== '0'.charCodeAt(0)) entries.push([this.read(depth + 1), this.read(depth + 1)]);
    this.at++;
    return entries;
  }

  private integer(): bigint {
    const size = this.int32();
    // Refused before it is built: reading and writing so many digits takes longer than any program may.
    if (Math.abs(size) > MOST_DIGITS) throw new Unwritable(TOO_LONG);
    let text = '';
    // Hexadecimal by three bits at a time would not fit 15-bit digits; binary does, and `BigInt` reads it in linear time.
    for (let digit = Math.abs(size); digit > 0; digit--) {
      const at = this.at + 2 * (digit - 1);
      text += this.view.getUint16(at, true).toString(2).padStart(Number(DIGIT_BITS), '0');
    }
    this.take(2 * Math.abs(size));
    const value = BigInt(`0b${text || '0'}`);
    return size < 0 ? -value : value;
  }

  private count(nodes: number): void {
    this.nodes += nodes;
    if (this.nodes > VALUE_LIMITS.nodes) throw new Unwritable(`has more than ${VALUE_LIMITS.nodes} parts`);
  }

  private byte(): number {
    return this.view.getUint8(this.at++);
  }

  private int32(): number {
    this.at += 4;
    return this.view.getInt32(this.at - 4, true);
  }

  private double(): number {
    this.at += 8;
    return this.view.getFloat64(this.at - 8, true);
  }

  private text(length: number): Uint8Array {
    if (length > MOST_BYTES) throw new Unwritable(TOO_LONG);
    return this.take(length);
  }

  private take(length: number): Uint8Array {
    this.at += length;
    return this.bytes.subarray(this.at - length, this.at);
  }
}

/** UTF-8 with lone surrogates of three bytes. */
function decodeText(bytes: Uint8Array): string {
  if (!hasSurrogates(bytes)) return Buffer.from(bytes).toString('utf8');
  let text = '';
  for (let at = 0; at < bytes.length;) {
    const lead = bytes[at] as number;
    const length = lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
    const part = bytes.subarray(at, at + length);
    if (length === 3) text += String.fromCharCode(((lead & 15) << 12) | (((part[1] ?? 0) & 63) << 6) | ((part[2] ?? 0) & 63));
    else text += Buffer.from(part).toString('utf8');
    at += length;
  }
  return text;
}

/** 0xED starts a character from U+D000 on; from 0xA0 as its second byte it is a surrogate. */
function hasSurrogates(bytes: Uint8Array): boolean {
  for (let at = bytes.indexOf(0xed); at !== -1; at = bytes.indexOf(0xed, at + 1)) if ((bytes[at + 1] ?? 0) >= 0xa0) return true;
  return false;
}
