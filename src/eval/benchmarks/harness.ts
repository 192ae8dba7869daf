import { pythonText } from './json.ts';
import type { AssertCheck, ReferenceCheck } from './problem.ts';

/**
 * Python programs that judge an answer inside the sandbox. Answers and tests stand in them as string literals, and each
 * runs in a namespace of its own: what an answer does to its builtins or its names does not reach the tests.
 * Every program defines `f(_)`, the entry that the sandbox calls.
 */

/**
 * `solve(source)` runs an answer and gives its namespace. `names_for` gives the tests the answer's names without those that
 * hide a builtin, its functions wrapped by `guarded`: an object that itself says what it equals is no result.
 */
const COMMON = String.raw`
import sys, types, collections, fractions, decimal
B = dict(__builtins__)
for missing in ('input', 'print', 'open'):
    B.pop(missing, None)
HEAP = 1 << 9
MAPPINGS = (dict, collections.OrderedDict, collections.defaultdict, collections.Counter)
KNOWN = (*MAPPINGS, collections.deque, fractions.Fraction, decimal.Decimal)
OPERATORS = {'__eq__', '__ne__', '__lt__', '__le__', '__gt__', '__ge__', '__sub__', '__rsub__', '__add__', '__radd__', '__mul__', '__rmul__',
    '__abs__', '__bool__', '__len__', '__hash__', '__iter__', '__contains__', '__getattribute__', '__getattr__', '__float__', '__int__',
    '__index__', '__getitem__', '__round__', '__xor__', '__rxor__', '__instancecheck__', '__class__'}
SEQUENCES = (list, tuple, set, frozenset, collections.deque)
BUILT_IN = (type(object.__eq__), type(len), type(None), type([].append))
def among(t, kinds):
    # By identity: a class may say itself what it equals, too.
    for one in kinds:
        if t is one:
            return True
    return False
def fair(value, depth=0, kind=type, mro=type.__dict__['__mro__'].__get__, inside=type.__dict__['__dict__'].__get__, flags=type.__dict__['__flags__'].__get__):
    t = kind(value)
    if among(t, SEQUENCES) and depth < 50:
        for item in value:
            fair(item, depth + 1)
    elif among(t, MAPPINGS) and depth < 50:
        for key, item in dict.items(value):
            fair(key, depth + 1)
            fair(item, depth + 1)
    elif not among(t, KNOWN) and flags(t) & HEAP:
        for c in mro(t):
            if among(c, KNOWN) or not flags(c) & HEAP:
                continue
            own = inside(c)
            for name in own:
                if name in OPERATORS and not among(kind(own[name]), BUILT_IN):
                    raise AssertionError('the result is an object that says itself what it equals')
def guarded(function):
    def call(*args, **keywords):
        result = function(*args, **keywords)
        fair(result)
        return result
    return call
def quiet(*args, **keywords):
    return None
def solve(source, prelude=''):
    space = {'__name__': '__main__', '__builtins__': dict(B)}
    space['__builtins__']['print'] = quiet
    if prelude:
        exec(compile(prelude, '<prelude>', 'exec'), space)
    exec(compile(source, '<answer>', 'exec'), space)
    return space
def names_for(space, entry):
    names = {}
    for name in list(space):
        if name == entry or (name not in B and name != '__builtins__'):
            value = space[name]
            names[name] = guarded(value) if type(value) is types.FunctionType else value
    names['__builtins__'] = dict(B)
    names['__builtins__']['print'] = quiet
    return names
`;

/** What tests use of NumPy; there is none in the sandbox. */
const NUMPY = String.raw`
def make_numpy():
    numpy = types.ModuleType('numpy')
    class ndarray:
        pass
    def close(a, b, rtol=1e-05, atol=1e-08, equal_nan=False):
        if isinstance(b, SEQUENCES) or isinstance(a, SEQUENCES):
            if not (isinstance(b, SEQUENCES) and isinstance(a, SEQUENCES)):
                a, b = (a if isinstance(a, SEQUENCES) else [a] * len(b)), (b if isinstance(b, SEQUENCES) else [b] * len(a))
            return len(a) == len(b) and all(close(x, y, rtol, atol, equal_nan) for x, y in zip(a, b))
        if a == b:
            return True
        if a != a or b != b:
            return equal_nan and a != a and b != b
        if a in (numpy.inf, -numpy.inf) or b in (numpy.inf, -numpy.inf):
            return False
        return abs(a - b) <= atol + rtol * abs(b)
    def assert_allclose(actual, desired, rtol=1e-07, atol=0, equal_nan=True, err_msg='', verbose=True):
        if not close(actual, desired, rtol, atol, equal_nan):
            raise AssertionError('not close')
    numpy.inf, numpy.nan, numpy.pi = float('inf'), float('nan'), 3.141592653589793
    numpy.ndarray, numpy.float64, numpy.float32 = ndarray, float, float
    numpy.allclose = numpy.isclose = close
    numpy.testing = types.SimpleNamespace(assert_allclose=assert_allclose)
    return numpy
NUMPY = make_numpy()
def importing(load=B['__import__']):
    def __import__(name, globals=None, locals=None, fromlist=(), level=0):
        return NUMPY if name == 'numpy' else load(name, globals, locals, fromlist, level)
    return __import__
`;

