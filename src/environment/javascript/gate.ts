import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { writeUtc } from '../wasm/clock.ts';
import { instrument } from './instrument.ts';

/** One image's view of the outside: a fixed clock, which also seeds its random numbers. */
export interface Surroundings {
  /** Milliseconds since 1970; the clock stands still. */
  readonly clockMs: number;
}

/** What passed through the gate since `reset`. */
export interface Gate {
  readonly clockRead: boolean;
  /** A program drew a random number: the guest's `Math.random` first asks for the local time of `CHANCE_MARK_SECONDS`. */
  readonly chanceDrawn: boolean;
  /** From now on only the clock, the interrupt and heap growth answer; any other import ends the program. */
  lock(): void;
  reset(): void;
}

export class DeniedImport extends Error {}

type Imports = Record<string, Record<string, WebAssembly.ImportValue>>;

/** The build names its imports by letters; `compileSandbox` takes no other build, so they mean what stands here. */
const IMPORT = { localTime: 'm', timeZone: 'n', clockTime: 'q', dateNow: 'p', growHeap: 'k', interrupt: 'i', memory: 'a' } as const;
const CLOCK_SUCCESS = 0;
/** A moment that nobody asks for by chance: some day in the year 200,033. */
export const CHANCE_MARK_SECONDS = 6_249_224_131_071;

/**
 * Wraps every host function that the WebAssembly module imports. Before `lock` (while the interpreter boots) all of
 * them work, on the fixed clock and in UTC; afterwards none that could touch the host does.
 */
export function gateImports(imports: Imports, memory: WebAssembly.Memory, surroundings: Surroundings): { imports: Imports; gate: Gate } {
  let locked = false;
  let clockRead = false;
  let chanceDrawn = false;
  const clock = (): number => {
    clockRead = true;
    return surroundings.clockMs;
  };
  const fixed: Record<string, (...args: never[]) => unknown> = {
    [IMPORT.dateNow]: clock,
    [IMPORT.clockTime]: (_id: number, _precision: bigint, out: number) => {
      new DataView(memory.buffer).setBigInt64(out, BigInt(clock()) * 1_000_000n, true);
      return CLOCK_SUCCESS;
    },
    [IMPORT.localTime]: (seconds: bigint, out: number) => {
      if (Number(seconds) === CHANCE_MARK_SECONDS) chanceDrawn = true;
      return writeUtc(new DataView(memory.buffer, out), Number(seconds));
    },
    [IMPORT.timeZone]: (offset: number, daylight: number, standardName: number, daylightName: number) => {
      const view = new DataView(memory.buffer);
      view.setInt32(offset, 0, true);
      view.setInt32(daylight, 0, true);
      for (const name of [standardName, daylightName]) new Uint8Array(memory.buffer).set([85, 84, 67, 0], name);
    },
  };
  const open: readonly string[] = [IMPORT.growHeap, IMPORT.interrupt];
  const gated = Object.entries(imports[IMPORT.memory] ?? {}).map(([name, value]) => {
    if (typeof value !== 'function') return [name, value] as const;
    if (open.includes(name)) return [name, value] as const;
    const inner = fixed[name] ?? (value as (...args: never[]) => unknown);
    const guarded = (...args: never[]): unknown => {
      if (locked && !Object.hasOwn(fixed, name)) throw new DeniedImport(`host import ${name}`);
      return inner(...args);
    };
    return [name, guarded] as const;
  });
  const gate: Gate = {
    get clockRead() {
      return clockRead;
    },
    get chanceDrawn() {
      return chanceDrawn;
    },
    lock() {
      locked = true;
      clockRead = false;
      chanceDrawn = false;
    },
    reset() {
      clockRead = false;
      chanceDrawn = false;
    },
  };
  return { imports: { ...imports, [IMPORT.memory]: Object.fromEntries(gated) }, gate };
}

export interface SandboxModule {
  readonly module: WebAssembly.Module;
  /** Smallest memory that the module runs in, pages of 64 KiB. */
  readonly pages: number;
}

/** quickjs-ng 0.12.1 as @jitl/quickjs-ng-wasmfile-release-sync 0.32.0 has it. After an upgrade: read its imports again. */
const BUILD_SHA256 = 'b56fe5094b8751c47b8c32fb5ed4d75afe2dbb43412d3d983ac5d1156af456da';
/** Where the build says how much memory it starts with: 256 pages, as LEB128. */
const MINIMUM_PAGES_AT = 1_022;
/** Static data and the native stack take 82 pages; the rest is a first heap. */
const MINIMUM_PAGES = 100;

/**
 * Compiles the interpreter with the smallest memory it can start in, instead of the 16 MiB that its build asks for: each
 * execution is followed by a restore of all of the memory, so its size is most of the cost. Throws when the installed
 * build is another one, because the import gate would then guard the wrong doors.
 */
export function compileSandbox(): SandboxModule {
  const path = createRequire(import.meta.url).resolve('@jitl/quickjs-ng-wasmfile-release-sync/wasm');
  const bytes = new Uint8Array(readFileSync(path));
  if (createHash('sha256').update(bytes).digest('hex') !== BUILD_SHA256) {
    throw new Error('The installed QuickJS is not the build that the sandbox was written for; reinstall the dependencies.');
  }
  // Two bytes as before, so that every later offset of the file stays: a padded LEB128 number.
  bytes.set([MINIMUM_PAGES | 0x80, 0], MINIMUM_PAGES_AT);
  return { module: new WebAssembly.Module(instrument(bytes)), pages: MINIMUM_PAGES };
}
