import { describe, expect, test } from 'vitest';
import { collapseRisk } from '../../src/core/collapse.ts';
import { diversity, repetition } from '../../src/core/diversity.ts';
import type { Metrics } from '../../src/core/types.ts';

const sound: Metrics = { entropy: 0.5, 'diversity/distinct': 0.95, 'diversity/distance': 0.8, 'valid/propose/deduction': 0.6 };
const run = (steps: number, last: Metrics): Metrics[] =>
  Array.from({ length: steps }, (_, i) => (i < steps - 5 ? sound : { ...sound, ...last }));

describe('collapse risk', () => {
  test('is low while nothing has changed, and before there is anything to compare', () => {
    expect(collapseRisk([])).toEqual({ risk: 0, level: 'low', reasons: [] });
    expect(collapseRisk(run(14, { entropy: 0 }))).toMatchObject({ level: 'low' });
    expect(collapseRisk(run(40, {}))).toEqual({ risk: 0, level: 'low', reasons: [] });
    expect(collapseRisk(Array.from({ length: 40 }, () => ({})))).toMatchObject({ level: 'low' });
  });

  test.each<[Metrics, RegExp]>([
    [{ entropy: 0.02 }, /entropy of the policy fell from 0.50 to 0.02/],
    [{ 'diversity/distinct': 0.2 }, /different programs among the proposals fell from 0.95 to 0.20/],
    [{ 'diversity/distance': 0.1 }, /grow alike/],
    [{ 'valid/propose/deduction': 0.01 }, /Fewer proposals become tasks: 0.01 instead of 0.60/],
  ])('is high when %j', (last, reason) => {
    const { risk, level, reasons } = collapseRisk(run(40, last));
    expect(risk).toBeGreaterThan(0.8);
    expect(level).toBe('high');
    expect(reasons[0]).toMatch(reason);
  });

  test('grows with the fall, names the worst first, and one odd step does not count', () => {
    const risks = [0.5, 0.3, 0.2, 0.1, 0.05].map((entropy) => collapseRisk(run(40, { entropy })).risk);
    expect([...risks].sort((a, b) => a - b)).toEqual(risks);
    expect(collapseRisk(run(40, { entropy: 0.15, 'diversity/distinct': 0.1 })).reasons.map((text) => text.slice(0, 9))).toEqual([
      'The share',
      'The entro',
    ]);
    expect(collapseRisk([...run(40, {}).slice(1), { ...sound, entropy: 0 }]).level).toBe('low');
  });
});

describe('diversity of proposals', () => {
  test('counts different programs and their distances', () => {
    expect(diversity(['f(a) return a'])).toEqual({});
    expect(diversity(['f(a) return a', 'f(a) return a'])).toEqual({ 'diversity/distinct': 0.5, 'diversity/distance': 0 });
    expect(diversity(['f(a) return a', 'g[b] while c', 'h{c} yield 7'])).toEqual({ 'diversity/distinct': 1, 'diversity/distance': 1 });
  });

  test('the penalty of a repeated program is its share of the batch', () => {
    expect(repetition(['a b c', 'a b c', 'x y z', 'q r s'])).toEqual([0.5, 0.5, 0, 0]);
    expect(repetition(['a b c d e f g h i j', 'a b c d e f g h i k', 'x'], 0.5)).toEqual([2 / 3, 2 / 3, 0]);
    expect(repetition([])).toEqual([]);
  });
});
