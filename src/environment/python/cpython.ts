import { EXPORTS } from './instrument.ts';
import type { LinearMemory } from './memory.ts';

/** Address of something in the interpreter's memory; 0 is C's NULL. */
export type Pointer = number;

/** The part of CPython's C API that the sandbox calls; every name is an export of the WebAssembly build. */
interface Exports {
  malloc(size: number): Pointer;
  free(at: Pointer): void;
  __wasm_call_ctors(): void;
  emscripten_stack_get_base(): Pointer;
  emscripten_stack_set_limits(base: Pointer, end: Pointer): void;
  PyInitConfig_Create(): Pointer;
  PyInitConfig_SetInt(config: Pointer, name: Pointer, value: bigint): number;
  PyInitConfig_SetStr(config: Pointer, name: Pointer, value: Pointer): number;
  PyInitConfig_SetStrList(config: Pointer, name: Pointer, length: number, items: Pointer): number;
  PyInitConfig_GetError(config: Pointer, message: Pointer): number;
  Py_InitializeFromInitConfig(config: Pointer): number;
  PyImport_AddModuleRef(name: Pointer): Pointer;
  PyModule_GetDict(module: Pointer): Pointer;
  Py_CompileStringExFlags(source: Pointer, file: Pointer, start: number, flags: Pointer, optimize: number): Pointer;
  PyEval_EvalCode(code: Pointer, globals: Pointer, locals: Pointer): Pointer;
  PyDict_New(): Pointer;
  PyDict_Copy(dict: Pointer): Pointer;
  PyDict_SetItemString(dict: Pointer, key: Pointer, value: Pointer): number;
  PyDict_GetItemString(dict: Pointer, key: Pointer): Pointer;
  PyCallable_Check(value: Pointer): number;
  PyObject_Call(callable: Pointer, args: Pointer, keywords: Pointer): Pointer;
  PyObject_CallOneArg(callable: Pointer, argument: Pointer): Pointer;
  PyTuple_GetItem(tuple: Pointer, index: number): Pointer;
  PyObject_Str(value: Pointer): Pointer;
  PyUnicode_FromString(text: Pointer): Pointer;
  PyUnicode_AsEncodedString(text: Pointer, encoding: Pointer, errors: Pointer): Pointer;
  PyBytes_AsString(bytes: Pointer): Pointer;
  PyBytes_Size(bytes: Pointer): number;
  PyMarshal_ReadObjectFromString(data: Pointer, length: number): Pointer;
  PyMarshal_WriteObjectToString(value: Pointer, version: number): Pointer;
  PyErr_GetRaisedException(): Pointer;
  PyErr_Clear(): void;
  PyErr_GivenExceptionMatches(error: Pointer, type: Pointer): number;
  PyObject_Type(value: Pointer): Pointer;
  PyType_GetName(type: Pointer): Pointer;
}

export class CPython {
  readonly api: Exports;
  readonly memory: LinearMemory;
  private readonly exports: WebAssembly.Exports;
  private readonly names: Map<string, Pointer>;
  /** After the snapshot nothing may be put into memory for good. */
  private readonly fixed: boolean;

  constructor(exports: WebAssembly.Exports, memory: LinearMemory, names?: readonly (readonly [string, Pointer])[]) {
    this.names = new Map(names);
    this.fixed = names !== undefined;
    this.exports = exports;
    this.api = exports as unknown as Exports;
    this.memory = memory;
  }

  /** How many steps may pass until the next tick; below zero by what a long copy took at once. */
  get fuel(): { value: number } {
    return this.exports[EXPORTS.fuel] as WebAssembly.Global;
  }

  /** Address of an exported variable. */
  address(name: string): Pointer {
    return (this.exports[name] as WebAssembly.Global).value;
  }

  /** The exception class of this name (`MemoryError`). */
  exceptionClass(name: string): Pointer {
    return this.memory.u32(this.address(`PyExc_${name}`));
  }

  /** Copies bytes into memory from `malloc`, with a zero byte at the end. 0 when there is no room. */
  put(content: Uint8Array): Pointer {
    const at = this.api.malloc(content.length + 1) >>> 0;
    if (at === 0) return 0;
    this.memory.write(at, content);
    this.memory.writable(at + content.length, 1).setUint8(0, 0);
    return at;
  }

  putText(text: string): Pointer {
    return this.put(new TextEncoder().encode(text));
  }

  /** A text that stays; put it there before the snapshot is taken. */
  name(text: string): Pointer {
    const known = this.names.get(text);
    if (known !== undefined) return known;
    if (this.fixed) throw new Error(`"${text}" is not in the snapshot.`);
    const at = this.putText(text);
    this.names.set(text, at);
    return at;
  }

  /** Content of a `bytes` object. */
  bytesOf(object: Pointer): Uint8Array {
    const at = this.api.PyBytes_AsString(object) >>> 0;
    return this.memory.bytes.subarray(at, at + this.api.PyBytes_Size(object));
  }

  /** What a `str` says; surrogates that stand alone appear as escapes. */
  textOf(object: Pointer): string | null {
    const encoded = this.api.PyUnicode_AsEncodedString(object, this.name('utf-8'), this.name('backslashreplace'));
    if (encoded === 0) return null;
    return new TextDecoder().decode(this.bytesOf(encoded));
  }

  isOfClass(error: Pointer, type: Pointer): boolean {
    return this.api.PyErr_GivenExceptionMatches(error, type) !== 0;
  }

  /** Takes the exception that is set. */
  raised(): Pointer {
    return this.api.PyErr_GetRaisedException();
  }
}
