import { spawnSync } from 'node:child_process';
import { accessSync, constants, realpathSync } from 'node:fs';
import { createRequire } from 'node:module';
import { delimiter, dirname, join, sep } from 'node:path';
import { fileURLToPath } from 'node:url';

/** How a sandbox process is started with as little as this machine lets us take away (docs/sandbox.md, "Layers"). */
export interface Confinement {
  readonly command: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

const FROM_SOURCE = import.meta.url.endsWith('.ts');
/** `./keeper.ts` from source, `dist/environment-keeper.mjs` in the bundle. */
const KEEPER = fileURLToPath(new URL(FROM_SOURCE ? './keeper.ts' : './environment-keeper.mjs', import.meta.url));

/** From the most that util-linux's `unshare` takes away to the least; the first that this machine allows is used. */
const NAMESPACES: readonly (readonly string[])[] = [
  ['--user', '--map-user=65534', '--net', '--ipc', '--pid', '--fork', '--kill-child=KILL'],
  ['--user', '--map-root-user', '--net'],
];

let namespace: readonly string[] | null | undefined;

/** The command line of a sandbox process. `namespaces: false` after a start in them failed. */
export function confine(namespaces = true): Confinement {
  namespace ??= findNamespace();
  const node = [...permissionFlags(), '--disable-warning=PERM0006', '--disable-warning=ExperimentalWarning', KEEPER];
  const [command, ...args] = [...(namespaces && namespace ? namespace : []), process.execPath, ...node] as [string, ...string[]];
  return { command, args, env: environment() };
}

/** Nothing of the application's environment; few heaps for C, because dead worker threads leave theirs behind. */
function environment(): Record<string, string> {
  const systemRoot = process.env['SystemRoot'];
  return { MALLOC_ARENA_MAX: '2', ...(process.platform === 'win32' && systemRoot ? { SystemRoot: systemRoot } : {}) };
}

/** Reading the program's own files and starting the worker threads is all that is left; none on a Node that cannot. */
function permissionFlags(): string[] {
  if (!process.allowedNodeEnvironmentFlags.has('--permission')) return [];
  return ['--permission', '--allow-worker', ...readable().map((path) => `--allow-fs-read=${path}`)];
}

function readable(): string[] {
  const own = dirname(KEEPER);
  const root = FROM_SOURCE ? dirname(dirname(own)) : dirname(own);
  const folders = FROM_SOURCE ? [join(root, 'src')] : [own];
  // `node_modules` may be a link: its own path and where it leads are two.
  const paths = [...folders, join(root, 'package.json'), join(root, 'node_modules'), ...moduleFolders()];
  // Node compares real paths, and asks for both where a link is on the way.
  return [...new Set(paths.flatMap((path) => [path, realpath(path)]))];
}

/** The `node_modules` that hold the interpreters, wherever npm put them. */
function moduleFolders(): string[] {
  const { resolve } = createRequire(import.meta.url);
  return ['quickjs-emscripten-core', '@jitl/quickjs-ng-wasmfile-release-sync', 'pyodide/package.json'].flatMap((name) => {
    try {
      const file = resolve(name);
      const end = file.lastIndexOf(`${sep}node_modules${sep}`);
      return end < 0 ? [dirname(file)] : [file.slice(0, end + `${sep}node_modules`.length)];
    } catch {
      return [];
    }
  });
}

function realpath(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return path;
  }
}

function findNamespace(): readonly string[] | null {
  if (process.platform !== 'linux') return null;
  const unshare = findProgram('unshare');
  if (unshare === null) return null;
  for (const flags of NAMESPACES) {
    const { status } = spawnSync(unshare, [...flags, process.execPath, '--version'], { stdio: 'ignore', timeout: 5_000 });
    if (status === 0) return [unshare, ...flags];
  }
  return null;
}

function findProgram(name: string): string | null {
  for (const folder of (process.env['PATH'] ?? '/usr/bin:/bin').split(delimiter)) {
    const path = join(folder, name);
    try {
      accessSync(path, constants.X_OK);
      return path;
    } catch {
      // The next folder may have it.
    }
  }
  return null;
}
