import { expect, test } from 'vitest';
import { openJavascriptEnvironment } from '../../src/environment/javascript.ts';
import { openPythonEnvironment } from '../../src/environment/python.ts';
import type { SandboxEnvironment } from '../../src/environment/sandbox.ts';
import { readRows } from './rows.ts';

/** `npm run test:slow -- test/environment/mixed`: figures of docs/sandbox.md and docs/python.md. */
const EXECUTIONS = 10_000;
const MOST_MB = 600;
const HOUR = 3_600_000;

interface Expected {
  readonly program: string;
  readonly input: string;
  /** A canonical value, or a verdict. */
  readonly expected: string;
}

async function runMixed(environment: SandboxEnvironment, mixed: (index: number) => Expected): Promise<void> {
  let most = 0;
  const sampler = setInterval(() => (most = Math.max(most, environment.stats().rssMb)), 500);
  const programs = Array.from({ length: EXECUTIONS }, (_, index) => mixed(index));
  const executions = await Promise.all(programs.map(({ program, input }) => environment.execute(program, input)));
  clearInterval(sampler);
  const wrong = executions.flatMap((execution, index) => {
    const seen = execution.verdict === 'ok' ? execution.output : execution.verdict;
    return seen === programs[index]?.expected ? [] : [{ index, seen, expected: programs[index]?.expected }];
  });
  const { seconds, kills, reruns, recycles } = environment.stats();
  console.log(
    `${environment.language}: ${EXECUTIONS} in ${seconds.toFixed(0)} s; at most ${most} MB; ${kills} kills, ${reruns} runs repeated, ${recycles} recycles`,
  );
  expect(wrong).toEqual([]);
  expect(most).toBeGreaterThan(0);
  expect(most).toBeLessThan(MOST_MB);
}

const JAVASCRIPT_HANGS = [
  'const a = []; a.length = 4294967295; return a.join("").length',
  'const a = []; a.length = 4294967295; return a.reverse().length',
  'return Array.prototype.indexOf.call({ length: 2 ** 53 - 1 }, 7)',
  'const a = new Uint8Array(2e7); for (;;) a.fill(7)',
];

/** Programs of every verdict in turn; one in fifty is a native call that never comes back. */
function javascriptProgram(index: number): Expected {
  if (index % 50 === 25) return { program: `function f(x) { ${JAVASCRIPT_HANGS[(index / 50) & 3]} }`, input: '1', expected: 'timeout' };
  if (index % 40 === 7) return { program: 'function f(x) { return f(x) }', input: '1', expected: 'error' };
  if (index % 40 === 17) return { program: 'function f(x) { return new Array(1e9).fill(x) }', input: '1', expected: 'memory' };
  if (index % 40 === 27) return { program: 'function f(x) { return Reflect.get(Date, "n" + "ow")() }', input: '1', expected: 'forbidden' };
  if (index % 40 === 37) return { program: 'function f(x) { return () => x }', input: '1', expected: 'unsupported' };
  return { program: `function f(x) { return x.map((v) => v * ${index}) }`, input: '[1, 2]', expected: `[${index},${2 * index}]` };
}

test('10,000 JavaScript executions, every fiftieth a native hang', { timeout: HOUR }, async () => {
  await using environment = await openJavascriptEnvironment({ fuel: 1_000 }, { workers: 2 });
  await runMixed(environment, javascriptProgram);
});

const PYTHON_HANGS: readonly (readonly [string, string])[] = [
  ['timeout', 'def f(*a):\n    return sum(range(10**12))'],
  ['timeout', 'import itertools\ndef f(*a):\n    return any(itertools.repeat(0))'],
  ['memory', 'def f(*a):\n    s = "a"\n    while True: s += s'],
  ['timeout', 'import re\ndef f(*a):\n    return re.match("(a+)+$", "a" * 40 + "b")'],
  ['timeout', 'def f(*a):\n    b = bytes(10**7)\n    while True: c = bytearray(b)'],
];

const cruxeval = readRows<{ code: string; input: string; output: string }>('cruxeval-dev.jsonl');

test.skipIf(cruxeval === null)('10,000 Python executions, every fiftieth a native hang', { timeout: HOUR }, async () => {
  await using environment = await openPythonEnvironment({ outputChars: 20_000, fuel: 1_000 }, { workers: 2 });
  const honest = (cruxeval ?? []).flatMap(({ code, input, output }) =>
    environment.canonicalArguments(input) === null
      ? []
      : [{ program: code, input, expected: environment.canonicalValue(output) ?? output } satisfies Expected],
  );
  await runMixed(environment, (index) => {
    const [expected, program] = (index % 50 === 25 && PYTHON_HANGS[((index / 50) % PYTHON_HANGS.length) | 0]) || [];
    if (program !== undefined && expected !== undefined) return { program, input: '1', expected };
    return honest[index % honest.length] as Expected;
  });
});
