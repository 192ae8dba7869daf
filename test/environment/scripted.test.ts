import { describe, expect, test } from 'vitest';
import { openJavascriptEnvironment } from '../../src/environment/javascript.ts';
import { openScriptedEnvironment } from '../../src/environment/scripted.ts';

describe('the scripted environment', () => {
  test('says what the real one says', async () => {
    await using real = await openJavascriptEnvironment();
    await using scripted = openScriptedEnvironment({ 'function f(a, b) { return a; }': (input) => input.split(',')[0] ?? '' });
    const cases: [string, string[]][] = [
      ['function f(x) { return x; }', ['[1, 2]', '{b: 1, a: "x"}']],
      ['function f(x) {\n  return x + 1\n}', ['41', '-1']],
      ['function f(x) { return x * 2 }', ['4']],
      ['function f(a, b) { return a }', ['1, 2']],
    ];
    for (const [program, inputs] of cases) {
      expect(await scripted.validate(program, inputs)).toEqual(await real.validate(program, inputs));
      expect(await scripted.execute(program, inputs[0] ?? '')).toEqual(await real.execute(program, inputs[0] ?? ''));
    }
    for (const [program, input] of [
      ['function f(x) { return process }', '1'],
      ['function f( {', '1'],
      ['function f(x) { return x; }', 'x'],
    ] as const) {
      expect((await scripted.execute(program, input)).verdict).toBe((await real.execute(program, input)).verdict);
    }
    expect(await scripted.validate('function f() { return 1 }', ['1'])).toEqual(await real.validate('function f() { return 1 }', ['1']));
    expect(await scripted.execute('function f(x) { return x - 1 }', '1')).toMatchObject({ verdict: 'error' });
  });
});
