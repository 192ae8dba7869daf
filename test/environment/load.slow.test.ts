import { spawn } from 'node:child_process';
import { expect, test } from 'vitest';
import { openJavascriptEnvironment } from '../../src/environment/javascript.ts';
import { openPythonEnvironment } from '../../src/environment/python.ts';
import type { Execution } from '../../src/environment/port.ts';
import type { SandboxEnvironment } from '../../src/environment/sandbox.ts';
import { harnessed, readRows } from './rows.ts';

/** `npm run test:slow -- test/environment/load`; KELVIN_ROUNDS shortens it (docs/sandbox.md, "Figures"). */
const ROUNDS = Number(process.env['KELVIN_ROUNDS'] ?? 3);
const LOOPS = 8;
const HOUR = 3_600_000;
const LIMITS = { outputChars: 200_000, programChars: 200_000, inputChars: 200_000 };

const hostile = readRows<{ lang: string; code: string; input: string }>('hostile-dev.jsonl');
const cruxeval = readRows<{ code: string; input: string }>('cruxeval-dev.jsonl');
const humaneval = readRows<{ prompt: string; canonical_solution: string; test: string }>('humaneval-x-js-dev.jsonl');

interface Program {
  readonly code: string;
  readonly input: string;
}

/** The whole set of a language, in two workers: once with the machine as it is, then beside busy loops. */
async function compareUnderLoad(environment: SandboxEnvironment, programs: readonly Program[]): Promise<void> {
  const all = (): Promise<Execution[]> => Promise.all(programs.map(({ code, input }) => environment.examine(code, input)));
  const before = await all();
  const byClock = before.filter((execution) => execution.verdict === 'timeout' && !execution.detail.includes('fuel'));
  expect(byClock, 'fuel is the verdict, not the clock').toEqual([]);
  const loops = Array.from({ length: LOOPS }, () => spawn(process.execPath, ['-e', 'for (;;);'], { stdio: 'ignore' }));
  try {
    for (let round = 0; round < ROUNDS; round++) {
      const now = await all();
      const differing = programs.flatMap(({ code }, index) =>
        JSON.stringify(now[index]) === JSON.stringify(before[index]) ? [] : [{ code, before: before[index], now: now[index] }],
      );
      expect(differing).toEqual([]);
    }
  } finally {
    for (const loop of loops) loop.kill('SIGKILL');
  }
  const { kills, reruns, executions } = environment.stats();
  console.log(`${environment.language}: ${executions} jobs with the same verdicts and sentences; ${kills} kills, ${reruns} runs repeated`);
}

test.skipIf(hostile === null || humaneval === null)(
  'JavaScript verdicts are the same beside eight busy loops',
  { timeout: HOUR },
  async () => {
    await using environment = await openJavascriptEnvironment(LIMITS, { workers: 2 });
    await compareUnderLoad(environment, [
      ...(hostile ?? []).filter(({ lang }) => lang === 'js'),
      ...(humaneval ?? []).map((row) => ({ code: harnessed(row), input: '' })),
    ]);
  },
);

test.skipIf(hostile === null || cruxeval === null)('Python verdicts are the same beside eight busy loops', { timeout: HOUR }, async () => {
  await using environment = await openPythonEnvironment(LIMITS, { workers: 2 });
  await compareUnderLoad(environment, [...(hostile ?? []).filter(({ lang }) => lang === 'py'), ...(cruxeval ?? [])]);
});
