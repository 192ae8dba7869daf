import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openPythonEnvironment } from '../../src/environment/python.ts';
import type { SandboxEnvironment } from '../../src/environment/sandbox.ts';

/** Ways out of Python jails that others have published, told in our own words; each is the body of `f`. */
const ESCAPES: Readonly<Record<string, string>> = {
  'subclasses to a shell': `
for c in ().__class__.__base__.__subclasses__():
    g = getattr(getattr(c, '__init__', None), '__globals__', {})
    if 'sys' in g: return g['sys'].modules['os'].system('touch ' + MARK)`,
  'warnings to builtins': `
w = [c for c in ().__class__.__base__.__subclasses__() if c.__name__ == 'catch_warnings'][0]
return w()._module.__builtins__['__import__']('os').popen('touch ' + MARK).read()`,
  'loader of built-in modules': `
l = [c for c in object.__subclasses__() if c.__name__ == 'BuiltinImporter'][0]
return l.load_module('posix').open(MARK, 66)`,
  'raw _io': 'return [c for c in object.__subclasses__() if c.__name__ == "_IOBase"][0].__subclasses__()[0].__subclasses__()[0](MARK, "w")',
  'fork and exec': "import sys\np = sys.modules['posix']\nif p.fork() == 0: p.execv('/bin/touch', ['touch', MARK])\nreturn 0",
  spawn: "import sys\nreturn sys.modules['posix'].posix_spawn('/bin/touch', ['touch', MARK], {})",
  'subprocess behind the hook': "import sys\nsys.modules['_frozen_importlib'].__dict__['_gcd_import']('_posixsubprocess')",
  'frames by generator':
    'g = (g.gi_frame.f_back.f_back for _ in [1])\nfor frame in g: return frame.f_globals["__builtins__"]["open"](MARK, "w")',
  'frames by traceback': 'try: 1 / 0\nexcept Exception as e: return e.__traceback__.tb_frame.f_back.f_globals',
  'decorators instead of calls': 'exec("@exec\\n@input\\nclass X: pass")',
  breakpoint: 'breakpoint()',
  help: 'help()',
  'attribute by format': 'return "{0.__class__.__init__.__globals__}".format(__builtins__ if not isinstance(__builtins__, dict) else f)',
  'code from pieces': 'return eval("__imp" + "ort__(\'o" + "s\').sys" + "tem(\'touch " + MARK + "\')")',
  pickle: 'import pickle\nreturn pickle.loads(b"cposix\\nsystem\\n(S\'touch x\'\\ntR.")',
  marshal: "import sys\nm = sys.meta_path[0].load_module('marshal')\nreturn m.loads(b'\\xe3' + bytes(200))",
  'constants beyond their tuple': 'g = lambda: 0\ng.__code__ = g.__code__.replace(co_code=b"\\x52\\xff" * 40, co_consts=())\nreturn g()',
  'every opcode': `
import types
for op in range(256):
    try: types.FunctionType((lambda: 0).__code__.replace(co_code=bytes([128, 0, op, 3, 35, 0]), co_stacksize=50), {})()
    except Exception: pass
return 0`,
  'uaf by __index__':
    'class I:\n    def __index__(self):\n        b.clear()\n        return 5\nb = bytearray(99)\nb[I():I()] = b"x" * 5\nreturn len(b)',
  'repr that mutates':
    'class R:\n    def __repr__(self):\n        a.clear()\n        return "x"\na = [R() for _ in range(9)]\nreturn repr(a)',
  'sort that mutates': 'a = [3, 1, 2]\nreturn sorted(a, key=lambda v: a.clear() or v)',
  'deep type chain': 't = int\nfor _ in range(300): t = type("T", (t,), {})\nreturn t(3) + 0',
  setrecursionlimit:
    'import sys\nsys.setrecursionlimit(2**31 - 1)\nclass A:\n    def __getattr__(self, name): return getattr(self, name + "a")\nreturn A().x',
  'trace function': "import sys\nsys.settrace(lambda *a: sys.modules['os'].system('touch ' + MARK))\nreturn (lambda: 1)()",
  'audit hook': "import sys\nsys.addaudithook(lambda *a: None)\nsys.audit('x')\nreturn 1",
  finalisers: "import sys\nclass D:\n    def __del__(self, s=sys): s.modules['os'].system('touch ' + MARK)\nD()\nreturn 1",
  'at exit':
    "import sys\na = sys.meta_path[0].load_module('atexit')\na.register(lambda: sys.modules['os'].system('touch ' + MARK))\na._run_exitfuncs()\nreturn 1",
  threads: "import sys\nsys.modules['_thread'].start_new_thread(lambda: 1, ())\nreturn 1",
  signals: "import sys\nsys.modules['posix'].kill(1, 9)\nreturn 1",
  environment: "import sys\nreturn dict(sys.modules['os'].environ)",
  'other interpreter': "import sys\nreturn sys.meta_path[0].load_module('_interpreters').create()",
  JavaScript: "import sys\nfor name in ('js', 'pyodide_js', '_pyodide_core', 'pyodide.code'): sys.meta_path[0].load_module(name)",
  sqlite: "import sys\nreturn sys.meta_path[0].load_module('_sqlite3')",
  'raw memory': "import sys\nreturn sys.meta_path[0].load_module('_ctypes')",
  sockets: "import sys\nreturn sys.meta_path[0].load_module('_socket').socket()",
  'closing what is not open':
    "import sys\nfor fd in range(20):\n    try: sys.modules['posix'].close(fd)\n    except OSError: pass\nreturn 1",
  dlopen: "import sys\nreturn sys.meta_path[0].load_module('_imp').create_dynamic(type('S', (), {'name': 'x', 'origin': MARK}))",
  abort: "import sys\nsys.modules['posix'].abort()",
  _exit: "import sys\nsys.modules['posix']._exit(0)",
};

