import { parseExpressionAt } from 'acorn';
import type { ArrayExpression, CallExpression, Expression, NewExpression, ObjectExpression, SpreadElement, UnaryExpression } from 'acorn';
import { readCanonicalList } from './canonical.ts';
import { VALUE_LIMITS } from '../limits.ts';
import { TYPED_ARRAY_NAMES, encodeValue, mapValue, renderValue, setValue, typedArray } from './value.ts';
import type { Value } from './value.ts';

/** Raised inside this file only: the text is not a literal. */
class NotALiteral extends Error {}

const ECMA_VERSION = 'latest';
/** Deeper than any allowed value, and far from the end of the host's own stack in acorn's recursive descent. */
const NESTING_LIMIT = 4 * VALUE_LIMITS.depth;

/**
 * Reads `text` as a list of literals separated by commas (the argument list of a call), or null. The text is parsed
 * to a syntax tree and only data is accepted in it: no name but `undefined`, `NaN`, `Infinity`, no call but
 * `new Map([…])`, `new Set([…])`, `new Date(n)`, typed arrays over a literal array and `"…".repeat(n)`. Nothing is
 * evaluated (D6).
 */
export function readArguments(text: string, maxChars: number = VALUE_LIMITS.chars): readonly Value[] | null {
  if (text.length > maxChars || nestsTooDeep(text)) return null;
  if (isBlank(text, 0)) return [];
  return readLiterals(text) ?? readCanonicalList(text);
}

/** Canonical form of the literal in `text`, or null when it is not exactly one literal. */
export function canonicalLiteral(text: string, maxChars?: number): string | null {
  const values = readArguments(text, maxChars);
  return values?.length === 1 ? encodeValue(values[0] as Value) : null;
}

/** Canonical form of an argument list (`1, [2]` → `1,[2]`), or null. An empty list is the empty string. */
export function canonicalArgumentList(text: string, maxChars?: number): string | null {
  const values = readArguments(text, maxChars);
  return values && encodeArguments(values);
}

export function encodeArguments(values: readonly Value[]): string {
  return values.map(encodeValue).join(',');
}

/** Source of an array literal with the arguments, for the guest. */
export function renderArguments(values: readonly Value[]): string {
  return `[${values.map(renderValue).join(',')}]`;
}

function readLiterals(text: string): readonly Value[] | null {
  try {
    const root = parseExpressionAt(text, 0, { ecmaVersion: ECMA_VERSION, preserveParens: true });
    if (!isBlank(text, root.end)) return null;
    const reader = new LiteralReader();
    return (root.type === 'SequenceExpression' ? root.expressions : [root]).map((node) => reader.read(node, 0));
  } catch (error) {
    // Acorn reports bad syntax as a SyntaxError and excessive nesting as a RangeError.
    if (error instanceof NotALiteral || error instanceof SyntaxError || error instanceof RangeError) return null;
    throw error;
  }
}

/** White space and comments only, from `start` on. */
function isBlank(text: string, start: number): boolean {
  return /^(?:\s|\/\/[^\n\r\u2028\u2029]*|\/\*(?:[^*]|\*(?!\/))*\*\/)*$/.test(text.slice(start));
}

function nestsTooDeep(text: string): boolean {
  let depth = 0;
  // Brackets within strings count too: a text that holds more than the limit of them unbalanced is refused all the same.
  for (const { 0: mark } of text.matchAll(/[([{]|[)\]}]/g)) {
    depth += mark === '(' || mark === '[' || mark === '{' ? 1 : -1;
    if (depth > NESTING_LIMIT) return true;
  }
  return false;
}

class LiteralReader {
  private nodes = 0;
  private chars = 0;

  read(node: Expression | SpreadElement | null, depth: number): Value {
    if (++this.nodes > VALUE_LIMITS.nodes || depth > VALUE_LIMITS.depth) throw new NotALiteral();
    if (node === null) return { kind: 'hole' };
    switch (node.type) {
      case 'ParenthesizedExpression':
        return this.read(node.expression, depth);
      case 'Literal':
        return readLiteralToken(node.value, 'regex' in node && node.regex !== undefined, node.bigint ?? null);
      case 'Identifier':
        return readName(node.name);
      case 'TemplateLiteral': {
        const cooked = node.expressions.length === 0 ? node.quasis[0]?.value.cooked : null;
        if (typeof cooked !== 'string') throw new NotALiteral();
        return { kind: 'string', value: cooked };
      }
      case 'UnaryExpression':
        return this.readUnary(node, depth);
      case 'ArrayExpression':
        return { kind: 'array', items: this.readItems(node, depth) };
      case 'ObjectExpression':
        return { kind: 'object', entries: node.properties.map((property) => this.readProperty(property, depth)) };
      case 'NewExpression':
        return this.readNew(node, depth);
      case 'CallExpression':
        return this.readRepeat(node, depth);
      default:
        throw new NotALiteral();
    }
  }

