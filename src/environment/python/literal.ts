import { VALUE_LIMITS } from '../limits.ts';
import { NotALiteral, tokenise } from './tokens.ts';
import type { Token } from './tokens.ts';
import { CanonicalWriter, Unwritable, dictValue, setValue } from './value.ts';
import type { PyValue } from './value.ts';

/**
 * Reads `text` as a list of literals separated by commas (the argument list of a call), or null. Only data is accepted:
 * numbers, strings, `None`, `True`, `False`, lists, tuples, sets, dictionaries, `set()`, `frozenset({…})`,
 * `dict(a=1)`, `float("inf")`, `math.inf`, `complex(1, 2)`, and `+` and `*` on strings, lists and tuples (`"a" * 40 + "b"`).
 * Nothing is evaluated (D6). The canonical text of every value is among them.
 */
export function readArguments(text: string, maxChars: number = VALUE_LIMITS.chars): readonly PyValue[] | null {
  if (text.length > maxChars) return null;
  try {
    return new LiteralReader(tokenise(text)).list();
  } catch (error) {
    if (error instanceof NotALiteral) return null;
    throw error;
  }
}

/** Canonical form of the literal in `text`, or null when it is not exactly one literal. */
export function canonicalLiteral(text: string, maxChars?: number): string | null {
  const values = readArguments(text, maxChars);
  // `1,` would be a tuple in Python; as an answer it is no single value.
  return values?.length === 1 && !/,\s*$/.test(text) ? encodeArguments(values) : null;
}

/** Canonical form of an argument list (`1, [2]` → `1,[2]`), or null. An empty list is the empty string. */
export function canonicalArgumentList(text: string, maxChars?: number): string | null {
  const values = readArguments(text, maxChars);
  return values && encodeArguments(values);
}

/** Null when it is too long: a short literal can stand for a huge value (`[["a" * 1000] * 1000] * 1000`). */
export function encodeArguments(values: readonly PyValue[]): string | null {
  try {
    const writer = new CanonicalWriter(VALUE_LIMITS.chars);
    return values.map((value) => writer.write(value)).join(',');
  } catch (error) {
    if (error instanceof Unwritable) return null;
    throw error;
  }
}

const NAMES: ReadonlyMap<string, PyValue> = new Map<string, PyValue>([
  ['None', { kind: 'none' }],
  ['True', { kind: 'bool', value: true }],
  ['False', { kind: 'bool', value: false }],
  ['inf', { kind: 'float', value: Infinity }],
  ['nan', { kind: 'float', value: NaN }],
]);

const NONE: PyValue = { kind: 'none' };

class LiteralReader {
  private readonly tokens: readonly Token[];
  private at = 0;
  private nodes = 0;
  /** Characters and items that repetition and joining made. */
  private made = 0;

  constructor(tokens: readonly Token[]) {
    this.tokens = tokens;
  }

  list(): PyValue[] {
    const items = this.until('', () => this.sum(0));
    if (this.at < this.tokens.length) throw new NotALiteral();
    return items;
  }

  private sum(depth: number): PyValue {
    let left = this.product(depth);
    for (;;) {
      if (this.skip('+')) left = this.join(left, this.product(depth));
      else if (this.skip('-')) left = this.add(left, negate(this.product(depth)));
      else return left;
    }
  }

  private product(depth: number): PyValue {
    let left = this.unary(depth);
    while (this.skip('*')) left = this.repeat(left, this.unary(depth));
    return left;
  }

  private unary(depth: number): PyValue {
    let minus = false;
    let signs = 0;
    while (this.peek('+') || this.peek('-')) {
      if (++signs > VALUE_LIMITS.depth) throw new NotALiteral();
      if (this.next()?.text === '-') minus = !minus;
    }
    const value = this.atom(depth);
    if (signs > 0 && !isNumber(value)) throw new NotALiteral();
    return minus ? negate(value) : signs > 0 && value.kind === 'bool' ? toInt(value) : value;
  }

