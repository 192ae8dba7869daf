import { describe, expect, it } from 'vitest';
import { heldoutTasks, levelOf, SUITE_SIZE } from '../../src/eval/heldout.ts';
import { splitOf } from '../../src/pretrain/split.ts';

const heldout = heldoutTasks('heldout');
const tune = heldoutTasks('tune');

describe('the held-out suites', () => {
  it('have at least 1,500 tasks, as many of each type, of levels 2 – 5', () => {
    expect(SUITE_SIZE).toBeGreaterThanOrEqual(1500);
    for (const suite of [heldout, tune]) {
      expect(suite).toHaveLength(SUITE_SIZE);
      for (const type of ['deduction', 'abduction', 'induction'])
        expect(suite.filter((task) => task.type === type)).toHaveLength(SUITE_SIZE / 3);
      expect(new Set(suite.map(levelOf))).toEqual(new Set([2, 3, 4, 5]));
    }
  });

  it('are the same every time', () => {
    expect(heldoutTasks('heldout')).toEqual(heldout);
  });

  it('share no program with each other or with training', () => {
    const programs = new Set(heldout.map((task) => task.program));
    expect(programs.size).toBe(heldout.length);
    for (const task of heldout) expect(splitOf(task.program)).toBe('heldout');
    for (const task of tune) {
      expect(splitOf(task.program)).toBe('tune');
      expect(programs.has(task.program)).toBe(false);
    }
  });

  it('hide two of five pairs in induction', () => {
    for (const task of heldout) if (task.type === 'induction') expect([task.pairs.length, task.shown]).toEqual([5, 3]);
  });

  it('can be smaller, and refuse a senseless size', () => {
    const few = heldoutTasks('tune', 30);
    expect(few).toHaveLength(30);
    expect(new Set(few.map((task) => task.type)).size).toBe(3);
    expect(heldoutTasks('tune', 1)).toHaveLength(1);
    for (const count of [0, -3, 1.5, Number.NaN]) expect(() => heldoutTasks('tune', count)).toThrow(/positive number of tasks/);
  });
});
