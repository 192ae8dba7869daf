import { describe, expect, test } from 'vitest';
import { rate } from '../../src/core/rating.ts';
import type { Attempt } from '../../src/core/rating.ts';
import { rng } from '../../src/core/rng.ts';

const ELO = 400 / Math.LN10;

describe('ratings', () => {
  test('find the strengths that made the results, within their own standard errors', () => {
    const random = rng(7, 'rating');
    const theta = [-1, -0.3, 0.2, 1.1];
    const b = Array.from({ length: 300 }, () => 3 * random.next() - 1.5);
    const attempts = theta.flatMap((own, player) =>
      b.map((other, task): Attempt => {
        const p = 1 / (1 + Math.exp(other - own));
        const tries = 4;
        return {
          player,
          task,
          tries,
          solved: Array.from({ length: tries }, () => (random.next() < p ? 1 : 0)).reduce<number>((x, y) => x + y, 0),
        };
      }),
    );
    const { players, errors, tasks } = rate(theta.length, b.length, attempts);
    for (const [s, own] of theta.entries()) {
      expect(Math.abs((players[s] as number) - ELO * own)).toBeLessThan(4 * (errors[s] as number));
      expect(errors[s]).toBeGreaterThan(3);
      expect(errors[s]).toBeLessThan(30);
    }
    const mean = b.reduce((sum, value) => sum + value, 0) / b.length;
    const covariance = b.reduce((sum, value, t) => sum + (value - mean) * (tasks[t] as number), 0);
    expect(covariance).toBeGreaterThan(0);
  });

  test('hard tasks tell a strong player from a weak one although both solve the same number', () => {
    const easy = [0, 1, 2, 3].map((task): Attempt => ({ player: 0, task, tries: 10, solved: 5 }));
    const hard = [4, 5, 6, 7].map((task): Attempt => ({ player: 1, task, tries: 10, solved: 5 }));
    const third = [0, 1, 2, 3, 4, 5, 6, 7].map((task): Attempt => ({ player: 2, task, tries: 10, solved: task < 4 ? 9 : 1 }));
    const { players } = rate(3, 8, [...easy, ...hard, ...third]);
    expect(players[1]).toBeGreaterThan((players[0] as number) + 200);
  });

  test('all, nothing and nobody give finite ratings', () => {
    const { players, errors, tasks } = rate(3, 2, [
      { player: 0, task: 0, tries: 8, solved: 8 },
      { player: 1, task: 0, tries: 8, solved: 0 },
    ]);
    expect([...players, ...errors].every(Number.isFinite)).toBe(true);
    expect((players[0] as number) > (players[2] as number) && (players[2] as number) > (players[1] as number)).toBe(true);
    expect(tasks[1]).toBeNaN();
    expect(rate(0, 0, []).players).toEqual([]);
  });
});
