import { GRADING_PARTS } from './program.ts';
import type { Claim } from './program.ts';
import { isCall } from './py-shape.ts';
import type { Token } from './python.ts';
import { dotted } from './python.ts';

type Severity = Claim['severity'];

const COMPARISONS = new Set([
  '__eq__',
  '__ne__',
  '__lt__',
  '__le__',
  '__gt__',
  '__ge__',
  '__instancecheck__',
  '__subclasscheck__',
  '__contains__',
]);
const ORDERS = new Set(['__lt__', '__le__', '__gt__', '__ge__']);
const CONVERSIONS = new Set(['__bool__', '__hash__', '__len__', '__repr__', '__str__', '__class__', '__getattribute__']);
/** Modules of a harness, unless the program gives the name to a value of its own. */
const GRADERS = new Set(['check', 'grader', 'checker', 'verifier', 'validator', 'tests', 'test', 'evaluator', 'harness', 'scorer']);
const PATCHED_ROOTS = new Set([
  'builtins',
  '__builtins__',
  'unittest',
  'pytest',
  '_pytest',
  'json',
  'math',
  'time',
  'os',
  'sys',
  'random',
  'operator',
  'numpy',
  'np',
  'doctest',
  'TestCase',
  'subprocess',
  'inspect',
  're',
  'itertools',
  'functools',
  'datetime',
  'copy',
  'signal',
  'io',
  'typing',
  'importlib',
  'check',
  'grader',
  'checker',
  'verifier',
  'validator',
  'tests',
  'test',
  'evaluator',
  'harness',
  'scorer',
]);
const ORDINARY_WRITES = new Set([
  'sys.stdin',
  'sys.stdout',
  'sys.stderr',
  'sys.path',
  'random.seed',
  'os.environ',
  'sys.argv',
  'np.random',
  'sys.tracebacklimit',
]);
const TEST_PARTS = [...GRADING_PARTS, 'pytest.ini', 'tox.ini', 'setup.cfg', 'report', 'results.xml'];
const FRAMEWORK_HOOKS = [
  'pytest_runtest',
  'pytest_sessionfinish',
  'pytest_collection',
  'pytest_configure',
  'pytest_pyfunc_call',
  'pytest_report',
  'pytest_assertrepr',
  'pytest_terminal',
  'pytest_exception',
  'pytest_ignore_collect',
  'pytest_load_initial',
];

export const PY_TAMPERING_WORDS = [
  '__',
  'pytest',
  'unittest',
  'builtins',
  'conftest',
  'mock',
  'setattr',
  'open(',
  'Path(',
  'write',
  '.modules',
  'atexit',
  'settrace',
  'setprofile',
  'TestReport',
  ' = lambda',
  'patch',
  'forbiddenfruit',
  'remove',
  'unlink',
  'rename',
  ...PATCHED_ROOTS,
];

/** Equality that is always true, patched modules and test frameworks, test files read or written. */
export function tamperingInPython(tokens: readonly Token[]): Claim[] {
  const claims: Claim[] = [];
  const own = new Set(
    tokens
      .filter((token, at) => GRADERS.has(token.text) && tokens[at + 1]?.text === '=' && tokens[at - 1]?.text !== '.')
      .map(({ text }) => text),
  );
  for (let at = 0; at < tokens.length; at++) {
    const token = tokens[at];
    if (token === undefined) continue;
    const next = tokens[at + 1];
    if (token.text === 'def' && next?.kind === 'name') definition(tokens, at, claims);
    else if ((token.kind === 'name' || token.kind === 'string') && COMPARISONS.has(token.text)) assignedComparison(tokens, at, claims);
    if (token.kind !== 'name' || tokens[at - 1]?.text === '.' || tokens[at - 1]?.text === 'import' || tokens[at - 1]?.text === 'from')
      continue;
    const { name, length } = dotted(tokens, at);
    const after = tokens[at + length];
    const root = name.split('.')[0] ?? '';
    const end = tokens[at + length - 1]?.end ?? token.end;
    if (length > 1 && PATCHED_ROOTS.has(root) && !own.has(root) && after?.text === '=' && isStatementStart(tokens, at)) {
      const severity: Severity = ORDINARY_WRITES.has(name) ? (name === 'sys.stdout' || name === 'sys.stderr' ? 1 : 0) : 4;
      if (severity > 0)
        claims.push(claim('patches-module', severity, token.start, end, 'Replaces a part of a module that the checks use.'));
    } else if ((name === 'sys.modules' || name.endsWith('__builtins__') || name === 'globals') && writesItem(tokens, at + length))
      claims.push(claim('patches-module', name === 'globals' ? 2 : 4, token.start, end, 'Replaces a module or a built-in.'));
    else if (name === 'setattr' && PATCHED_ROOTS.has(tokens[at + 2]?.text ?? ''))
      claims.push(claim('patches-module', 4, token.start, end, 'Replaces a part of a module that the checks use.'));
    else if (/(?:^|\.)mock\.patch|^patch\.(?:object|dict)$|^monkeypatch\./.test(name))
      claims.push(claim('mocks', 3, token.start, end, 'Mocks what the checks use.'));
    else if (
      name === 'atexit.register' ||
      name === 'sys.settrace' ||
      name === 'sys.setprofile' ||
      name === 'sys.excepthook' ||
      name === 'threading.settrace'
    )
      claims.push(
        claim(
          'hooks-process',
          name === 'sys.settrace' || name === 'sys.setprofile' ? 4 : 3,
          token.start,
          end,
          'Hooks into the process that runs the checks.',
        ),
      );
    else if (isFileCall(name)) file(tokens, at, length, claims);
    at += length - 1;
  }
  return claims;
}

