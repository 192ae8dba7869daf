import { describe, expect, test } from 'vitest';
import { rng } from '../../src/core/rng.ts';
import { openDefined } from '../../src/environment/defined.ts';
import { logic } from '../../src/environment/logic.ts';
import { readCircuit, writeCircuit } from '../../src/environment/logic/formula.ts';
import type { Circuit } from '../../src/environment/logic/formula.ts';
import { forced } from '../../src/environment/logic/solver.ts';
import { verifyAnswer } from '../../src/environment/verify.ts';

const environment = openDefined(logic);
const output = async (program: string, input: string): Promise<string> => {
  const run = await environment.execute(program, input);
  return run.verdict === 'ok' ? run.output : `${run.verdict}: ${run.detail}`;
};
const base = { id: 't', step: 1, parents: [] };

describe('formulas', () => {
  test.each([
    ['a|b&c', 'a | b & c'],
    ['(a|b)&c', '(a | b) & c'],
    ['a -> (b -> c)', 'a -> b -> c'],
    ['(a -> b) -> c', '(a -> b) -> c'],
    ['~(a and not b) or c xor d', '!(a & !b) | c ^ d'],
    ['A ∧ ¬b ∨ c → d ↔ e', 'A & !b | c -> d <-> e'],
    ['s = a^b;\n c=a&&b ;', 's = a ^ b; c = a & b'],
    ['a <-> (b <-> c)', 'a <-> (b <-> c)'],
    ['!!a == true', '!!a <-> true'],
  ])('%j is written %j', (text, form) => {
    expect(environment.normalise(text)).toBe(form);
    expect(environment.normalise(form)).toBe(form);
  });

  test.each([
    '',
    'a b',
    'a &',
    '& a',
    '(a',
    'a)',
    '()',
    'a + b',
    'f(a)',
    'a & 1x',
    '1',
    'open & a',
    'a; b',
    's = a; s = b',
    's = s & a; c = a',
    'c = s & a; s = a',
    `${'a & '.repeat(500)}a`,
    `${'!'.repeat(60)}a`,
    Array.from({ length: 17 }, (_, i) => `v${i}`).join('|'),
  ])('%j is refused with a sentence', async (text) => {
    const run = await environment.execute(text, 'a=true');
    expect(run).toMatchObject({ verdict: 'error', detail: expect.stringMatching(/\.$|…$/) as string });
  });
});

describe('values', () => {
  test.each([
    ['a & b', 'a=1, b=0', 'false'],
    ['a & b', '{a: true, b: T}', 'true'],
    ['a & b', 'a=false', 'false'],
    ['a & b', 'a=true', 'open'],
    ['a | !a', '', 'true'],
    ['s = a ^ b; c = a & b', 'b=1 a=1', 'c=true s=false'],
    ['x = a | b; y = x & c; z = !y', 'a=1 b=0 c=1', 'x=true y=true z=false'],
    ['(a -> b) & (b -> c) & a', 'c=false', 'false'],
  ])('%j with %j is %j', async (program, input, value) => {
    expect(await output(program, input)).toBe(value);
  });

  test.each(['a=2', 'a', 'a=true a=false', 'a=open', 'true=1', 'a=1=0', '__proto__=1', 'a = ', '1=a'])(
    'the assignment %j is none',
    async (input) => {
      expect(await output('a & b', input)).toMatch(/^unsupported: /);
      expect(environment.canonicalArguments(input)).toBeNull();
    },
  );

  test('evaluation, the solver and the truth table say the same of random formulas', () => {
    const random = rng('logic');
    for (let i = 0; i < 150; i++) {
      const circuit = readCircuit(formula(4)) as Circuit;
      expect(readCircuit(writeCircuit(circuit))).toEqual(circuit);
      const values = new Map(circuit.variables.flatMap((name) => (random.int(3) === 0 ? [] : [[name, random.int(2) === 1] as const])));
      const free = circuit.variables.filter((name) => !values.has(name));
      const table = new Set<unknown>();
      for (let row = 0; row < 2 ** free.length; row++) {
        const all = new Map([...values, ...free.map((name, bit) => [name, ((row >> bit) & 1) === 1] as const)]);
        table.add(logic.run(circuit, all, () => {}));
      }
      const expected = table.size === 2 ? 'open' : [...table][0];
      expect(forced(circuit, values)).toEqual([expected]);
      expect(logic.run(circuit, values, () => {})).toBe(expected);
    }
    function formula(depth: number): string {
      const kind = depth === 0 ? 6 : random.int(7);
      if (kind === 6) return 'abcd'[random.int(4)] as string;
      if (kind === 5) return `!(${formula(depth - 1)})`;
      return `(${formula(depth - 1)}) ${['<->', '->', '|', '^', '&'][kind] as string} (${formula(depth - 1)})`;
    }
  });
});

