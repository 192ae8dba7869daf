import { LONGEST, MOST } from './lookups.ts';
import type { Constant } from './lookups.ts';
import type { Claim } from './program.ts';
import type { Routine } from './routine.ts';
import { inside, leaves, outcome, readRoutine } from './routine.ts';
import { targets } from './scope.ts';
import type { Scope } from './scope.ts';
import { first, last, some } from './tree.ts';
import type { Part } from './tree.ts';

/** A limit on calls compares with more. */
const FEW = 20;

/** Functions whose answer depends on how often they were called: a counter, a flag of the first run, a list that is used up. */
export function answersByCall(scope: Scope): Claim[] {
  const claims: Claim[] = [];
  for (const part of scope.functions.slice(0, MOST)) {
    if (part.end - part.start > LONGEST) continue;
    const routine = readRoutine(part, scope);
    if (routine.params.size === 0) continue;
    if (!routine.free) {
      const row = readsRow(routine, scope);
      if (row !== null) claims.push(row);
      continue;
    }
    const claim = counts(routine, scope) ?? usesUp(routine, scope) ?? readsRow(routine, scope);
    if (claim !== null) claims.push(claim);
  }
  return claims;
}

function counts(routine: Routine, scope: Scope): Claim | null {
  const states = statesOf(routine);
  if (states.size === 0) return null;
  const isState = (part: Part | undefined): boolean => part !== undefined && states.has(written(part));
  const compares = (test: Part | undefined): boolean => {
    if (test === undefined) return false;
    if (isState(test)) return states.get(written(test)) === 'flag';
    if (test.kind === 'unary' && test.name === '!') return compares(first(test)) || asksFor(first(test), states);
    if (test.kind !== 'binary') return false;
    const [left, right] = test.parts;
    const number = typeof right?.value === 'number' ? right.value : undefined;
    if (number === undefined || Math.abs(number) > FEW) return false;
    if (test.name === '%') return isState(left);
    return (
      ['==', '!=', '<', '>', '<=', '>='].includes(test.name) &&
      (isState(left) || (left?.kind === 'update' && isState(first(left))) || (left?.kind === 'binary' && compares(left)))
    );
  };
  let severity: Claim['severity'] = 0;
  let at: Part = routine.part;
  const found = (result: Part | undefined, place: Part): void => {
    if (result === undefined) return;
    const next: Claim['severity'] = scope.valueOf(result) === undefined ? 2 : 3;
    if (next > severity) [severity, at] = [next, place];
  };
  inside(routine.body, (part) => {
    if (part.kind === 'if' && compares(first(part)) && (part.parent?.kind === 'return' || returns(part.parts[1]))) {
      found(part.parent?.kind === 'return' ? part.parts[1] : (outcome(part.parts[1]) ?? part), part);
    } else if (part.kind === 'switch' && isState(first(part)))
      for (const one of part.parts.slice(1))
        if (one.parts.some((inner) => inner.kind === 'return')) found(outcome(one.parts.find((inner) => inner.kind === 'return')), part);
  });
  return severity === 0
    ? null
    : { name: 'answers-by-call', severity, start: at.start, end: at.end, why: 'What it answers depends on how often it was called.' };
}

/** Is there a return in this branch? */
function returns(branch: Part | undefined): boolean {
  let found = false;
  if (branch !== undefined) inside(branch, (part) => (found ||= part.kind === 'return' && part.parts.length > 0));
  return found;
}

/** `hasattr(f, 'ran')` of a flag. */
function asksFor(part: Part | undefined, states: ReadonlyMap<string, string>): boolean {
  if (part?.kind !== 'call' || !['hasattr', 'hasOwn'].includes(first(part)?.name ?? '')) return false;
  return states.get(`${written(part.parts[1] as Part)}.${String(part.parts[2]?.value)}`) === 'flag';
}

/** What outlives a call and is counted or set by it. */
function statesOf(routine: Routine): ReadonlyMap<string, 'count' | 'flag'> {
  const states = new Map<string, 'count' | 'flag'>();
  const local = new Set<string>();
  const outer = new Set<string>();
  inside(routine.body, (part) => {
    if (part.kind === 'other' && part.name === 'ScopeStatement') for (const name of part.parts) outer.add(name.name);
    if (part.kind === 'assign' && (part.name === 'let' || part.name === '='))
      for (const target of part.parts.slice(0, -1)) for (const name of targets(target)) local.add(name);
    if (part.kind === 'other' && part.name === 'declaration') for (const name of part.parts) local.add(name.name);
    if (part.kind === 'for' || part.kind === 'search')
      some(part.parts[part.kind === 'for' ? 0 : 1] as Part, (name) => (local.add(name.name), false));
  });
  const isOuter = (part: Part | undefined): boolean => {
    if (part?.kind === 'name') return outer.has(part.name) || (!local.has(part.name) && !routine.params.has(part.name));
    if (part?.kind !== 'member' && part?.kind !== 'index') return false;
    const root = rootOf(part);
    if (root === 'this' || root === 'self' || root === 'cls') return false;
    if (routine.params.has(root)) return part.kind === 'index' && part.parts[1]?.kind === 'constant' && hasMutableDefault(routine);
    return !local.has(root) && (part.kind === 'member' || part.parts[1]?.kind === 'constant');
  };
  const down = new Set<string>();
  const copies = new Map<string, string>();
  inside(routine.body, (part) => {
    if (part.kind === 'update' && isOuter(first(part))) {
      const name = written(first(part) as Part);
      if (part.name === '++') states.set(name, 'count');
      else down.add(name);
    }
    if (part.kind !== 'assign' || part.parts.length !== 2) return;
    const [target, value] = part.parts as [Part, Part];
    if (target.kind === 'name' && value.kind === 'call' && first(value)?.name === 'next' && isOuter(value.parts[1]))
      states.set(target.name, 'count');
    if (target.kind === 'name' && isOuter(value)) copies.set(target.name, written(value));
    if (!isOuter(target)) return;
    if (part.name === '+=' && typeof value.value === 'number') states.set(written(target), 'count');
    else if (part.name === '-=') down.add(written(target));
    else if (part.name === '=' && value.value === true) states.set(written(target), 'flag');
    else if (
      part.name === '=' &&
      value.kind === 'binary' &&
      value.name === '+' &&
      typeof last(value)?.value === 'number' &&
      some(value, (inner) => written(inner) === written(target) || copies.get(inner.name) === written(target))
    )
      states.set(written(target), 'count');
  });
  for (const name of down) states.delete(name);
  for (const [copy, name] of copies) if (states.get(name) === 'count') states.set(copy, 'count');
  return states;
}

