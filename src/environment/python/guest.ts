/** What the sandbox process is told when Python starts (`LanguageRules.setup`). */
export interface PythonSetup {
  /** Modules that programs may import. */
  readonly modules: readonly string[];
}

/** Modules that a task may import unless the configuration says otherwise: pure, and of use for small functions. */
export const DEFAULT_MODULES: readonly string[] = [
  'abc',
  'array',
  'base64',
  'binascii',
  'bisect',
  'cmath',
  'collections',
  'contextlib',
  'copy',
  'dataclasses',
  'decimal',
  'difflib',
  'enum',
  'fractions',
  'functools',
  'graphlib',
  'heapq',
  'itertools',
  'json',
  'math',
  'numbers',
  'operator',
  'pprint',
  'queue',
  're',
  'statistics',
  'string',
  'struct',
  'sys',
  'textwrap',
  'types',
  'typing',
  'unicodedata',
  'zlib',
];

/** Found later by name, not by an import statement: codecs by `str.encode`. */
const CODECS =
  'ascii latin_1 utf_7 utf_8 utf_8_sig utf_16 utf_16_be utf_16_le utf_32 utf_32_be utf_32_le unicode_escape raw_unicode_escape punycode idna ' +
  'rot_13 hex_codec base64_codec quopri_codec zlib_codec cp437 cp850 cp1250 cp1251 cp1252 iso8859_2 iso8859_5 iso8859_15 koi8_r mac_roman ' +
  'big5 gb18030 gb2312 gbk euc_jp euc_kr shift_jis';

/** Imported by C code on a program's behalf: `int` and `str` of numbers with thousands of digits. */
const LAZY = ['_pylong'];

/**
 * Runs once while the interpreter boots. Imports what tasks may import, then takes the way to any further module
 * away: there are no files behind the interpreter any more, and what a program's `import` may name is a list. Leaves
 * `builtins` for programs, the exception that a refused import raises, `plain` and `collect`, in `__main__`.
 *
 * `plain` turns the few standard containers that are data in all but name into the type that they extend; `marshal`
 * (python/marshal.ts) knows only exact types.
 */
export const guestSource = (modules: readonly string[]): string => `
import builtins, sys, gc, collections, collections.abc, encodings, re, traceback
${CODECS.split(' ')
  .map((codec) => `import encodings.${codec}`)
  .join('\n')}
${[...LAZY, ...modules].map((name) => `import ${name}`).join('\n')}

class Refused(ImportError):
    pass

def make(allowed, load, refused, known):
    def __import__(name, globals=None, locals=None, fromlist=(), level=0):
        if level == 0 and type(name) is str and name.partition('.')[0] in allowed:
            if name in known or not fromlist:
                return load(name, globals, locals, fromlist, level)
        raise refused(f'tasks may not import {name}')
    return __import__

guest_builtins = dict(vars(builtins))
guest_builtins['__import__'] = make(frozenset(${JSON.stringify(['__future__', ...LAZY, ...modules.map((name) => name.split('.')[0])])}), builtins.__import__, Refused, sys.modules)

def make_plain(kind, error, refusal, sequences, mappings, pairs, limit):
    def plain(value, depth=0):
        if depth > limit:
            raise refusal('nests too deep')
        t = kind(value)
        if t is list or t in sequences:
            return [plain(item, depth + 1) for item in value]
        if t is tuple:
            return tuple([plain(item, depth + 1) for item in value])
        if t is dict or t in mappings:
            return {plain(key, depth + 1): plain(item, depth + 1) for key, item in pairs(value)}
        return value
    return plain

plain = make_plain(type, TypeError, ValueError, frozenset([collections.deque, range, type({}.keys()), type({}.values()), type({}.items())]),
    frozenset([collections.OrderedDict, collections.defaultdict, collections.Counter]), dict.items, 120)

def collect(*args, **keywords):
    return args, keywords

sys.path[:] = []
sys.path_hooks[:] = []
sys.path_importer_cache.clear()
sys.meta_path[:] = [finder for finder in sys.meta_path if getattr(finder, '__name__', '') != 'PathFinder']
for name in [name for name in vars() if name not in ('guest_builtins', 'Refused', 'plain', 'collect', 'gc', '__name__', '__builtins__')]:
    if name != 'name':
        del vars()[name]
del name
gc.collect()
gc.freeze()
del gc
`;
