import { describe, expect, test } from 'vitest';
import { isolationWarnings } from '../../src/commands/isolation.ts';
import { testIsolation } from '../../src/environment/isolation.ts';
import { loadLanguage } from '../../src/environment/languages.ts';

describe('the self-test', () => {
  test('finds the JavaScript sandbox closed', async () => {
    const { layers, tried } = await testIsolation([await loadLanguage('javascript')]);
    expect(tried).toEqual([{ language: 'javascript', programs: 10, held: 10 }]);
    expect(layers.map(({ name }) => name)).toEqual(['memory', 'gate', 'limits', 'files', 'processes', 'network', 'namespace']);
    // What the machine adds may be missing; what Kelvin brings may not.
    expect(layers.slice(0, 3).filter(({ holds }) => !holds)).toEqual([]);
  });

  test('says which wall a program came over, and what that means', async () => {
    const javascript = await loadLanguage('javascript');
    const report = await testIsolation([
      {
        ...javascript,
        attacks: [
          { name: 'an open door', layer: 'gate', code: 'function f(x) { return x }', verdicts: ['ok'], output: '2' },
          { name: 'a closed door', layer: 'memory', code: 'function f(x) { throw 1 }', verdicts: ['error'] },
        ],
      },
    ]);
    expect(report.tried).toEqual([{ language: 'javascript', programs: 2, held: 1 }]);
    expect(report.layers.find(({ name }) => name === 'gate')).toMatchObject({
      holds: false,
      detail: 'JavaScript: an open door gave the output 1',
    });
    expect(report.layers.find(({ name }) => name === 'memory')).toMatchObject({ holds: true });
    expect(isolationWarnings(report).filter((warning) => warning.includes('gate'))).toEqual([
      'Sandbox: the layer gate is missing (JavaScript: an open door gave the output 1); a program could reach functions of the host: do not run model-written programs here.',
    ]);
  });
});
