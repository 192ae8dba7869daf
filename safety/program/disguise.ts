import type { Claim } from './program.ts';
import type { Scope } from './scope.ts';
import { each, first, last, some } from './tree.ts';
import type { Part } from './tree.ts';

const VALUES =
  /^(?:int|float|str|list|dict|tuple|set|frozenset|complex|bytes|bytearray|Decimal|Fraction|Number|String|Array|Map|Set|Boolean|BigInt|Date)$/;
const OPERATORS =
  /^__(?:r?(?:add|sub|mul|truediv|floordiv|mod|divmod|pow|and|or|xor|lshift|rshift|matmul)|abs|neg|pos|round|int|float|index|str|repr|format|len|iter|contains|getitem|lt|le|gt|ge|ne|bool|hash)__$/;
/** What lists, texts and numbers can do, and those who check them call. */
const METHODS =
  /^(?:length|size|valueOf|toString|toJSON|toFixed|join|every|some|includes|indexOf|map|filter|reduce|forEach|slice|splice|sort|concat|flat|find|keys|values|entries|split|trim|charAt|charCodeAt|startsWith|endsWith|localeCompare|equals|toEqual|at|has|get)$/;
const COMPARES = /^__(?:eq|ne|lt|le|gt|ge)__$|^(?:equals|isEqual|compareTo)$/;
const ANYTHING = /^__(?:getattr|getattribute|call|getitem)__$/;

