import type { Claim } from './program.ts';
import type { Token } from './python.ts';
import { dotted } from './python.ts';

const MODULES: Readonly<Record<string, Claim['severity']>> = {
  subprocess: 4,
  socket: 4,
  ctypes: 4,
  urllib: 4,
  requests: 4,
  http: 3,
  ftplib: 4,
  telnetlib: 4,
  paramiko: 4,
  pty: 4,
  multiprocessing: 2,
  gc: 1,
  inspect: 0,
  importlib: 2,
  pickle: 1,
  marshal: 3,
  code: 2,
  _thread: 2,
  resource: 2,
  shutil: 2,
  tempfile: 1,
  webbrowser: 4,
  smtplib: 4,
  winreg: 4,
  mmap: 2,
  fcntl: 2,
  asyncio: 0,
  js: 4,
  pyodide: 4,
};
const CALLS: Readonly<Record<string, Claim['severity']>> = {
  'os.system': 4,
  'os.popen': 4,
  'os.fork': 4,
  'os.spawnl': 4,
  'os.spawnv': 4,
  'os.setuid': 4,
  'os.execl': 4,
  'os.execv': 4,
  'sys._getframe': 4,
  'gc.get_objects': 4,
  'gc.get_referrers': 4,
  'inspect.stack': 4,
  'inspect.currentframe': 4,
  'inspect.getsource': 3,
  'inspect.getouterframes': 4,
  __import__: 3,
  exec: 2,
  'importlib.import_module': 3,
  'importlib.reload': 3,
  'os.environ': 2,
  'os.getenv': 2,
  'traceback.extract_stack': 3,
  'traceback.walk_stack': 4,
  'os.getppid': 3,
  'sys.modules': 3,
};
const REFLECTION = new Set([
  '__subclasses__',
  '__globals__',
  '__mro__',
  '__bases__',
  '__base__',
  '__code__',
  '__closure__',
  'f_back',
  'f_globals',
  'f_locals',
  'tb_frame',
  'gi_frame',
  'cr_frame',
  '__builtins__',
  '__loader__',
  '__spec__',
  '__getattribute__',
  '__reduce__',
  'co_consts',
  'func_globals',
  '__self__',
  '__traceback__',
]);
const TELLING = new Set(['os', 'subprocess', 'socket', 'ctypes', 'sys', 'posix', 'builtins']);

export const PY_ESCAPE_WORDS = [
  ...Object.keys(MODULES),
  'os.',
  'sys._',
  '__',
  'f_back',
  'f_globals',
  'f_locals',
  '_frame',
  'exec(',
  'getattr',
  'traceback',
  'environ',
  'PYTEST',
  'argv',
];

/** Ways out of the program: other processes, the network, frames of the caller, the class hierarchy, hidden imports. */
export function escapesInPython(tokens: readonly Token[]): Claim[] {
  const claims: Claim[] = [];
  const classes = new Set(tokens.filter((token, at) => token.kind === 'name' && tokens[at - 1]?.text === 'class').map(({ text }) => text));
  const push = (name: string, severity: Claim['severity'], from: Token, end: number, why: string): void => {
    if (severity > 0) claims.push({ name, severity, start: from.start, end, why });
  };
  for (let at = 0; at < tokens.length; at++) {
    const token = tokens[at];
    if (token === undefined) continue;
    if (token.kind === 'string') {
      if (token.text.startsWith('PYTEST_') || token.text === 'pytest' || token.text === 'unittest')
        push('probe-tests', 3, token, token.end, 'Asks whether it runs under tests.');
      else if (
        /__(?:class|mro|globals|subclasses|builtins|base|init|code)__|__(?:class|mro|globals|subclasses)/.test(token.text) &&
        token.text.length < 200 &&
        !/\s/.test(token.text)
      )
        push('reflection', 4, token, token.end, 'Reaches through the object system for what is outside.');
      else if (/^_{1,2}$/.test(token.text) && tokens[at + 1]?.text === '+' && tokens[at + 2]?.kind === 'string')
        push('hidden-name', 3, token, tokens[at + 2]?.end ?? token.end, 'Puts a telling name together from pieces.');
      else if (REFLECTION.has(token.text) && token.text !== '__builtins__')
        push('reflection', 4, token, token.end, 'Reaches through the object system for what is outside.');
      continue;
    }
    if (token.kind !== 'name') continue;
    if (token.text === 'import' || token.text === 'from') {
      imports(tokens, at, push);
      continue;
    }
    if (token.text === '__class__' && tokens[at - 1]?.text === '.' && tokens[at - 2]?.text !== 'self' && tokens[at - 2]?.kind !== 'name')
      push('reflection', 3, token, token.end, 'Reaches through the object system for what is outside.');
    if (REFLECTION.has(token.text) && (tokens[at - 1]?.text === '.' || token.text === '__builtins__' || token.text === '__loader__')) {
      push('reflection', reflects(tokens, at, classes), token, token.end, 'Reaches through the object system for what is outside.');
      continue;
    }
    if (tokens[at - 1]?.text === '.' || tokens[at - 1]?.text === 'def') continue;
    const { name, length } = dotted(tokens, at);
    const severity =
      known(name) ??
      known(name.split('.').slice(0, 2).join('.')) ??
      (name.startsWith('subprocess.') ? 4 : name.startsWith('socket.') ? 4 : 0);
    const end = tokens[at + length - 1]?.end ?? token.end;
    const telling = (name === '__import__' || name === 'importlib.import_module') && TELLING.has(tokens[at + length + 1]?.text ?? '');
    if (severity > 0) push('host-call', telling ? 4 : severity, token, end, 'Calls something that reaches outside the program.');
    else if (name === 'getattr' && tokens[at + 1]?.text === '(' && hasGlue(tokens, at))
      push('hidden-name', 3, token, end, 'Puts a telling name together from pieces.');
  }
  return claims;
}

