import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { expect, test } from 'vitest';
import { openJavascriptEnvironment } from '../../src/environment/javascript.ts';

/** `npm run test:slow -- test/environment/load`: figures of docs/sandbox.md. KELVIN_ROUNDS shortens it. */
const ROUNDS = Number(process.env['KELVIN_ROUNDS'] ?? 3);
const MOST_MB = 600;

/** Programs of every verdict in turn; one in fifty is a native call that never comes back. */
function mixed(index: number): { program: string; input: string; expected: string } {
  if (index % 50 === 25) {
    const hangs = [
      'const a = []; a.length = 4294967295; return a.join("").length',
      'const a = []; a.length = 4294967295; return a.reverse().length',
      'return Array.prototype.indexOf.call({ length: 2 ** 53 - 1 }, 7)',
      'return Array.prototype.includes.call({ length: 2 ** 53 - 1 }, 7)',
    ];
    return { program: `function f(x) { ${hangs[(index / 50) & 3]} }`, input: '1', expected: 'timeout' };
  }
  if (index % 40 === 7) return { program: 'function f(x) { return f(x) }', input: '1', expected: 'error' };
  if (index % 40 === 17) return { program: 'function f(x) { return new Array(1e9).fill(x) }', input: '1', expected: 'memory' };
  if (index % 40 === 27) return { program: 'function f(x) { return Reflect.get(Date, "n" + "ow")() }', input: '1', expected: 'forbidden' };
  if (index % 40 === 37) return { program: 'function f(x) { return () => x }', input: '1', expected: 'unsupported' };
  return { program: `function f(x) { return x.map((v) => v * ${index}) }`, input: '[1, 2]', expected: `[${index},${2 * index}]` };
}

test('10,000 mixed executions, every fiftieth a native hang', { timeout: 1_800_000 }, async () => {
  await using environment = await openJavascriptEnvironment({ fuel: 4_000, timeoutMs: 10_000 }, { workers: 2 });
  let most = 0;
  const sampler = setInterval(() => (most = Math.max(most, environment.stats().rssMb)), 500);
  const programs = Array.from({ length: 10_000 }, (_, index) => mixed(index));
  const executions = await Promise.all(programs.map(({ program, input }) => environment.execute(program, input)));
  clearInterval(sampler);
  const wrong = executions.flatMap((execution, index) => {
    const seen = execution.verdict === 'ok' ? execution.output : execution.verdict;
    return seen === programs[index]?.expected ? [] : [{ index, seen, expected: programs[index]?.expected }];
  });
  const { seconds, kills, reruns, recycles } = environment.stats();
  console.log(`10,000 in ${seconds.toFixed(0)} s; at most ${most} MB; ${kills} kills, ${reruns} runs repeated, ${recycles} recycles`);
  expect(wrong).toEqual([]);
  expect(most).toBeGreaterThan(0);
  expect(most).toBeLessThan(MOST_MB);
});

const HOSTILE = resolve(import.meta.dirname, '../../../shared/data/hostile-dev.jsonl');
if (!existsSync(HOSTILE)) console.log('Skipped: hostile-dev.jsonl is not beside the repository.');

test.skipIf(!existsSync(HOSTILE))('verdicts are the same with eight busy loops beside', { timeout: 3_600_000 }, async () => {
  const rows = readFileSync(HOSTILE, 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { lang: string; code: string; input: string })
    .filter(({ lang }) => lang === 'js');
  await using environment = await openJavascriptEnvironment({ fuel: 4_000, timeoutMs: 10_000, outputChars: 200_000 }, { workers: 2 });
  const all = () => Promise.all(rows.map(({ code, input }) => environment.examine(code, input)));
  const quiet = await all();
  const loops = Array.from({ length: 8 }, () => spawn(process.execPath, ['-e', 'for (;;);'], { stdio: 'ignore' }));
  try {
    for (let round = 0; round < ROUNDS; round++) expect(await all()).toEqual(quiet);
  } finally {
    for (const loop of loops) loop.kill('SIGKILL');
  }
});
