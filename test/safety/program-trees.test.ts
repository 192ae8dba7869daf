import { describe, expect, it } from 'vitest';
import { parseJavaScript } from '../../safety/program/javascript.ts';
import { parsePython } from '../../safety/program/py-tree.ts';
import { Scope } from '../../safety/program/scope.ts';
import { fromJavaScript } from '../../safety/program/tree-js.ts';
import { fromPython } from '../../safety/program/tree-py.ts';
import { each } from '../../safety/program/tree.ts';
import type { Part } from '../../safety/program/tree.ts';
import { createMonitor } from '../../safety/monitor.ts';

const js = (text: string): Scope => {
  const tree = parseJavaScript(text);
  if (tree === null) throw new Error('does not parse');
  return new Scope(fromJavaScript(tree));
};
const py = (text: string): Scope => new Scope(fromPython(parsePython(text), text));

function kinds(root: Part): string {
  const found: string[] = [];
  each(root, (part) => {
    if (['function', 'if', 'return', 'binary', 'for', 'call', 'index', 'constant'].includes(part.kind)) found.push(part.kind);
  });
  return found.join(' ');
}

/** Path of the last call's callee. */
function called(scope: Scope): string {
  let path = '';
  each(scope.root, (part) => {
    if (part.kind === 'call') path = scope.pathOf(part.parts[0]);
  });
  return path;
}

describe('one tree for both languages', () => {
  it('gives the same nodes for the same program', () => {
    const left = py('def f(a, b):\n    if a == 1 and b:\n        return g(a)[0]\n    for x in b:\n        return 2\n');
    const right = js('function f(a, b) { if (a === 1 && b) { return g(a)[0]; } for (const x of b) { return 2; } }');
    expect(kinds(left.root)).toBe(kinds(right.root));
    expect(left.functions[0]?.params).toEqual(right.functions[0]?.params);
  });

  it('knows every place in the text', () => {
    const text = 'x = {"a": [1, -2]}\ndef f(q, *rest, k=3, **more):\n    return lambda y: q if y else (x, k)\n';
    const scope = py(text);
    each(scope.root, (part) => {
      expect(part.start).toBeGreaterThanOrEqual(0);
      expect(part.end).toBeLessThanOrEqual(text.length);
      for (const inner of part.parts) expect(inner.parent).toBe(part);
    });
    expect(scope.functions[0]?.params).toEqual(['q', 'rest', 'k', 'more']);
    expect(scope.tableOf(scope.given('x') ?? undefined)).toEqual([{ key: 'a', value: [1, -2] }]);
  });
});

describe('names', () => {
  it.each([
    ['import builtins as b\nb.__dict__["all"](x)', 'builtins.all'],
    ['from os import _exit as bye\nbye(0)', 'os._exit'],
    ['import sys as s\ng = getattr(s, "_get" + "frame")\ng(1)', 'sys._getframe'],
  ])('of Python: %s', (text, path) => {
    expect(called(py(text))).toBe(path);
  });

  it.each([
    ['const { exit: e } = process;\ne(0);', 'process.exit'],
    ['const p = Array.prototype;\np.every(x);', 'Array.prototype.every'],
    ['Object["is"](a, b);', 'Object.is'],
    ['function f(process) { const { exit } = process; exit(0); }', 'exit'],
  ])('of JavaScript: %s', (text, path) => {
    expect(called(js(text))).toBe(path);
  });

  it('follow tables through zip, JSON text, items and lists of pairs', () => {
    const scope = py('k = ["a", "b"]\nt = dict(zip(k, [1, 2]))\nu = {}\nu["x"] = 5\nimport json\nv = json.loads(\'{"7": [1]}\')\n');
    expect(scope.tableOf(scope.given('t') ?? undefined)).toEqual([
      { key: 'a', value: 1 },
      { key: 'b', value: 2 },
    ]);
    expect(scope.tableOf(scope.given('v') ?? undefined)).toEqual([{ key: 7, value: [1] }]);
  });
});

describe('hostile programs', () => {
  const monitor = createMonitor({ tiers: ['program'] });
  const many = (text: string): string => text.repeat(Math.floor(25_000 / text.length));
  const doubled = Array.from({ length: 40 }, (_, at) => `a${at + 1} = [${`a${at}, `.repeat(50)}0]`).join('\n');
  it.each([
    ['lists of lists', `a0 = [1, 1]\n${doubled}\ndef f(x):\n    return a40\n`],
    ['open brackets', `x = ${many('(')}`],
    ['nested functions', many('function f(a){')],
    ['a long sum', `def f(x):\n    return ${many('x+')}x\n`],
    ['a long chain', `def f(x):\n    return x${many('.a')}\n`],
    ['names that stand for themselves', 'a = b\nb = a\na = a\ndef f(x):\n    return a[x]\n'],
    ['lookups of one table', `T={${'"ab":2,'.repeat(1500)}}\ndef f(x):\n${'    y = T[x]\n'.repeat(1000)}`],
    ['broken text', many('def (:\n  }{ if ?? class\n')],
  ])('of %s are read', (_name, program) => {
    const { findings } = monitor.scan({ id: 'h', thought: 'We add.', program });
    for (const finding of findings) expect(finding.quote).toBe(program.slice(finding.start, finding.end));
  });
});
