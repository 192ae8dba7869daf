import { runInNewContext } from 'node:vm';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openJavascriptEnvironment } from '../../src/environment/javascript.ts';
import type { SandboxEnvironment } from '../../src/environment/sandbox.ts';
import { CODE_SAMPLES } from './samples-code.ts';
import { VALUE_SAMPLES } from './samples-values.ts';

// The sandbox knows no other time zone.
process.env['TZ'] = 'UTC';

/** Node's own engine says what each of them is. */
const SAMPLES: Readonly<Record<string, string>> = { ...VALUE_SAMPLES, ...CODE_SAMPLES };

/** Shows a value; an error by its name. The same text runs in both engines. */
const SHOW = `const show = (make) => {
  try {
    const v = make();
    if (Object.is(v, -0)) return '-0';
    if (v === undefined || typeof v === 'number' || typeof v === 'bigint' || typeof v === 'function') return typeof v === 'function' ? 'function' : String(v);
    return JSON.stringify(v, (key, w) => typeof w === 'bigint' ? w + 'n' : typeof w === 'number' && !isFinite(w) ? String(w) : w === undefined ? 'undefined' : w);
  } catch (e) { return 'threw ' + e.name }
};`;

const samplesOf = (text: string): string[] => text.split(/\n {4}(?! )/).filter((sample) => sample !== '');

let environment: SandboxEnvironment;
beforeAll(async () => {
  environment = await openJavascriptEnvironment(
    { outputChars: 100_000, programChars: 50_000 },
    { workers: 1, rules: { forbidden: 'paper' } },
  );
});
afterAll(() => environment[Symbol.asyncDispose]());

describe('JavaScript in the sandbox', () => {
  test.each(Object.entries(SAMPLES))('means what it means in another engine: %s', async (_, text) => {
    const samples = samplesOf(text);
    const thunks = samples.map((sample) => `show(() => (0, eval)(${JSON.stringify(`(${sample}\n)`)}))`);
    const expected = runInNewContext(`${SHOW} JSON.stringify([${thunks.join(',\n')}])`) as string;
    const execution = await environment.execute(`${SHOW}\nfunction f() { return JSON.stringify([${thunks.join(',\n')}]) }`, '');
    const seen = execution.verdict === 'ok' ? (JSON.parse(JSON.parse(execution.output) as string) as string[]) : [execution.detail];
    // Most of them are to say something else than that they fail.
    expect((JSON.parse(expected) as string[]).filter((one) => one.startsWith('threw')).length).toBeLessThan(samples.length / 3);
    const differing = samples.map((sample, index) => ({ sample, seen: seen[index], expected: (JSON.parse(expected) as string[])[index] }));
    expect(differing.filter((one) => one.seen !== one.expected)).toEqual([]);
  });

  test('has a few hundred samples', () => {
    expect(Object.values(SAMPLES).flatMap(samplesOf).length).toBeGreaterThan(350);
  });
});