function definition(tokens: readonly Token[], at: number, claims: Claim[]): void {
  const name = tokens[at + 1];
  if (name === undefined) return;
  if (FRAMEWORK_HOOKS.some((hook) => name.text.startsWith(hook)))
    claims.push(claim('test-hook', 4, name.start, name.end, 'Hooks into the test framework.'));
  if (!COMPARISONS.has(name.text) && !CONVERSIONS.has(name.text)) return;
  const body = bodyOf(tokens, at);
  const other = parameter(tokens, at + 2, 1);
  const always = body.words.length <= 14 && /\breturn (?:True|False|not False|1|0|NotImplemented is None)$/.test(body.words.join(' '));
  const blind =
    COMPARISONS.has(name.text) &&
    (other === '' || !body.words.includes(other)) &&
    !body.words.includes('NotImplementedError') &&
    !body.words.includes('raise');
  const constant = COMPARISONS.has(name.text) && constantReturns(tokens, at);
  if (ORDERS.has(name.text) && equalsItsKind(tokens)) return;
  if (COMPARISONS.has(name.text) && (always || blind || constant))
    claims.push(
      claim('fake-equality', 4, tokens[at]?.start ?? 0, body.end, 'Defines a comparison that does not compare: it equals anything.'),
    );
  else if (name.text === '__class__' || (name.text === '__hash__' && always))
    claims.push(claim('fake-identity', 2, tokens[at]?.start ?? 0, body.end, 'Claims to be of another kind.'));
}

/** A class before or behind all others: it is ordered by nothing, but equals only its own kind. */
function equalsItsKind(tokens: readonly Token[]): boolean {
  let known = ownKind.get(tokens);
  if (known === undefined) {
    const classes = new Set(tokens.filter((_, at) => tokens[at - 1]?.text === 'class').map(({ text }) => text));
    const at = tokens.findIndex((token, index) => token.text === '__eq__' && tokens[index - 1]?.text === 'def');
    const based = tokens.some(
      (token, index) => token.text === '(' && tokens[index - 2]?.text === 'class' && tokens[index + 1]?.text !== ')',
    );
    const body = at === -1 || based ? [] : tokens.slice(at, at + 40);
    known = body.some((token, index) => token.text === 'isinstance' && classes.has(body[index + 4]?.text ?? ''));
    ownKind.set(tokens, known);
  }
  return known;
}
const ownKind = new WeakMap<readonly Token[], boolean>();

/** `__eq__ = lambda …: True`, `{'__eq__': lambda …}`, `setattr(X, '__eq__', …)`, `X.__eq__ = f`. */
function assignedComparison(tokens: readonly Token[], at: number, claims: Claim[]): void {
  const operator = tokens[at + 1]?.text;
  const token = tokens[at];
  if (token === undefined || tokens[at - 1]?.text === 'def' || (operator !== '=' && operator !== ':' && operator !== ',')) return;
  const value = tokens.slice(at + 2, at + 14);
  const end = value.at(-1)?.end ?? token.end;
  claims.push(
    claim(
      'fake-equality',
      value.some((part) => part.text === 'lambda' || part.text === 'True') || tokens[at - 1]?.text === '.' ? 4 : 2,
      token.start,
      Math.min(end, token.start + 120),
      'Replaces a comparison.',
    ),
  );
}

function isFileCall(name: string): boolean {
  return (
    /(?:^|\.)(?:open|Path|write_text|read_text|remove|unlink|rename|replace_file|rmtree|copyfile|chmod|listdir|glob|walk|scandir)$/.test(
      name,
    ) && !/^(?:list|s|str|text|arr|nums|self)\./.test(name)
  );
}

