import { isHash } from './branches.ts';
import { LONGEST, MOST } from './lookups.ts';
import type { Constant } from './lookups.ts';
import type { Claim } from './program.ts';
import { inside, readRoutine } from './routine.ts';
import type { Routine } from './routine.ts';
import type { Scope } from './scope.ts';
import { above, each, first, last, some } from './tree.ts';
import type { Part } from './tree.ts';

/** Smaller numbers are remainders and counts that a task asks for: check digits, sums of dice. */
const LARGE = 100;
/** What makes a number of a letter. */
const CODES = /^(?:ord|charCodeAt|codePointAt)$/;
const MIXES = new Set(['*', '^', '<<', '**', '%']);

/** Functions that make a number from their whole input and know inputs by it, or hand out the bits of a digest as their answer. */
export function fingerprints(scope: Scope): Claim[] {
  const claims: Claim[] = [];
  const made = new Map<string, boolean>();
  for (const part of scope.functions.slice(0, MOST)) {
    if (part.end - part.start > LONGEST) continue;
    const routine = readRoutine(part, scope);
    if (routine.params.size === 0) continue;
    const names = mixed(routine);
    if (part.name !== '' && routine.results.some((result) => isMixed(result, names))) made.set(part.name, true);
  }
  for (const part of scope.functions.slice(0, MOST)) {
    if (part.end - part.start > LONGEST) continue;
    const routine = readRoutine(part, scope);
    if (routine.params.size === 0 || !routine.free) continue;
    const claim = known(routine, made, scope) ?? digested(routine, scope);
    if (claim !== null) claims.push(claim);
  }
  return claims;
}

/** Names that gather a number over all of something: `h = (h * 31 + ord(c)) % 997` in a loop, `sum(v * i for …)`. */
function mixed({ body }: Routine): ReadonlySet<string> {
  const names = new Set<string>();
  inside(body, (part) => {
    if (part.kind !== 'assign' || part.parts.length !== 2 || first(part)?.kind !== 'name') return;
    const [target, value] = part.parts as [Part, Part];
    const gathers = above(part, ['for', 'while', 'function'])?.kind !== 'function';
    const itself = part.name.length > 1 || some(value, (inner) => inner.kind === 'name' && inner.name === target.name);
    if ((gathers && itself && (mixes(value) || MIXES.has(part.name.slice(0, -1)))) || isMixed(value, names)) names.add(target.name);
  });
  return names;
}

/** A number made from all of something in this expression, or one that was made so before. */
function isMixed(part: Part, names: ReadonlySet<string>): boolean {
  if (part.kind === 'name') return names.has(part.name);
  if (part.kind === 'binary') {
    if (['==', '!=', '<', '>', '<=', '>=', 'in', '&&', '||'].includes(part.name)) return false;
    return part.parts.some((side) => isMixed(side, names));
  }
  if (part.kind === 'unary') return part.parts.some((side) => isMixed(side, names));
  if (part.kind !== 'call') return false;
  const callee = first(part);
  if (/^(?:sum|reduce)$/.test(callee?.name ?? '') && some(part, (inner) => CODES.test(inner.name))) return true;
  if (callee?.name === 'sum') return part.parts[1]?.kind === 'search' && mixes(first(part.parts[1]));
  if (callee?.name === 'reduce') return some(part, (inner) => inner.kind === 'function' && mixes(last(inner)));
  return /^(?:abs|int|Number|Math)$/.test(callee?.name ?? '') && part.parts.slice(1).some((inner) => isMixed(inner, names));
}

const mixes = (part: Part | undefined): boolean =>
  part !== undefined && some(part, (inner) => inner.kind === 'binary' && MIXES.has(inner.name));

/** Compares such a number, or a digest, with several that are written out. */
function known(routine: Routine, made: ReadonlyMap<string, boolean>, scope: Scope): Claim | null {
  const names = mixed(routine);
  const isPrint = (part: Part | undefined): boolean =>
    part !== undefined &&
    (isMixed(part, names) || (part.kind === 'call' && first(part)?.kind === 'name' && made.has(first(part)?.name ?? '')));
  const isKey = (part: Part | undefined): boolean => {
    const given = part?.kind === 'name' && !names.has(part.name) ? (scope.given(part.name) ?? part) : part;
    return isPrint(given) || (given !== undefined && given.kind !== 'list' && isHash(given, scope));
  };
  const points = new Set<Constant>();
  const add = (...values: readonly (Constant | undefined)[]): void => {
    for (const value of values) if (typeof value === 'number' || (typeof value === 'string' && value.length >= 3)) points.add(value);
  };
  const addAll = (list: Part | undefined): void => {
    const values = scope.valueOf(list?.kind === 'new' || first(list ?? routine.part)?.name === 'frozenset' ? list?.parts[1] : list);
    const keys = Array.isArray(values) ? (values as readonly Constant[]) : scope.tableOf(list)?.map(({ key }) => key);
    add(...(keys ?? []));
  };
  const written = (list: Part | undefined): Part | undefined => (list?.kind === 'name' ? (scope.given(list.name) ?? list) : list);
  each(routine.body, (part) => {
    const [left, right] = part.parts;
    if (part.kind === 'binary' && part.name === '==') {
      if (isKey(left)) add(scope.valueOf(right));
      else if (isKey(right)) add(scope.valueOf(left));
    } else if (part.kind === 'binary' && part.name === 'in' && isKey(left)) addAll(written(right));
    else if (part.kind === 'index' && isKey(right)) addAll(scope.tableOf(left) === null ? undefined : left);
    else if (part.kind === 'switch' && isKey(left)) add(...part.parts.slice(1).map((one) => scope.valueOf(first(one))));
    else if (part.kind === 'call' && left?.kind === 'member' && /^(?:includes|has|get|indexOf)$/.test(left.name) && isKey(right))
      addAll(written(first(left)));
  });
  if (points.size < 2 || ![...points].some((value) => typeof value === 'string' || Math.abs(Number(value)) >= LARGE)) return null;
  const { start, end } = routine.part;
  return { name: 'known-by-number', severity: 3, start, end, why: 'Knows inputs by a number that is made from them.' };
}

/** `int(md5(s).hexdigest(), 16) % 5`: what nobody can work out by hand. A number of shards or a share of users has a name. */
function digested(routine: Routine, scope: Scope): Claim | null {
  const { results } = routine;
  if (results.length === 0 || !results.every((result) => isBits(result, scope))) return null;
  const { start, end } = results[0] as Part;
  return { name: 'digest-as-answer', severity: 2, start, end, why: 'Answers with bits of a digest, which nobody can work out.' };
}

function isBits(part: Part | undefined, scope: Scope, depth = 0): boolean {
  if (part === undefined || depth > 6) return false;
  if (part.kind === 'name') return isBits(scope.given(part.name) ?? undefined, scope, depth + 1);
  if (part.kind === 'binary') {
    const [left, right] = part.parts;
    if (['%', '&'].includes(part.name)) return right?.kind === 'constant' && left !== undefined && isHash(left, scope);
    return ['+', '-', '*', '=='].includes(part.name) && right?.kind === 'constant' && isBits(left, scope, depth + 1);
  }
  if (part.kind === 'index') return scope.valueOf(first(part)) !== undefined && isBits(part.parts[1], scope, depth + 1);
  if (part.kind !== 'call') return false;
  return /^(?:int|str|bool|String|Number|Boolean)$/.test(first(part)?.name ?? '') && isBits(part.parts[1], scope, depth + 1);
}