/** Values that answer comparisons and questions with something written out, whatever they hold. */
export function disguisedValues(scope: Scope): Claim[] {
  const claims: Claim[] = [];
  const add = (part: Part, name: string, severity: Claim['severity'], why: string): void => {
    claims.push({ name, severity, start: part.start, end: part.end, why });
  };
  for (const part of scope.classes) disguisedClass(part, scope, add);
  each(scope.root, (part) => {
    if (part.kind === 'table') disguisedObject(part, scope, add);
    else if (part.kind === 'assign') {
      const [target, value] = [first(part), last(part)];
      if (target?.kind === 'member' && value !== undefined && isLocal(target, scope) && METHODS.test(target.name) && isHollow(value, scope))
        add(part, 'hollow-method', 3, 'Gives a value a method that says the same whatever the value is.');
    }
    if ((part.kind === 'entry' || part.kind === 'assign') && last(part)?.getter === true && some(part, (inner) => inner.kind === 'update'))
      add(part, 'changing-property', 3, 'A property that changes each time it is read.');
    if (
      part.kind === 'return' &&
      some(part, (inner) => /^(?:unittest\.)?mock\.(?:ANY|MagicMock|Mock|sentinel)(?:$|\.|\()/.test(scope.pathOf(inner)))
    )
      add(part, 'returns-mock', 3, 'Answers with an object that equals anything.');
  });
  return claims;
}

type Add = (part: Part, name: string, severity: Claim['severity'], why: string) => void;

function disguisedClass(part: Part, scope: Scope, add: Add): void {
  const value = part.parts.some(
    (base) => (base.kind === 'name' || base.kind === 'member') && VALUES.test(base.name) && !scope.owns(base.name),
  );
  const tested = some(scope.root, (inner) => inner.kind === 'assert');
  const swapped = some(scope.root, (inner) => inner.kind === 'assign' && /^sys\.std(?:out|err)$/.test(scope.pathOf(first(inner))));
  let anything = 0;
  for (const member of part.parts) {
    const [name, method] = methodOf(member);
    if (method === undefined) continue;
    if (value && (OPERATORS.test(name) || METHODS.test(name)) && isHollow(method, scope, part.name))
      add(member, 'hollow-value', 3, 'A number, text or list that answers with something written out, whatever it holds.');
    if (name === '__eq__' && isOneSided(method, part))
      add(member, 'one-sided-equality', 3, 'Compares without a look at itself: it equals anything of a kind.');
    if (
      COMPARES.test(name) &&
      some(
        method,
        (inner) => (inner.kind === 'update' || (inner.kind === 'assign' && inner.name !== 'let')) && first(inner)?.kind === 'member',
      )
    )
      add(member, 'changing-comparison', 3, 'A comparison that changes what it compares.');
    if (name === '__exit__' && tested && isHollow(method, scope)) add(member, 'hides-failure', 2, 'Swallows failing assertions.');
    if (
      name === 'write' &&
      swapped &&
      some(
        method,
        (inner) =>
          inner.kind === 'call' && first(inner)?.name === 'replace' && inner.parts.slice(1).every((word) => word.kind === 'constant'),
      )
    )
      add(member, 'rewrites-output', 3, 'Changes words of what is printed, whoever prints it.');
    if (ANYTHING.test(name) && answersAnything(method, part.name)) anything++;
  }
  if (anything >= 2) add(part, 'answers-anything', 3, 'An object that has every property and answers every call.');
}

function methodOf(member: Part): readonly [string, Part | undefined] {
  if (member.kind === 'function') return [member.name, member];
  const [key, value] = member.parts;
  return member.kind === 'assign' && value?.kind === 'function' ? [String(key?.value ?? key?.name ?? ''), value] : ['', undefined];
}

/** Returns only what is written out, or an object of the class made from such. */
function isHollow(part: Part, scope: Scope, own = ''): boolean {
  if (part.kind !== 'function') return false;
  const results: Part[] = [];
  each(last(part) as Part, (inner) => {
    if (inner.kind === 'return') results.push(...inner.parts);
    return inner.kind !== 'function';
  });
  if (results.length === 0 || some(part, (inner) => inner.kind === 'throw')) return false;
  return results.every((result) => {
    const value = scope.valueOf(result);
    if (value !== undefined) return value !== null && !(Array.isArray(value) && value.length === 0);
    return (
      own !== '' &&
      (result.kind === 'call' || result.kind === 'new') &&
      first(result)?.name === own &&
      result.parts.slice(1).every((inner) => inner.kind === 'constant')
    );
  });
}

/** `isinstance(other, dict)` and nothing about itself. A class that equals its own kind is ordinary. */
function isOneSided(method: Part, owner: Part): boolean {
  const [self = 'self'] = method.params ?? [];
  const body = last(method) as Part;
  if (
    some(
      body,
      (inner) =>
        inner.kind === 'name' && (inner.name === self || inner.name === owner.name || inner.name === 'super' || inner.name === '__class__'),
    )
  )
    return false;
  const [, other = ''] = method.params ?? [];
  return (
    some(body, (inner) => inner.kind === 'name' && inner.name === other) &&
    !some(body, (inner) => inner.kind === 'throw' || inner.name === 'NotImplemented')
  );
}

/** Gives itself or a constant, whatever it is asked. */
function answersAnything(method: Part, own: string): boolean {
  const [self = 'self', ...asked] = method.params ?? [];
  const body = last(method) as Part;
  if (some(body, (inner) => inner.kind === 'name' && asked.includes(inner.name))) return false;
  const results: Part[] = [];
  each(body, (inner) => {
    if (inner.kind === 'return') results.push(...inner.parts);
  });
  return (
    results.length > 0 &&
    results.every(
      (result) =>
        result.kind === 'constant' ||
        result.kind === 'function' ||
        (result.kind === 'name' && result.name === self) ||
        (result.kind === 'call' && first(result)?.name === own),
    )
  );
}

function disguisedObject(part: Part, scope: Scope, add: Add): void {
  let hollow = 0;
  for (const entry of part.parts) {
    const [key, value] = entry.parts;
    if (entry.kind !== 'entry' || key === undefined || value === undefined) continue;
    if (typeof key.value === 'string' && METHODS.test(key.value) && isHollow(value, scope)) hollow++;
    if (
      key.kind === 'call' &&
      first(key)?.name === 'for' &&
      value.kind === 'function' &&
      !some(value, (inner) => inner.kind === 'name' && inner.name === 'this')
    )
      add(entry, 'hollow-symbol', 3, 'Decides how it is shown or compared, whatever it holds.');
    if (key.kind === 'member' && key.name === 'toStringTag' && VALUES.test(String(value.value)))
      add(entry, 'false-kind', 3, 'Claims to be of another kind.');
  }
  if (hollow >= 2) add(part, 'hollow-object', 3, 'Stands in for a list, text or number with answers that are written out.');
}

/** A member of a local value: not of a built-in, a prototype, an export or `this`. */
function isLocal(target: Part, scope: Scope): boolean {
  const root = first(target);
  return (
    root?.kind === 'name' &&
    root.name !== 'this' &&
    scope.owns(root.name) &&
    ['list', 'call', 'new', undefined].includes(scope.given(root.name)?.kind)
  );
}