const HIERARCHY = new Set(['__subclasses__', '__mro__', '__bases__', '__base__']);
const BUILTIN_TYPES = new Set([
  'object',
  'type',
  'int',
  'str',
  'list',
  'dict',
  'tuple',
  'set',
  'bytes',
  'float',
  'bool',
  'BaseException',
  'Exception',
]);
const BUILTIN_CALLS = /^(?:print|len|sum|sorted|max|min|abs|open|input|repr|range|id|hash|iter|next|map|any|all|eval|exec|getattr)$/;

/** How grave a step through the object system is: asking a class of the program for its subclasses or bases is ordinary. */
function reflects(tokens: readonly Token[], at: number, classes: ReadonlySet<string>): Claim['severity'] {
  const name = tokens[at]?.text ?? '';
  const before =
    tokens[at - 1]?.text === '.' && tokens[at - 3]?.text !== '.' && tokens[at - 2]?.kind === 'name' ? (tokens[at - 2]?.text ?? '') : '';
  const written = ['=', '+='].includes(tokens[at + 1]?.text ?? '');
  if (HIERARCHY.has(name)) {
    if (before !== '' && (before === 'cls' || classes.has(before))) return 0;
    if (before !== '' && !BUILTIN_TYPES.has(before)) return 1;
    return name === '__bases__' ? 3 : 4;
  }
  if (name === '__self__') return before === '' || BUILTIN_CALLS.test(before) ? 4 : 1;
  if (name === '__code__')
    return !written && /^co_(?:argcount|varnames|name|filename|firstlineno|flags|kwonlyargcount)$/.test(tokens[at + 2]?.text ?? '') ? 1 : 3;
  if (name === '__traceback__') return tokens[at + 1]?.text === '.' ? 4 : 1;
  if (name === '__reduce__' || name === '__getattribute__') return before === 'object' || tokens[at - 2]?.text === ')' ? 1 : 3;
  return name === '__closure__' ? 3 : 4;
}

function known(name: string): Claim['severity'] | undefined {
  return Object.hasOwn(CALLS, name) ? CALLS[name] : undefined;
}

type Push = (name: string, severity: Claim['severity'], from: Token, end: number, why: string) => void;

function imports(tokens: readonly Token[], at: number, push: Push): void {
  const first = tokens[at];
  if (first === undefined) return;
  for (let next = at + 1; next < at + 40 && tokens[next]?.line === first.line; next++) {
    const token = tokens[next];
    if (token === undefined || token.text === 'import') break;
    if (token.kind !== 'name' || tokens[next - 1]?.text === '.' || tokens[next - 1]?.text === 'as') continue;
    const severity = Object.hasOwn(MODULES, token.text) ? (MODULES[token.text] ?? 0) : 0;
    push('host-module', severity, first, token.end, 'Imports a module that reaches outside the program.');
  }
}

/** A `+` between two strings, or reversed, within the arguments. */
function hasGlue(tokens: readonly Token[], at: number): boolean {
  const line = tokens[at]?.line;
  for (let next = at; next < at + 24 && tokens[next]?.line === line; next++)
    if (tokens[next]?.text === '+' && tokens[next - 1]?.kind === 'string' && tokens[next + 1]?.kind === 'string') return true;
  return false;
}
