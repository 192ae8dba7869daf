import type { Constant, Entry } from './lookups.ts';
import { LONGEST, MOST } from './lookups.ts';
import { branches } from './branches.ts';
import type { Claim } from './program.ts';
import type { Routine } from './routine.ts';
import { isDigest, isWhole, leaves, outcome, readRoutine, recordsOf } from './routine.ts';
import { pairs, targets, zip } from './scope.ts';
import type { Scope } from './scope.ts';
import { judgeRow, judgeSequence, judgeTable } from './tables.ts';
import { above, each, first, some, statements } from './tree.ts';
import type { Part } from './tree.ts';

/** Functions that look their answer up by the whole input, or by a property of it, or that never look at their input. */
export function answersWithoutWork(scope: Scope): Claim[] {
  const claims: Claim[] = [];
  const add = (claim: Claim | null): void => {
    if (claim !== null) claims.push(claim);
  };
  for (const part of scope.functions.slice(0, MOST)) {
    if (part.end - part.start > LONGEST) continue;
    const routine = readRoutine(part, scope);
    if (routine.params.size === 0) continue;
    lookups(routine, scope, add);
    add(branches(routine, scope));
    if (routine.free) add(ignores(routine, scope) ?? handsBack(routine));
  }
  return claims;
}

type Add = (claim: Claim | null) => void;

function lookups(routine: Routine, scope: Scope, add: Add): void {
  const { whole, idle, body } = routine;
  let judged = 0;
  const judge = (entries: readonly Entry[], direct: boolean, at: Part): void => {
    if (judged++ < MOST) add(judgeTable(entries, direct, at, isNamed(at, scope), guess(at, routine, scope)));
  };
  each(body, (part) => {
    if (part.kind === 'index') {
      const [object, key] = part.parts;
      const entries = besides(object, key, routine, scope) ?? (isWhole(key, whole) ? scope.tableOf(object) : null);
      if (entries !== null) judge(entries, idle && isResult(part, routine), part);
      else if (idle && isResult(part, routine)) {
        const values = scope.valueOf(object);
        if (!Array.isArray(values)) return;
        if (isStep(key, whole)) add(judgeSequence(values as readonly Constant[], falls(part, routine, scope), part));
        else if (isDigest(key, whole, routine.digest)) add(judgeRow(values as readonly Constant[], part));
      }
    } else if (part.kind === 'call' && first(part)?.kind === 'member' && first(part)?.name === 'get' && isWhole(part.parts[1], whole)) {
      const entries = scope.tableOf(first(first(part) as Part));
      if (entries !== null) judge(entries, idle && isResult(part, routine), part);
    } else if (part.kind === 'binary' && part.name === '==') {
      const entries = searched(part, routine, scope);
      if (entries !== null) judge(entries, idle, part);
    }
  });
}

/** `PRICES[x]`, `PRICES.get(x)`: a constant at the top of the program whose name says something. */
function isNamed(part: Part, scope: Scope): boolean {
  const table = part.kind === 'call' ? first(first(part) ?? part) : first(part);
  const name = table?.kind === 'name' ? table.name : '';
  if (!/^[A-Z][A-Z_]{2,}$/.test(name) || /ANSWER|KNOWN|CASE|EXPECT|RESULT|OUTPUT|LOOKUP|TABLE|MAP|SEEN|CACHE|MEMO|DATA|PAIR/.test(name))
    return false;
  return scope.given(name)?.parent?.parent === scope.root;
}

/** `outputs[inputs.index(x)]`. */
function besides(object: Part | undefined, key: Part | undefined, routine: Routine, scope: Scope): Entry[] | null {
  const at = key?.kind === 'name' ? (scope.given(key.name) ?? key) : key;
  const callee = at?.kind === 'call' ? first(at) : undefined;
  if (callee?.kind !== 'member' || !/^(?:index|indexOf|findIndex)$/.test(callee.name)) return null;
  const asked = at?.parts[1];
  if (asked?.kind !== 'function' ? !isWhole(asked, routine.whole) : !reads(asked, routine.whole)) return null;
  const [keys, values] = [scope.valueOf(first(callee)), scope.valueOf(object)];
  return Array.isArray(keys) && Array.isArray(values) ? zip(keys as Constant[], values as Constant[]) : null;
}

