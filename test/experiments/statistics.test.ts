import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseConfig } from '../../src/config.ts';
import { labelOf, planned, requireComparable } from '../../src/experiments/plan.ts';
import { curve, finals, gains, grouped } from '../../src/experiments/result.ts';
import type { RunResult } from '../../src/experiments/result.ts';
import { estimate, pairedDifference } from '../../src/experiments/statistics.ts';
import { curvesSvg } from '../../src/experiments/curves.ts';
import { markdownTable, plainTable } from '../../src/experiments/table.ts';
import { GREEDY, ablationTable, comparisonTable, curveTable } from '../../src/experiments/tables.ts';

const run = (label: string, seed: number, before: number, after: number, finished = true): RunResult => ({
  label,
  seed,
  dir: `${label}-${seed}`,
  finished,
  steps: 4,
  tokens: 4000,
  evals: [
    [0, { [GREEDY]: before, [`${GREEDY}/deduction`]: before, 'heldout/temp1': before }],
    [4, { [GREEDY]: after, [`${GREEDY}/deduction`]: after, 'heldout/temp1': after }],
  ],
});
const three = (label: string, ...after: number[]) => after.map((value, i) => run(label, i + 1, 0.4, value));

describe('statistics over seeds', () => {
  it('mean and standard error, by hand: 50, 52, 57 → 53 ± 2.08', () => {
    const value = estimate([50, 52, 57]);
    expect(value?.mean).toBe(53);
    expect(value?.error).toBeCloseTo(Math.sqrt(13 / 3), 12);
    expect(estimate([7])).toEqual({ mean: 7, error: null, n: 1 });
    expect(estimate([])).toBeNull();
  });
  it('a shift moves the mean and leaves the error', () => {
    const values = fc.array(fc.double({ min: -10, max: 10, noNaN: true }), { minLength: 2, maxLength: 12 });
    fc.assert(
      fc.property(values, fc.double({ min: -10, max: 10, noNaN: true }), (items, shift) => {
        const [a, b] = [estimate(items), estimate(items.map((item) => item + shift))];
        expect(b!.mean).toBeCloseTo(a!.mean + shift, 9);
        expect(b!.error).toBeCloseTo(a!.error!, 7);
      }),
    );
  });
  it('differences are taken seed by seed, over the seeds that both have', () => {
    const of = (...pairs: [number, number][]) => new Map(pairs);
    expect(pairedDifference(of([1, 0.5], [2, 0.9], [3, 0.1]), of([1, 0.4], [2, 0.8]))).toMatchObject({ n: 2 });
    const value = pairedDifference(of([1, 0.5], [2, 0.9]), of([2, 0.8], [1, 0.4]));
    expect(value?.mean).toBeCloseTo(0.1, 12);
    expect(value?.error).toBeCloseTo(0, 12);
    expect(pairedDifference(of([1, 1]), of([2, 1]))).toBeNull();
  });
});

