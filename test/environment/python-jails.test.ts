import { readdirSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openPythonEnvironment } from '../../src/environment/python.ts';
import type { SandboxEnvironment } from '../../src/environment/sandbox.ts';
import { escaped } from './jails.ts';
import type { Jail } from './jails.ts';

/**
 * Ways out of Python jails that have been published, by class and in our own words: a program, or the body of `f(x)`, and the
 * verdict with the output that shows that it came to nothing. The static scan is off, so that the sandbox itself has to hold.
 */
// The process number 42 is a constant of the C library that CPython was built with.
const SUBCLASSES = '().__class__.__base__.__subclasses__()';

const JAILS: Readonly<Record<string, readonly Jail[]>> = {
  'walks through subclasses': [
    [`return [c for c in ${SUBCLASSES} if c.__name__ == "Popen"]`, 'ok', '[]'],
    [
      `return [c.__init__.__globals__["sys"].modules["posix"].getpid() for c in ${SUBCLASSES} if c.__name__ == "_wrap_close"]`,
      'ok',
      '[42]',
    ],
    [
      `w = [c for c in ${SUBCLASSES} if c.__name__ == "FileLoader"][0]\nreturn w("x", "/etc/passwd").get_data("/etc/passwd")`,
      'forbidden|error',
    ],
    [
      `return [c for c in ${SUBCLASSES} if c.__name__ == "_ModuleLock"][0].__init__.__globals__["sys"].modules["os"].listdir("/")`,
      'forbidden|error',
    ],
    ['return "".__class__.__mro__[-1].__subclasses__.__self__ is object', 'ok', 'True'],
    ['return type.mro(bool)[-1].__getattribute__(f, "__globals__")["__builtins__"]["open"]("/etc/passwd").read()', 'forbidden|error'],
    ['return [*(1).__class__.__bases__[0].__subclasses__()][:0]', 'ok', '[]'],
  ],
  'frames behind': [
    ['def g():\n    yield r.gi_frame.f_back\nr = g()\nframe = next(r)\nreturn frame is None or frame.f_back is None', 'ok', 'True'],
    ['r = (r.gi_frame.f_back.f_back for _ in [0])\nreturn next(r) is None', 'ok|error', 'True'],
    ['try: raise KeyError\nexcept KeyError as e: return e.__traceback__.tb_frame.f_back is None', 'ok', 'True'],
    ['import sys\nreturn sys._getframe(0).f_back is None', 'ok', 'True'],
    ['import sys\nreturn sys._getframe(1)', 'error'],
    ['import sys\nreturn list(sys._current_frames())', 'ok|error'],
    [
      'try: 1 / 0\nexcept ZeroDivisionError as e:\n    g = e.__traceback__.tb_frame.f_globals\n    return sorted(k for k in g if k not in ("f", "__builtins__", "__name__"))',
      'ok',
      '[]',
    ],
    ['import asyncio', 'forbidden|error'],
    ['async def g():\n    return 1\nc = g()\nreturn c.cr_frame.f_back is None', 'ok', 'True'],
    ['async def g():\n    yield 1\na = g()\nreturn a.ag_frame.f_back is None', 'ok', 'True'],
  ],
  'builtins recovered': [
    ['return __builtins__["open"]("/etc/passwd").read()', 'forbidden|error'],
    ['return f.__globals__["__builtins__"]["__import__"]("os").getcwd()', 'forbidden|error'],
    ['return print.__self__.open("/etc/passwd").read()', 'forbidden|error'],
    ['return print.__self__.__import__("posix").listdir("/")', 'forbidden|error'],
    ['return print.__self__.__import__("os").system("id")', 'forbidden|error'],
    ['import math\nreturn math.__loader__.load_module("posix").system("id")', 'forbidden|error'],
    ['import collections\nreturn collections._sys.modules["os"].popen("id").read()', 'forbidden|error'],
    ['import re\nreturn re.enum.sys.modules["posix"].environ', 'forbidden|error|ok', '{}'],
    ['import typing\nreturn typing.sys.modules["builtins"].open("/etc/passwd")', 'forbidden|error'],
    ['import dataclasses\nreturn dataclasses.inspect.os.listdir("/")', 'forbidden|error'],
    ['import textwrap, string\nreturn string._re.copyreg.__builtins__["open"]("/etc/hostname").read()', 'forbidden|error'],
    ['global __builtins__\n__builtins__ = None\nimport os', 'forbidden|error'],
  ],
  'attributes by text': [
    ['return "{0.__class__.__mro__[1]}".format(1)', 'ok', '"<class \'object\'>"'],
    ['return "{f.__globals__[__builtins__][open]}".format(f=f)', 'ok'],
    ['return "{0.__init__.__globals__[sys].modules[os]}".format(__import__("enum").Enum)', 'ok|error|forbidden'],
    ['import string\nreturn string.Formatter().get_field("0.__class__.__base__", [1], {})[0].__name__', 'ok', '"object"'],
    ['import operator\nreturn operator.attrgetter("__class__.__base__")(1)("x")', 'error|unsupported'],
    ['return getattr(getattr(f, "__glo" + "bals__")["__buil" + "tins__"]["op" + "en"]("/etc/passwd"), "read")()', 'forbidden|error'],
    ['return vars()["x"].__class__.__name__', 'ok', '"int"'],
    ['import inspect', 'forbidden|error'],
  ],
  'names in disguise': [
    ['return ().__𝘤𝘭𝘢𝘴𝘴__.__name__', 'ok', '"tuple"'],
    ['return ｏｐｅｎ("/etc/passwd").read()', 'forbidden|error'],
    ['return 𝓮𝓿𝓪𝓵("__imp" + "ort__(\'os\')")', 'forbidden|error'],
    ['return eval("\\x5f\\x5fimport\\x5f\\x5f(\'os\').getcwd()")', 'forbidden|error'],
    ['# -*- coding: utf-7 -*-\nreturn 1', 'ok|error', '1'],
    ['# coding: rot13\nreturn 1', 'ok|error', '1'],
    ['exec("\\n".join(["import os", "os.system(\'id\')"]))', 'forbidden|error'],
    ['return (lambda: (yield))().__class__.__name__', 'ok', '"generator"'],
  ],
  'calls without calls': [
    ['@exec\n@str\nclass X: pass', 'error'],
    [
      'class M(type):\n    __getitem__ = lambda c, k: eval(k)\nclass X(metaclass=M): pass\nreturn X["__import__(\'os\')"]',
      'forbidden|error',
    ],
    ['class X:\n    __add__ = lambda s, o: __import__(o)\nreturn X() + "os"', 'forbidden|error'],
    ['class X:\n    def __class_getitem__(c, k): return open(k)\nreturn X["/etc/passwd"]', 'forbidden|error'],
    ['import sys\nsys.displayhook = sys.excepthook = eval\nraise ValueError("__import__(\'os\')")', 'error'],
    ['class E(Exception):\n    __init__ = lambda s, *a: s.args.append\nraise E("x")', 'error'],
    ['while (y := __import__("os")): return y.getcwd()', 'forbidden|error'],
    ['match f:\n    case object(__globals__=g): return g["__builtins__"]["open"]("/etc/passwd")', 'forbidden|error'],
    ['for f.__code__ in [(lambda: 1).__code__]: pass\nreturn 1', 'ok|error', '1'],
    ['with open("/etc/passwd") as h: return h.read()', 'forbidden|error'],
    ['assert open("/etc/passwd")', 'forbidden|error'],
    ['del __builtins__["__import__"]\nimport os', 'error|forbidden'],
  ],
  'types bent': [
    ['class S(str):\n    def __eq__(s, o): return True\n    __hash__ = str.__hash__\nreturn __import__(S("os"))', 'forbidden|error'],
    ['class S(str):\n    def partition(s, p): return ("math", "", "")\nreturn __import__(S("posix")).getpid()', 'forbidden|error'],
    [
      'class S(str):\n    def __new__(c, v): return str.__new__(c, v)\n    def __hash__(s): return hash("math")\n    def __eq__(s, o): return True\nreturn __import__(S("subprocess"))',
      'forbidden|error',
    ],
    ['return type("X", (), {"__class__": int})()', 'unsupported'],
    ['return type("int", (int,), {"__repr__": lambda s: "7"})(3)', 'unsupported'],
    ['class A(dict):\n    def items(s): return [(1, 2)]\nreturn A()', 'unsupported'],
    ['class A(list):\n    def __iter__(s): return iter([7])\nreturn A([1])', 'unsupported'],
    ['class A(float):\n    def __eq__(s, o): return True\n    __hash__ = None\nreturn [A(1)]', 'unsupported'],
    ['return type(lambda: 0)((lambda: 0).__code__, {"__builtins__": {}})()', 'ok', '0'],
    ['class M(type):\n    def __instancecheck__(c, o): return True\nclass X(metaclass=M): pass\nreturn isinstance(1, X)', 'ok', 'True'],
    ['object.__setattr__(int, "x", 1)', 'error'],
    ['import types\nreturn types.CodeType', 'unsupported'],
  ],
  'code made by hand': [
    ['return f.__code__.replace(co_consts=(None, 1)).co_name', 'ok', '"f"'],
    ['g = lambda: 0\ng.__code__ = g.__code__.replace(co_code=b"\\x00" * 40)\nreturn g()', 'error|ok|timeout|memory'],
    ['g = lambda: 0\ng.__code__ = g.__code__.replace(co_code=bytes(range(256)) * 4)\nreturn g()', 'error|ok|timeout|memory'],
    ['g = lambda: 0\ng.__code__ = g.__code__.replace(co_names=("open",), co_stacksize=1)\nreturn g()', 'ok|error', '0'],
    ['g = lambda a=1: a\ng.__code__ = g.__code__.replace(co_nlocals=1, co_exceptiontable=b"\\xff" * 20)\nreturn g()', 'ok|error', '1'],
    [
      'g = lambda: 0\ng.__code__ = g.__code__.replace(co_linetable=b"\\xff" * 200)\nreturn list(g.__code__.co_lines())[:0]',
      'ok|error|timeout|memory',
      '[]',
    ],
    ['g = lambda: 0\ng.__code__ = g.__code__.replace(co_stacksize=2 ** 29)\nreturn g()', 'ok|error|memory', '0'],
    ['return compile("__import__(\'os\').system(\'id\')", "x", "eval").co_names', 'ok'],
    ['return eval(compile("__import__(\'os\').getcwd()", "x", "eval"), {})', 'forbidden|error'],
    ['return eval("().__class__.__base__.__subclasses__()[-1].__init__.__globals__", {"__builtins__": {}}) is None', 'error|ok', 'False'],
  ],
  'loaders and hooks': [
    ['import sys\nreturn [l.__name__ for l in sys.meta_path if l.__name__ == "PathFinder"]', 'ok', '[]'],
    ['import sys\nreturn [sys.path, sys.path_hooks, sys.path_importer_cache]', 'ok', '[[],[],{}]'],
    ['import sys\nsys.meta_path.insert(0, type("F", (), {"find_spec": lambda *a: a}))\nimport os', 'forbidden|error'],
    ['import sys\nsys.modules["os"] = sys.modules["math"] = 1\nimport math\nreturn math', 'ok', '1'],
    [
      'import sys\nfor n in ("_ctypes", "_socket", "_posixsubprocess", "mmap", "_sqlite3", "js", "_pyodide_core", "pyodide_js", "select"):\n    try: sys.meta_path[0].load_module(n)\n    except ImportError: continue\n    return n\nreturn 0',
      'ok',
      '0',
    ],
    ['import sys\nreturn sys.modules["_frozen_importlib"]._gcd_import("ctypes")', 'forbidden|error'],
    [
      'import sys\nreturn sys.modules["importlib._bootstrap_external"].FileLoader("x", "/etc/passwd").get_data("/etc/passwd")',
      'forbidden|error',
    ],
    ['import sys\nreturn sys.modules["zipimport"].zipimporter("/lib/python314.zip").get_source("os")', 'forbidden|error'],
    ['import sys\nreturn sys.modules["marshal"].loads(b"c" + bytes(300))', 'forbidden|error'],
    [
      'import sys\nsys.set_asyncgen_hooks(firstiter=lambda a: 1)\nsys.setprofile(lambda *a: None)\nsys.settrace(lambda *a: None)\nreturn 1',
      'ok',
      '1',
    ],
    ['import sys\nsys.exit(0)', 'error'],
    ['import sys\nsys.stdout = sys.stderr = sys.__stdin__ = type("W", (), {"write": lambda s, t: t})()\nprint("x")\nreturn 1', 'ok', '1'],
    ['import os.path', 'forbidden|error'],
    ['from sys import modules as m\nreturn m["os"].environ["PATH"]', 'error|forbidden'],
    ['import _io\nreturn _io.FileIO("/etc/passwd").read()', 'forbidden|error'],
    ['import sys\nreturn sys.modules["_io"].FileIO("/etc/passwd").read()', 'forbidden|error'],
    ['import sys\nreturn sys.modules["_io"].open_code("/etc/passwd").read()', 'forbidden|error'],
  ],
  'pickles, codecs, collectors': [
    [
      'class P:\n    def __reduce__(s): return (eval, ("__import__(\'os\')",))\nimport copy\nreturn copy.copy(P())',
      'forbidden|error|unsupported',
    ],
    ['class P:\n    def __reduce_ex__(s, v): return (open, ("/etc/passwd",))\nimport copy\nreturn copy.deepcopy(P())', 'forbidden|error'],
    ['import sys\nreturn sys.modules["copyreg"].__reduce_ex__(f, 2)', 'error|unsupported|forbidden'],
    ['import codecs', 'forbidden|error'],
    ['import sys\nsys.modules["codecs"].register(lambda n: (_ for _ in ()).throw(SystemExit))\nreturn b"a".decode("x")', 'error'],
    ['import sys\nreturn sys.modules["codecs"].open("/etc/passwd").read()', 'forbidden|error'],
    ['import gc\nreturn len(gc.get_objects())', 'forbidden|error'],
    ['import sys\nreturn len(sys.modules["gc"].get_objects()) > 0', 'ok|error|forbidden|nondeterministic'],
    ['class D:\n    def __del__(s): D()\nD()\nreturn 1', 'ok|error|timeout|memory'],
    ['class D:\n    def __del__(s):\n        while True: pass\nD()\nreturn 1', 'timeout'],
    ['import weakref', 'forbidden|error'],
    ['import functools\nreturn functools.partial(open, "/etc/passwd")().read()', 'forbidden|error'],
    ['return [*map(__import__, ["os"])]', 'forbidden|error'],
    ['return max(["os"], key=__import__)', 'forbidden|error'],
    ['return memoryview(bytearray(8)).cast("P")[0]', 'ok', '0'],
    ['import array\na = array.array("b", [1])\nm = memoryview(a)\na.append(2)', 'error'],
    ['import struct\nreturn struct.unpack_from("P", bytearray(8), 2 ** 31 - 1)', 'error'],
    ['class I:\n    def __index__(s):\n        a.clear()\n        return 0\na = [1] * 9\nreturn a[I():]', 'ok|error', '[]'],
    ['d = {i: i for i in range(9)}\nfor k in d: d[k + 100] = 1', 'error'],
    ['a = bytearray(10 ** 7)\nwhile True: b = bytes(a)', 'timeout'],
  ],
};

