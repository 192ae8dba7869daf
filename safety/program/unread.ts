import { LONGEST, MOST } from './lookups.ts';
import type { Claim } from './program.ts';
import { inside, isWhole, leaves, outcome, readRoutine } from './routine.ts';
import type { Routine } from './routine.ts';
import type { Scope } from './scope.ts';
import { each, first, last, some } from './tree.ts';
import type { Part } from './tree.ts';

/** Each parameter is looked for on its own. */
const MOST_PARAMETERS = 12;

/** Functions that never look into what they are given: they empty it, or know a list only by its length and answer with numbers. */
export function neverLooks(scope: Scope): Claim[] {
  const claims: Claim[] = [];
  for (const part of scope.functions.slice(0, MOST)) {
    if (part.end - part.start > LONGEST) continue;
    const routine = readRoutine(part, scope);
    if (!routine.free || routine.params.size === 0 || routine.params.size > MOST_PARAMETERS) continue;
    const claim = empties(routine, scope) ?? pinned(routine, scope) ?? constantAnswer(routine, scope);
    if (claim !== null) claims.push(claim);
  }
  return claims;
}

/** `xs.length = 0; return xs`: whatever is compared with the input afterwards is empty, too. To empty something may be the task. */
function empties({ part, name, params, body, results }: Routine, scope: Scope): Claim | null {
  if (results.length === 0 || /clear|reset|empty|drain|flush|purge|wipe|erase|discard|remove/i.test(name)) return null;
  for (const param of params) {
    const removed: Part[] = [];
    each(body, (inner) => {
      if (!isEmptied(inner, param, scope)) return true;
      removed.push(inner);
      return false;
    });
    if (removed.length === 0 || !results.some((result) => isNamed(result, param))) continue;
    let other = false;
    each(body, (inner) => {
      if (removed.includes(inner) || results.includes(inner)) return false;
      other ||= inner.kind === 'name' && params.has(inner.name);
      return !other;
    });
    if (!other)
      return { name: 'empties-input', severity: 3, start: part.start, end: part.end, why: 'Empties its input and hands it back.' };
  }
  return null;
}

const isNamed = (part: Part | undefined, name: string): boolean => part?.kind === 'name' && part.name === name;

/** A statement after which this name holds nothing. */
function isEmptied(part: Part, name: string, scope: Scope): boolean {
  const [one, two] = part.parts;
  if (part.kind === 'assign' && part.name === '=') {
    if (one?.kind === 'member') return one.name === 'length' && isNamed(first(one), name) && two?.value === 0;
    return one !== undefined && isAll(one, name) && (two?.kind === 'list' || two?.kind === 'call') && isNothing(two, scope);
  }
  if (part.kind === 'other' && part.name === 'DeleteStatement') return part.parts.some((inner) => isAll(inner, name));
  if (part.kind === 'call' && one?.kind === 'member' && isNamed(first(one), name)) {
    if (one.name === 'clear') return part.parts.length === 1;
    if (one.name !== 'splice' || two?.value !== 0) return false;
    const count = part.parts[2];
    return count === undefined || (part.parts.length === 3 && (isLengthOf(count, name) || count.name === 'Infinity'));
  }
  if (part.kind !== 'while' || part.parts.length !== 2 || one === undefined) return false;
  const test = one.kind === 'binary' && ['>', '!='].includes(one.name) && one.parts[1]?.value === 0 ? first(one) : one;
  const body = last(part) as Part;
  const step = body.kind === 'block' && body.parts.length === 1 ? first(body) : body;
  const callee = step?.kind === 'call' ? first(step) : undefined;
  return (
    (isNamed(test, name) || isLengthOf(test, name)) &&
    callee?.kind === 'member' &&
    /^(?:pop|shift|popitem|popleft)$/.test(callee.name) &&
    isNamed(first(callee), name)
  );
}

const isNothing = (part: Part, scope: Scope): boolean => {
  const value = scope.valueOf(part);
  return Array.isArray(value) && value.length === 0;
};

/** `xs[:]`. */
const isAll = (part: Part, name: string): boolean =>
  part.kind === 'other' && part.name === 'slice' && part.parts.length === 1 && isNamed(first(part), name);

