import { describe, expect, test } from 'vitest';
import { rng } from '../../src/core/rng.ts';
import { openDefined } from '../../src/environment/defined.ts';
import { gridworld } from '../../src/environment/gridworld.ts';
import { verifyAnswer } from '../../src/environment/verify.ts';

const environment = openDefined(gridworld);
const output = async (program: string, input: string): Promise<string> => {
  const run = await environment.execute(program, input);
  return run.verdict === 'ok' ? run.output : `${run.verdict}: ${run.detail}`;
};
const base = { id: 't', step: 1, parents: [] };

describe('plans', () => {
  test.each([
    ['R3 U2 repeat 2 (R U) until wall', '....../..X.../....../@*....', '.....@/..X.../....../...... 1'],
    ['R9', '@..X.', '..@X. 0'],
    ['L', '@.', '@. 0'],
    ['D D', '@/*/.', '././@ 1'],
    ['repeat (R) until item', '@.*.*', '..@.* 1'],
    ['repeat 2 (repeat (R) until item)', '@.*.*', '....@ 2'],
    // The inner block does not wait for walls, so the outer one ends at once.
    ['repeat (repeat 5 (R)) until wall D', '@../...', '.../..@ 0'],
    ['repeat (repeat (R) until wall D) until item', '@../..*/...', '.../..@/... 1'],
    ['repeat 3 (R D) until item U', '@../.*./...', '.@./.../... 1'],
  ])('%j on %j ends in %j', async (program, input, end) => {
    expect(await output(program, input)).toBe(end);
  });

  test.each(
    [
      [
        '',
        'r',
        'R0',
        'R100',
        'R-1',
        'R 3',
        'repeat (R)',
        'repeat 2 R',
        'repeat 2 ()',
        'until wall',
        '(R)',
        'R)',
        'repeat 2 (R',
        'R; x',
        'repeat 2 (R) until dawn',
      ],
    ].flat(),
  )('%j is no plan', async (program) => {
    expect(await output(program, '@.')).toMatch(/^error: .*\.$/);
  });

  test.each(['', '..', '@@', '@./.', '@a', '@#', `@${'.'.repeat(16)}`, Array(17).fill('@').join('/'), '@./', '/@.'])(
    '%j is no map',
    async (map) => {
      expect(await output('R', map)).toMatch(/^unsupported: .*\w/);
      expect(environment.canonicalArguments(map)).toBeNull();
    },
  );

  test('a map may be written in lines', () => {
    expect(environment.canonicalArguments('\n@.X\n...\n')).toBe('@.X/...');
    expect(environment.canonicalValue('..@/.X. , 01')).toBe('..@/.X. 1');
    for (const end of ['..@/.X.', '..@/.X. 1 1', '..@/.X. x', '1', '..@ -1']) expect(environment.canonicalValue(end)).toBeNull();
  });

  test('a plan that never ends is a timeout', async () => {
    expect(await output('repeat (R L) until item', '@..')).toMatch(/^timeout: /);
    expect(await output(`${'repeat 99 ('.repeat(10)}R${')'.repeat(10)}`, '@..')).toMatch(/^timeout: /);
    expect(await output(`${'repeat 2 ('.repeat(13)}R${')'.repeat(13)}`, '@..')).toMatch(/^error: .*nested/);
  });

  test('agrees with a walk by hand on random moves', async () => {
    const random = rng('gridworld');
    for (let i = 0; i < 100; i++) {
      const [width, height] = [1 + random.int(5), 1 + random.int(5)];
      const cells = Array.from({ length: height }, () => Array.from({ length: width }, () => '..X*'[random.int(4)] as string));
      let [x, y, picked] = [random.int(width), random.int(height), 0];
      const draw = (): string => cells.map((row, r) => row.map((cell, c) => (r === y && c === x ? '@' : cell)).join('')).join('/');
      (cells[y] as string[])[x] = '.';
      const start = draw();
      const moves = Array.from({ length: 1 + random.int(12) }, () => 'UDLR'[random.int(4)] as string);
      for (const move of moves) {
        const [toX, toY] = [x + ({ L: -1, R: 1 }[move] ?? 0), y + ({ U: -1, D: 1 }[move] ?? 0)];
        const cell = cells[toY]?.[toX];
        if (cell === undefined || cell === 'X') continue;
        if (cell === '*') picked += 1;
        [x, y] = [toX, toY];
        (cells[y] as string[])[x] = '.';
      }
      expect(await output(moves.join(' '), start)).toBe(`${draw()} ${picked}`);
    }
  });
});

describe('tasks', () => {
  test.each([
    ['R', ['@.'], true],
    ['R L', ['@.'], false],
    ['L', ['@.'], false],
    ['R', ['@.', '@X'], true],
    ['R', ['@.', 'nowhere'], false],
    ['walk', ['@.'], false],
  ])('%j on %j may be proposed: %s', async (program, inputs, ok) => {
    const verdict = await environment.validate(program, inputs);
    expect(verdict.ok).toBe(ok);
    if (!verdict.ok) expect(verdict.detail).toMatch(/\w+.*\.$|@\.\*/);
  });

  test('any start from which the plan reaches the end answers an abduction, on the same walls only', async () => {
    const task = { ...base, type: 'abduction', program: 'R2 D', input: '@../.X./...', output: '.../.X@/... 0' } as const;
    expect(await environment.execute(task.program, task.input)).toMatchObject({ output: task.output });
    for (const answer of ['@../.X./...', '.@./.X./...', '..@/.X./...'])
      expect(await verifyAnswer(environment, task, answer)).toMatchObject({ correct: true });
    for (const answer of ['@../..X/...', '@../.../...', '.../.X@/...', '*@./.X./...', '.*@/.X./...', '@../.X.', '', 'R2 D'])
      expect(await verifyAnswer(environment, task, answer)).toMatchObject({ correct: false });
  });

  test('a plan that maps all starts to their ends answers an induction', async () => {
    const starts = ['@..', '.@.', '@.X', '@'];
    const pairs = await Promise.all(starts.map(async (input) => ({ input, output: await output('repeat (R) until wall', input) })));
    const task = { ...base, type: 'induction', program: 'repeat (R) until wall', pairs, shown: 2, message: '' } as const;
    for (const answer of ['repeat (R) until wall', 'R2', 'R9', 'repeat 3 (R)'])
      expect(await verifyAnswer(environment, task, answer)).toMatchObject({ correct: true });
    for (const answer of ['R', 'L', 'repeat (R) until item', '..@ 0', ''])
      expect(await verifyAnswer(environment, task, answer)).toMatchObject({ correct: false });
  });
});
