import { describe, expect, it } from 'vitest';
import { openJavascriptEnvironment } from '../../src/environment/javascript.ts';

const CLOCK = 'function f(a){return Date.now() - Date.now() + a}';
/** Differs between fresh interpreters, not between two calls in one: only the stack's place in memory would tell, so a counter does it. */
const COUNTER = 'let n = 0; function f(a){ n += 1; return a + n }';
const LONG = 'function f(a){return "x".repeat(a)}';

describe('validation rules (D4, D5, D7)', () => {
  it('the default refuses a counter, a clock and an over-long output', async () => {
    await using environment = await openJavascriptEnvironment({ outputChars: 100 });
    expect(await environment.validate(COUNTER, ['1'])).toMatchObject({ ok: false, verdict: 'nondeterministic' });
    expect(await environment.validate(CLOCK, ['1'])).toMatchObject({ ok: false, verdict: 'forbidden' });
    expect(await environment.validate(LONG, ['500'])).toMatchObject({ ok: false, verdict: 'unsupported' });
  });

  it('D4 paper still calls twice in one interpreter', async () => {
    await using environment = await openJavascriptEnvironment({}, { rules: { determinism: 'paper' } });
    expect(await environment.validate(COUNTER, ['1'])).toMatchObject({ ok: false, verdict: 'nondeterministic' });
    expect(await environment.validate('function f(a){return a+1}', ['1'])).toMatchObject({ ok: true, pairs: [{ output: '2' }] });
  });

  it('D5 paper leaves the ban to the sandbox, which still shows no host', async () => {
    await using environment = await openJavascriptEnvironment({}, { rules: { forbidden: 'paper' } });
    const verdict = await environment.validate('function f(a){return typeof process + typeof require}', ['1']);
    expect(verdict).toMatchObject({ ok: true, pairs: [{ output: '"undefinedundefined"' }] });
  });

  it('D7 paper cuts at 400 characters', async () => {
    await using environment = await openJavascriptEnvironment({}, { rules: { longOutput: 'paper' } });
    const verdict = await environment.validate(LONG, ['5000']);
    expect(verdict.ok && verdict.pairs[0]?.output.length).toBe(400);
  });
});