const BOOT_MS = 180_000;
let python: SandboxEnvironment;
let folder: string;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'kelvin-escapes-'));
  // Without the scan, which would name most of them at once.
  python = await openPythonEnvironment({ fuel: 1_000 }, { rules: { forbidden: 'paper' } });
}, BOOT_MS);
afterAll(async () => {
  await python[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true, force: true });
});

const children = (): string[] =>
  process.platform === 'linux' && existsSync('/bin/ps')
    ? execFileSync('/bin/ps', ['-o', 'comm=', '--ppid', String(process.pid)], { encoding: 'utf8' })
        .trim()
        .split('\n')
        .sort()
    : [];

describe('a published escape', () => {
  test.each(Object.entries(ESCAPES))('leaves nothing on the host: %s', { timeout: 60_000 }, async (name, body) => {
    const mark = join(folder, name.replaceAll(' ', '-'));
    const indented = body.trim().replace(/^/gm, '    ');
    const before = children();
    const [, next] = await Promise.all([
      python.execute(`MARK = ${JSON.stringify(mark)}\ndef f(x):\n${indented}`, '1'),
      python.execute('def f(x):\n    return [x, sorted("ba"), {1: len([2])}]', '41'),
    ]);
    expect(next).toEqual({ verdict: 'ok', output: '[41,["a","b"],{1:1}]' });
    expect(readdirSync(folder)).toEqual([]);
    expect(children()).toEqual(before);
  });

  test('that asks the host for anything is forbidden, whatever became of its error', async () => {
    const asking = [
      "m['os'].listdir('/')",
      "m['posix'].open('/etc/passwd', 0)",
      "m['os'].system('id')",
      "m['os'].mkdir('/x')",
      "m['os'].urandom(1)",
    ];
    const verdicts = asking.map((call) =>
      python.execute(
        `import sys\ndef f(x):\n    m = sys.modules\n    try:\n        ${call}\n    except BaseException: pass\n    return x`,
        '1',
      ),
    );
    expect((await Promise.all(verdicts)).map(({ verdict }) => verdict)).toEqual(asking.map(() => 'forbidden'));
  });

  test('costs no worker', () => {
    expect(python.stats()).toMatchObject({ kills: 0, reruns: 0, recycles: 0 });
  });
});