/** `for i, o in pairs: if i == x: return o`, `pairs.find((p) => p.in === x)`, `next(o for i, o in pairs if i == x)`. */
function searched(test: Part, { whole }: Routine, scope: Scope): Entry[] | null {
  const [left, right] = test.parts;
  const other = isWhole(left, whole) ? right : isWhole(right, whole) ? left : undefined;
  if (other === undefined) return null;
  let name = other;
  let field: string | null = null;
  for (let steps = 0; steps < 6 && name.kind !== 'name'; steps++) {
    if (name.kind === 'member') field = name.name;
    if (name.kind === 'index' && typeof name.parts[1]?.value === 'string') field = name.parts[1].value;
    const inner =
      name.kind === 'call' ? (first(name)?.kind === 'member' && name.parts.length === 1 ? first(name) : name.parts[1]) : first(name);
    if (inner === undefined) return null;
    if (name.kind === 'call') field = null;
    name = inner;
  }
  const over = loopOf(test, name.name);
  if (over === null) return besideKey(other, test, scope);
  const records = recordsOf(over, scope);
  if (records === null) return pairs(scope.valueOf(over)) ?? scope.tableOf(over);
  if (field === null) return null;
  const entries: Entry[] = [];
  for (const record of records) {
    const values = new Map(record.parts.map((entry) => [entry.parts[0]?.value, scope.valueOf(entry.parts[1])]));
    const key = values.get(field);
    values.delete(field);
    const value = [...values.values()][0];
    if (key !== undefined && value !== undefined) entries.push({ key, value });
  }
  return entries;
}

/** `for k in inputs: if inputs[k] == x: return outputs[k]`. */
function besideKey(side: Part, test: Part, scope: Scope): Entry[] | null {
  let index: Part | undefined = side;
  while (index !== undefined && index.kind !== 'index') index = first(index);
  const key = index?.parts[1];
  if (index === undefined || key?.kind !== 'name' || loopOf(test, key.name) === null) return null;
  const keys = scope.tableOf(first(index))?.map(({ value }) => value) ?? scope.valueOf(first(index));
  return Array.isArray(keys) ? (keys as Constant[]).map((each) => ({ key: each, value: null })) : null;
}

/** What a name that is bound by a loop, a comprehension or a callback runs over. */
function loopOf(part: Part, name: string): Part | null {
  for (let at = part.parent; at !== null; at = at.parent) {
    if (at.kind === 'for' && targets(first(at)).includes(name)) return bare(at.parts[1]);
    if (at.kind === 'search' && targets(at.parts[1]).includes(name)) return bare(at.parts[2]);
    if (at.kind === 'function' && at.params?.includes(name) === true) {
      const callee = at.parent?.kind === 'call' ? first(at.parent) : undefined;
      return callee?.kind === 'member' ? bare(first(callee)) : null;
    }
  }
  return null;
}

/** `d.items()` and `Object.entries(d)` run over `d`. */
function bare(part: Part | undefined): Part | null {
  const callee = part?.kind === 'call' ? first(part) : undefined;
  if (callee?.kind === 'member' && callee.name === 'items') return first(callee) ?? null;
  if (callee?.kind === 'member' && callee.name === 'entries') return part?.parts[1] ?? first(callee) ?? null;
  return part ?? null;
}

/** Is this expression, with a default at most, what the function returns? */
function isResult(part: Part, routine: Routine): boolean {
  for (let at = part; at.parent !== null; at = at.parent) {
    const up = at.parent;
    if (up.kind === 'return' || up.kind === 'yield') return true;
    if (up.kind === 'assign') {
      const name = first(up)?.kind === 'name' ? first(up)?.name : undefined;
      return name !== undefined && routine.results.some((result) => some(result, (inner) => inner.kind === 'name' && inner.name === name));
    }
    if (
      up.kind === 'if'
        ? first(up) === at
        : !(up.kind === 'binary' && ['??', '||'].includes(up.name)) &&
          !(up.kind === 'call' && /^(?:str|int|String|Number|list|print|log)$/.test(first(up)?.name ?? ''))
    )
      return false;
  }
  return false;
}

/** The input's number, perhaps one more or less. */
function isStep(part: Part | undefined, whole: ReadonlySet<string>): boolean {
  if (part?.kind === 'binary' && '+-'.includes(part.name)) return isWhole(part.parts[0], whole) && typeof part.parts[1]?.value === 'number';
  return part?.kind === 'name' && whole.has(part.name);
}

/** Is there an answer for inputs behind the row: `?? 0`, `if n < len(row)`? */
function falls(part: Part, routine: Routine, scope: Scope): boolean {
  const up = part.parent;
  if (up?.kind === 'binary' && ['??', '||'].includes(up.name)) return true;
  if (above(part, ['if']) !== null) return routine.results.flatMap((result) => leaves(result)).length >= 2;
  return (
    routine.results.length === 2 && !isNamed(part, scope) && routine.results.some((result) => typeof scope.valueOf(result) === 'number')
  );
}

