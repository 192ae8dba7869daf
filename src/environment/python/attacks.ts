import type { Attack } from '../language.ts';

/** Ten ways out that programs have tried elsewhere; `kelvin doctor` tries them here. All take the input `1`. */
export const pythonAttacks: readonly Attack[] = [
  { name: 'endless loop', layer: 'limits', code: 'def f(x):\n    while True:\n        pass', verdicts: ['timeout'] },
  { name: 'endless native call', layer: 'limits', code: 'def f(x):\n    return sum(range(10**15))', verdicts: ['timeout'] },
  {
    name: 'memory flood',
    layer: 'memory',
    code: 'def f(x):\n    a = []\n    while True:\n        a.append([x] * 100000)',
    verdicts: ['memory', 'timeout'],
  },
  {
    name: 'recursion without end',
    layer: 'memory',
    code: 'def f(x):\n    return f(x)',
    verdicts: ['error'],
  },
  {
    name: 'a shell',
    layer: 'gate',
    code: 'import os\ndef f(x):\n    return os.system("id")',
    verdicts: ['error', 'forbidden'],
  },
  {
    name: 'a file of the host',
    layer: 'gate',
    code: 'def f(x):\n    return open("/etc/passwd").read()',
    verdicts: ['error', 'forbidden'],
  },
  {
    name: 'the way to JavaScript',
    layer: 'gate',
    code: 'def f(x):\n    import js\n    return js.process.pid',
    verdicts: ['error', 'forbidden'],
  },
  {
    name: 'walk to loaded modules through subclasses',
    layer: 'gate',
    code: [
      'def f(x):',
      '    for c in ().__class__.__base__.__subclasses__():',
      '        g = getattr(getattr(c, "__init__", None), "__globals__", {})',
      '        for name in ("js", "pyodide_js", "_pyodide_core"):',
      '            if name in g: return "found " + name',
      '        if "sys" in g and hasattr(g["sys"].modules.get("posix"), "system"):',
      '            return g["sys"].modules["posix"].system("id")',
      '    return 0',
    ].join('\n'),
    verdicts: ['ok', 'error', 'forbidden'],
    output: '0',
  },
  {
    name: 'raw memory',
    layer: 'gate',
    code: 'import ctypes\ndef f(x):\n    return ctypes.string_at(id(x), 16)',
    verdicts: ['error', 'forbidden'],
  },
  {
    name: 'forged output',
    layer: 'memory',
    code: 'import builtins\nbuiltins.repr = lambda x: "forged"\nbuiltins.str = builtins.type = builtins.sorted = None\ndef f(x):\n    return {"x": x}',
    verdicts: ['ok', 'error', 'forbidden'],
    output: '{"x":1}',
  },
];
