import { TM_BYTES, readUtc, writeUtc } from '../wasm/clock.ts';
import { LinearMemory } from './memory.ts';

/**
 * All that the interpreter can ask of the outside. Pyodide's own JavaScript (file systems, sockets, processes, proxies
 * of host objects) is never loaded: the WebAssembly build of CPython meets only the functions in this file. While it
 * boots, one of them reads the archive of the standard library; after `lock` there is a fixed clock, seeded random
 * numbers, heap growth up to a limit and the fuel. Everything else ends the program.
 */
export interface Surroundings {
  /** Milliseconds since 1970; the clock stands still. */
  readonly clockMs: number;
  /** Seeds hashes and random numbers; positive. */
  readonly seed: number;
  /** Bytes allocated before the interpreter starts, so that two images differ in where things lie. */
  readonly padding: number;
}

/** Ends a run from inside a host import; what happened stands in `Host`. */
export class Halt extends Error {}

export interface Files {
  /** Where the archive seems to lie. */
  readonly path: string;
  readonly content: Uint8Array;
}

const SUCCESS = 0;
/** Error numbers of WASI; system calls give them negated. */
const ERRNO = { badFile: 8, noEntry: 44, noSystem: 52, notDirectory: 54, notTerminal: 59 } as const;
const REGULAR_FILE = 0o100444;
const DIRECTORY = 0o040555;
const STAT_BYTES = 96;

/** Kinds of system calls, for the sentence that tells what a program reached for. */
const REACHES: readonly (readonly [RegExp, string])[] = [
  [/sock|connect|bind|listen|accept|send|recv|addrinfo|nameinfo|protobyname|poll/, 'the network'],
  [/system|pipe|dup|sighandler|itimer|proc_exit|^exit$|runtime_keepalive/, 'processes'],
  [/dlopen|dlsym|ffi|mmap/, 'native code'],
  [/Js|js|proxy|hiwire|asm_const|suspender/i, 'the host'],
  [/^__syscall|^fd_/, 'files'],
];

type Import = (...args: never[]) => unknown;

export class Host {
  readonly surroundings: Surroundings;
  /** Called whenever the fuel of one tick is used up; throws `Halt` to end the run. */
  onTick: () => void = () => undefined;
  /** Largest memory that the heap may grow to, bytes. */
  maxBytes = 256 * 1_048_576;
  /** What was asked for since `reset`: a sentence's end, `the network`, or null. */
  reached: string | null = null;
  clockRead = false;
  /** The program drew from the source of random numbers. */
  chance = false;
  /** Growth that was refused, bytes wanted; 0 for none. */
  refusedBytes = 0;
  private files: Files | null;
  private readonly open = new Map<number, { position: number }>();
  private random: number;
  private table: WebAssembly.Table | null = null;
  private linear: LinearMemory | null = null;

  /** With `files` the host serves a boot until `lock`; with null it is locked from the start. */
  constructor(surroundings: Surroundings, files: Files | null) {
    this.surroundings = surroundings;
    this.files = files;
    this.random = surroundings.seed;
  }

  /** Instantiates the module with this host as the only thing around it. */
  instantiate(module: WebAssembly.Module): { readonly exports: WebAssembly.Exports; readonly memory: LinearMemory } {
    const known: Record<string, Import> = this.functions();
    const imports: Record<string, Record<string, WebAssembly.ImportValue>> = {};
    for (const { module: space, name, kind } of WebAssembly.Module.imports(module)) {
      // The only globals are addresses of graphics functions that this build does not have.
      const value = kind === 'global' ? new WebAssembly.Global({ value: 'i32', mutable: true }, 0) : (known[name] ?? this.denied(name));
      (imports[space] ??= {})[name] = value as WebAssembly.ImportValue;
    }
    const instance = new WebAssembly.Instance(module, imports);
    this.linear = new LinearMemory(instance);
    this.table = instance.exports['__indirect_function_table'] as WebAssembly.Table;
    return { exports: instance.exports, memory: this.linear };
  }

  lock(): void {
    this.files = null;
    this.open.clear();
    this.reset();
  }