describe('results', () => {
  const groups = grouped(['a', 'b', 'c'], [...three('a', 0.5, 0.6, 0.7), ...three('b', 0.45, 0.5, 0.55), run('b', 4, 0.4, 0.9, false)]);
  it('only finished runs count', () => {
    expect(groups.map(({ runs }) => runs.length)).toEqual([3, 3, 0]);
    expect([...finals(groups[1]!, GREEDY).values()]).toEqual([0.45, 0.5, 0.55]);
    expect([...gains(groups[0]!, GREEDY).values()].map((value) => value.toFixed(3))).toEqual(['0.100', '0.200', '0.300']);
  });
  it('curves hold a mean and an error for each step', () => {
    expect(curve(groups[0]!, GREEDY).map(([step, { mean, n }]) => [step, mean.toFixed(3), n])).toEqual([
      [0, '0.400', 3],
      [4, '0.600', 3],
    ]);
  });
  it('the table states gain, paired difference and share of the first one’s gain', () => {
    const { head, rows } = comparisonTable(groups);
    const cell = (row: number, name: string) => rows[row]?.[head.indexOf(name)];
    expect(cell(0, 'Overall')).toBe('60.0 ± 5.8');
    expect(cell(1, 'Gain')).toBe('+10.0 ± 2.9');
    expect(cell(1, 'Overall − a')).toBe('-10.0 ± 2.9');
    expect(cell(1, "of a's gain")).toBe('50 %');
    expect(cell(2, 'Overall')).toBe('–');
    expect(cell(1, 'Abduction')).toBe('–');
  });
  it('the share of the gain is of the seeds that both have', () => {
    const part = grouped(['a', 'b'], [...three('a', 0.5, 0.6, 0.7), run('b', 3, 0.4, 0.55)]);
    const { head, rows } = comparisonTable(part);
    expect([rows[1]?.[head.indexOf("of a's gain")], rows[1]?.[head.indexOf('Overall − a')]]).toEqual(['50 %', '-15.0']);
  });
  it('one row a configuration, also as Markdown; words left, numbers right', () => {
    const table = {
      title: 't',
      head: ['name', 'n'],
      rows: [
        ['a|b', '1'],
        ['c', '10'],
      ],
      words: 1,
    };
    expect(plainTable(table).split('\n')).toEqual(['t', 'name   n', '────────', 'a|b    1', 'c     10']);
    expect(markdownTable(table)).toBe('**t**\n\n| name | n |\n| --- | ---: |\n| a\\|b | 1 |\n| c | 10 |');
    expect(curveTable(groups, GREEDY).rows[0]).toEqual(['a', '40.0 ± 0.0', '60.0 ± 5.8']);
  });
  it('the picture is whole SVG with a line for each configuration, hostile names and missing figures included', () => {
    const svg = curvesSvg(
      [...groups, { label: '<script>"&', runs: [] }],
      [
        { title: 'x', path: GREEDY },
        { title: 'none', path: 'no/such' },
      ],
    );
    expect(svg).toMatch(/^<svg xmlns[^]*<\/svg>\n$/);
    expect(svg).not.toContain('<script>');
    expect(svg.match(/<polyline/g)?.length).toBe(4);
    expect(svg).not.toMatch(/NaN|Infinity|undefined/);
  });
});

describe('the layout of the ablations', () => {
  it('says what each row changes and `/` where it is as in the first', () => {
    const configs = [
      parseConfig({ advantages: { solver: 'trr++' } }),
      parseConfig({ algorithm: { taskTypes: ['deduction'] } }),
      parseConfig({ algorithm: { references: 0, bufferCapacity: 1 } }),
      parseConfig({ advantages: { proposerWeight: 0, baselines: 'global' }, reward: { proposer: 'constant' } }),
    ];
    const labels = ['full', 'deduction', 'other', 'last'];
    const { rows } = ablationTable(
      labels.map((label) => ({ label, runs: three(label, 0.5, 0.6, 0.7) })),
      configs,
    );
    expect(rows.map((row) => row.slice(0, 5))).toEqual([
      ['full', 'Ded, Abd, Ind', '6', 'propose & solve', '/'],
      ['deduction', 'Ded', '/', '/', '/'],
      ['other', '/', '0', '/', 'buffer of 1'],
      ['last', '/', '/', 'solve', 'one baseline, constant reward'],
    ]);
    expect(rows[1]?.at(-2)).toBe('+0.0 ± 0.0');
  });
});

describe('a plan', () => {
  const entry = (label: string, raw: object = {}) => ({ label, config: parseConfig(raw) });
  it('runs seed by seed, every config with every seed', () => {
    expect(planned([entry('a'), entry('b')], [3, 5]).map(({ name, config }) => [name, config.seed])).toEqual([
      ['a-seed3', 3],
      ['b-seed3', 3],
      ['a-seed5', 5],
      ['b-seed5', 5],
    ]);
    expect(labelOf('configs/ablations/full.json')).toBe('full');
  });
  it('refuses what cannot be set side by side', () => {
    expect(() => requireComparable([])).toThrow(/Name the configs/);
    expect(() => requireComparable([entry('a'), entry('a')])).toThrow(/Two configs are called "a"/);
    expect(() => requireComparable([entry('a', { eval: { suite: 'none' } })])).toThrow(/eval\.suite/);
    expect(() => requireComparable([entry('a'), entry('b', { eval: { tasks: 5 } })])).toThrow(/eval\.tasks/);
  });
});