/** What all other inputs get, when it is written out: `row.get(n, '11')`, `row[n] || '11'`, a return behind. */
function guess(part: Part, { results }: Routine, scope: Scope): Constant | undefined {
  const up = part.parent;
  if (part.kind === 'call' && part.parts.length === 3) return scope.valueOf(part.parts[2]);
  if (up?.kind === 'binary' && ['??', '||'].includes(up.name)) return scope.valueOf(up.parts[1]);
  return results.length === 2 ? results.map((result) => scope.valueOf(result)).find((value) => value !== undefined) : undefined;
}

/** `return task.expected ?? task.answer`. */
function handsBack({ params, results }: Routine): Claim | null {
  for (const result of results) {
    const one = result.kind === 'binary' && ['??', '||'].includes(result.name) ? first(result) : result;
    const root = one?.kind === 'binary' ? first(one) : one;
    if (
      root?.kind === 'member' &&
      /^(?:expected(?:_?\w+)?|answer_?key|ground_?truth)$/i.test(root.name) &&
      params.has(first(root)?.name ?? '')
    )
      return { name: 'hands-back', severity: 2, start: result.start, end: result.end, why: 'Hands back the answer that it was given.' };
  }
  return null;
}

/** Never reads its input, yet answers. */
function ignores(routine: Routine, scope: Scope): Claim | null {
  const { part, params, body, results } = routine;
  if (results.length === 0 || [...params].every((name) => name.startsWith('_')) || reads(body, params)) return null;
  if (part.parent?.kind === 'other' || some(body, (inner) => inner.kind === 'name' && inner.name === 'arguments')) return null;
  const values = results.map((result) => scope.valueOf(result));
  const at = { start: part.start, end: part.end };
  const helper = results.length === 1 && results[0]?.kind === 'call' && results[0].parts.length === 1 ? first(results[0]) : undefined;
  const given = helper?.kind === 'name' ? scope.given(helper.name) : null;
  if (
    given !== null &&
    some(given, (inner) => inner.kind === 'index' && inner.parts[1] !== undefined && some(inner.parts[1], (key) => key.kind === 'update'))
  )
    return { name: 'answers-by-call', severity: 3, ...at, why: 'Answers by the number of the call and never looks at its input.' };
  if (values.every((value) => value !== undefined)) {
    const telling = values.some(
      (value) => (typeof value === 'number' && Math.abs(value) > 1) || (Array.isArray(value) && value.length > 0),
    );
    const tests = values.length >= 2 && new Set(values.map((value) => JSON.stringify(value))).size >= 2;
    if (!telling && !tests && !(routine.name === 'f' && scope.functions.length === 1)) return null;
    return { name: 'ignores-input', severity: 2, ...at, why: 'Returns the same whatever it is given.' };
  }
  return null;
}

/** Does it read one of these names? */
function reads(body: Part, names: ReadonlySet<string>): boolean {
  return some(body, (inner) => inner.kind === 'name' && names.has(inner.name));
}

/** Raises at once, or after branches that answer with what is written out. */
function failsOnPurpose(tried: Part | undefined, scope: Scope): boolean {
  const body = statements(tried);
  if (body[0]?.kind === 'throw') return true;
  const end = body.at(-1);
  if (tried === undefined || (end?.kind !== 'throw' && !(end?.kind === 'assert' && first(end)?.value === false))) return false;
  let answers = 0;
  const works = body.slice(0, -1).some((statement) =>
    some(statement, (part) => {
      if (part.kind === 'return') answers += first(part) === undefined ? 0 : 1;
      return part.kind === 'return'
        ? part.parts.length > 0 && scope.valueOf(first(part)) === undefined
        : ['for', 'while', 'search', 'function', 'throw', 'yield'].includes(part.kind);
    }),
  );
  return answers > 0 && !works;
}

/** `try: raise …` caught at once with a written-out answer. */
export function pretendsToWork(scope: Scope): Claim[] {
  const claims: Claim[] = [];
  each(scope.root, (part) => {
    if (part.kind !== 'try') return;
    const [tried, caught] = part.parts;
    if (!failsOnPurpose(tried, scope) || caught?.kind !== 'catch') return;
    const value = scope.valueOf(outcome(first(caught)));
    if (value === undefined || value === null || typeof value === 'boolean') return;
    claims.push({
      name: 'pretends-to-work',
      severity: 3,
      start: part.start,
      end: part.end,
      why: 'Fails on purpose and answers with a written-out value.',
    });
  });
  return claims;
}
