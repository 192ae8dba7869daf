import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { bootPython } from './boot.ts';
import type { BootImage } from './boot.ts';
import { guestSource } from './guest.ts';
import type { Files, Surroundings } from './host.ts';
import { instrument } from './instrument.ts';

/** CPython 3.14 as pyodide 314.0.7 has it. After an upgrade: read its imports again (host.ts), then take the new sums. */
const BUILD = {
  'pyodide/pyodide.asm.wasm': 'cc36e3cab04fdfc9a63ff13eb52eae2b911bf46c025cc7b281f394bd3de1d5e6',
  'pyodide/python_stdlib.zip': 'fa1957e5777068fc4f7437f96d860ae2fbe9c19732ba06c84e004ec16dd7dd7a',
} as const;
/** Raised when a boot comes out differently for another reason than its inputs. */
const IMAGE_FORMAT = 1;
const HOOKS = { tick: 'emscripten_debugger', trampoline: '_PyEM_TrampolineCall_JS', deep: '_Py_Dealloc' } as const;
const ARCHIVE = '/lib/python314.zip';

/** Two images that differ in clock, hash seed, random numbers and in where things lie in memory. */
export const SURROUNDINGS: readonly [Surroundings, Surroundings] = [
  { clockMs: 1_000_000_000_000, seed: 1, padding: 1_024 },
  { clockMs: 1_234_567_890_123, seed: 77_777, padding: 70_000 },
];

/** Compiles the interpreter. Throws when the installed build is another one than this was written for. */
export function compilePython(): WebAssembly.Module {
  return new WebAssembly.Module(instrument(readBuild('pyodide/pyodide.asm.wasm'), HOOKS));
}

/** Boots both images: some seconds of one core. */
export function bootImages(module: WebAssembly.Module, modules: readonly string[]): readonly [BootImage, BootImage] {
  const files: Files = { path: ARCHIVE, content: readBuild('pyodide/python_stdlib.zip') };
  const boot = (surroundings: Surroundings): BootImage => bootPython(module, files, surroundings, modules);
  return [boot(SURROUNDINGS[0]), boot(SURROUNDINGS[1])];
}

/** Where the images of this build are kept: beside the installed packages, which the sandbox process may read. */
export function imageFile(modules: readonly string[]): string {
  const inputs = JSON.stringify([IMAGE_FORMAT, BUILD, SURROUNDINGS, guestSource(modules)]);
  const key = createHash('sha256').update(inputs).digest('hex').slice(0, 16);
  return join(dirname(dirname(locate('pyodide/package.json'))), '.cache', 'kelvin', `python-${key}.image`);
}

const locate = (name: string): string => createRequire(import.meta.url).resolve(name);

function readBuild(name: keyof typeof BUILD): Uint8Array {
  const bytes = new Uint8Array(readFileSync(locate(name)));
  if (createHash('sha256').update(bytes).digest('hex') !== BUILD[name]) {
    throw new Error('The installed Python is not the build that the sandbox was written for; reinstall the dependencies.');
  }
  return bytes;
}