  private atom(depth: number): PyValue {
    if (++this.nodes > VALUE_LIMITS.nodes || depth > VALUE_LIMITS.depth) throw new NotALiteral();
    const token = this.next();
    if (token === undefined) throw new NotALiteral();
    switch (token.kind) {
      case 'value':
        return this.strings(token.value);
      case 'name':
        return NAMES.get(token.text) ?? this.call(token.text, depth);
      case 'mark':
        return this.compound(token.text, depth);
    }
  }

  /** Neighbouring strings are one. */
  private strings(first: PyValue): PyValue {
    let value = first;
    for (let token = this.tokens[this.at]; token?.kind === 'value' && isText(value); token = this.tokens[this.at]) {
      if (!isText(token.value) || token.value.kind !== value.kind) throw new NotALiteral();
      this.at++;
      value = this.join(value, token.value);
    }
    return value;
  }

  private compound(open: string, depth: number): PyValue {
    const child = (): PyValue => this.sum(depth + 1);
    if (open === '[') return { kind: 'list', items: this.until(']', child) };
    if (open === '(') {
      const from = this.at;
      const items = this.until(')', child);
      const [only] = items;
      // Parentheses around one value are no tuple; the comma makes it.
      const comma = this.tokens[this.at - 2]?.text === ',' && this.at - 2 > from;
      return items.length === 1 && only !== undefined && !comma ? only : { kind: 'tuple', items };
    }
    if (open !== '{') throw new NotALiteral();
    if (this.skip('}')) return { kind: 'dict', entries: [] };
    const first = child();
    if (!this.skip(':')) return orNone(setValue('set', this.rest(first, child)));
    const entries = this.rest([first, child()] as const, () => {
      const key = child();
      this.expect(':');
      return [key, child()] as const;
    });
    return orNone(dictValue(entries));
  }

  /** The items after the first one, up to the closing brace. */
  private rest<Item>(first: Item, item: () => Item): Item[] {
    if (this.skip('}')) return [first];
    this.expect(',');
    return [first, ...this.until('}', item)];
  }

  private call(name: string, depth: number): PyValue {
    if (name === 'math' && this.skip('.')) return NAMES.get(this.constant()) as PyValue;
    this.expect('(');
    if (name === 'dict' && this.tokens[this.at + 1]?.text === '=') return orNone(dictValue(this.until(')', () => this.keyword(depth))));
    const args = this.until(')', () => this.sum(depth + 1));
    const [first = NONE, second = NONE] = args;
    const items = args.length === 0 ? [] : itemsOf(first);
    if (name === 'complex' && args.length === 2) return { kind: 'complex', real: toFloat(first), imaginary: toFloat(second) };
    if (name === 'float' && args.length === 1) return { kind: 'float', value: readFloat(first) };
    if (items === null || args.length > 1) throw new NotALiteral();
    if (name === 'set' || name === 'frozenset') return orNone(setValue(name, items));
    if (name === 'list' || name === 'tuple') return { kind: name, items };
    if (name === 'dict' && (args.length === 0 || first.kind === 'dict'))
      return { kind: 'dict', entries: first.kind === 'dict' ? first.entries : [] };
    throw new NotALiteral();
  }

  /** `name=value` in `dict(name=value)`. */
  private keyword(depth: number): readonly [PyValue, PyValue] {
    const name = this.next();
    if (name?.kind !== 'name') throw new NotALiteral();
    this.expect('=');
    return [{ kind: 'str', value: name.text }, this.sum(depth + 1)];
  }

  private constant(): string {
    const name = this.next()?.text;
    if (name !== 'inf' && name !== 'nan') throw new NotALiteral();
    return name;
  }

  private join(left: PyValue, right: PyValue): PyValue {
    if (isNumber(left) && isNumber(right)) return this.add(left, right);
    this.make(lengthOf(left) + lengthOf(right));
    if (left.kind === 'str' && right.kind === 'str') return { kind: 'str', value: left.value + right.value };
    if (left.kind === 'bytes' && right.kind === 'bytes') return { kind: 'bytes', value: Buffer.concat([left.value, right.value]) };
    if ((left.kind === 'list' || left.kind === 'tuple') && left.kind === right.kind)
      return { kind: left.kind, items: [...left.items, ...right.items] };
    throw new NotALiteral();
  }

