import { existsSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { expect, test } from 'vitest';
import { openJavascriptEnvironment } from '../../src/environment/javascript.ts';

/** Figures of docs/sandbox.md: `npm run test:slow -- test/environment`. */
test('throughput of one worker on one-liners', async () => {
  await using environment = await openJavascriptEnvironment({}, { workers: 1 });
  const rates = { execute: [] as number[], validate: [] as number[] };
  const processor = { execute: [] as number[], validate: [] as number[] };
  for (let round = 0; round < 5; round++) {
    for (const kind of ['execute', 'validate'] as const) {
      const start = performance.now();
      const before = process.cpuUsage();
      const results = await Promise.all(
        Array.from({ length: 1_000 }, async (_, index) => {
          const program = `function f(x) { return x.map((v) => v * ${index} + ${round}) }`;
          if (kind === 'validate') return (await environment.validate(program, ['[1, 2, 3]'])).ok;
          return (await environment.execute(program, '[1, 2, 3]')).verdict === 'ok';
        }),
      );
      const { user, system } = process.cpuUsage(before);
      processor[kind].push(Math.round((user + system) / 1_000));
      rates[kind].push(Math.round(1_000_000 / (performance.now() - start)));
      expect(results.every(Boolean)).toBe(true);
    }
  }
  for (const kind of ['execute', 'validate'] as const) {
    console.log(`${kind}: ${rates[kind].join(' ')} a second; ${processor[kind].join(' ')} ms of processor time a thousand`);
  }
  expect(Math.max(...rates.execute)).toBeGreaterThan(300);
});

const HOSTILE = resolve(import.meta.dirname, '../../../shared/data/hostile-dev.jsonl');
if (!existsSync(HOSTILE)) console.log('Skipped: hostile-dev.jsonl is not beside the repository.');
test.skipIf(!existsSync(HOSTILE))('hostile programs under the limits of kelvin exec', { timeout: 300_000 }, async () => {
  await using environment = await openJavascriptEnvironment({ fuel: 16_000, timeoutMs: 60_000, outputChars: 200_000 }, { workers: 2 });
  const rows = readFileSync(HOSTILE, 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { lang: string; name: string; code: string; input: string; expect: string })
    .filter(({ lang }) => lang === 'js');
  const verdicts = await Promise.all(rows.map(({ code, input }) => environment.examine(code, input)));
  const other = rows.flatMap(({ name, expect: expected }, index) => {
    const seen = verdicts[index]?.verdict;
    return seen === expected ? [] : [`${name}: ${seen} for ${expected}`];
  });
  console.log(`${rows.length - other.length} of ${rows.length} as expected; others: ${other.join(', ')}`);
  expect(other.map((line) => line.split(':')[0]).sort()).toEqual([
    'array_fill_arraylike',
    'bigint_tostring',
    'json_stringify_bomb',
    'regex_big_repeat',
  ]);
});
