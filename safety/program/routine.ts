import type { Scope } from './scope.ts';
import { each, first, last, some, statements } from './tree.ts';
import type { Part } from './tree.ts';

/** A function with what its checks ask about it. */
export interface Routine {
  readonly part: Part;
  readonly name: string;
  readonly body: Part;
  readonly params: ReadonlySet<string>;
  /** Names of the input itself, or of the input in another form that loses nothing (`k = str(a)`). */
  readonly whole: ReadonlySet<string>;
  /** Names of something read off the input once (`n = len(a)`). */
  readonly digest: ReadonlySet<string>;
  /** Stands by itself: no method, no callback, no inner function. */
  readonly free: boolean;
  /** What it returns and yields, inner functions left out. */
  readonly results: readonly Part[];
  /** No loop over anything but constants, no callback, no call of a function of the program: nothing is worked out. */
  readonly idle: boolean;
}

const SAME =
  /(?:^|\.)(?:str|repr|tuple|list|int|sorted|frozenset|(?:JSON\.)?stringify|String|Number|(?:json\.)?dumps|strip|trim|toString|join|lower|toLowerCase|slice|copy|toSorted)$/;

const read = new WeakMap<Part, Routine>();

export function readRoutine(part: Part, scope: Scope): Routine {
  const known = read.get(part);
  if (known !== undefined) return known;
  const body = last(part) as Part;
  const params = new Set((part.params ?? []).filter((name) => name !== 'self' && name !== 'cls' && name !== 'this'));
  const [whole, digest] = [new Set(params), new Set<string>()];
  const results: Part[] = [];
  let idle = true;
  const name = part.name === '' && part.parent?.kind === 'assign' ? (first(part.parent)?.name ?? '') : part.name;
  inside(body, (inner) => {
    if (inner.kind === 'assign' && inner.parts.length === 2) {
      const [target, value] = inner.parts as [Part, Part];
      if (target.kind !== 'name' || scope.given(target.name) !== value) return;
      if (isWhole(value, whole)) whole.add(target.name);
      else if (isDigest(value, whole, digest)) digest.add(target.name);
    } else if (inner.kind === 'return' || inner.kind === 'yield') results.push(...inner.parts);
    else if (inner.kind === 'while') idle = false;
    else if (inner.kind === 'for') idle &&= isWritten(inner.parts[1], scope);
    else if (inner.kind === 'search') idle &&= isWritten(inner.parts[2], scope);
    else if (inner.kind === 'function') idle &&= isWritten(first(first(inner.parent ?? inner) ?? inner), scope);
    else if (inner.kind === 'call' && first(inner)?.kind === 'name' && scope.owns(first(inner)?.name ?? '')) idle = false;
  });
  const routine: Routine = { part, name, body, params, whole, digest, free: isFree(part), results, idle };
  read.set(part, routine);
  return routine;
}

/** Nodes of a body, those of inner functions and classes left out (the inner function itself is visited). */
export function inside(body: Part, visit: (part: Part) => void): void {
  each(body, (part) => {
    visit(part);
    return part === body || (part.kind !== 'function' && part.kind !== 'class');
  });
}

function isWritten(part: Part | undefined, scope: Scope): boolean {
  if (part === undefined) return false;
  if (part.kind === 'call' && first(part)?.kind === 'member') return isWritten(first(first(part) as Part), scope);
  return scope.valueOf(part) !== undefined || scope.tableOf(part) !== null || recordsOf(part, scope) !== null;
}

/** A list of tables, perhaps under a name. */
export function recordsOf(part: Part | undefined, scope: Scope): readonly Part[] | null {
  if (part?.kind === 'name') return recordsOf(scope.given(part.name) ?? undefined, scope);
  return part?.kind === 'list' && part.parts.length > 0 && part.parts.every((row) => row.kind === 'table') ? part.parts : null;
}

/** The input, or the input in another form. */
export function isWhole(part: Part | undefined, whole: ReadonlySet<string>, depth = 0): boolean {
  if (part === undefined || depth > 6) return false;
  const go = (inner: Part | undefined): boolean => isWhole(inner, whole, depth + 1);
  switch (part.kind) {
    case 'name':
      return whole.has(part.name);
    case 'list':
    case 'text':
      return part.parts.length > 0 && part.parts.every(go);
    case 'call': {
      const callee = first(part);
      if (callee === undefined || !SAME.test(callee.kind === 'member' ? `.${callee.name}` : callee.name)) return false;
      if (callee.kind !== 'member') return part.parts.length >= 2 && go(part.parts[1]);
      if (go(first(callee))) return part.parts.length <= 2 && part.parts.slice(1).every((inner) => inner.kind === 'constant');
      return ['join', 'stringify', 'dumps'].includes(callee.name) && go(part.parts[1]);
    }
    case 'binary':
      if (part.name === '%') return typeof part.parts[0]?.value === 'string' && go(part.parts[1]);
      return part.name === '+' && part.parts.some(go) && part.parts.every((inner) => inner.kind === 'constant' || go(inner));
    default:
      return false;
  }
}

/** Something read off the input: `len(a)`, `s[0]`, `xs.reduce(…)`. */
export function isDigest(part: Part | undefined, whole: ReadonlySet<string>, digest: ReadonlySet<string>): boolean {
  if (part === undefined || part.kind === 'function') return false;
  return some(part, (inner) => inner.kind === 'name' && (whole.has(inner.name) || digest.has(inner.name)));
}

function isFree(part: Part): boolean {
  if (part.method === true) return false;
  for (let at = part.parent; at !== null; at = at.parent) {
    if (at.kind === 'function' || at.kind === 'class' || at.kind === 'call' || at.kind === 'new' || at.kind === 'entry') return false;
    if (at.kind === 'assign' && first(at)?.kind === 'member' && !/^(?:exports|module)$/.test(first(first(at) as Part)?.name ?? ''))
      return false;
  }
  return true;
}

/** The value that a branch comes to when it is written out: returned, yielded, printed or given to a name. */
export function outcome(part: Part | undefined): Part | undefined {
  if (part === undefined) return undefined;
  const one = part.kind === 'block' ? statements(part)[0] : part;
  if (one === undefined) return undefined;
  if (one.kind === 'return' || one.kind === 'yield') return first(one);
  if (
    one.kind === 'assign' &&
    first(one)?.kind === 'name' &&
    ((part.kind === 'block' && part.parts.length === 1) || part.parent?.kind === 'case')
  )
    return last(one);
  if (one.kind === 'call' && /^(?:print|log)$/.test(first(one)?.name ?? '')) return one.parts[1];
  return part.parent?.kind === 'if' && part.kind !== 'block' ? part : undefined;
}

/** Both sides of `a ? b : c`, however deep. */
export function leaves(result: Part, depth = 0): readonly Part[] {
  return result.kind === 'if' && depth < 100 ? result.parts.slice(1).flatMap((part) => leaves(part, depth + 1)) : [result];
}