  /** `"ab".repeat(3)`: the usual way to write a long string down. */
  private readRepeat({ callee, arguments: args, optional }: CallExpression, depth: number): Value {
    const [times] = args;
    const isRepeat = callee.type === 'MemberExpression' && !callee.computed && !callee.optional && !optional && args.length === 1;
    if (!isRepeat || callee.property.type !== 'Identifier' || callee.property.name !== 'repeat' || times === undefined)
      throw new NotALiteral();
    if (callee.object.type === 'Super') throw new NotALiteral();
    const text = this.read(callee.object, depth + 1);
    const count = this.read(times, depth + 1);
    if (text.kind !== 'string' || count.kind !== 'number' || !Number.isInteger(count.value) || count.value < 0) throw new NotALiteral();
    this.chars += text.value.length * count.value;
    if (this.chars > VALUE_LIMITS.chars) throw new NotALiteral();
    return { kind: 'string', value: text.value.repeat(count.value) };
  }

  private readItems(node: ArrayExpression, depth: number): Value[] {
    return node.elements.map((element) => this.read(element, depth + 1));
  }

  private readUnary(node: UnaryExpression, depth: number): Value {
    const operand = this.read(node.argument, depth + 1);
    if (operand.kind === 'number' && node.operator === '-') return { kind: 'number', value: -operand.value };
    if (operand.kind === 'number' && node.operator === '+') return operand;
    if (operand.kind === 'bigint' && node.operator === '-') return { kind: 'bigint', value: -operand.value };
    if (operand.kind === 'number' && node.operator === 'void') return { kind: 'undefined' };
    throw new NotALiteral();
  }

  private readProperty(property: ObjectExpression['properties'][number], depth: number): readonly [string, Value] {
    if (property.type !== 'Property' || property.kind !== 'init' || property.method || property.shorthand) throw new NotALiteral();
    const key = property.computed ? this.read(property.key, depth + 1) : propertyName(property.key);
    if (key.kind !== 'string' && key.kind !== 'number') throw new NotALiteral();
    // `{__proto__: x}` sets the prototype; only the computed form is a property of that name.
    if (key.value === '__proto__' && !property.computed) throw new NotALiteral();
    return [String(key.value), this.read(property.value, depth + 1)];
  }

  private readNew(node: NewExpression, depth: number): Value {
    if (node.callee.type !== 'Identifier' || node.arguments.length > 1) throw new NotALiteral();
    const { name } = node.callee;
    const [argument] = node.arguments;
    if (name === 'Date') {
      const ms = argument === undefined ? null : this.read(argument, depth + 1);
      if (ms?.kind !== 'number') throw new NotALiteral();
      return { kind: 'date', ms: new Date(ms.value).getTime() };
    }
    if (name !== 'Map' && name !== 'Set' && !TYPED_ARRAY_NAMES.includes(name)) throw new NotALiteral();
    if (argument !== undefined && argument.type !== 'ArrayExpression') throw new NotALiteral();
    const items = argument === undefined ? [] : this.readItems(argument, depth);
    const value = name === 'Map' ? mapValue(items.map(readEntry)) : name === 'Set' ? setValue(items) : typedArray(name, items);
    if (value === null) throw new NotALiteral();
    return value;
  }
}

function readLiteralToken(value: unknown, isRegex: boolean, bigint: string | null): Value {
  if (isRegex) throw new NotALiteral();
  if (bigint !== null) return { kind: 'bigint', value: BigInt(bigint) };
  if (value === null) return { kind: 'null' };
  if (typeof value === 'boolean') return { kind: 'boolean', value };
  if (typeof value === 'number') return { kind: 'number', value };
  if (typeof value === 'string') return { kind: 'string', value };
  throw new NotALiteral();
}

function readName(name: string): Value {
  if (name === 'undefined') return { kind: 'undefined' };
  if (name === 'NaN') return { kind: 'number', value: NaN };
  if (name === 'Infinity') return { kind: 'number', value: Infinity };
  throw new NotALiteral();
}

function propertyName(key: Expression | { type: 'PrivateIdentifier' }): Value {
  if (key.type === 'Identifier') return { kind: 'string', value: key.name };
  if (key.type === 'Literal') return readLiteralToken(key.value, false, null);
  throw new NotALiteral();
}

function readEntry(item: Value): readonly [Value, Value] {
  if (item.kind !== 'array' || item.items.length > 2) throw new NotALiteral();
  const [key, value] = item.items;
  return [key ?? { kind: 'undefined' }, value === undefined || value.kind === 'hole' ? { kind: 'undefined' } : value];
}
