import { describe, expect, test } from 'vitest';
import type { Inspection } from '../../src/environment/language.ts';
import { pythonRules } from '../../src/environment/python/rules.ts';

function inspect(program: string): Extract<Inspection, { kind: 'program' }> {
  const inspection = pythonRules.inspect(program);
  if (inspection.kind !== 'program') throw new Error(inspection.detail);
  return inspection;
}

const returning = (expression: string): string => `def f(x):\n    return ${expression}`;

describe('forbidden capabilities', () => {
  test.each<readonly [string, RegExp]>([
    ['import os\ndef f(x): return x', /reaches for the host \(`import os`\)/],
    ['import os.path as p, math\ndef f(x): return x', /`import os.path`/],
    ['from subprocess import run\ndef f(x): return x', /threads or processes/],
    ['def f(x):\n    import random\n    return x', /random numbers \(`import random`\)/],
    ['import time\ndef f(x): return x', /reads the clock/],
    ['import socket\ndef f(x): return x', /uses the network/],
    ['import numpy as np\ndef f(x): return x', /loads modules \(`import numpy`\)/],
    ['from . import y\ndef f(x): return x', /loads modules/],
    ['from sys import modules\ndef f(x): return x', /sys\.modules/],
    ['import sys\ndef f(x): return sys._getframe()', /sys\._getframe|frames/],
    [returning('open("a")'), /opens files/],
    [returning('eval("1")'), /runs code from text/],
    [returning('__import__("os")'), /loads modules/],
    [returning('[input()]'), /keyboard/],
    [returning('globals()'), /surroundings/],
    [returning('id(x)'), /memory/],
    [returning('().__class__.__base__.__subclasses__()'), /Python's own objects/],
    [returning('().__𝘤𝘭𝘢𝘴𝘴__'), /__class__/],
    [returning('(lambda: 0).__code__'), /__code__/],
    [returning('(y for y in x).gi_frame'), /frames/],
    [returning('"{0.__class__.__mro__}".format(x)'), /in a text/],
    [returning('getattr(x, "__globals__")'), /in a text/],
    [returning('f"{open(x)}"'), /opens files/],
    ['def f(x, y=__builtins__): return x', /surroundings/],
  ])('%j', (program, reason) => {
    expect(inspect(program).forbidden).toMatch(reason);
  });

  test.each([
    'import math, re\nfrom collections import Counter as C\ndef f(x): return C(x)',
    'from __future__ import annotations\nimport collections.abc\ndef f(x): return x',
    'import sys\nsys.setrecursionlimit(5000)\ndef f(x): return sys.maxsize',
    'def f(input, id=1):\n    vars = input\n    return vars, id',
    'def f(x):\n    for open in x: pass\n    return [eval for eval in x] + [{exec: 1} for exec, (compile, *exit) in x]',
    'def f(x):\n    with x as locals: return locals',
    'def f(x):\n    try: pass\n    except ValueError as help: return help\n    return (quit := 1) + quit',
    'class globals: pass\ndef f(x): return globals()',
    'def f(x): return x.open() + x.id + x.input',
    'class A:\n    def __init__(self): self.a = 1\n    def __eq__(self, other): return True\ndef f(x): return A() == x',
    'def f(x): return __name__',
    'def f(x): # import os\n    return "import os; eval(1)"',
    'def f(x): return print(x)',
  ])('%j asks for none', (program) => {
    expect(inspect(program).forbidden).toBeNull();
  });
});

describe('the entry function', () => {
  test.each<readonly [string, RegExp | null]>([
    ['def f(x):\n    return x', null],
    ['def g(x):\n    return x\ndef f(a, b=2, *c, d, **e):\n    if a:\n        return g(a)', null],
    ['f = lambda x: x', null],
    ['import functools\n@functools.cache\ndef f(x):\n    return x', null],
    ['def f(x: int, /, y) -> int:\n    return x', null],
    ['def g(x):\n    return x', /no top-level function f/],
    ['', /no top-level function f/],
    ['def f(x): return 1\ndef f(x): return 2', /more than once/],
    ['f = 3', /not written as a function/],
    ['class f:\n    pass', /not written as a function/],
    ['def f():\n    return 1', /no parameter/],
    ['f = lambda: 1', /no parameter/],
    ['def f(x):\n    pass', /returns no value/],
    ['def f(x):\n    return', /returns no value/],
    ['def f(x):\n    def g():\n        return 1\n    lambda: 2', /returns no value/],
    ['def f(x):\n    yield x\n    return 1', /generator/],
    ['async def f(x):\n    return x', /coroutine/],
    ['class A:\n    def f(x): return x', /no top-level function f/],
  ])('%j', (program, problem) => {
    const found = inspect(program).problem;
    if (problem === null) expect(found).toBeNull();
    else expect(found).toMatch(problem);
  });
});

describe('normalised text', () => {
  const { normalise } = pythonRules;

  test('has no comments, no blank lines and one way to indent', () => {
    const one = normalise('def f(x):  # doubles\n\n    if x :\n        # yes\n        return x*2\n    return [1,\n       2]');
    const other = normalise('def f( x ) :\n  if x:\n     return x * 2\n  return [ 1, 2 ]\n\n');
    expect(one).toBe(other);
  });

  test('tells programs apart', () => {
    const inside = normalise('def f(x):\n    if x:\n        x = 1\n        return x');
    const outside = normalise('def f(x):\n    if x:\n        x = 1\n    return x');
    expect(inside).not.toBe(outside);
    expect(normalise('def f(x): return "a  b"')).not.toBe(normalise('def f(x): return "a b"'));
    expect(normalise('def f(x): return f"{x} # no"')).toContain('# no');
  });

  test('keeps what the grammar cannot read', () => {
    expect(normalise('def f(x:\n  return )')).toBe('def f(x:\n return )');
  });

  test('joins lines that a backslash joins', () => {
    expect(normalise('def f(x):\n    return x + \\\n  1')).toBe(normalise('def f(x):\n    return x + 1'));
  });
});

describe('arguments that are code', () => {
  test.each(['range(3)', 'lambda x: x', '"a,b".split(","), 2', 'x=1, *[2]', '[i for i in x]', ''])('%j', (text) => {
    expect(pythonRules.readCode?.(text, 100)?.source.endsWith(text)).toBe(true);
  });

  test.each(['1) or (1', '1)\nf(2', '__import__("os").getpid()', 'open("a")', '1 +', 'a'.repeat(101)])('%j is refused', (text) => {
    expect(pythonRules.readCode?.(text, 100)).toBeNull();
  });
});