  /** Before each run. */
  reset(): void {
    this.reached = null;
    this.clockRead = false;
    this.chance = false;
    this.refusedBytes = 0;
    this.random = this.surroundings.seed;
  }

  private get memory(): LinearMemory {
    if (this.linear === null) throw new Error('The interpreter called its host before it was there.');
    return this.linear;
  }

  private denied(name: string): Import {
    return () => {
      this.reach(name);
      // A system call fails politely; what only Pyodide's JavaScript could answer has no way to fail.
      if (name.startsWith('__syscall_')) return -ERRNO.noSystem;
      if (name.startsWith('fd_')) return ERRNO.noSystem;
      throw new Halt(`host import ${name}`);
    };
  }

  private abort(): never {
    throw new Halt('abort');
  }

  private reach(name: string): void {
    this.reached ??= REACHES.find(([pattern]) => pattern.test(name))?.[1] ?? 'the host';
  }

  private functions(): Record<string, Import> {
    return {
      ...this.clocks(),
      ...this.bootFiles(),
      emscripten_debugger: () => this.onTick(),
      emscripten_resize_heap: (size: number) => this.grow(size >>> 0),
      emscripten_get_heap_max: () => this.maxBytes,
      _abort_js: () => this.abort(),
      __assert_fail: () => this.abort(),
      random_get: (at: number, length: number) => this.fillRandom(at >>> 0, length >>> 0),
      fd_write: () => ERRNO.badFile,
      fd_fdstat_get: () => ERRNO.badFile,
      _Py_CheckEmscriptenSignals_Helper: () => 0,
      _Py_emscripten_runtime: () => 0,
      __syscall_getuid32_js: () => 0,
      __syscall_umask_js: () => 0,
      __hiwire_deduplicate_new: () => null,
      // The program's name and its environment are empty.
      _emscripten_get_progname: (at: number) => this.memory.writable(at, 1).setUint8(0, 0),
      environ_get: () => SUCCESS,
      environ_sizes_get: (count: number, bytes: number) => {
        this.memory.writable(count, 4).setUint32(0, 0, true);
        this.memory.writable(bytes, 4).setUint32(0, 0, true);
        return SUCCESS;
      },
      _PyEM_TrampolineCall_JS: (index: number, self: number, args: number, keywords: number) => {
        const called = this.table?.get(index) as (...args: number[]) => number;
        return called(self, args, keywords);
      },
    };
  }

  private clocks(): Record<string, Import> {
    const now = (): number => {
      this.clockRead = true;
      return this.surroundings.clockMs;
    };
    const utc = (seconds: bigint, at: number): void => writeUtc(this.memory.writable(at, TM_BYTES), Number(seconds));
    const fromUtc = (at: number): bigint => readUtc(this.memory.writable(at, TM_BYTES));
    return {
      emscripten_date_now: now,
      emscripten_get_now: now,
      clock_time_get: (_id: number, _precision: bigint, out: number) => {
        this.memory.writable(out, 8).setBigInt64(0, BigInt(now()) * 1_000_000n, true);
        return SUCCESS;
      },
      clock_res_get: (_id: number, out: number) => {
        this.memory.writable(out, 8).setBigInt64(0, 1_000n, true);
        return SUCCESS;
      },
      _gmtime_js: utc,
      _localtime_js: utc,
      _timegm_js: fromUtc,
      _mktime_js: fromUtc,
      _tzset_js: (offset: number, daylight: number, standardName: number, daylightName: number) => {
        this.memory.writable(offset, 4).setInt32(0, 0, true);
        this.memory.writable(daylight, 4).setInt32(0, 0, true);
        for (const name of [standardName, daylightName]) this.memory.write(name, new TextEncoder().encode('UTC\0'));
      },
    };
  }

