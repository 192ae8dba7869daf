import type { Constant, Entry } from './lookups.ts';
import { each, first, last } from './tree.ts';
import type { Part } from './tree.ts';

/** Values in a constant list; a name that stands in it many times counts as often. */
const LARGEST = 5000;

/** Names of a program: what is bound, what stands for what, what is a constant. */
export class Scope {
  readonly root: Part;
  readonly functions: Part[] = [];
  readonly classes: Part[] = [];
  readonly bound = new Set<string>();
  private readonly once = new Map<string, Part | null>();
  private readonly aliases = new Map<string, string>();
  private readonly values = new Map<string, Constant | undefined>();
  private readonly items = new Map<string, Part[]>();
  private readonly tables = new WeakMap<Part, Entry[] | null>();
  private readonly sizes = new WeakMap<object, number>();

  constructor(root: Part) {
    this.root = root;
    each(root, (part) => {
      this.learn(part);
    });
    each(root, (part) => {
      if (part.kind === 'assign') this.alias(part);
    });
  }

  private learn(part: Part): void {
    const item = part.kind === 'assign' && part.parent === this.root ? first(part) : undefined;
    if (item?.kind === 'index' && first(item)?.kind === 'name') {
      const name = first(item)?.name ?? '';
      const items = this.items.get(name);
      if (items === undefined) this.items.set(name, [part]);
      else items.push(part);
    }
    for (const name of part.params ?? []) this.bound.add(name);
    for (const [from, as] of part.names ?? []) {
      const module = part.name.startsWith('node:') ? part.name.slice(5) : part.name;
      this.bound.add(as);
      this.aliases.set(as, module === '' ? (from.startsWith(`${as}.`) ? as : from) : from === '' ? module : `${module}.${from}`);
    }
    if (part.kind === 'function') this.functions.push(part);
    if (part.kind === 'class') this.classes.push(part);
    if (part.kind === 'function' || part.kind === 'class') this.bound.add(part.name);
    else if (part.kind === 'assign') {
      for (const target of part.parts.slice(0, -1))
        for (const name of targets(target)) {
          this.once.set(name, this.bound.has(name) || target.kind !== 'name' || !'let ='.includes(part.name) ? null : (last(part) ?? null));
          this.bound.add(name);
        }
    } else if (part.kind === 'for') for (const name of targets(first(part))) this.bound.add(name);
    else if (part.kind === 'search') for (const name of targets(part.parts[1])) this.bound.add(name);
    else if (part.kind === 'update' && first(part)?.kind === 'name') this.once.set(first(part)?.name ?? '', null);
    else if (part.kind === 'other' && (part.name === 'declaration' || part.name === 'WithStatement'))
      for (const inner of part.parts) for (const name of targets(inner)) this.bound.add(name);
  }

  /** `const O = Object`, `const { exit } = process`, `leave = sys.exit`: other names of what the program does not bind itself. */
  private alias(part: Part): void {
    const [target, value] = [first(part), last(part)];
    if (target === undefined || value === undefined || !['name', 'member', 'call', 'index', 'list'].includes(value.kind)) return;
    const path = this.pathOf(value);
    const root = path.split('.')[0] ?? '';
    if (path === '' || path.endsWith('()') || (this.bound.has(root) && !this.aliases.has(root) && root !== target.name)) return;
    if (target.kind === 'name' && this.once.get(target.name) === value && value.kind !== 'list') this.aliases.set(target.name, path);
    if (target.name !== 'ObjectPattern') return;
    for (const entry of target.parts) {
      const [key, name] = entry.parts;
      if (entry.kind === 'entry' && typeof key?.value === 'string' && name?.kind === 'name')
        this.aliases.set(name.name, `${path}.${key.value}`);
    }
  }

  /** What a name of one assignment was given. */
  given(name: string): Part | null {
    return this.once.get(name) ?? null;
  }

  /** Does the program itself bind this name to something that is not another name of a built-in? */
  owns(name: string): boolean {
    return this.bound.has(name) && !this.aliases.has(name);
  }