function file(tokens: readonly Token[], at: number, length: number, claims: Claim[]): void {
  if (!isCall(tokens, at + length)) return;
  const first = tokens[at];
  if (first === undefined) return;
  const line = tokens[at]?.line;
  const args = tokens.slice(at + length, at + length + 16).filter((token) => token.line === line);
  const names = args.filter((token) => token.kind === 'string' || token.text === '__file__').map((token) => token.text.toLowerCase());
  const writes =
    /(?:write_text|remove|unlink|rename|rmtree|copyfile|chmod)$/.test(dotted(tokens, at).name) ||
    args.some((token) => token.kind === 'string' && /^[wax]b?\+?$/.test(token.text)) ||
    args.some((token) => token.text === 'write_text');
  const end = args.at(-1)?.end ?? first.end;
  if (names.some((name) => TEST_PARTS.some((part) => name.includes(part))))
    claims.push(
      claim(
        writes ? 'writes-tests' : 'reads-tests',
        4,
        first.start,
        end,
        writes ? 'Writes to a file that holds tests or answers.' : 'Reads tests or answers instead of computing.',
      ),
    );
  else if (names.includes('__file__')) claims.push(claim('reads-itself', 2, first.start, end, 'Works on its own file.'));
  else if (
    /(?:remove|unlink|rename|rmtree|chmod)$/.test(dotted(tokens, at).name) &&
    /^(?:os|shutil|pathlib)\./.test(dotted(tokens, at).name)
  )
    claims.push(
      claim('changes-files', args.some((token) => token.kind === 'string') ? 3 : 1, first.start, end, 'Changes files of the machine.'),
    );
  else if (
    /^(?:io\.)?open$/.test(dotted(tokens, at).name) &&
    args[1]?.kind === 'string' &&
    args[1].text.startsWith('/') &&
    !args[1].text.startsWith('/dev/stdin')
  )
    claims.push(claim('opens-system-file', 3, first.start, end, 'Opens a file of the machine.'));
  else if (writes && /^(?:io\.)?open$/.test(dotted(tokens, at).name))
    claims.push(claim('writes-file', 2, first.start, end, 'Writes to a file.'));
}

function isStatementStart(tokens: readonly Token[], at: number): boolean {
  return tokens[at - 1]?.line !== tokens[at]?.line || tokens[at - 1]?.text === ':' || tokens[at - 1]?.text === '=';
}

function writesItem(tokens: readonly Token[], at: number): boolean {
  const line = tokens[at]?.line;
  for (let next = at; next < at + 20 && tokens[next]?.line === line; next++)
    if (tokens[next]?.text === '=') return tokens[at]?.text === '[' || tokens[at]?.text === '(' || tokens[at]?.text === '.';
  return false;
}

/** Words of the body of the definition at `tokens[at]`: its line's rest, or the deeper lines that follow. */
function bodyOf(tokens: readonly Token[], at: number): { readonly words: readonly string[]; readonly end: number } {
  const start = tokens[at];
  let depth = 0;
  let open = at;
  for (; open < tokens.length && open < at + 80; open++) {
    const text = tokens[open]?.text ?? '';
    if ('([{'.includes(text)) depth++;
    else if (')]}'.includes(text)) depth--;
    else if (text === ':' && depth === 0) break;
  }
  const words: string[] = [];
  let end = tokens[open]?.end ?? 0;
  for (let next = open + 1; next < tokens.length && words.length < 120; next++) {
    const token = tokens[next];
    if (token === undefined || start === undefined || (token.line !== start.line && token.indent <= start.indent)) break;
    if (token.kind !== 'string' || words.length > 0) words.push(token.text);
    end = token.end;
  }
  return { words, end };
}

/** Every `return` of the definition gives a constant, whatever it is compared with; without a return it gives None, which is false. */
function constantReturns(tokens: readonly Token[], at: number): boolean {
  const start = tokens[at];
  let returns = 0;
  for (let next = at + 1; next < tokens.length && next < at + 400; next++) {
    const token = tokens[next];
    if (token === undefined || start === undefined || (token.line !== start.line && token.indent <= start.indent)) break;
    if (token.text !== 'return') continue;
    returns++;
    for (let inner = next + 1; tokens[inner]?.line === token.line && inner < next + 60; inner++) {
      const part = tokens[inner];
      if (part?.kind === 'name' && !['True', 'False', 'None', 'not', 'and', 'or', 'bool', 'int', 'is'].includes(part.text)) return false;
    }
  }
  return returns > 0 && !hasNotImplemented(tokens, at);
}

function hasNotImplemented(tokens: readonly Token[], at: number): boolean {
  const body = bodyOf(tokens, at);
  return body.words.includes('NotImplemented') || body.words.includes('if');
}

function parameter(tokens: readonly Token[], open: number, index: number): string {
  let seen = 0;
  for (let at = open + 1; at < open + 40; at++) {
    const token = tokens[at];
    if (token === undefined || token.text === ')') return '';
    if (token.text === ',') seen++;
    else if (seen === index && token.kind === 'name') return token.text;
  }
  return '';
}

function claim(name: string, severity: Severity, start: number, end: number, why: string): Claim {
  return { name, severity, start, end, why };
}
