import type { SyntaxNode } from '@lezer/common';
import { bindsNames } from './names.ts';
import { childrenOf, nameOf, textOf, walk } from './syntax.ts';
import type { Source } from './syntax.ts';

/**
 * What a pure function has no use for: ways out of the program, threads, clocks, code from text, and the paths through
 * Python's own objects that jail escapes take. The scan gives a proposal its reason and the trainer a signal; it is
 * never the boundary, which is the interpreter itself (D5).
 */
const byName = (reasons: Readonly<Record<string, string>>): ReadonlyMap<string, string> =>
  new Map(Object.entries(reasons).flatMap(([reason, names]) => names.split(' ').map((name) => [name, reason] as const)));

const FORBIDDEN_NAMES = byName({
  'loads modules': '__import__ __loader__ __spec__ importlib',
  'runs code from text': 'eval exec compile',
  'opens files': 'open',
  'waits for the keyboard': 'input',
  'stops or inspects the interpreter': 'breakpoint exit quit help',
  'reaches into its surroundings': 'globals locals vars __builtins__ __build_class__ __file__ __package__ __cached__',
  'depends on where things lie in memory': 'id',
});

const FORBIDDEN_ATTRIBUTES = byName({
  'walks through the frames of running code':
    'gi_frame gi_code gi_yieldfrom cr_frame cr_code cr_await ag_frame ag_code f_back f_globals f_builtins f_locals f_code tb_frame tb_next __traceback__ _getframe _current_frames',
  "walks through Python's own objects":
    '__class__ __base__ __bases__ __mro__ mro __subclasses__ __globals__ __builtins__ __code__ __closure__ __loader__ __spec__ __self__ __dict__ __getattribute__ __reduce__ __reduce_ex__ __import__ __func__ __wrapped__ __init_subclass__ __subclasshook__ func_globals func_code co_code co_consts',
});

/** Why some well-known modules are no part of a task. */
const MODULE_REASONS = byName({
  'uses random numbers': 'random secrets uuid',
  'reads the clock': 'time datetime calendar timeit sched zoneinfo',
  'uses threads or processes': 'threading multiprocessing concurrent subprocess asyncio signal _thread queue',
  'uses the network': 'socket ssl http urllib ftplib smtplib requests select selectors socketserver xmlrpc',
  'reaches for the host':
    'os sys posix platform pathlib shutil tempfile glob io fcntl pty resource pwd grp js pyodide pyodide_js _pyodide micropip site ctypes _ctypes cffi mmap',
  'inspects the interpreter':
    'gc inspect dis opcode ast symtable code codeop builtins importlib pkgutil imp marshal pickle traceback tracemalloc weakref atexit',
});

/** What of `sys` is a plain number or limit; the rest of it is the interpreter. */
const PLAIN_SYS = new Set(
  'maxsize maxunicode float_info int_info hash_info byteorder version_info getrecursionlimit setrecursionlimit get_int_max_str_digits set_int_max_str_digits intern getsizeof'.split(
    ' ',
  ),
);

/** Text that is only written to reach an attribute by name, `"{0.__class__}"` for instance. */
const TELLING_TEXT =
  /__(?:class|base|bases|mro|subclasses|globals|builtins|import|code|closure|loader|getattribute|reduce|reduce_ex)__|\b(?:gi_frame|f_back|f_globals|tb_frame)\b/;

/** One sentence on the first forbidden capability in the tree, or null. Names that the program declares itself are its own. */
export function findForbidden(source: Source, modules: ReadonlySet<string>): string | null {
  const own = bindsNames(source);
  for (const node of walk(source.tree.topNode)) {
    const found = forbiddenAt(source, node, own, modules);
    if (found !== null) return `The program ${found.reason} (\`${found.what}\`), which tasks may not do.`;
  }
  return null;
}

interface Use {
  readonly reason: string;
  readonly what: string;
}

function forbiddenAt(source: Source, node: SyntaxNode, own: ReadonlySet<string>, modules: ReadonlySet<string>): Use | null {
  switch (node.name) {
    case 'ImportStatement':
      return forbiddenImport(source, node, modules);
    case 'VariableName': {
      const name = nameOf(source, node);
      if (node.parent?.name === 'ImportStatement' || own.has(name)) return null;
      return use(FORBIDDEN_NAMES.get(name), name);
    }
    case 'PropertyName': {
      const name = nameOf(source, node);
      return use(FORBIDDEN_ATTRIBUTES.get(name), name) ?? ofSys(source, node, name, own);
    }
    case 'String': {
      const match = TELLING_TEXT.exec(textOf(source, node));
      return match && { reason: 'names an attribute of the interpreter in a text', what: match[0] };
    }
    default:
      return null;
  }
}

/** `sys.modules`, unless `sys` is the program's own name for something. */
function ofSys(source: Source, node: SyntaxNode, name: string, own: ReadonlySet<string>): Use | null {
  const object = node.prevSibling?.prevSibling;
  if (object?.name !== 'VariableName' || nameOf(source, object) !== 'sys' || own.has('sys') || PLAIN_SYS.has(name)) return null;
  return { reason: 'reaches for the host', what: `sys.${name}` };
}

const use = (reason: string | undefined, what: string): Use | null => (reason === undefined ? null : { reason, what });

function forbiddenImport(source: Source, node: SyntaxNode, modules: ReadonlySet<string>): Use | null {
  for (const name of importedModules(source, node)) {
    const [top = ''] = name.split('.');
    if (modules.has(name) || modules.has(top) || top === '__future__') continue;
    const what = `import ${name || '.'}`;
    return { reason: MODULE_REASONS.get(top) ?? 'loads modules', what };
  }
  const names = childrenOf(node)
    .filter(({ name, prevSibling }) => name === 'VariableName' && prevSibling?.name !== 'as')
    .map((child) => nameOf(source, child));
  const hidden = names[0] === 'sys' && node.firstChild?.name === 'from' ? names.slice(1).find((name) => !PLAIN_SYS.has(name)) : undefined;
  return hidden === undefined ? null : { reason: 'reaches for the host', what: `sys.${hidden}` };
}

/** `import a.b as c, d` → a.b, d; `from a.b import c` → a.b; a relative import → the empty name. */
function importedModules(source: Source, node: SyntaxNode): string[] {
  const children = childrenOf(node);
  const names: string[] = [];
  let current = '';
  let skipping = false;
  const isFrom = children[0]?.name === 'from';
  for (const child of children.slice(1)) {
    if (child.name === 'import') break;
    if (child.name === 'as') skipping = true;
    else if (child.name === ',') {
      names.push(current);
      current = '';
      skipping = false;
    } else if (!skipping) current += child.name === 'VariableName' ? nameOf(source, child) : '.';
  }
  return [...names, isFrom && current.startsWith('.') ? '' : current];
}
