import { existsSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { Worker } from 'node:worker_threads';
import { describe, expect, test } from 'vitest';
import { bootImages, compilePython } from '../../src/environment/python/build.ts';
import { DEFAULT_MODULES } from '../../src/environment/python/guest.ts';
import { openPythonEnvironment } from '../../src/environment/python.ts';

const SLOW = process.env['KELVIN_SLOW'] === '1';
const MINUTES = 60_000;
/** KELVIN_ROUNDS shortens what is done three times. */
const ROUNDS = Number(process.env['KELVIN_ROUNDS'] ?? 3);
const DATA = resolve(import.meta.dirname, '../../../shared/data');
const CRUXEVAL = resolve(DATA, 'cruxeval-dev.jsonl');
const HOSTILE = resolve(DATA, 'hostile-dev.jsonl');

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

const busyLoops = (): Worker[] => Array.from({ length: 8 }, () => new Worker('for (;;);', { eval: true }));

const readRows = <Kind>(path: string): Kind[] =>
  readFileSync(path, 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Kind);

describe.skipIf(!SLOW)('Python, slowly', () => {
  test('booting gives the same image every time', { timeout: 5 * MINUTES }, () => {
    const module = compilePython();
    const [first, again] = [bootImages(module, DEFAULT_MODULES), bootImages(module, DEFAULT_MODULES)];
    for (const image of [0, 1] as const) {
      expect(Buffer.compare(new Uint8Array(again[image].memory), new Uint8Array(first[image].memory))).toBe(0);
      expect({ ...again[image], memory: null }).toEqual({ ...first[image], memory: null });
    }
  });

  const rows = existsSync(CRUXEVAL) ? readRows<Row>(CRUXEVAL) : null;
  if (rows === null) console.log('Skipped: cruxeval-dev.jsonl is not beside the repository.');

  test.skipIf(rows === null)(
    '10,000 executions with 2 % hangs beside 8 busy loops: every verdict right',
    { timeout: 20 * MINUTES },
    async () => {
      await using python = await openPythonEnvironment({ outputChars: 20_000 }, { workers: 2 });
      const honest = (rows ?? []).filter(({ input }) => python.canonicalArguments(input) !== null);
      const busy = busyLoops();
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

  const hostile = existsSync(HOSTILE) ? readRows<Row & { lang: string }>(HOSTILE).filter(({ lang }) => lang === 'py') : null;
  test.skipIf(hostile === null)('hostile programs get the same verdicts beside 8 busy loops', { timeout: 30 * MINUTES }, async () => {
    await using python = await openPythonEnvironment({ outputChars: 200_000, fuel: 4_000, timeoutMs: 10_000 }, { workers: 2 });
    const all = () => Promise.all((hostile ?? []).map(({ code, input }) => python.examine(code, input)));
    const quiet = await all();
    const busy = busyLoops();
    try {
      for (let round = 0; round < ROUNDS; round++) expect(await all()).toEqual(quiet);
    } finally {
      await Promise.all(busy.map((worker) => worker.terminate()));
    }
  });
});
