import { CPython } from './cpython.ts';
import { guestSource } from './guest.ts';
import { Host } from './host.ts';
import type { Files, Surroundings } from './host.ts';
import type { Snapshot } from './memory.ts';

/** Where things lie in every snapshot of the same boot: what a run starts from. */
export interface Landmarks {
  readonly names: readonly (readonly [string, number])[];
  /** `dict` of builtins that programs get. */
  readonly builtins: number;
  /** `plain` of guest.ts. */
  readonly plain: number;
  /** `collect` of guest.ts: gives its arguments back. */
  readonly collect: number;
  /** Class of the exception that a refused import raises. */
  readonly refused: number;
}

/** An interpreter that has started and imported its modules, as data. Structured-cloneable, shared between threads. */
export interface BootImage extends Snapshot, Landmarks {
  readonly surroundings: Surroundings;
}

/** Modules of the build that nothing here needs: memory by address, processes, sockets, and CPython's own tests. */
const UNWANTED =
  /^(?:_ctypes|_posixsubprocess|_sqlite3|_hmac|_lsprof|_remote_debugging|fcntl|mmap|select|_socket|termios|xxsubtype|_xx.*|_test.*|faulthandler|_tracemalloc|_asyncio|_elementtree|pyexpat)$/;
const FILE_INPUT = 257;
/**
 * What CPython takes for its C stack. Its build has five times as much, but the host's own stack, which grows beside it,
 * would end first, and CPython could not say "recursion".
 */
const STACK_BYTES = 2 * 1_048_576;
/** Texts that runs use, put into memory before the snapshot. */
const NAMES = ['utf-8', 'backslashreplace', '<program>', '__builtins__', '__name__', 'f'];

/** Starts CPython once, in the given surroundings, and takes the image. Some seconds. Throws when the build does not start. */
export function bootPython(module: WebAssembly.Module, files: Files, surroundings: Surroundings, modules: readonly string[]): BootImage {
  const host = new Host(surroundings, files);
  const { exports, memory } = host.instantiate(module);
  const python = new CPython(exports, memory);
  const { api } = python;
  host.onTick = () => void (python.fuel.value = 0x7fff_ffff);
  host.onTick();
  api.malloc(surroundings.padding);
  api.__wasm_call_ctors();
  const base = api.emscripten_stack_get_base();
  api.emscripten_stack_set_limits(base, base - STACK_BYTES);
  dropBuiltinModules(python);
  initialise(python, files.path, surroundings);
  const main = api.PyModule_GetDict(api.PyImport_AddModuleRef(python.name('__main__')));
  const code = api.Py_CompileStringExFlags(python.putText(guestSource(modules)), python.name('<boot>'), FILE_INPUT, 0, -1);
  if (code === 0 || api.PyEval_EvalCode(code, main, main) === 0) throw new Error(`The Python sandbox does not start: ${describe(python)}`);
  const found = (name: string): number => api.PyDict_GetItemString(main, python.name(name));
  const landmarks = { builtins: found('guest_builtins'), plain: found('plain'), collect: found('collect'), refused: found('Refused') };
  const names = NAMES.map((name) => [name, python.name(name)] as const);
  return { ...memory.snapshot(), ...landmarks, names, surroundings };
}

/** Closes the gaps in the table of built-in modules: what is not in it cannot be imported, by whatever way. */
function dropBuiltinModules(python: CPython): void {
  const { memory } = python;
  const table = memory.u32(python.address('PyImport_Inittab'));
  let kept = table;
  for (let entry = table; memory.u32(entry) !== 0; entry += 8) {
    if (UNWANTED.test(memory.text(memory.u32(entry)))) continue;
    const pair = [memory.u32(entry), memory.u32(entry + 4)] as const;
    const view = memory.writable(kept, 8);
    view.setUint32(0, pair[0], true);
    view.setUint32(4, pair[1], true);
    kept += 8;
  }
  memory.writable(kept, 8).setBigUint64(0, 0n, true);
}

/** PEP 741: an isolated interpreter without environment, signals, standard streams or a user's folders. */
function initialise(python: CPython, archive: string, surroundings: Surroundings): void {
  const { api, memory } = python;
  const config = api.PyInitConfig_Create();
  const numbers: Record<string, number> = {
    site_import: 0,
    use_hash_seed: 1,
    hash_seed: surroundings.seed,
    install_signal_handlers: 0,
    write_bytecode: 0,
    pathconfig_warnings: 0,
    utf8_mode: 1,
  };
  const texts: Record<string, string> = { program_name: 'python', executable: '/python', home: '/', stdlib_dir: '/lib', platlibdir: 'lib' };
  for (const key of ['prefix', 'exec_prefix', 'base_prefix', 'base_exec_prefix']) texts[key] = '/';
  let status = 0;
  for (const [key, value] of Object.entries(numbers)) status ||= api.PyInitConfig_SetInt(config, python.name(key), BigInt(value));
  for (const [key, value] of Object.entries(texts)) status ||= api.PyInitConfig_SetStr(config, python.name(key), python.name(value));
  const paths = api.malloc(4);
  memory.writable(paths, 4).setUint32(0, python.name(archive), true);
  status ||= api.PyInitConfig_SetStrList(config, python.name('module_search_paths'), 1, paths);
  status ||= api.Py_InitializeFromInitConfig(config);
  if (status === 0) return;
  const message = api.malloc(4);
  api.PyInitConfig_GetError(config, message);
  throw new Error(`The Python sandbox does not start: ${memory.text(memory.u32(message))}`);
}

function describe(python: CPython): string {
  const error = python.raised();
  const text = python.api.PyObject_Str(error);
  return `${python.textOf(python.api.PyType_GetName(python.api.PyObject_Type(error))) ?? ''}: ${text === 0 ? '' : (python.textOf(text) ?? '')}`;
}
