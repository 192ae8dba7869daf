import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { chatDialect } from '../../src/core/prompts/chat.ts';
import { openPythonEnvironment } from '../../src/environment/python.ts';
import { encodeValue } from '../../src/environment/python/value.ts';
import type { Execution } from '../../src/environment/port.ts';
import type { SandboxEnvironment } from '../../src/environment/sandbox.ts';
import { verifyAnswer } from '../../src/environment/verify.ts';
import { anyPythonValue } from './python-values.ts';

/** The first start on a machine boots Python, on a crowded one slowly. */
const BOOT_MS = 180_000;
const RUN_MS = 60_000;
let python: SandboxEnvironment;
beforeAll(async () => {
  // Without the scan: what programs do here, the interpreter itself must hold.
  python = await openPythonEnvironment({ outputChars: 20_000, fuel: 800 }, { rules: { forbidden: 'paper' } });
}, BOOT_MS);
afterAll(() => python[Symbol.asyncDispose]());

const f = (body: string, head = ''): string => `${head}def f(*a):\n${body.replace(/^/gm, '    ')}`;
const run = (body: string, input = '', head = ''): Promise<Execution> => python.execute(f(body, head), input);
const output = async (body: string, input = '', head = ''): Promise<string> => {
  const execution = await run(body, input, head);
  return execution.verdict === 'ok' ? execution.output : `${execution.verdict}: ${execution.detail}`;
};

describe('values', () => {
  test('cross into the interpreter and back as they are', { timeout: RUN_MS }, async () => {
    const values = fc.sample(anyPythonValue, { numRuns: 400, seed: 7 }).map((value) => encodeValue(value));
    const returned = await Promise.all(values.map((text) => output('return a[0]', text)));
    expect(returned).toEqual(values);
  });

  test('are written as Python has them', { timeout: RUN_MS }, async () => {
    const cases: readonly (readonly [string, string])[] = [
      ['return 10**30, -0.0, 1e16, True, None, 1j', '(1000000000000000000000000000000,-0.0,1e+16,True,None,complex(0.0,1.0))'],
      ['return float("nan"), float("-inf")', '(nan,-inf)'],
      ['return {"b": 1, "a": {3, 20, 1}, (1,): b"\\x00"}', '{"a":{1,20,3},"b":1,(1,):b"\\x00"}'],
      ['return "\\ud800é\\n"', '"\\ud800é\\n"'],
      [
        'import collections\nreturn collections.Counter("aab"), collections.deque([1]), {1: 2}.items(), range(2)',
        '({"a":2,"b":1},[1],[(1,2)],[0,1])',
      ],
    ];
    for (const [body, text] of cases) expect(await output(body)).toBe(text);
  });

  test.each([
    ['object()', /not plain data/],
    ['lambda: 1', /not plain data/],
    ['1 << 10**8', /longer than/],
    ['type("I", (int,), {})(3)', /not plain data/],
    ['(i for i in [])', /not plain data/],
    ['(lambda x: (x.append(x), x)[1])([])', /contains itself/],
    ['[0] * 200000', /parts/],
    ['"a" * 30000', /longer than 20000/],
    ['1 << 10**6', /longer than 20000/],
    ['__import__("functools").reduce(lambda x, _: [x], range(150), 0)', /deep/],
    ['(lambda: 0).__code__', /no data/],
  ])('%s has no canonical form', async (expression, reason) => {
    expect(await output(`return ${expression}`)).toMatch(new RegExp(`unsupported: .*${reason.source}`));
  });
});

