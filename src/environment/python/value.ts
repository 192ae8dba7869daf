/**
 * Python values as data: what a literal, a canonical text or a `marshal` record says. Nothing of a model's text is ever
 * evaluated on the host.
 */
export type PyValue =
  | { readonly kind: 'none' }
  | { readonly kind: 'bool'; readonly value: boolean }
  | { readonly kind: 'int'; readonly value: bigint }
  | { readonly kind: 'float'; readonly value: number }
  | { readonly kind: 'complex'; readonly real: number; readonly imaginary: number }
  | { readonly kind: 'str'; readonly value: string }
  | { readonly kind: 'bytes'; readonly value: Uint8Array }
  | { readonly kind: 'list' | 'tuple' | 'set' | 'frozenset'; readonly items: readonly PyValue[] }
  | { readonly kind: 'dict'; readonly entries: readonly (readonly [PyValue, PyValue])[] };

/** What Python's hash and equality unify, as text: `1`, `1.0` and `True` are one key. Null for what cannot be a key. */
function keyOf(value: PyValue): string | null {
  switch (value.kind) {
    case 'bool':
      return value.value ? '1' : '0';
    case 'float':
      return Number.isInteger(value.value) ? BigInt(value.value).toString() : encodeValue(value);
    case 'complex':
      return value.imaginary === 0 ? keyOf({ kind: 'float', value: value.real }) : encodeValue(value);
    case 'tuple': {
      const keys = value.items.map(keyOf);
      return keys.includes(null) ? null : `(${keys.join(',')})`;
    }
    case 'frozenset': {
      const keys = value.items.map(keyOf);
      return keys.includes(null) ? null : `{${keys.sort().join(',')}}`;
    }
    case 'list':
    case 'set':
    case 'dict':
      return null;
    default:
      return encodeValue(value);
  }
}

/**
 * The value with what Python's `==` unifies made one: `True`, `1` and `1.0`; a set and a frozen set. For grading, where
 * the reference compares with `==`.
 */
export function unified(value: PyValue): PyValue {
  switch (value.kind) {
    case 'bool':
      return { kind: 'int', value: value.value ? 1n : 0n };
    case 'float':
      return Number.isInteger(value.value) ? { kind: 'int', value: BigInt(value.value) } : value;
    case 'complex':
      return value.imaginary === 0 ? unified({ kind: 'float', value: value.real }) : value;
    case 'list':
    case 'tuple':
      return { kind: value.kind, items: value.items.map(unified) };
    case 'set':
    case 'frozenset':
      return { kind: 'set', items: value.items.map(unified) };
    case 'dict':
      return { kind: 'dict', entries: value.entries.map(([key, item]) => [unified(key), unified(item)] as const) };
    default:
      return value;
  }
}

/** The set that Python would build: the first of equal items stays. Null when an item cannot be in a set. */
export function setValue(kind: 'set' | 'frozenset', items: readonly PyValue[]): PyValue | null {
  const distinct = new Map<string, PyValue>();
  for (const item of items) {
    const key = keyOf(item);
    if (key === null) return null;
    if (!distinct.has(key)) distinct.set(key, item);
  }
  return { kind, items: [...distinct.values()] };
}

/** The dictionary that Python would build: the first of equal keys with the last value. Null when a key cannot be one. */
export function dictValue(entries: readonly (readonly [PyValue, PyValue])[]): PyValue | null {
  const distinct = new Map<string, readonly [PyValue, PyValue]>();
  for (const [key, item] of entries) {
    const text = keyOf(key);
    if (text === null) return null;
    distinct.set(text, [distinct.get(text)?.[0] ?? key, item]);
  }
  return { kind: 'dict', entries: [...distinct.values()] };
}

/** Raised for a value without a canonical form, or with one that is too long: the end of a sentence about it. */
export class Unwritable extends Error {}

/** Writes canonical texts of up to `maxChars` together. */
export class CanonicalWriter {
  private chars = 0;
  private readonly maxChars: number;

  constructor(maxChars: number) {
    this.maxChars = maxChars;
  }

