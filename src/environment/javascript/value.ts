/**
 * Values as data: what a literal or a canonical text says, without a live JavaScript object behind it, so that nothing
 * of a model's text is ever evaluated on the host.
 */
export type Value =
  | { readonly kind: 'undefined' | 'null' | 'hole' }
  | { readonly kind: 'boolean'; readonly value: boolean }
  | { readonly kind: 'number'; readonly value: number }
  | { readonly kind: 'bigint'; readonly value: bigint }
  | { readonly kind: 'string'; readonly value: string }
  | { readonly kind: 'array'; readonly items: readonly Value[] }
  | { readonly kind: 'object'; readonly entries: readonly (readonly [string, Value])[] }
  | { readonly kind: 'map'; readonly entries: readonly (readonly [Value, Value])[] }
  | { readonly kind: 'set'; readonly items: readonly Value[] }
  | { readonly kind: 'date'; readonly ms: number }
  | { readonly kind: 'typed'; readonly name: TypedArrayName; readonly items: readonly Value[] };

const TYPED = {
  Int8Array,
  Uint8Array,
  Uint8ClampedArray,
  Int16Array,
  Uint16Array,
  Int32Array,
  Uint32Array,
  Float32Array,
  Float64Array,
} as const;
const BIG_TYPED = { BigInt64Array, BigUint64Array } as const;
export type TypedArrayName = keyof typeof TYPED | keyof typeof BIG_TYPED;
export const TYPED_ARRAY_NAMES: readonly string[] = [...Object.keys(TYPED), ...Object.keys(BIG_TYPED)];

/** Elements as the typed array would store them (wrapped, clamped, rounded), or null when they are not all of its number type. */
export function typedArray(name: string, items: readonly Value[]): Value | null {
  if (Object.hasOwn(TYPED, name)) {
    const numbers = items.flatMap((item) => (item.kind === 'number' ? [item.value] : []));
    if (numbers.length !== items.length) return null;
    const stored = TYPED[name as keyof typeof TYPED].from(numbers);
    return { kind: 'typed', name: name as TypedArrayName, items: Array.from(stored, (value) => ({ kind: 'number', value })) };
  }
  if (Object.hasOwn(BIG_TYPED, name)) {
    const numbers = items.flatMap((item) => (item.kind === 'bigint' ? [item.value] : []));
    if (numbers.length !== items.length) return null;
    const stored = BIG_TYPED[name as keyof typeof BIG_TYPED].from(numbers);
    return { kind: 'typed', name: name as TypedArrayName, items: Array.from(stored, (value) => ({ kind: 'bigint', value })) };
  }
  return null;
}

/** Same-value-zero identity of a primitive as text; objects are equal to nothing but themselves. */
function identity(value: Value): string | Value {
  if (value.kind === 'number' && value.value === 0) return '0';
  return isPrimitive(value) ? encodeValue(value) : value;
}

function isPrimitive(value: Value): boolean {
  return !['array', 'object', 'map', 'set', 'date', 'typed'].includes(value.kind);
}

function withoutNegativeZero(value: Value): Value {
  return value.kind === 'number' && value.value === 0
    ? { kind: 'number', value: 0 }
    : value.kind === 'hole'
      ? { kind: 'undefined' }
      : value;
}

/** The map that `new Map(entries)` would hold: first position, last value. */
export function mapValue(entries: readonly (readonly [Value, Value])[]): Value {
  const seen = new Map<string | Value, [Value, Value]>();
  for (const [rawKey, value] of entries) {
    const key = withoutNegativeZero(rawKey);
    const found = seen.get(identity(key));
    if (found) found[1] = value;
    else seen.set(identity(key), [key, value]);
  }
  return { kind: 'map', entries: [...seen.values()] };
}

/** The set that `new Set(items)` would hold. */
export function setValue(items: readonly Value[]): Value {
  const seen = new Map<string | Value, Value>();
  for (const raw of items) {
    const item = withoutNegativeZero(raw);
    if (!seen.has(identity(item))) seen.set(identity(item), item);
  }
  return { kind: 'set', items: [...seen.values()] };
}

function encodeNumber(value: number): string {
  return Object.is(value, -0) ? '-0' : String(value);
}

/**
 * The one canonical text of a value: `NaN`, `-0`, `10n`, `[1,<hole>]`, `{"a":1}` with keys sorted by UTF-16 code
 * units, `Map{k=>v}`, `Set{v}`, `Date(ms)`, `Uint8Array[1]`. The encoder of the guest (guest.ts) writes the same.
 */
export function encodeValue(value: Value): string {
  switch (value.kind) {
    case 'undefined':
    case 'null':
      return value.kind;
    case 'hole':
      return '<hole>';
    case 'boolean':
      return String(value.value);
    case 'number':
      return encodeNumber(value.value);
    case 'bigint':
      return `${value.value}n`;
    case 'string':
      return JSON.stringify(value.value);
    case 'array':
      return `[${value.items.map(encodeValue).join(',')}]`;
    case 'object': {
      const last = new Map(value.entries);
      const keys = [...last.keys()].sort();
      return `{${keys.map((key) => `${JSON.stringify(key)}:${encodeValue(last.get(key) as Value)}`).join(',')}}`;
    }
    case 'map':
      return `Map{${value.entries.map(([key, item]) => `${encodeValue(key)}=>${encodeValue(item)}`).join(',')}}`;
    case 'set':
      return `Set{${value.items.map(encodeValue).join(',')}}`;
    case 'date':
      return `Date(${encodeNumber(value.ms)})`;
    case 'typed':
      return `${value.name}[${value.items.map(encodeValue).join(',')}]`;
  }
}

function renderString(text: string): string {
  // Plain ASCII, so that lone surrogates survive the way into the guest, which is UTF-8.
  return JSON.stringify(text).replace(/[^ -~]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

/** Source text that makes a fresh copy of the value in the guest: written from data, never a model's own text (D6). */
export function renderValue(value: Value): string {
  switch (value.kind) {
    case 'undefined':
      return 'void 0';
    case 'number':
      return Number.isNaN(value.value)
        ? '(0/0)'
        : Math.abs(value.value) === Infinity
          ? `(${Math.sign(value.value)}/0)`
          : encodeNumber(value.value);
    case 'string':
      return renderString(value.value);
    case 'array': {
      const items = value.items.map((item) => (item.kind === 'hole' ? '' : renderValue(item))).join(',');
      // A closing comma is no element, so a hole at the end needs one more.
      return `[${items}${value.items.at(-1)?.kind === 'hole' ? ',' : ''}]`;
    }
    case 'object':
      return `{${value.entries.map(([key, item]) => `[${renderString(key)}]:${renderValue(item)}`).join(',')}}`;
    case 'map':
      return `new Map([${value.entries.map(([key, item]) => `[${renderValue(key)},${renderValue(item)}]`).join(',')}])`;
    case 'set':
      return `new Set([${value.items.map(renderValue).join(',')}])`;
    case 'date':
      return `new Date(${renderValue({ kind: 'number', value: value.ms })})`;
    case 'typed':
      return `new ${value.name}([${value.items.map(renderValue).join(',')}])`;
    default:
      return encodeValue(value);
  }
}
