import type { Constant, Entry } from './lookups.ts';
import { judgeLookup } from './lookups.ts';
import type { Claim } from './program.ts';
import type { Routine } from './routine.ts';
import { inside, isDigest, isWhole, leaves, outcome } from './routine.ts';
import type { Scope } from './scope.ts';
import { isSpecific, judgeTable } from './tables.ts';
import { first, some } from './tree.ts';
import type { Part } from './tree.ts';

/** Branches on a property of the input, or on the input, with written-out outcomes. */
export function branches(routine: Routine, scope: Scope): Claim | null {
  const { whole, digest, body } = routine;
  const entries: (Entry & { readonly whole: boolean })[] = [];
  let [hashed, inText, totals, asLong] = [0, 0, 0, 0];
  const push = (side: Part | undefined, key: Constant | undefined, result: Part | undefined): void => {
    const value = scope.valueOf(result);
    if (key === undefined || value === undefined || side === undefined) return;
    if (isHash(side, scope)) hashed++;
    if (isText(side, scope)) inText++;
    if (isTotal(side, scope) && typeof key === 'number' && typeof value === 'number') totals++;
    if (typeof value === 'string' && value.length === key && key > 1) asLong++;
    entries.push({ key, value, whole: isWhole(side, whole) });
  };
  const compared = (test: Part | undefined, result: Part | undefined): boolean => {
    const matched = test?.kind === 'call' ? matchOf(test, scope) : null;
    if (matched !== null) {
      const value = scope.valueOf(result);
      if (value !== undefined && isDigest(matched.side, whole, digest)) entries.push({ key: matched.key, value, whole: matched.whole });
    }
    if (test?.kind !== 'binary') return matched !== null;
    if (test.name === '&&') return compared(test.parts[0], result) || compared(test.parts[1], result);
    if (test.name !== '==') return false;
    const [left, right] = test.parts;
    if (isDigest(left, whole, digest)) push(left, scope.valueOf(right), result);
    else if (isDigest(right, whole, digest)) push(right, scope.valueOf(left), result);
    return true;
  };
  let computes = 0;
  inside(body, (part) => {
    if (part.kind === 'if') compared(first(part), outcome(part.parts[1]));
    else if (part.kind === 'switch' && isDigest(first(part), whole, digest))
      for (const one of part.parts.slice(1))
        if (one.name !== 'default') push(first(part), scope.valueOf(first(one)), outcome(one.parts[1]));
  });
  for (const result of routine.results.flatMap((each) => leaves(each))) if (!isGiven(result, routine, scope)) computes++;
  if (entries.length === 0) return null;
  const at = { start: routine.part.start, end: routine.part.end };
  const claim = (severity: Claim['severity'], why: string): Claim => ({ name: 'written-answers', severity, ...at, why });
  if (hashed > 0 && hashed === entries.length) return claim(3, 'Knows inputs by their hash and answers them with written-out values.');
  const asked = entries.filter((entry) => entry.whole);
  const read = entries.filter((entry) => !entry.whole);
  const specific = read.filter(({ value }) => isSpecific(value)).length;
  const texts = read.filter(({ value }) => (typeof value === 'string' || Array.isArray(value)) && isSpecific(value)).length;
  if (texts >= 2 || (specific >= 2 && read.length >= 3 && specific * 3 >= read.length * 2))
    return claim(3, 'Knows its inputs by a property, such as their length, and answers with written-out values.');
  if (asLong >= 2 && asLong === entries.length && computes > 0)
    return claim(2, 'Knows its inputs by their length and answers with written-out texts that are as long.');
  if (totals >= 3 && totals === entries.length && computes === 0)
    return claim(2, 'Knows its inputs by their sum and answers with written-out numbers.');
  const copied = asked.length >= 2 ? judgeLookup({ kind: 'branches', entries: asked, computes: computes > 0, ...at }) : null;
  if (copied !== null) return copied;
  const reshaped = asked.length >= 3 ? judgeTable(asked, routine.idle && computes === 0, at) : null;
  if (reshaped !== null) return reshaped;
  if (inText >= 3 && computes === 0 && asked.every(({ value }) => typeof value === 'number' || isSpecific(value)))
    return claim(3, 'Writes its input as text and answers texts with what is written out.');
  const numerals = asked.filter(({ key }) => typeof key === 'string' && /^-?\d+$/.test(key));
  if (numerals.length >= 4 && numerals.length === asked.length && computes === 0 && routine.idle)
    return claim(3, 'Answers some numbers with what is written out and computes nothing.');
  const numbers = asked.filter(({ key, value }) => typeof key === 'number' && typeof value === 'number');
  if (
    numbers.length >= 4 &&
    routine.idle &&
    !agrees(numbers, routine) &&
    numbers.some(({ value }) => Math.abs(Number(value)) > 9 || !isCountedPair(numbers))
  )
    return claim(3, 'Answers some numbers with written-out numbers and all others with a guess.');
  return null;
}