  /** Only the two parts of a complex number. */
  private add(left: PyValue, right: PyValue): PyValue {
    if (right.kind !== 'complex' || right.real !== 0 || (left.kind !== 'int' && left.kind !== 'float')) throw new NotALiteral();
    return { kind: 'complex', real: toFloat(left), imaginary: right.imaginary };
  }

  private repeat(left: PyValue, right: PyValue): PyValue {
    const [value, times] = left.kind === 'int' ? [right, left] : [left, right];
    if (times.kind !== 'int' || times.value > BigInt(VALUE_LIMITS.chars)) throw new NotALiteral();
    const count = Math.max(0, Number(times.value));
    this.make(lengthOf(value) * count);
    switch (value.kind) {
      case 'str':
        return { kind: 'str', value: value.value.repeat(count) };
      case 'bytes':
        return { kind: 'bytes', value: Buffer.concat(Array<Uint8Array>(count).fill(value.value)) };
      case 'list':
      case 'tuple':
        return { kind: value.kind, items: Array<readonly PyValue[]>(count).fill(value.items).flat() };
      default:
        throw new NotALiteral();
    }
  }

  private make(length: number): void {
    this.made += length;
    if (this.made > VALUE_LIMITS.chars) throw new NotALiteral();
  }

  /** Items between commas, one more comma allowed at the end. */
  private until<Item>(close: string, item: () => Item): Item[] {
    const items: Item[] = [];
    while (!this.closes(close)) {
      items.push(item());
      if (this.closes(close)) break;
      this.expect(',');
    }
    if (close !== '') this.expect(close);
    return items;
  }

  private closes(close: string): boolean {
    return close === '' ? this.at >= this.tokens.length : this.peek(close);
  }

  private next(): Token | undefined {
    return this.tokens[this.at++];
  }

  private peek(mark: string): boolean {
    const token = this.tokens[this.at];
    return token?.kind === 'mark' && token.text === mark;
  }

  private skip(mark: string): boolean {
    if (!this.peek(mark)) return false;
    this.at++;
    return true;
  }

  private expect(mark: string): void {
    if (!this.skip(mark)) throw new NotALiteral();
  }
}

const isText = (value: PyValue): value is Extract<PyValue, { kind: 'str' | 'bytes' }> => value.kind === 'str' || value.kind === 'bytes';

const isNumber = (value: PyValue): boolean => ['int', 'float', 'complex', 'bool'].includes(value.kind);

function lengthOf(value: PyValue): number {
  if (isText(value)) return value.value.length;
  if (value.kind === 'list' || value.kind === 'tuple') return value.items.length;
  throw new NotALiteral();
}

function negate(value: PyValue): PyValue {
  switch (value.kind) {
    case 'int':
      return { kind: 'int', value: -value.value };
    case 'bool':
      return { kind: 'int', value: -toInt(value).value };
    case 'float':
      return { kind: 'float', value: -value.value };
    case 'complex':
      return { kind: 'complex', real: -value.real, imaginary: -value.imaginary };
    default:
      throw new NotALiteral();
  }
}

const toInt = ({ value }: { readonly value: boolean }): Extract<PyValue, { kind: 'int' }> => ({ kind: 'int', value: value ? 1n : 0n });

function toFloat(value: PyValue): number {
  if (value.kind !== 'int' && value.kind !== 'float') throw new NotALiteral();
  const float = Number(value.value);
  // An integer beyond every float is an OverflowError in Python.
  if (value.kind === 'int' && !Number.isFinite(float)) throw new NotALiteral();
  return float;
}

/** `float("nan")`, `float("-inf")`, `float(3)`. */
function readFloat(value: PyValue): number {
  if (value.kind !== 'str') return toFloat(value);
  const match = /^\s*([+-]?)(?:(inf|infinity)|(nan))\s*$/i.exec(value.value);
  if (match === null) throw new NotALiteral();
  return (match[1] === '-' ? -1 : 1) * (match[2] === undefined ? NaN : Infinity);
}

function itemsOf(value: PyValue): readonly PyValue[] | null {
  return 'items' in value ? value.items : null;
}

function orNone(value: PyValue | null): PyValue {
  if (value === null) throw new NotALiteral();
  return value;
}