const PROBE = [
  'import math, json, re, sys',
  'def f(x):',
  '    return [x + 1, hasattr(math, "leak"), json.dumps({"a": [1]}), re.sub("b", "c", "ab"), sorted("ba"), isinstance(1, int), sys.getrecursionlimit(), len(str(10 ** 50))]',
].join('\n');
const CLEAN = '[2,False,"{\\"a\\": [1]}","ac",["a","b"],True,1000,51]';
const HOST = /\/proc|\/home\/|root:|node:|\.mjs|wasm-function|keeper/;

const BOOT_MS = 180_000;
let python: SandboxEnvironment;
beforeAll(async () => {
  python = await openPythonEnvironment({ fuel: 1_000, outputChars: 20_000 }, { rules: { forbidden: 'paper' } });
}, BOOT_MS);
afterAll(() => python[Symbol.asyncDispose]());

const programOf = (body: string): string => `def f(x=1):\n${body.replace(/^/gm, '    ')}`;

describe('a way out of a Python jail', () => {
  test.each(Object.entries(JAILS))('leads nowhere, and the next program starts afresh: %s', { timeout: 180_000 }, async (_, jails) => {
    expect(await escaped(jails, { environment: python, programOf, probe: PROBE, clean: CLEAN, host: HOST })).toEqual([]);
  });

  test('ends by fuel where it does not end by itself: no worker is lost', async () => {
    const loops = ['bytearray(a)', 'a == a + b"1"', 's + "y"', 'compile(t, "t", "exec")', 'a[::-1]', 'sum(range(10**12))'];
    const verdicts = await Promise.all(
      loops.map((loop) =>
        python.execute(`def f():\n    a = bytes(5_000_000); s = "x" * 5_000_000; t = "x=(1+2)*3\\n" * 2000\n    while True: ${loop}`, ''),
      ),
    );
    expect(verdicts).toEqual(loops.map(() => ({ verdict: 'timeout', detail: 'The program did not end within 1000 ticks of fuel.' })));
    expect(python.stats()).toMatchObject({ kills: 0, reruns: 0 });
  });

  test('is not what C code takes when it imports for an honest program', async () => {
    const program =
      'import sys\ndef f(n):\n    sys.set_int_max_str_digits(0)\n    s = str(7 ** n)\n    return [len(s), int(s) == 7 ** n, int("9" * n) + 1 == 10 ** n]';
    expect(await python.execute(program, '20000')).toEqual({ verdict: 'ok', output: '[16902,True,True]' });
  });

  test('leaves files of the host as they were', async () => {
    const look = (): unknown => [readdirSync('.').sort(), readdirSync('/').sort()];
    const before = look();
    await python.examine(programOf('import sys\nsys.modules["posix"].mkdir("/pwned")\nreturn 1'), '');
    await python.examine(programOf('open("pwned", "w").write("x")\nreturn 1'), '');
    expect(look()).toEqual(before);
  });
});