  /** A disk that holds one file, while the interpreter boots. */
  private bootFiles(): Record<string, Import> {
    const booting = (name: string, answer: (files: Files, ...args: never[]) => unknown): Record<string, Import> => ({
      [name]: (...args: never[]) => (this.files === null ? this.denied(name)() : answer(this.files, ...args)),
    });
    return {
      __syscall_openat: (_directory: number, at: number) => {
        const path = this.memory.text(at);
        // For the line of a syntax error CPython looks for a file of the program's name, `<program>`.
        if (this.files === null && !/^<.*>$/.test(path)) return this.denied('__syscall_openat')();
        if (path !== this.files?.path) return -ERRNO.noEntry;
        const descriptor = 3 + this.open.size;
        this.open.set(descriptor, { position: 0 });
        return descriptor;
      },
      ...booting('__syscall_stat64', (files, path: number, out: number) => this.stat(files, this.memory.text(path), out)),
      ...booting('__syscall_lstat64', (files, path: number, out: number) => this.stat(files, this.memory.text(path), out)),
      ...booting('__syscall_newfstatat', (files, _directory: number, path: number, out: number) =>
        this.stat(files, this.memory.text(path), out),
      ),
      ...booting('__syscall_fstat64', (files, descriptor: number, out: number) =>
        this.open.has(descriptor) ? this.stat(files, files.path, out) : -ERRNO.badFile,
      ),
      ...booting('__syscall_getcwd', (_files, out: number) => {
        this.memory.writable(out, 2).setUint16(0, '/'.charCodeAt(0), true);
        return 2;
      }),
      ...booting('__syscall_getdents64', () => -ERRNO.notDirectory),
      ...booting('__syscall_readlinkat', () => -ERRNO.noEntry),
      ...booting('__syscall_faccessat', () => -ERRNO.noEntry),
      ...booting('__syscall_ioctl', () => -ERRNO.notTerminal),
      ...booting('__syscall_fcntl64', () => SUCCESS),
      ...booting('_try_fcntl64', () => SUCCESS),
      ...booting('fd_close', () => SUCCESS),
      ...booting('fd_read', (files, descriptor: number, vectors: number, count: number, out: number) => {
        const file = this.open.get(descriptor);
        if (file === undefined) return ERRNO.badFile;
        let total = 0;
        for (let at = vectors; at < vectors + 8 * count; at += 8) {
          const part = files.content.subarray(file.position, file.position + this.memory.u32(at + 4));
          this.memory.write(this.memory.u32(at), part);
          file.position += part.length;
          total += part.length;
        }
        this.memory.writable(out, 4).setUint32(0, total, true);
        return SUCCESS;
      }),
      ...booting('fd_seek', (files, descriptor: number, offset: bigint, whence: number, out: number) => {
        const file = this.open.get(descriptor);
        if (file === undefined) return ERRNO.badFile;
        file.position = Number(offset) + ([0, file.position, files.content.length][whence] ?? 0);
        this.memory.writable(out, 8).setBigInt64(0, BigInt(file.position), true);
        return SUCCESS;
      }),
    };
  }

  /** Fills C's `struct stat` for the archive and the folders above it. */
  private stat(files: Files, path: string, out: number): number {
    const isFile = path === files.path;
    if (!isFile && !`${files.path}/`.startsWith(`${path === '/' ? '' : path}/`)) return -ERRNO.noEntry;
    this.memory.write(out, new Uint8Array(STAT_BYTES));
    const view = this.memory.writable(out, STAT_BYTES);
    view.setUint32(4, isFile ? REGULAR_FILE : DIRECTORY, true);
    view.setUint32(8, 1, true);
    view.setBigInt64(24, BigInt(isFile ? files.content.length : 0), true);
    view.setInt32(32, 4_096, true);
    view.setBigInt64(88, BigInt(path.length), true);
    return SUCCESS;
  }

  private grow(size: number): number {
    if (size > this.maxBytes) {
      this.refusedBytes = size;
      return 0;
    }
    this.memory.grow(size - this.memory.byteLength);
    return 1;
  }

  /** Numbers of a linear congruential generator, the same ones in every run. */
  private fillRandom(at: number, length: number): number {
    this.chance = true;
    const bytes = this.memory.writable(at, length);
    for (let index = 0; index < length; index++) {
      this.random = (Math.imul(this.random, 1_664_525) + 1_013_904_223) >>> 0;
      bytes.setUint8(index, this.random >>> 24);
    }
    return SUCCESS;
  }
}