describe('verdicts', () => {
  test.each([
    ['timeout', 'while True: pass'],
    ['timeout', 'return sum(range(10**12))'],
    ['timeout', 'import itertools\nreturn any(itertools.repeat(0))'],
    ['timeout', 'import re\nreturn re.match("(a+)+$", "a" * 40 + "b")'],
    ['timeout', 'return 9**9**9 > 1'],
    ['timeout', 'while True:\n    try:\n        while True: pass\n    except BaseException: pass'],
    ['memory', 's = "a"\nwhile True: s += s'],
    ['memory', 'return len("a" * 10**10)'],
    ['memory', 'return 1 << 10**10 > 0'],
    ['memory', 'x = []\nwhile True: x.append(bytes(10**6))'],
    ['error', 'return f()'],
    ['error', 'raise SystemExit(3)'],
    ['error', 'return 1 / 0'],
    ['error', 'g = lambda: 0\ng.__code__ = g.__code__.replace(co_code=b"\\x53\\xff" * 50)\nreturn g()'],
    ['error', 'import sys\nsys.modules["os"].abort()'],
    ['forbidden', 'import os'],
    ['forbidden', 'import sys\nreturn sys.modules["os"].urandom(4)'],
    ['forbidden', 'import sys\nreturn sys.modules["os"].system("id")'],
    ['forbidden', 'import sys\nreturn sys.modules["os"].listdir("/")'],
    ['forbidden', 'return open("/etc/passwd").read()'],
    ['forbidden', 'import sys\nreturn sys.meta_path[0].load_module("time").time()'],
    ['ok', 'x = None\nfor i in range(100_000): x = (x,)\nreturn 1'],
    ['ok', 'class A:\n    def __del__(self):\n        raise ValueError\nA()\nreturn 1'],
    ['ok', 'print("x")\nreturn 1'],
  ])('%s: %j, and the next program is right', { timeout: RUN_MS }, async (verdict, body) => {
    const [hostile, next] = await Promise.all([run(body), output('return [a[0] + 1, sorted("ba"), repr({1: 2})]', '41')]);
    expect(hostile.verdict).toBe(verdict);
    expect(next).toBe('[42,["a","b"],"{1: 2}"]');
  });

  test('a program that is no Python, or has no f, is an error', async () => {
    const details = await Promise.all(
      ['def f(:', 'def f(x):\n\tif x:\n        return 1', 'f = 3', 'x = 1', `x = ${'-'.repeat(20_000)}1\n`].map((program) =>
        python.execute(program.slice(0, 8_000), ''),
      ),
    );
    expect(details.map(({ verdict }) => verdict)).toEqual(Array(5).fill('error'));
  });

  test('an error of any size is told in a short sentence', async () => {
    for (const body of [
      'raise ValueError("x" * 10**7)',
      'raise type("E" * 10**7, (Exception,), {})("x")',
      'raise ValueError("\\ud800" * 400)',
    ]) {
      const told = await output(body);
      expect(told).toMatch(/^error: The program failed: /);
      expect(told.length).toBeLessThan(400);
    }
  });

  test('built-in modules that reach out are not there', async () => {
    const names = ['_ctypes', '_socket', '_posixsubprocess', 'mmap', 'fcntl', '_pyodide_core', 'js', 'pyodide_js', 'select', '_testcapi'];
    const load = `import sys\nfound = []\nfor name in ${JSON.stringify(names)}:\n    try:\n        found.append(sys.meta_path[0].load_module(name))\n    except ImportError: pass\nreturn len(found), [name for name in ${JSON.stringify(names)} if name in sys.modules]`;
    expect(await output(load)).toBe('(0,[])');
  });

  test('no frame of the sandbox is below a program', async () => {
    expect(await output('import sys\nframe = sys._getframe()\nreturn frame.f_code.co_name, frame.f_back')).toBe('("f",None)');
  });
});

