import { existsSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { Worker } from 'node:worker_threads';
import { describe, expect, test } from 'vitest';
import { bootImages, compilePython } from '../../src/environment/python/build.ts';
import { DEFAULT_MODULES } from '../../src/environment/python/guest.ts';
import { openPythonEnvironment } from '../../src/environment/python.ts';

const SLOW = process.env['KELVIN_SLOW'] === '1';
const MINUTES = 60_000;
const CRUXEVAL = resolve(import.meta.dirname, '../../../shared/data/cruxeval-dev.jsonl');

interface Row {
  readonly code: string;
  readonly input: string;
  readonly output: string;
}

const HANGS: readonly (readonly [string, string])[] = [
  ['timeout', 'def f(*a):\n    return sum(range(10**12))'],
  ['timeout', 'import itertools\ndef f(*a):\n    return any(itertools.repeat(0))'],
  ['memory', 'def f(*a):\n    s = "a"\n    while True: s += s'],
  ['timeout', 'import re\ndef f(*a):\n    return re.match("(a+)+$", "a" * 40 + "b")'],
  ['timeout', 'import collections, itertools\ndef f(*a):\n    return collections.deque(itertools.count(), maxlen=0)'],
];

describe.skipIf(!SLOW)('Python, slowly', () => {
  test('booting gives the same image every time', { timeout: 5 * MINUTES }, () => {
    const module = compilePython();
    const [first, again] = [bootImages(module, DEFAULT_MODULES), bootImages(module, DEFAULT_MODULES)];
    for (const image of [0, 1] as const) {
      expect(Buffer.compare(new Uint8Array(again[image].memory), new Uint8Array(first[image].memory))).toBe(0);
      expect({ ...again[image], memory: null }).toEqual({ ...first[image], memory: null });
    }
  });

  const rows: Row[] | null = existsSync(CRUXEVAL)
    ? readFileSync(CRUXEVAL, 'utf8')
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line) as Row)
    : null;
  if (rows === null) console.log('Skipped: cruxeval-dev.jsonl is not beside the repository.');

  test.skipIf(rows === null)(
    '10,000 executions with 2 % hangs beside 8 busy loops: every verdict right',
    { timeout: 20 * MINUTES },
    async () => {
      await using python = await openPythonEnvironment({ outputChars: 20_000 }, { workers: 2 });
      const honest = (rows ?? []).filter(({ input }) => python.canonicalArguments(input) !== null);
      const busy = Array.from({ length: 8 }, () => new Worker('for (;;);', { eval: true }));
      try {
        const seen = await Promise.all(
          Array.from({ length: 10_000 }, async (_, index) => {
            const hang = index % 50 === 25 ? HANGS[((index / 50) % HANGS.length) | 0] : undefined;
            const row = honest[index % honest.length] as Row;
            const execution = hang ? await python.execute(hang[1], '1') : await python.execute(row.code, row.input);
            const got = execution.verdict === 'ok' ? execution.output : execution.verdict;
            return got === (hang ? hang[0] : python.canonicalValue(row.output)) ? null : { index, got };
          }),
        );
        expect(seen.filter((wrong) => wrong !== null)).toEqual([]);
        expect(python.stats().rssMb).toBeLessThan(600);
      } finally {
        await Promise.all(busy.map((worker) => worker.terminate()));
      }
    },
  );
});
