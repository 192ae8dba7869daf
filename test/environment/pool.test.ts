import { describe, expect, test } from 'vitest';
import { openJavascriptEnvironment } from '../../src/environment/javascript.ts';
import { javascriptRules } from '../../src/environment/javascript/rules.ts';
import { openSandbox } from '../../src/environment/sandbox.ts';

/** So that only the backstop ends a run. */
const NO_FUEL_LIMIT = 1_000_000_000;
const HANG = 'function f() { const a = []; a.length = 4294967295; return a.join("").length }';

describe('the pool', () => {
  test('thousands in flight keep their answers apart, native hangs among them', async () => {
    await using environment = await openJavascriptEnvironment({ timeoutMs: 300, fuel: NO_FUEL_LIMIT }, { workers: 2 });
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
    await expect.poll(() => environment.stats().kills, { timeout: 5_000 }).toBeGreaterThan(0);
  });

  test('a process above its memory threshold is replaced, and nothing is lost', { timeout: 180_000 }, async () => {
    const rules = { ...javascriptRules, recycleMb: { process: 1, worker: 1 } };
    await using environment = await openSandbox(rules, {}, { workers: 1 });
    for (let round = 0; environment.stats().recycles < 2; round++) {
      const executions = await Promise.all(
        Array.from({ length: 50 }, (_, index) => environment.execute('function f(x) { return x + 1 }', String(round + index))),
      );
      expect(executions).toEqual(executions.map((_, index) => ({ verdict: 'ok', output: String(round + index + 1) })));
    }
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
    const environment = await openJavascriptEnvironment({ timeoutMs: 60_000, fuel: NO_FUEL_LIMIT });
    const running = environment.execute(HANG, '');
    const rejected = expect(running).rejects.toThrow(/closed/);
    await environment[Symbol.asyncDispose]();
    await rejected;
    await expect(environment.execute('function f() { return 1 }', '')).rejects.toThrow(/closed/);
    await environment[Symbol.asyncDispose]();
  });
});