  /** Dotted name with aliases followed: `getattr(b, 'all')` → `builtins.all`; calls end in `()`. Empty when there is none. */
  pathOf(part: Part | undefined, depth = 0): string {
    if (part === undefined || depth > 20) return '';
    switch (part.kind) {
      case 'name':
        return this.aliases.get(part.name) ?? part.name;
      case 'member':
        return dotted(this.pathOf(first(part), depth + 1), part.name);
      case 'index': {
        const key = this.valueOf(part.parts[1]);
        const object = this.pathOf(first(part), depth + 1);
        return typeof key === 'string' && object !== '' ? dotted(object.replace(/\.__dict__$/, ''), key) : '';
      }
      case 'list':
        return 'Array()';
      case 'constant':
        return typeof part.value === 'string' ? 'String()' : '';
      case 'call':
      case 'new':
        return this.pathOfCall(part, depth);
      default:
        return '';
    }
  }

  private pathOfCall(part: Part, depth: number): string {
    const [callee, one, two] = part.parts;
    const name = this.pathOf(callee, depth + 1);
    const text = this.valueOf(one);
    if (name === 'getattr' || name === 'Reflect.get') {
      const key = this.valueOf(two);
      return typeof key === 'string' ? dotted(this.pathOf(one, depth + 1), key) : 'getattr()';
    }
    if (name === 'vars') return this.pathOf(one, depth + 1);
    if (name === 'require' || name === '__import__' || name === 'importlib.import_module')
      return typeof text === 'string' ? text.replace(/^node:/, '') : `${name}()`;
    if (name === 'Object.getPrototypeOf' || name === 'Reflect.getPrototypeOf')
      return `${this.pathOf(one, depth + 1).replace(/\(\)$/, '')}.prototype`;
    if (name.endsWith('.bind')) return name.slice(0, -5);
    return name === '' ? '' : `${name}()`;
  }

  /** Value of an expression that is written out, perhaps under a name, as JSON text or as text to split. */
  valueOf(part: Part | undefined, depth = 0): Constant | undefined {
    if (part === undefined || depth > 8) return undefined;
    if (part.kind === 'constant') return part.value;
    if (part.kind === 'list') {
      const found: Constant[] = [];
      let size = 1;
      for (const inner of part.parts) {
        const value = this.valueOf(inner, depth + 1);
        if (value === undefined) return undefined;
        found.push(value);
        size += Array.isArray(value) ? (this.sizes.get(value) ?? 1) : 1;
        if (size > LARGEST) return undefined;
      }
      this.sizes.set(found, size);
      return found;
    }
    if (part.kind === 'name') {
      if (this.values.has(part.name)) return this.values.get(part.name);
      const given = this.once.get(part.name);
      this.values.set(part.name, undefined);
      const value = given === null || given === undefined || given.kind === 'name' ? undefined : this.valueOf(given, depth + 1);
      this.values.set(part.name, value);
      return value;
    }
    if (part.kind === 'binary' && part.name === '+') {
      const [left, right] = [this.valueOf(part.parts[0], depth + 1), this.valueOf(part.parts[1], depth + 1)];
      return typeof left === 'string' && typeof right === 'string' ? left + right : undefined;
    }
    if (part.kind !== 'call') return undefined;
    const callee = first(part);
    if (callee?.kind === 'member' && callee.name === 'split') {
      const text = this.valueOf(first(callee), depth + 1);
      const by = part.parts.length === 1 ? ' ' : this.valueOf(part.parts[1], depth + 1);
      return typeof text === 'string' && typeof by === 'string' ? text.split(by) : undefined;
    }
    const parsed = this.parsed(part, depth);
    return Array.isArray(parsed) && parsed.every(isConstant) ? (parsed as Constant) : undefined;
  }

  private parsed(part: Part, depth: number): unknown {
    const callee = first(part);
    if (callee?.kind !== 'member' && callee?.kind !== 'name') return undefined;
    if (!['parse', 'loads', 'literal_eval', 'eval'].includes(callee.name)) return undefined;
    const text = this.valueOf(part.parts[1], depth + 1);
    if (typeof text !== 'string' || text.length > 20_000) return undefined;
    try {
      return JSON.parse(text) as unknown;
    } catch {
      return undefined;
    }
  }

