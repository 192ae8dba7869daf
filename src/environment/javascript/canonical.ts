import { VALUE_LIMITS } from '../limits.ts';
import { TYPED_ARRAY_NAMES, mapValue, setValue, typedArray } from './value.ts';
import type { Value } from './value.ts';

const NUMBER = /-?(?:\d+(?:\.\d+)?(?:e[+-]?\d+)?|Infinity)|NaN/y;
const BIGINT = /-?\d+n/y;
/** Control characters are left to `JSON.parse`, which refuses them. */
const STRING = /"(?:[^"\\]|\\.)*"/y;
const WORD = /undefined|null|true|false/y;
const SPACE = /\s*/y;

/**
 * Reads canonical texts (`Map{1=>2}`, `Set{}`, `Date(0)`, `[1,<hole>]`) separated by commas, or null. Prompts show
 * values in this form, so answers in it count too.
 */
export function readCanonicalList(text: string): readonly Value[] | null {
  try {
    const reader = new CanonicalReader(text);
    const values = reader.list(() => reader.value(0));
    return reader.atEnd ? values : null;
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}

class CanonicalReader {
  private position = 0;
  private nodes = 0;
  private readonly text: string;

  constructor(text: string) {
    this.text = text;
  }

  get atEnd(): boolean {
    this.take(SPACE);
    return this.position === this.text.length;
  }

  list<Item>(item: () => Item): Item[] {
    const items = [item()];
    while (this.skip(',')) items.push(item());
    return items;
  }

  value(depth: number): Value {
    if (++this.nodes > VALUE_LIMITS.nodes || depth > VALUE_LIMITS.depth) throw new SyntaxError('too large');
    this.take(SPACE);
    const big = this.take(BIGINT);
    if (big !== null) return { kind: 'bigint', value: BigInt(big.slice(0, -1)) };
    const number = this.take(NUMBER);
    if (number !== null) return { kind: 'number', value: Number(number) };
    const string = this.take(STRING);
    if (string !== null) return { kind: 'string', value: JSON.parse(string) as string };
    const word = this.take(WORD);
    if (word !== null) return readWord(word);
    return this.compound(depth);
  }

  private compound(depth: number): Value {
    const child = (): Value => this.value(depth + 1);
    if (this.skip('[')) return { kind: 'array', items: this.until(']', () => (this.skip('<hole>') ? { kind: 'hole' } : child())) };
    if (this.skip('{')) return { kind: 'object', entries: this.until('}', () => this.entry(depth)) };
    if (this.skip('Map{')) {
      return mapValue(
        this.until('}', () => {
          const key = child();
          this.expect('=>');
          return [key, child()] as const;
        }),
      );
    }
    if (this.skip('Set{')) return setValue(this.until('}', child));
    if (this.skip('Date(')) {
      const ms = this.value(depth + 1);
      this.expect(')');
      if (ms.kind !== 'number') throw new SyntaxError('a date takes a number');
      return { kind: 'date', ms: new Date(ms.value).getTime() };
    }
    for (const name of TYPED_ARRAY_NAMES) {
      if (!this.skip(`${name}[`)) continue;
      const value = typedArray(name, this.until(']', child));
      if (value !== null) return value;
    }
    throw new SyntaxError('not a canonical value');
  }

  private entry(depth: number): readonly [string, Value] {
    this.take(SPACE);
    const key = this.take(STRING);
    if (key === null) throw new SyntaxError('a key is a string');
    this.expect(':');
    return [JSON.parse(key) as string, this.value(depth + 1)];
  }

  private until<Item>(close: string, item: () => Item): Item[] {
    if (this.skip(close)) return [];
    const items = this.list(item);
    this.expect(close);
    return items;
  }

  private skip(mark: string): boolean {
    this.take(SPACE);
    if (!this.text.startsWith(mark, this.position)) return false;
    this.position += mark.length;
    return true;
  }

  private expect(mark: string): void {
    if (!this.skip(mark)) throw new SyntaxError(`expected ${mark}`);
  }

  private take(pattern: RegExp): string | null {
    pattern.lastIndex = this.position;
    const found = pattern.exec(this.text)?.[0];
    if (found === undefined) return null;
    this.position += found.length;
    return found;
  }
}

function readWord(word: string): Value {
  if (word === 'true' || word === 'false') return { kind: 'boolean', value: word === 'true' };
  return { kind: word as 'undefined' | 'null' };
}