/** Runs the published assertions on an answer; `f` gives True or raises. */
export const assertProgram = (answer: string, check: AssertCheck): string => `${COMMON}${NUMPY}
ENTRY = ${check.entry === null ? 'None' : pythonText(check.entry)}
def f(_):
    space = solve(${pythonText(answer)})
    if ENTRY is not None and ENTRY not in space:
        raise AssertionError('the answer does not define ' + ENTRY)
    names = names_for(space, ENTRY)
    names['__builtins__']['__import__'] = importing()
    exec(compile(${pythonText(check.tests)}, '<tests>', 'exec'), names)
    ${check.call ? "names['check'](names[ENTRY])" : 'pass'}
    return True
`;

const COMPARE = String.raw`
def floats(value):
    return isinstance(value, float) or (isinstance(value, (list, tuple)) and len(value) > 0 and all(isinstance(item, float) for item in value))
def same(result, expected, atol, how, args):
    if how == 'not-none' and isinstance(expected, bool):
        return result == expected
    if how == 'not-none':
        return (result is None) == (expected is None)
    if how == 'set':
        return set(result) == set(expected)
    if how == 'root':
        return abs(sum(c * result ** i for i, c in enumerate(args[0]))) <= max(atol, 1e-4)
    if result == expected or (result != result and expected != expected):
        return True
    if atol == 0 and floats(expected):
        atol = 1e-6
    if atol == 0:
        return False
    try:
        return NUMPY.allclose(result, expected, 1e-07, atol)
    except TypeError:
        return False
`;

/** Compares an answer with the reference on every input; `f` gives the number of inputs or raises. */
export const referenceProgram = (answer: string, check: ReferenceCheck): string => `${COMMON}${NUMPY}${COMPARE}
from copy import deepcopy
ENTRY = ${pythonText(check.entry)}
INPUTS = ${check.inputs}
def f(_):
    reference = solve(${pythonText(check.reference)})[ENTRY]
    expected = [reference(*deepcopy(args)) for args in INPUTS]
    space = solve(${pythonText(answer)})
    if ENTRY not in space:
        raise AssertionError('the answer does not define ' + ENTRY)
    answer = guarded(space[ENTRY])
    for args, right in zip(INPUTS, expected):
        result = answer(*deepcopy(args))
        if not same(result, right, ${check.atol}, ${pythonText(check.compare)}, args):
            raise AssertionError(('on ' + repr(args) + ' it gives ' + repr(result) + ', not ' + repr(right))[:250])
    return len(INPUTS)
`;

/** Names that solutions of programming contests expect to be there. */
const CONTEST = [
  ...'string re collections heapq bisect copy math random statistics itertools functools operator json typing'
    .split(' ')
    .map((m) => `from ${m} import *`),
  'import string, re, datetime, collections, heapq, bisect, copy, math, random, statistics, itertools, functools, operator, io, sys, json',
  'sys.setrecursionlimit(50000)',
].join('\n');

/** Runs an answer that reads standard input; `f` gives what it printed. */
export const stdinProgram = (answer: string, input: string): string => `${COMMON}
import io
def f(_):
    text = ${pythonText(input)}
    reader, writer = io.StringIO(text), io.StringIO()
    reader.buffer, writer.buffer = io.BytesIO(text.encode()), io.BytesIO()
    def read_line(prompt=''):
        line = reader.readline()
        if line == '':
            raise EOFError('EOF when reading a line')
        return line[:-1] if line.endswith('\\n') else line
    def write(*values, sep=' ', end='\\n', file=None, flush=False):
        if file is None or file is writer:
            writer.write((' ' if sep is None else sep).join(map(str, values)) + ('\\n' if end is None else end))
    def open_file(name, *args, **keywords):
        if name != 0:
            raise OSError('there are no files')
        return reader
    sys.stdin, sys.stdout, sys.stderr = reader, writer, io.StringIO()
    space = {'__name__': '__main__', '__builtins__': dict(B)}
    space['__builtins__'].update(input=read_line, print=write, open=open_file, exit=sys.exit, quit=sys.exit)
    exec(compile(${pythonText(CONTEST)}, '<prelude>', 'exec'), space)
    try:
        exec(compile(${pythonText(answer)}, '<answer>', 'exec'), space)
    except SystemExit:
        pass
    return writer.getvalue() + writer.buffer.getvalue().decode()
`;

/** Calls a function, or a method of \`Solution\`, with the JSON value on each line of the input; \`f\` gives its result. */
export const callProgram = (answer: string, name: string, input: string): string => `${COMMON}
import json
def f(_):
    space = solve(${pythonText(answer)}, ${pythonText(CONTEST)})
    owner = space['Solution']() if 'Solution' in space else None
    function = getattr(owner, ${pythonText(name)}) if owner is not None else space[${pythonText(name)}]
    result = function(*[json.loads(line) for line in ${pythonText(input)}.split('\\n')])
    fair(result)
    return list(result) if type(result) is tuple else result
`;