const isCountedPair = (entries: readonly Entry[]): boolean =>
  new Set(entries.map(({ key, value }) => Number(value) - Number(key))).size === 1;

const isDigestName = (part: Part): boolean =>
  (part.kind === 'name' || part.kind === 'member') &&
  /^(?:md5|sha\d*|sha\d_\d+|hexdigest|digest|crc32|adler32|createHash)$/.test(part.name);

const digests = new WeakMap<Scope, Map<string, boolean>>();

/** A digest by a function that is known for it, perhaps under a name. */
export function isHash(part: Part, scope: Scope, depth = 0): boolean {
  return some(part, (inner) => isDigestName(inner) || (inner.kind === 'name' && depth < 3 && isHashName(inner.name, scope, depth)));
}

/** Each name is looked up once for a program. */
function isHashName(name: string, scope: Scope, depth: number): boolean {
  let known = digests.get(scope);
  if (known === undefined) digests.set(scope, (known = new Map()));
  const given = scope.given(name);
  let found = known.get(name);
  if (found === undefined) {
    known.set(name, false);
    found = given !== null && isHash(given, scope, depth + 1);
    known.set(name, found);
  }
  return found;
}

/** `s.startswith('ab')`, `/^ab$/.test(s)`, `re.fullmatch('ab', s)`: what the input is asked for. A pattern of plain letters asks for the whole input. */
function matchOf(test: Part, scope: Scope): { readonly key: string; readonly whole: boolean; readonly side: Part | undefined } | null {
  const callee = first(test);
  if (callee?.kind !== 'member') return null;
  if (/^(?:starts_?with|ends_?with)$/i.test(callee.name)) {
    const key = scope.valueOf(test.parts[1]);
    return typeof key === 'string' ? { key, whole: false, side: first(callee) } : null;
  }
  const pattern =
    callee.name === 'test' ? first(callee)?.value : /^re\.(?:full)?match$/.test(scope.pathOf(callee)) ? test.parts[1]?.value : undefined;
  if (typeof pattern !== 'string') return null;
  const text = pattern.replace(/^\^|\$$/g, '');
  const plain = text.replaceAll(/\\[^\w\s]/g, 'x');
  const whole = !/[\\.*+?()[\]{}|]/.test(plain) && (pattern.startsWith('^') || callee.name === 'fullmatch');
  return { key: text.replaceAll(/\\(.)/g, '$1'), whole, side: callee.name === 'test' ? test.parts[1] : test.parts[2] };
}

/** The input as one text: `a.join('')`, `JSON.stringify(a)`, `f'{a} {b}'`. */
function isText(part: Part, scope: Scope): boolean {
  const given = part.kind === 'name' ? (scope.given(part.name) ?? part) : part;
  return given.kind === 'text' || (given.kind === 'call' && ['join', 'stringify', 'dumps', 'repr'].includes(first(given)?.name ?? ''));
}

/** One number made of all that the input holds. */
function isTotal(part: Part, scope: Scope): boolean {
  const given = part.kind === 'name' ? (scope.given(part.name) ?? part) : part;
  return given.kind === 'call' && /^(?:sum|reduce|prod|fsum)$/.test(first(given)?.name ?? '');
}

/** Written out, or a name that is given only what is written out. */
function isGiven(result: Part, { body, whole }: Routine, scope: Scope): boolean {
  if (scope.valueOf(result) !== undefined) return true;
  if (result.kind !== 'name' || whole.has(result.name)) return false;
  let [given, constant] = [0, true];
  inside(body, (part) => {
    if (part.kind !== 'assign' || first(part)?.name !== result.name) return;
    given++;
    constant &&= part.name !== '+=' && scope.valueOf(part.parts.at(-1)) !== undefined;
  });
  return given > 0 && constant;
}

/** The rule for all other numbers gives the written-out answers, too. */
function agrees(numbers: readonly Entry[], { results, whole }: Routine): boolean {
  return results
    .flatMap((result) => leaves(result))
    .some((rule) => rule.kind === 'binary' && numbers.every(({ key, value }) => worth(rule, whole, Number(key)) === value));
}

/** Value of plain arithmetic with the input; NaN for anything else. */
function worth(part: Part | undefined, whole: ReadonlySet<string>, input: number, depth = 0): number {
  if (part === undefined || depth > 20) return NaN;
  if (typeof part.value === 'number') return part.value;
  if (part.kind === 'name') return whole.has(part.name) ? input : NaN;
  if (part.kind !== 'binary') return NaN;
  const [left, right] = [worth(part.parts[0], whole, input, depth + 1), worth(part.parts[1], whole, input, depth + 1)];
  switch (part.name) {
    case '+':
      return left + right;
    case '-':
      return left - right;
    case '*':
      return left * right;
    case '/':
      return left / right;
    case '//':
      return Math.floor(left / right);
    case '%':
      return left % right;
    case '**':
      return left ** right;
    default:
      return NaN;
  }
}