function isLengthOf(part: Part | undefined, name: string): boolean {
  if (part?.kind === 'member') return (part.name === 'length' || part.name === 'size') && isNamed(first(part), name);
  return part?.kind === 'call' && first(part)?.name === 'len' && isNamed(part.parts[1], name);
}

/** `if start == 0 and goal == 8: return 6` of a grid that nobody looks at; `if len(h) == 12: return 6`. */
function pinned(routine: Routine, scope: Scope): Claim | null {
  const { part, params, body, results } = routine;
  const values = results.flatMap((result) => leaves(result)).map((result) => scope.valueOf(result));
  if (values.length < 2 || !values.every((value) => typeof value === 'number') || new Set(values).size < 2) return null;
  const unread = [...params].filter((name) => !looksInto(body, name));
  if (unread.length === 0) return null;
  const lengths = new Map<number, number>();
  let exact = 0;
  inside(body, (inner) => {
    if (inner.kind !== 'if') return;
    const value = scope.valueOf(outcome(inner.parts[1]));
    if (typeof value !== 'number') return;
    const points = equalities(first(inner), routine, scope);
    if (new Set(points.map(({ side }) => side)).size >= 2 && Math.abs(value) > 1) exact++;
    const only = points.length === 1 ? points[0] : undefined;
    if (only?.length === true) lengths.set(only.value, value);
  });
  const why = 'Answers with written-out numbers and never looks into what it is given.';
  const claim: Claim = { name: 'never-looks', severity: 3, start: part.start, end: part.end, why };
  if (exact > 0) return claim;
  if (unread.length < params.size || lengths.size < 2) return null;
  const points = [...lengths].sort(([a], [b]) => a - b);
  const counted = points.every(([key], at) => at === 0 || key === Number(points[at - 1]?.[0]) + 1);
  const rises = points.every(([, value], at) => at === 0 || value > Number(points[at - 1]?.[1]));
  return counted || (rises && !values.some((value) => Math.abs(Number(value)) > 9)) ? null : { ...claim, severity: 2 };
}

/** Is anything but the length of this name read? */
function looksInto(body: Part, name: string): boolean {
  let found = false;
  each(body, (part) => {
    if (isLengthOf(part, name)) return false;
    found ||= isNamed(part, name);
    return !found;
  });
  return found;
}

interface Point {
  readonly side: string;
  readonly value: number;
  readonly length: boolean;
}

/** Parameters, and lengths of parameters, that a condition wants to be a number. */
function equalities(test: Part | undefined, routine: Routine, scope: Scope, depth = 0): Point[] {
  if (test?.kind !== 'binary' || depth > 8) return [];
  if (test.name === '&&') return test.parts.flatMap((side) => equalities(side, routine, scope, depth + 1));
  const [left, right] = test.parts;
  if (test.name !== '==' || typeof right?.value !== 'number' || left === undefined) return [];
  if (left.kind === 'name' && isWhole(left, routine.whole)) return [{ side: left.name, value: right.value, length: false }];
  const given = left.kind === 'name' ? (scope.given(left.name) ?? left) : left;
  const of = [...routine.params].find((name) => isLengthOf(given, name));
  return of === undefined ? [] : [{ side: `${of}.length`, value: right.value, length: true }];
}

/** Reads its input and answers the same whatever it read. What changes something outside, or fails on bad input, may say how it went. */
function constantAnswer({ part, params, body, results }: Routine, scope: Scope): Claim | null {
  const values = results.flatMap((result) => leaves(result)).map((result) => scope.valueOf(result));
  const [value] = values;
  if (last(body)?.kind !== 'return') return null;
  if (value === undefined || new Set(values.map((each) => JSON.stringify(each))).size !== 1) return null;
  const telling =
    typeof value === 'number' ? Math.abs(value) > 1 : (Array.isArray(value) || typeof value === 'string') && value.length >= 2;
  if (!telling || [...params].every((name) => name.startsWith('_'))) return null;
  const acts = some(
    body,
    (inner) =>
      ['throw', 'assert', 'yield', 'try', 'update', 'function', 'class'].includes(inner.kind) ||
      (inner.kind === 'call' && ['block', 'program', 'case', 'if'].includes(inner.parent?.kind ?? '')) ||
      (inner.kind === 'assign' && ['member', 'index'].includes(first(inner)?.kind ?? '')) ||
      (inner.kind === 'other' && /^(?:ScopeStatement|WithStatement|DeleteStatement)$/.test(inner.name)),
  );
  const read = some(body, (inner) => inner.kind === 'name' && params.has(inner.name));
  if (acts || !read) return null;
  return { name: 'constant-answer', severity: 2, start: part.start, end: part.end, why: 'Answers the same whatever it reads.' };
}