  /** Entries of a table that is written out: a literal, a Map, `dict(zip(…))`, JSON text, a list of pairs or of records. */
  tableOf(part: Part | undefined, depth = 0): Entry[] | null {
    if (part === undefined || depth > 6) return null;
    let table = this.tables.get(part);
    if (table === undefined) this.tables.set(part, (table = this.readTable(part, depth)));
    return table;
  }

  /** `T = {}`, `T['a'] = 1`, `T['b'] = 2` at the top of the program. */
  private filled(name: string): Entry[] | null {
    const entries: Entry[] = [];
    for (const part of this.items.get(name) ?? []) {
      const [key, value] = [this.valueOf(first(part)?.parts[1]), this.valueOf(last(part))];
      if (key !== undefined && value !== undefined) entries.push({ key: number(key), value });
    }
    return entries.length === 0 ? null : entries;
  }

  private readTable(part: Part, depth: number): Entry[] | null {
    if (part.kind === 'name') {
      const given = this.once.get(part.name) ?? undefined;
      return given?.kind === 'table' && given.parts.length === 0 ? this.filled(part.name) : this.tableOf(given, depth + 1);
    }
    if (part.kind === 'table') {
      const entries: Entry[] = [];
      for (const entry of part.parts) {
        const [key, value] = [this.valueOf(entry.parts[0]), this.valueOf(entry.parts[1])];
        if (entry.kind !== 'entry' || key === undefined || value === undefined) return null;
        entries.push({ key: number(key), value });
      }
      return entries.length === 0 ? null : entries;
    }
    if (part.kind !== 'call' && part.kind !== 'new') return null;
    const callee = first(part);
    const inner = part.parts[1];
    if (['dict', 'Map', 'fromEntries'].includes(callee?.name ?? '')) {
      if (inner?.kind === 'call' && first(inner)?.name === 'zip') {
        const [keys, values] = [this.valueOf(inner.parts[1]), this.valueOf(inner.parts[2])];
        return Array.isArray(keys) && Array.isArray(values) ? zip(keys as Constant[], values as Constant[]) : null;
      }
      return pairs(this.valueOf(inner));
    }
    const parsed = this.parsed(part, depth);
    if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) return null;
    const entries = Object.entries(parsed).filter(([, value]) => isConstant(value));
    return entries.map(([key, value]) => ({ key: number(key), value: value as Constant }));
  }
}

/** `[[in, out], …]` as entries. */
export function pairs(value: Constant | undefined): Entry[] | null {
  if (!Array.isArray(value) || value.length === 0) return null;
  const rows = value as readonly Constant[];
  if (!rows.every((row) => Array.isArray(row) && row.length >= 2)) return null;
  return rows.map((row) => {
    const parts = row as readonly Constant[];
    return { key: parts.length === 2 ? (parts[0] as Constant) : parts.slice(0, -1), value: parts.at(-1) as Constant };
  });
}

export function zip(keys: readonly Constant[], values: readonly Constant[]): Entry[] {
  return keys.slice(0, values.length).map((key, at) => ({ key, value: values[at] ?? null }));
}

/** Names that a target binds. */
export function targets(part: Part | undefined, depth = 0): string[] {
  if (part === undefined || depth > 20) return [];
  if (part.kind === 'name') return [part.name];
  if (part.kind === 'entry') return targets(part.parts[1], depth + 1);
  if (part.kind !== 'list' && part.kind !== 'other') return part.kind === 'assign' ? targets(part.parts[0], depth + 1) : [];
  return part.parts.flatMap((inner) => targets(inner, depth + 1));
}

/** A global object in front changes nothing. */
function dotted(object: string, name: string): string {
  if (object === '') return `().${name}`;
  return /^(?:globalThis|global|window|self)$/.test(object) && /^[A-Za-z]/.test(name) && GLOBAL.test(name) ? name : `${object}.${name}`;
}
const GLOBAL = /^(?:process|require|[A-Z]\w+|console|performance)$/;

const number = (key: Constant): Constant => (typeof key === 'string' && /^-?\d{1,15}$/.test(key) ? Number(key) : key);

function isConstant(value: unknown): value is Constant {
  return value === null || ['string', 'number', 'boolean'].includes(typeof value) || (Array.isArray(value) && value.every(isConstant));
}