describe('tasks', () => {
  test.each([
    ['a | !a & b', [''], true],
    ['a | !a', ['a=true'], false],
    ['a & !a & b', ['a=true b=true'], false],
    ['a', ['a=true'], false],
    ['true', [''], false],
    ['a & b', ['a=true b=true c=true'], false],
    ['a & b', ['a=true'], false],
    ['a & b', ['a=false'], true],
    ['s = a & b; t = a | !a', ['a=true b=true'], false],
    ['a & b', ['a=true b=true', 'b=0 a=1'], true],
    ['a & b', [], false],
  ])('%j with %j may be proposed: %s', async (program, inputs, ok) => {
    const verdict = await environment.validate(
      program,
      inputs.map((input) => (input === '' ? 'a=true b=true' : input)),
    );
    expect(verdict.ok).toBe(ok);
    if (!verdict.ok) expect(verdict.detail).toMatch(/\w+.*\.$/);
  });

  test('any assignment that checks answers an abduction', async () => {
    const task = { ...base, type: 'abduction', program: '(a | b) & !c', input: 'a=true b=true c=false', output: 'true' } as const;
    for (const answer of ['a=true b=true c=false', 'b=1,c=0', 'c=false a=true', 'a=1 b=0 c=0 d=1'])
      expect(await verifyAnswer(environment, task, answer)).toMatchObject({ correct: true });
    for (const answer of ['a=true b=true c=true', 'a=true', 'c=false', 'true', '', '(a | b) & !c', 'a=true b=true c=false c=true'])
      expect(await verifyAnswer(environment, task, answer)).toMatchObject({ correct: false });
  });

  test('a formula that agrees on the hidden pairs, too, answers an induction', async () => {
    const pairs = ['11', '10', '01', '00'].map((bits) => ({
      input: `a=${bits[0] === '1'} b=${bits[1] === '1'}`,
      output: String(bits[0] !== bits[1]),
    }));
    const task = { ...base, type: 'induction', program: 'a ^ b', pairs, shown: 2, message: '' } as const;
    for (const answer of ['a ^ b', '(a | b) & !(a & b)', '!(a <-> b)', 'b xor a'])
      expect(await verifyAnswer(environment, task, answer)).toMatchObject({ correct: true, share: 1 });
    // It agrees on the shown pairs only.
    expect(await verifyAnswer(environment, task, 'a & !b')).toMatchObject({ correct: false, share: 0.75 });
    for (const answer of ['a', 'true', 's = a ^ b', 'a ^^ b', ''])
      expect(await verifyAnswer(environment, task, answer)).toMatchObject({ correct: false });
  });

  test('the order of named values does not matter in a deduction', async () => {
    const task = { ...base, type: 'deduction', program: 's = a ^ b; c = a & b', input: 'a=true b=true', output: 'c=true s=false' } as const;
    expect(await verifyAnswer(environment, task, 's=0, c=1')).toMatchObject({ correct: true });
    expect(await verifyAnswer(environment, task, 's=0')).toMatchObject({ correct: false });
    expect(await verifyAnswer(environment, task, 'false')).toMatchObject({ correct: false });
  });
});