  write(value: PyValue): string {
    switch (value.kind) {
      case 'none':
        return this.count('None');
      case 'bool':
        return this.count(value.value ? 'True' : 'False');
      case 'int':
        return this.count(this.integer(value.value));
      case 'float':
        return this.count(floatText(value.value));
      case 'complex':
        return this.count(`complex(${floatText(value.real)},${floatText(value.imaginary)})`);
      case 'str':
        // Quoting never shortens a text, so an overlong one is refused before it is copied.
        this.check(value.value.length);
        return this.count(JSON.stringify(value.value));
      case 'bytes':
        this.check(value.value.length);
        return this.count(bytesText(value.value));
      case 'list':
        return this.enclose('[', this.writeAll(value.items), ']');
      case 'tuple':
        return this.enclose('(', this.writeAll(value.items), value.items.length === 1 ? ',)' : ')');
      case 'set':
        return value.items.length === 0 ? this.count('set()') : this.enclose('{', unique(this.writeAll(value.items)), '}');
      case 'frozenset':
        return value.items.length === 0 ? this.count('frozenset()') : this.enclose('frozenset({', unique(this.writeAll(value.items)), '})');
      case 'dict':
        return this.enclose('{', this.writeEntries(value.entries), '}');
    }
  }

  private writeAll(items: readonly PyValue[]): string[] {
    return items.map((item) => this.write(item));
  }

  /** Keys are sorted by their texts; of equal keys the first stays, with the last value, as in Python. */
  private writeEntries(entries: readonly (readonly [PyValue, PyValue])[]): string[] {
    const texts = new Map(entries.map(([key, item]) => [this.write(key), this.write(item)] as const));
    return [...texts].sort(([a], [b]) => compare(a, b)).map(([key, item]) => `${key}:${item}`);
  }

  private enclose(open: string, parts: readonly string[], close: string): string {
    this.check(open.length + parts.length + close.length);
    return `${open}${parts.join(',')}${close}`;
  }

  /** An integer's digits are counted before they are written: writing takes more than linear time. */
  private integer(value: bigint): string {
    if (value > SAFE || value < -SAFE) this.check(Math.floor(value.toString(16).length * DECIMALS_PER_HEX) - 2);
    return value.toString();
  }

  private count(text: string): string {
    this.check(text.length);
    return text;
  }

  private check(chars: number): void {
    this.chars += chars;
    if (this.chars > this.maxChars) throw new Unwritable(`is longer than ${this.maxChars} characters`);
  }
}

const SAFE = BigInt(Number.MAX_SAFE_INTEGER);
const DECIMALS_PER_HEX = Math.log10(16);

/**
 * The one canonical text of a value: Python's own literal without spaces, strings in double quotes as JSON writes them,
 * sets sorted, dictionaries sorted by key. Throws `Unwritable` when it is longer than `maxChars`.
 */
export const encodeValue = (value: PyValue, maxChars = Infinity): string => new CanonicalWriter(maxChars).write(value);

const unique = (texts: readonly string[]): string[] => [...new Set(texts)].sort(compare);

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/** As Python's `repr` writes it: the shortest digits that read back the same; exponents below -4 and from 16 on. */
export function floatText(value: number): string {
  if (Number.isNaN(value)) return 'nan';
  if (!Number.isFinite(value)) return value > 0 ? 'inf' : '-inf';
  const sign = value < 0 || Object.is(value, -0) ? '-' : '';
  const [mantissa = '', exponentText = '0'] = Math.abs(value).toExponential().split('e');
  const digits = mantissa.replace('.', '');
  const exponent = Number(exponentText);
  if (value === 0) return `${sign}0.0`;
  if (exponent < -4 || exponent >= 16) {
    const magnitude = String(Math.abs(exponent)).padStart(2, '0');
    return `${sign}${mantissa}e${exponent < 0 ? '-' : '+'}${magnitude}`;
  }
  if (exponent < 0) return `${sign}0.${'0'.repeat(-exponent - 1)}${digits}`;
  const whole = digits.slice(0, exponent + 1).padEnd(exponent + 1, '0');
  return `${sign}${whole}.${digits.slice(exponent + 1) || '0'}`;
}

const ESCAPES: Readonly<Record<number, string>> = { 9: '\\t', 10: '\\n', 13: '\\r', 34: '\\"', 92: '\\\\' };

function bytesText(bytes: Uint8Array): string {
  const parts = Array.from(bytes, (byte) => ESCAPES[byte] ?? (byte >= 32 && byte < 127 ? String.fromCharCode(byte) : hexEscape(byte)));
  return `b"${parts.join('')}"`;
}

const hexEscape = (byte: number): string => `\\x${byte.toString(16).padStart(2, '0')}`;
