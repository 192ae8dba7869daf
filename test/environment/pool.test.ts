import { describe, expect, test } from 'vitest';
import { openJavascriptEnvironment } from '../../src/environment/javascript.ts';

const HANG = 'function f() { const a = []; a.length = 4294967295; return a.join("").length }';

describe('the pool', () => {
  test('thousands in flight keep their answers apart, native hangs among them', async () => {
    await using environment = await openJavascriptEnvironment({ timeoutMs: 300, fuel: 1_000 }, { workers: 2 });
    const programs = Array.from({ length: 2_000 }, (_, index) =>
      index === 700 || index === 1_400 ? { program: HANG, input: '' } : { program: 'function f(x) { return x * 2 }', input: String(index) },
    );
    const executions = await Promise.all(programs.map(({ program, input }) => environment.execute(program, input)));
    const wrong = executions.flatMap((execution, index) => {
      const expected = index === 700 || index === 1_400 ? 'timeout' : String(index * 2);
      const seen = execution.verdict === 'ok' ? execution.output : execution.verdict;
      return seen === expected ? [] : [{ index, seen, expected }];
    });
    expect(wrong).toEqual([]);
  });

  test('the same program uses the same fuel, whatever ran before', async () => {
    const program = 'function f(n) { let s = 0; for (let i = 0; i < n; i++) s += i % 7; return s }';
    await using tight = await openJavascriptEnvironment({ fuel: 100 });
    const verdicts = await Promise.all(
      Array.from({ length: 20 }, (_, index) => tight.execute(program, index % 2 === 0 ? '170000' : '180000')),
    );
    expect(verdicts.map(({ verdict }) => verdict)).toEqual(verdicts.map((_, index) => (index % 2 === 0 ? 'ok' : 'timeout')));
  });

  test('closing rejects what is under way and what comes later', async () => {
    const environment = await openJavascriptEnvironment({ timeoutMs: 60_000 });
    const running = environment.execute(HANG, '');
    const rejected = expect(running).rejects.toThrow(/closed/);
    await environment[Symbol.asyncDispose]();
    await rejected;
    await expect(environment.execute('function f() { return 1 }', '')).rejects.toThrow(/closed/);
    await environment[Symbol.asyncDispose]();
  });
});