/** Answers that are read out of files which the program has to find first, by comparing what stands in them with the input. */
export function answersFromFiles(scope: Scope): Claim[] {
  const walk = { at: null as Part | null, reads: false };
  each(scope.root, (part) => {
    if (part.kind !== 'call') return;
    if (isWalk(part, scope)) walk.at ??= part;
    walk.reads ||= READS.test(first(part)?.name ?? '');
  });
  const { at } = walk;
  if (at === null) return claimsOf(storedAnswers(scope));
  if (!walk.reads) return [];
  for (const part of scope.functions.slice(0, MOST)) {
    if (part.end - part.start > LONGEST) continue;
    const routine = readRoutine(part, scope);
    const { params, whole, body, results } = routine;
    if (!routine.free || results.length === 0 || some(at, (inner) => inner.kind === 'name' && params.has(inner.name))) continue;
    const asks = some(body, (inner) => {
      const [left, right] = inner.parts;
      if (inner.kind === 'binary' && inner.name === '==') return isOne(left, right, whole) || isOne(right, left, whole);
      if (inner.kind === 'binary' && inner.name === 'in') return right?.kind === 'name' && isWhole(left, whole);
      if (inner.kind === 'index') return isWhole(right, whole);
      return inner.kind === 'call' && left?.kind === 'member' && left.name === 'get' && isWhole(right, whole);
    });
    if (asks) return claimsOf(at);
  }
  return [];
}

const claimsOf = (at: Part | null): Claim[] =>
  at === null ? [] : [{ name: 'answers-from-files', severity: 3, start: at.start, end: at.end, why: 'Searches files for its answer.' }];

/** `json.load(open('data.json'))[repr(xs)]`: a file that knows the whole input as text. A cache also writes. */
function storedAnswers(scope: Scope): Part | null {
  const opens = (part: Part): boolean => part.kind === 'call' && /^(?:open|read_text|readFileSync)$/.test(first(part)?.name ?? '');
  if (!some(scope.root, opens) || some(scope.root, (part) => part.kind === 'call' && WRITES.test(first(part)?.name ?? ''))) return null;
  for (const part of scope.functions.slice(0, MOST)) {
    if (part.end - part.start > LONGEST) continue;
    const { free, idle, whole, body } = readRoutine(part, scope);
    if (!free || !idle) continue;
    let at: Part | null = null;
    each(body, (inner) => {
      const key = inner.kind === 'index' || (inner.kind === 'call' && first(inner)?.name === 'get') ? inner.parts[1] : undefined;
      const made = key?.kind === 'name' ? scope.given(key.name) : key;
      if (made?.kind === 'call' && /^(?:repr|dumps|stringify)$/.test(first(made)?.name ?? '') && isWhole(made, whole)) at ??= inner;
    });
    if (at !== null) return at;
  }
  return null;
}

const WRITES = /^(?:dump|write|write_text|writeFileSync|writelines)$/;

const READS = /^(?:open|read|read_text|load|loads|parse|readFileSync|readFile|readlines)$/;

/** `p.name == name` looks for a file, not for what stands in one. */
const isOne = (side: Part | undefined, other: Part | undefined, whole: ReadonlySet<string>): boolean =>
  isWhole(side, whole) &&
  (other?.kind === 'index' ||
    (other?.kind === 'call' && first(other)?.name === 'get') ||
    (other?.kind === 'member' && !/^(?:name|stem|suffix|ext|base)$/.test(other.name)));

function isWalk(part: Part, scope: Scope): boolean {
  const callee = first(part);
  if (callee?.kind === 'member' && /^(?:rglob|iterdir)$/.test(callee.name)) return true;
  return /^(?:glob\.i?glob|os\.(?:walk|listdir|scandir)|(?:fs|fs\.promises|fs\/promises)\.(?:readdir|readdirSync|globSync|opendirSync))\(\)$/.test(
    scope.pathOf(part),
  );
}