describe('as the language of tasks', () => {
  const dialect = chatDialect('python');
  const program = 'def f(s, n):\n    return (s * n)[::-1], n / 2';
  const task = { id: 't', program, input: '"ab",2', output: '("baba",1.0)', step: 1, parents: [] };

  test('a proposal is taken from its fences and validated', async () => {
    expect(dialect.proposePrompt('deduction', [])).toMatch(/Python task.*```python/s);
    const answer = `\`\`\`python\n${program}\n\`\`\`\n\`\`\`input\n'ab', 2\n\`\`\``;
    const proposal = dialect.parseProposal('deduction', answer, 0);
    expect(proposal).toEqual({ type: 'deduction', program, input: "'ab', 2" });
    expect(await python.validate(program, ["'ab', 2"])).toEqual({ ok: true, pairs: [{ input: task.input, output: task.output }] });
  });

  test.each<readonly [string, boolean]>([
    ["('baba', 1.0)", true],
    ['("baba",1)', true],
    ['("baba", True)', true],
    ['["baba", 1.0]', false],
    ['("abab", 1.0)', false],
    ['("ab" * 2)[::-1], 1.0', false],
    ['__import__("os")', false],
  ])('the answer %j to a deduction is right: %s', async (answer, correct) => {
    expect(await verifyAnswer(python, { ...task, type: 'deduction' }, answer)).toMatchObject({ correct });
  });

  test('any input that works answers an abduction, and a program that reproduces all pairs an induction', async () => {
    const abduction = { ...task, type: 'abduction' } as const;
    expect(await verifyAnswer(python, abduction, "'ab', 2")).toMatchObject({ correct: true });
    expect(await verifyAnswer(python, abduction, "'ba', 2")).toMatchObject({ correct: false });
    const pairs = [
      { input: '"ab",2', output: '("baba",1.0)' },
      { input: '"x",4', output: '("xxxx",2.0)' },
    ];
    const induction = { ...task, type: 'induction', pairs, shown: 1, message: 'm' } as const;
    const answer = 'def f(text, times):\n    return "".join(reversed(text * times)), times * 0.5';
    expect(await verifyAnswer(python, induction, answer)).toMatchObject({ correct: true });
    expect(await verifyAnswer(python, induction, 'def f(s, n):\n    return "baba", 1')).toMatchObject({ correct: false, share: 0.5 });
  });
});

describe('a fresh interpreter', () => {
  test('nothing of a program is left for the next one', { timeout: RUN_MS }, async () => {
    const mess = [
      'import math\nmath.leak = 42\nreturn 1',
      'import builtins, sys',
      'import sys\nb = print.__self__\nb.len = lambda x: 7\nb.leak = 1\nsys.leak = 1\nsys.setrecursionlimit(50)\nreturn 1',
      'import json, decimal, re\njson.dumps = None\ndecimal.getcontext().prec = 3\nre._cache.clear()\nreturn 1',
      'import sys\nsys.modules.clear()\nsys.meta_path.clear()\nreturn 1',
      'import gc',
      'globals()["__builtins__"].clear()\nreturn 1',
    ];
    const probe =
      'import math, sys, json, decimal\nreturn hasattr(math, "leak"), hasattr(sys, "leak"), len([1]), json.dumps([1]), decimal.getcontext().prec, sys.getrecursionlimit()';
    for (const body of mess) {
      const [, after] = await Promise.all([run(body), output(probe)]);
      expect(after).toBe('(False,False,1,"[1]",28,1000)');
    }
  });

  test('the same program takes the same addresses and hashes every time', async () => {
    const body = 'return id(object()), hash("a"), str(object())';
    const [first, ...others] = await Promise.all(Array.from({ length: 5 }, () => output(body)));
    expect(others).toEqual(Array(4).fill(first));
  });

  test('memory that a program took is given back', { timeout: RUN_MS }, async () => {
    const hungry = 'return len(bytearray(40_000_000))';
    expect(await Promise.all(Array.from({ length: 12 }, () => output(hungry)))).toEqual(Array(12).fill('40000000'));
  });
});

describe('validation', () => {
  const validate = (body: string, inputs: readonly string[] = ['1'], head = ''): ReturnType<SandboxEnvironment['validate']> =>
    python.validate(f(body, head), inputs);

  test('gives the pairs of an honest program', async () => {
    const inputs = ["['b', 'a'], 3", '[], 0'];
    expect(await validate('return sorted(a[0]) * a[1], {x for x in a[0]}', inputs)).toEqual({
      ok: true,
      pairs: [
        { input: '["b","a"],3', output: '(["a","b","a","b","a","b"],{"a","b"})' },
        { input: '[],0', output: '([],set())' },
      ],
    });
  });

  test.each([
    ['return list({"apple", "pear", "fig", "kiwi"})'],
    ['return hash("abc")'],
    ['return id(a)'],
    ['return str(object())'],
    ['return {"a", "b", "c", "d", "e"}.pop()'],
    ['n.append(1)\nreturn len(n)', 'n = []\n'],
    ['import sys\nreturn sys.modules["random"].random()'],
  ])('finds that %j is not determined by its input', async (body, head = '') => {
    expect(await validate(body, ['1'], head)).toMatchObject({ ok: false, verdict: 'nondeterministic' });
  });

  test.each([
    ['return {"b": 1, "a": 2}'],
    ['return hash((1, 2.5))'],
    ['return sorted({"b", "a"})'],
    ['return {"b", "a"}'],
    ['a[0].append(1)\nreturn a[0]', '[]'],
  ])('finds nothing against %j', async (body, input = '1') => {
    expect(await validate(body, [input])).toMatchObject({ ok: true });
  });

  test('refuses inputs that are no literals, and programs without an entry', async () => {
    expect(await validate('return 1', ['__import__("os").getpid()'])).toMatchObject({ ok: false, verdict: 'unsupported' });
    expect(await python.validate('def g(x): return x', ['1'])).toMatchObject({ ok: false, verdict: 'error' });
  });

  test('examine runs arguments that are code, in the sandbox', async () => {
    expect(await python.examine('base = 2\ndef f(g, *, k): return [g(base), k]', 'lambda x: x * 21, k="ab".upper()')).toEqual({
      verdict: 'ok',
      output: '[42,"AB"]',
    });
    expect(await python.execute('def f(g): return g', 'range(3)')).toMatchObject({ verdict: 'unsupported' });
  });
});

test('the modules that programs may import are a choice', { timeout: BOOT_MS }, async () => {
  await using narrow = await openPythonEnvironment({}, { modules: ['math', 'colorsys'] });
  const verdicts = ['math', 'colorsys', 're', 'os'].map((name) => narrow.execute(`def f(x):\n    import ${name}\n    return x`, '1'));
  expect((await Promise.all(verdicts)).map(({ verdict }) => verdict)).toEqual(['ok', 'ok', 'forbidden', 'forbidden']);
});
