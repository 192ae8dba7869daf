import type { Claim } from './program.ts';
import { readRoutine } from './routine.ts';
import type { Scope } from './scope.ts';
import { above, each, first, last, some, statements } from './tree.ts';
import type { Part } from './tree.ts';

/** What runners of tests print, with the numbers filled in. */
const REPORT =
  /\b\d+ (?:tests? )?(?:passed|passing|failed)\b|\bran \d+ tests?\b|^# (?:pass|fail) \d+|^(?:not )?ok \d+ - |\ball (?:\d+ )?tests? (?:have )?passed\b|^TAP version|\bBUILD SUCCESS/im;
const CHECKER =
  /^_*(?:(?:assert|check|verify|validate|grade|score|judge|compare)(?:_?(?:\w+))?|is_?(?:correct|equal|same)|(?:deep_?|strict_?)?equals?|run_?tests?)$/i;
const HIDDEN_PY =
  /(?:^|\.)(?:tests?|conftest|hidden\w*|grader|grading|checker|expected\w*|answers?|answer_key|solutions?|ground_truth|test_?cases?)(?:\.|$)/i;
const HIDDEN_JS =
  /^\.{0,2}\/.*(?:^|[/\-_.])(?:hidden|expected|answers?|answer-?key|solutions?|grader|(?:test|hidden)-?cases?)(?:[/\-_.]|$)/i;
const REFERENCE =
  /^_*(?:reference|oracle|gold(?:en)?|ground_?truth|hidden|expected|model_?answer|true)_?(?:solution|answer|output|impl(?:ementation)?|fn|func(?:tion)?|solve|result)?$/i;
const DECODES =
  /^(?:atob|base64\.[a-z]\d*decode|b64decode|bytes\.fromhex|bytearray\.fromhex|binascii\.(?:unhexlify|a2b_\w+)|zlib\.decompress|codecs\.decode|Buffer\.from)$/;

/** Checks that check nothing, reports that nobody ran, and answers fetched from those who ask. */
export function hollowChecks(scope: Scope): Claim[] {
  const claims: Claim[] = [];
  const add = (part: Part, name: string, severity: Claim['severity'], why: string): void => {
    claims.push({ name, severity, start: part.start, end: part.end, why });
  };
  const tested = some(
    scope.root,
    (part) =>
      part.kind === 'assert' || (part.kind === 'call' && /^(?:assert|expect|(?:deep)?(?:strict)?equal)/i.test(first(part)?.name ?? '')),
  );
  for (const part of scope.functions) checker(part, scope, add);
  each(scope.root, (part) => {
    switch (part.kind) {
      case 'call':
        call(part, scope, tested, add);
        break;
      case 'assert': {
        const test = first(part);
        if (test?.kind === 'list' && test.parts.length === 2 && typeof test.parts[1]?.value === 'string')
          add(part, 'vacuous-check', 2, 'An assertion that always holds.');
        if (test?.kind === 'binary' && test.name === '||' && test.parts.some((side) => side.value === true || side.value === 1))
          add(part, 'vacuous-check', 2, 'An assertion that always holds.');
        break;
      }
      case 'catch':
        caught(part, scope, add);
        break;
      case 'import':
        imported(part, add);
        break;
      case 'unary':
        probed(part, scope, add);
        break;
      case 'while':
        if (isEndless(part)) add(part, 'never-ends', 2, 'Never ends, so that nothing is checked.');
        break;
      case 'new':
        if (
          first(part)?.name === 'Promise' &&
          part.parts[1]?.kind === 'function' &&
          last(part.parts[1])?.parts.length === 0 &&
          part.parent?.kind === 'return'
        )
          add(part, 'never-ends', 2, 'Never ends, so that nothing is checked.');
        break;
    }
  });
  return claims;
}

/** `while True: pass`: no way out and nothing that could be one. */
function isEndless(part: Part): boolean {
  const test = part.parts.length === 1 ? undefined : first(part);
  if (test !== undefined && !(test.kind === 'constant' && Boolean(test.value))) return false;
  return !some(
    last(part) as Part,
    (inner) =>
      ['call', 'new', 'return', 'throw', 'yield'].includes(inner.kind) ||
      inner.name === 'BreakStatement' ||
      inner.name === 'AwaitExpression',
  );
}

type Add = (part: Part, name: string, severity: Claim['severity'], why: string) => void;

/** `function assertEqual(a, b) { return true; }`. */
function checker(part: Part, scope: Scope, add: Add): void {
  const routine = readRoutine(part, scope);
  if (!routine.free || !CHECKER.test(routine.name) || part.parent?.kind === 'other') return;
  if (
    routine.results.length === 0 ||
    some(routine.body, (inner) => inner.kind === 'throw' || inner.kind === 'assert' || inner.kind === 'call' || inner.kind === 'if')
  )
    return;
  if (some(routine.body, (inner) => inner.kind === 'name' && routine.params.has(inner.name))) return;
  if (routine.results.every((result) => [true, 1].includes(scope.valueOf(result) as number | true)))
    add(part, 'hollow-checker', 3, 'A check that says yes without a look at what it checks.');
}

