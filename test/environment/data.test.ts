import { describe, expect, test } from 'vitest';
import { openJavascriptEnvironment } from '../../src/environment/javascript.ts';
import { harnessed, readRows } from './rows.ts';

/** Where ours is the better verdict (docs/sandbox.md), and where the short time limit of this test comes first. */
const ALSO_RIGHT: Readonly<Record<string, readonly string[]>> = {
  regex_big_repeat: ['ok'],
  bigint_tostring: ['memory'],
  array_fill_arraylike: ['memory'],
  json_stringify_bomb: ['timeout'],
  string_replaceAll: ['timeout'],
};

describe('hostile programs', () => {
  const rows = readRows<{ lang: string; name: string; code: string; input: string; expect: string }>('hostile-dev.jsonl');
  test.skipIf(rows === null)('get the right verdict, and the program after each the right answer', async () => {
    await using environment = await openJavascriptEnvironment({ fuel: 4_000, timeoutMs: 10_000, outputChars: 200_000 }, { workers: 2 });
    const hostile = (rows ?? []).filter(({ lang }) => lang === 'js');
    // Queued one behind the other, so that each probe runs in the interpreter that the hostile program had.
    const queued = hostile.map(({ code, input }, index) => ({
      verdict: environment.examine(code, input),
      after: environment.examine('function f(a) { return [1, 2].map((x) => x + a) }', String(index)),
    }));
    const executions = await Promise.all(queued.map(({ verdict }) => verdict));
    const outputs = executions.flatMap((execution) => (execution.verdict === 'ok' ? [execution.output] : []));
    expect(outputs.map((output) => environment.canonicalValue(output))).toEqual(outputs);
    const wrong = executions.flatMap((execution, index) => {
      const row = hostile[index];
      const right = row === undefined ? [] : [row.expect, ...(ALSO_RIGHT[row.name] ?? [])];
      return right.includes(execution.verdict) ? [] : [{ name: row?.name, expected: right, execution }];
    });
    expect(hostile.length).toBeGreaterThan(30);
    expect(wrong).toEqual([]);
    expect(await Promise.all(queued.map(({ after }) => after))).toEqual(
      hostile.map((_, index) => ({ verdict: 'ok', output: `[${index + 1},${index + 2}]` })),
    );
  });
});

/** 112 fails its own test in Node too, 162 asks for a package. */
const HUMANEVAL_MISSES = ['JavaScript/112', 'JavaScript/162'];

describe('HumanEval-X', () => {
  const rows = readRows<{ task_id: string; prompt: string; canonical_solution: string; test: string }>('humaneval-x-js-dev.jsonl');
  test.skipIf(rows === null)('solutions pass their tests', async () => {
    await using environment = await openJavascriptEnvironment({ programChars: 50_000 });
    const problems = rows ?? [];
    const executions = await Promise.all(problems.map((row) => environment.examine(harnessed(row), '')));
    const missed = problems.filter((_, index) => executions[index]?.verdict !== 'ok').map(({ task_id }) => task_id);
    expect(missed).toEqual(HUMANEVAL_MISSES);
  });
});
