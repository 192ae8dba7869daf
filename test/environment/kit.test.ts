import { describe, expect, test } from 'vitest';
import { checkDefinition, kitLines } from '../../src/environment/kit/check.ts';
import type { EnvironmentDefinition } from '../../src/environment/definition.ts';
import { gridworld } from '../../src/environment/gridworld.ts';
import { logic } from '../../src/environment/logic.ts';
import template from '../../src/environment/template.ts';

const failures = (lines: Iterable<string>): string[] => [...lines].filter((line) => !line.startsWith('ok'));

describe('the test kit', () => {
  test.each([
    ['logic', logic],
    ['gridworld', gridworld],
    ['the template', template],
  ] as const)('passes %s', async (_name, definition) => {
    expect(failures(kitLines(await checkDefinition(definition as EnvironmentDefinition)))).toEqual([]);
  });
});

/** The template with one fault each, and what the kit says of it. */
const base = template as EnvironmentDefinition<readonly (number | string)[], readonly number[]>;
const { run, output, program, input } = base;
let calls = 0;
const FAULTS: readonly (readonly [string, Partial<typeof base>, RegExp])[] = [
  ['a wrong result', { run: (p, i, tick) => (p.includes('sub') ? '5' : run(p, i, tick)) }, /gives "5", not "-5"/],
  ['chance', { run: (p, i, tick) => (Math.random() < 0.5 ? run(p, i, tick) : run(p, i, tick)) && String(Math.random()) }, /\S/],
  ['the clock', { run: (p, i, tick) => (Math.floor(Date.now() / 86_400_000) % 2 === 0 ? run(p, i, tick) : '1') }, /\S/],
  ['memory of earlier questions', { run: (p, i, tick) => (++calls % 97 === 0 ? '1' : run(p, i, tick)) }, /two runs|another answer|not "/i],
  ['an output without its signs', { output: (text) => output(text.replaceAll('-', '')) }, /not "-5"|canonical/],
  ['an output that reads the first number only', { output: (text) => /-?\d+/.exec(text)?.[0] ?? { problem: 'No number.' } }, /\S/],
  [
    'an output that ignores what follows',
    { output: (text) => output(text.replace(/[^\d\s-].*$/su, '').trim() || 'x') },
    /accepts the wrong answer/,
  ],
  [
    'a program that ignores unknown words',
    { program: { ...program, read: (text) => program.read(text.replaceAll(/[^a-z0-9\s-]+/g, ' ')) } },
    /accepts the wrong|wrong/,
  ],
  ['an exception', { run: () => { throw new TypeError('no'); } }, /breaks its contract in run/], // prettier-ignore
  ['an exception on odd text', { program: { ...program, read: (text) => (JSON.parse(text), program.read(text)) } }, /breaks its contract in program\.read/], // prettier-ignore
  ['eval', { input: { ...input, read: (text) => { try { (0, eval)(text); } catch { /* ignored */ } return input.read(text); } } }, /evaluated as code/], // prettier-ignore
  ['a canonical form that is none', { input: { ...input, write: (stack) => `${stack.join(' ')} 0` } }, /canonical form/],
  ['a normal form that loses something', { program: { ...program, write: (words) => words.slice(0, 2).join(' ') } }, /normal form/],
  ['no reason', { trivial: () => '' }, /without a sentence/],
  ['everything is trivial', { trivial: () => 'No.' }, /seed is no valid proposal/],
  [
    'a worked example that is not true',
    { texts: { ...base.texts, examples: [{ ...base.texts.examples[0]!, output: '8' }] } },
    /a worked example/,
  ],
  ['too few samples', { samples: base.samples.slice(0, 1) }, /at least two programs/],
  ['a changed prototype', { input: { ...input, read: (text) => { if (text.includes('__proto__')) Object.defineProperty(Object.prototype, 'polluted', { value: 1, configurable: true }); return input.read(text); } } }, /prototype of all objects/], // prettier-ignore
];

describe('the test kit finds', () => {
  test.each(FAULTS)('%s', async (_name, fault, message) => {
    const report = await checkDefinition({ ...base, ...fault } as EnvironmentDefinition);
    delete (Object.prototype as Record<string, unknown>)['polluted'];
    expect(report.ok).toBe(false);
    expect(failures(kitLines(report)).join('\n')).toMatch(message);
  });

  test('a program that never ends although its author says so', async () => {
    const endless = [['1 add', '3']] as const;
    expect(failures(kitLines(await checkDefinition({ ...template, endless } as EnvironmentDefinition))).join()).toMatch(/should never end/);
  });
});