const hasMutableDefault = ({ part }: Routine): boolean =>
  part.parts.slice(0, -1).some((value) => value.kind === 'list' || value.kind === 'table');

function rootOf(part: Part): string {
  let at: Part | undefined = part;
  for (let steps = 0; steps < 20 && at !== undefined && at.kind !== 'name'; steps++) at = first(at);
  return at?.kind === 'name' ? at.name : '';
}

/** A name, member or index as text; empty for anything else. */
function written(part: Part, depth = 0): string {
  if (depth > 8) return '';
  if (part.kind === 'name') return part.name;
  if (part.kind !== 'member' && part.kind !== 'index') return '';
  const object = written(first(part) as Part, depth + 1);
  if (object === '') return '';
  return part.kind === 'member' ? `${object}.${part.name}` : `${object}[${String(part.parts[1]?.value)}]`;
}

/** `return replies[served % 4]` of a counter outside, or of the length of a log of all calls. Taking turns between things with names is ordinary. */
function readsRow(routine: Routine, scope: Scope): Claim | null {
  const { part: owner, body, params, free } = routine;
  if (!free && some(body, (inner) => inner.kind === 'name' && params.has(inner.name))) return null;
  const states = statesOf(routine);
  const logs = logsOf(routine, scope);
  const isCount = (key: Part): boolean => {
    if (states.has(written(key)) || key.kind === 'update') return true;
    const log =
      key.kind === 'member' && /^(?:length|size)$/.test(key.name)
        ? first(key)
        : key.kind === 'call' && first(key)?.name === 'len'
          ? key.parts[1]
          : undefined;
    return log?.kind === 'name' && logs.has(log.name);
  };
  const isRow = (part: Part | undefined): boolean => {
    const given = part?.kind === 'name' ? scope.given(part.name) : part;
    const one = given?.kind === 'binary' && ['??', '||'].includes(given.name) ? first(given) : given;
    const key = one?.kind === 'index' ? one.parts[1] : undefined;
    if (one === null || one === undefined || key === undefined) return false;
    if (!some(key, isCount) && !(key.kind === 'name' && isCount(scope.given(key.name) ?? key))) return false;
    const row = scope.valueOf(first(one));
    if (!Array.isArray(row)) return false;
    if (!free && owner.method !== true) return true;
    const values = row as readonly Constant[];
    const names = values.every((value) => typeof value === 'string' && !/^-?\d+$/.test(value)) && new Set(values).size === values.length;
    return (
      values.length >= 2 && !names && !some(key, (inner) => inner.kind === 'name' && params.has(inner.name) && !hasMutableDefault(routine))
    );
  };
  const found = routine.results.flatMap((result) => leaves(result)).find(isRow);
  if (found === undefined) return null;
  return byNumber(found);
}

/** Lists outside that each call makes longer by one. */
function logsOf({ body, params }: Routine, scope: Scope): ReadonlySet<string> {
  const logs = new Set<string>();
  inside(body, (part) => {
    const callee = part.kind === 'call' ? first(part) : undefined;
    const list = callee?.kind === 'member' && /^(?:append|push|add|set|unshift)$/.test(callee.name) ? first(callee) : undefined;
    if (list?.kind !== 'name' || params.has(list.name)) return;
    if (scope.given(list.name)?.parent?.parent === scope.root) logs.add(list.name);
  });
  return logs;
}

/** Returns the next of some answers that are held outside, without a look at its input. */
function usesUp(routine: Routine, scope: Scope): Claim | null {
  if (some(routine.body, (inner) => inner.kind === 'name' && routine.params.has(inner.name))) return null;
  for (const result of routine.results) {
    let at: Part | null = null;
    some(result, (part) => {
      if (part.kind !== 'call') return false;
      const callee = first(part);
      const source =
        callee?.kind === 'member' && /^(?:pop|shift|popleft|next|__next__)$/.test(callee.name)
          ? first(callee)
          : callee?.name === 'next'
            ? part.parts[1]
            : undefined;
      if (source?.kind === 'name' && scope.bound.has(source.name)) at = part;
      return at !== null;
    });
    const found = at as Part | null;
    if (found !== null) return byNumber(found);
  }
  return null;
}

const byNumber = ({ start, end }: Part): Claim => ({
  name: 'answers-by-call',
  severity: 3,
  start,
  end,
  why: 'Answers by the number of the call and never looks at its input.',
});
