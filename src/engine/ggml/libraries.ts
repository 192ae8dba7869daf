/**
 * Finds and loads the ggml and llama.cpp libraries that node-llama-cpp ships (pinned version), through koffi.
 *
 * The file names carry a version (`libllama.v0.5.0.so`), so they are found by pattern. Every library is mapped once per
 * process; the struct layouts this code relies on are checked right after loading (see `layout.ts`), because a wrong
 * offset would be a silent memory fault.
 */
import { createRequire } from 'node:module';
import { existsSync, readdirSync } from 'node:fs';
import path from 'node:path';
import koffi, { type LibraryHandle } from 'koffi';
import { EngineError } from '../ports.ts';

/** A native address. */
export type Pointer = bigint;

/** Build of the native libraries: which compute device its extra backend serves. */
export type Build = 'cpu' | 'cuda' | 'vulkan' | 'metal';

const PACKAGES: Readonly<Record<Build, readonly string[]>> = {
  cpu: ['linux-x64', 'linux-arm64', 'linux-armv7l', 'mac-arm64-metal', 'mac-x64', 'win-x64', 'win-arm64'],
  cuda: ['linux-x64-cuda', 'win-x64-cuda'],
  vulkan: ['linux-x64-vulkan', 'win-x64-vulkan'],
  metal: ['mac-arm64-metal'],
};

/** One loaded build: the three libraries and the folder from which ggml loads its backends. */
export interface Libraries {
  readonly build: Build;
  readonly folder: string;
  readonly base: LibraryHandle;
  readonly ggml: LibraryHandle;
  readonly llama: LibraryHandle;
}

const system = `${process.platform === 'darwin' ? 'mac' : process.platform === 'win32' ? 'win' : 'linux'}-${process.arch === 'arm' ? 'armv7l' : process.arch}`;

/** Folder with the libraries of a build for this machine, or null when its package is not installed. */
export function libraryFolder(build: Build): string | null {
  const require = createRequire(import.meta.url);
  for (const name of PACKAGES[build].filter((p) => p.startsWith(system))) {
    let bins: string;
    try {
      bins = path.join(path.dirname(require.resolve(`@node-llama-cpp/${name}/package.json`)), 'bins');
    } catch {
      const guess = require.resolve.paths('koffi')?.map((p) => path.join(p, '@node-llama-cpp', name, 'bins')) ?? [];
      const found = guess.find((p) => existsSync(p));
      if (found === undefined) continue;
      bins = found;
    }
    for (const folder of readdirSync(bins)) {
      const candidate = path.join(bins, folder);
      if (readdirSync(candidate).some((f) => /^(lib)?ggml-base\.(so|dylib|dll)$/.test(f))) return candidate;
    }
  }
  return null;
}

let loaded: Libraries | null = null;

/**
 * Loads one build; a process can hold only one (their symbols are the same).
 * @throws EngineError `unsupported` when the package for this machine is missing or another build is already loaded.
 */
export function loadLibraries(build: Build): Libraries {
  if (loaded !== null) {
    if (loaded.build === build) return loaded;
    throw new EngineError('unsupported', `This process already computes on ${loaded.build}; start a new process to compute on ${build}.`);
  }
  const folder = libraryFolder(build);
  if (folder === null) {
    throw new EngineError(
      'unsupported',
      `The native libraries for ${build} on ${system} are not installed. Run "npm ci" again on this machine, or set engine.backend to "cpu".`,
    );
  }
  const files = readdirSync(folder);
  const find = (pattern: RegExp): string => {
    const file = files.find((f) => pattern.test(f));
    if (file === undefined) throw new EngineError('native', `The folder ${folder} lacks ${pattern.source}. Run "npm ci" again.`);
    return path.join(folder, file);
  };
  try {
    loaded = {
      build,
      folder,
      base: koffi.load(find(/^(lib)?ggml-base\.(so|dylib|dll)$/)),
      ggml: koffi.load(find(/^(lib)?ggml(\.[a-z]+)?(\.v[\d.]+)?\.(so|dylib|dll)$/)),
      llama: koffi.load(find(/^(lib)?llama(\.[a-z]+)?(\.v[\d.]+)?\.(so|dylib|dll)$/)),
    };
  } catch (error) {
    if (error instanceof EngineError) throw error;
    throw new EngineError('native', `Cannot load the native libraries from ${folder}: ${(error as Error).message}`);
  }
  return loaded;
}
