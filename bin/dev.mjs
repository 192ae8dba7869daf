// The development commands behind `npm test`, `npm run lint` and the like, on the same runtime as the app.
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT, buildScript, ensureBuilt, ensureInstalled, runtime } from './setup.mjs';

ensureInstalled();
const tool = (path, args, env = {}) =>
  spawnSync(runtime(), ['--disable-warning=ExperimentalWarning', join(ROOT, 'node_modules', path), ...args], {
    cwd: ROOT,
    stdio: 'inherit',
    env: { ...process.env, ...env },
  }).status ?? 1;

const types = () => tool('typescript/bin/tsc', ['-p', '.']);
const lint = () =>
  tool('eslint/bin/eslint.js', ['.']) ||
  tool('prettier/bin/prettier.cjs', ['--check', '--log-level=warn', 'src', 'ui', 'safety', 'test', 'bin', 'scripts', 'configs']);

const tasks = {
  test: () => runTests({}),
  'test:slow': () => runTests({ KELVIN_SLOW: '1' }),
  types,
  lint,
  format: () => tool('prettier/bin/prettier.cjs', ['--write', 'src', 'ui', 'safety', 'test', 'bin', 'scripts', 'configs']),
  build: async () => (await ensureBuilt(), 0),
  // What runs must survive, by chance from a seed (docs/runs.md).
  'test:kills': () => script('trials/kills.ts'),
  'test:faults': () => script('trials/faults.ts'),
  'test:corruption': () => script('trials/corruption.ts'),
  soak: () => script('trials/soak.ts'),
  'test:skyrl': () => script('trials/skyrl.ts'),
  'app-load': () => script('trials/app-load.ts'),
  'app-pair': () => script('trials/app-pair.ts'),
  'large-run': () => script('trials/large-run.ts'),
  'audit:deps': () => script('dependencies.ts', 'audit'),
  sbom: () => script('dependencies.ts', 'sbom'),
  bench,
};

/** Arguments after `--` are the script's own. */
async function script(path, ...before) {
  const args = ['--disable-warning=ExperimentalWarning', await buildScript(path), ...before, ...process.argv.slice(3)];
  return spawnSync(runtime(), args, { cwd: ROOT, stdio: 'inherit' }).status ?? 1;
}

/** `npm run bench`: every comparison with other software; `npm run bench NAME [arguments]`: one of them, or `throughput`. */
function bench() {
  const [name, ...args] = process.argv.slice(3);
  if (name === 'throughput') return tool('vitest/vitest.mjs', ['run', '-t', 'throughput', ...args], { KELVIN_SLOW: '1' });
  const run = (each, more) => tool(`../bench/${each}.ts`, more);
  return name === undefined ? run('training', []) || run('sampling', []) || run('sandbox', []) : run(name, args);
}

/** Types, lint and all tests; the last line is "N passed, N failed". */
async function runTests(env) {
  await ensureBuilt();
  mkdirSync(join(ROOT, '.cache'), { recursive: true });
  const report = join(ROOT, '.cache', 'tests.json');
  const only = process.argv.slice(3);
  const checks = only.length > 0 || env.KELVIN_SLOW ? [] : [types(), lint()];
  const status = tool('vitest/vitest.mjs', ['run', '--reporter=default', '--reporter=json', `--outputFile.json=${report}`, ...only], env);
  let [passed, failed] = [checks.filter((code) => code === 0).length, checks.filter((code) => code !== 0).length];
  try {
    const result = JSON.parse(readFileSync(report, 'utf8'));
    passed += result.numPassedTests;
    failed += Math.max(
      result.numFailedTests,
      result.numFailedTestSuites > 0 && result.numFailedTests === 0 ? result.numFailedTestSuites : 0,
    );
  } catch {
    failed += 1;
  }
  if (status !== 0 && failed === 0) failed = 1;
  process.stdout.write(`${passed} passed, ${failed} failed\n`);
  return failed > 0 ? 1 : 0;
}

const task = tasks[process.argv[2]];
if (!task) {
  process.stderr.write(`Usage: node bin/dev.mjs ${Object.keys(tasks).join(' | ')}\n`);
  process.exit(2);
}
process.exit(await task());