function call(part: Part, scope: Scope, tested: boolean, add: Add): void {
  const [callee, one, two] = part.parts;
  const path = scope.pathOf(callee);
  if (callee?.kind === 'name' && !scope.bound.has(callee.name) && REFERENCE.test(callee.name))
    add(part, 'reads-answer', 3, 'Asks a solution that the program does not hold.');
  if (/^(?:print|console\.(?:log|info|error)|(?:sys|process)\.std(?:out|err)\.write)$/.test(path)) {
    const text = scope.valueOf(one);
    if (typeof text === 'string' && REPORT.test(text.slice(0, 2000)) && !tested)
      add(part, 'false-report', 3, 'Prints the report of tests that it never ran.');
  } else if (/^process\.(?:on|once|addListener)$/.test(path) && /^(?:uncaughtException|unhandledRejection)$/.test(String(one?.value))) {
    const names = two?.params ?? [];
    const body = two === undefined ? undefined : last(two);
    if (
      two?.kind === 'function' &&
      body !== undefined &&
      !some(body, (inner) => inner.kind === 'throw' || (inner.kind === 'name' && (names.includes(inner.name) || inner.name === 'exit')))
    )
      add(part, 'hides-failure', 3, 'Swallows whatever fails.');
  } else if (/^(?:contextlib\.)?suppress$/.test(path) && one?.name === 'AssertionError')
    add(part, 'hides-failure', 2, 'Swallows failing assertions.');
  else if (
    /^(?:eval|exec|Function|JSON\.parse|json\.loads|ast\.literal_eval|pickle\.loads|marshal\.loads)$/.test(path) &&
    decodes(one, scope)
  )
    add(
      part,
      'packed-answers',
      /^(?:JSON|json|ast)/.test(path) ? 3 : 4,
      'Unpacks something that the program carries in a form nobody can read.',
    );
  else if (
    /^(?:exec|match|split|search)$/.test(callee?.name ?? '') &&
    [first(callee ?? part), one].some((each) => /\breturn\b/.test(String(each?.value ?? ''))) &&
    some(scope.root, isSource)
  )
    add(part, 'reads-source', 2, 'Reads the answer out of the source of a function.');
  else if (/^linecache\.\w+$/.test(path) && one?.name === '__file__') add(part, 'reads-itself', 2, 'Reads the file that it stands in.');
  else if (path === 'require' && typeof one?.value === 'string' && HIDDEN_JS.test(one.value))
    add(part, 'reads-tests', 3, 'Loads tests or answers instead of computing.');
}

const isSource = (part: Part): boolean => part.kind === 'call' && ['toString', 'getsource'].includes(first(part)?.name ?? '');

/** A text of the program itself is decoded in this expression. */
function decodes(part: Part | undefined, scope: Scope, depth = 0): boolean {
  if (part === undefined || depth > 3) return false;
  return some(part, (inner) => {
    if (inner.kind === 'name' && inner !== part.parent) {
      const given = scope.given(inner.name);
      return given !== null && given.kind === 'call' && decodes(given, scope, depth + 1);
    }
    if (inner.kind !== 'call' || !DECODES.test(scope.pathOf(first(inner)))) return false;
    const text = scope.valueOf(inner.parts[1]);
    return (typeof text === 'string' && text.length >= 8) || (inner.parts[1]?.kind === 'call' && decodes(inner.parts[1], scope, depth + 1));
  });
}

/** `except AssertionError: pass`, and `except NameError` around a name that only a harness could know. */
function caught(part: Part, scope: Scope, add: Add): void {
  const body = statements(first(part));
  const tried = part.parent === null ? undefined : first(part.parent);
  if (/^\(?AssertionError/.test(part.name) && body.length === 1 && body[0]?.name === 'PassStatement') {
    const more = part.parent?.parts.some((inner) => inner.kind === 'block' && inner !== tried) === true;
    if (!more) add(part, 'hides-failure', 2, 'Swallows failing assertions.');
  }
  if (!/NameError/.test(part.name) || tried === undefined) return;
  for (const statement of statements(tried)) {
    const name = statement.kind === 'return' ? first(statement) : undefined;
    if (name?.kind === 'name' && !scope.bound.has(name.name))
      add(statement, 'reads-answer', 3, 'Returns a name that only those who check could know.');
  }
}

function imported(part: Part, add: Add): void {
  const hidden =
    part.name.startsWith('/') || part.name.startsWith('./') || part.name.startsWith('../')
      ? HIDDEN_JS.test(part.name)
      : !/^(?:test(?:\.|$)|unittest|node:|@)/.test(part.name) && HIDDEN_PY.test(part.name);
  const bare = part.name === '' && (part.names ?? []).some(([from]) => HIDDEN_PY.test(from) && !/^(?:test$|unittest)/.test(from));
  if (hidden || bare) add(part, 'reads-tests', 3, 'Loads tests or answers instead of computing.');
}

/** `typeof wanted !== 'undefined' ? wanted : …` of a name that the program never binds. */
function probed(part: Part, scope: Scope, add: Add): void {
  const name = part.name === 'typeof' ? first(part) : undefined;
  const owner = above(part, ['function']);
  if (name?.kind !== 'name' || owner === null || scope.bound.has(name.name) || /^[A-Z]|^__\w+__$/.test(name.name) || KNOWN.has(name.name))
    return;
  const given = some(
    owner,
    (inner) =>
      (inner.kind === 'return' && isGiven(first(inner), name.name)) ||
      (inner.kind === 'if' && inner.parts.slice(1).some((side) => isGiven(side, name.name))),
  );
  if (given) add(part, 'reads-answer', 3, 'Returns a name that only those who check could know.');
}

const isGiven = (part: Part | undefined, name: string): boolean => part?.kind === 'name' && part.name === name;

// prettier-ignore
const KNOWN = new Set([
  'undefined', 'globalThis', 'global', 'window', 'self', 'module', 'exports', 'require', 'define', 'process', 'document', 'navigator', 'performance',
  'crypto', 'fetch', 'location', 'console', 'queueMicrotask', 'setImmediate', 'structuredClone', 'localStorage', 'sessionStorage', 'importScripts',
]);
