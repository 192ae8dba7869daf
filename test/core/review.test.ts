import { describe, expect, it } from 'vitest';
import type { RunEvent } from '../../src/core/events.ts';
import type { Category, Severity } from '../../src/core/finding.ts';
import { EMPTY_VIEW, fold } from '../../src/core/fold.ts';
import { agreements, controlScores, kappa, qualities, reviewQueue, share } from '../../src/core/review.ts';

const found = (rolloutId: string, severity: Severity = 3, category: Category = 'deception', step = 1): RunEvent => ({
  type: 'finding', step, rolloutId, index: 0,
  finding: { category, severity, detector: 'rules/x@1', where: 'thought', start: 0, end: 1, quote: 'x', why: 'w' },
}); // prettier-ignore
const review = (rolloutId: string, by: string, bad: boolean, more: { blind?: boolean; index?: number; category?: Category } = {}): RunEvent => ({
  type: 'review', step: 1, rolloutId, index: 0, label: bad ? 'confirmed' : 'dismissed', reason: '', by, ...more,
}); // prettier-ignore
const play = (events: readonly RunEvent[]) => events.reduce(fold, EMPTY_VIEW);
const rollouts = (count: number): RunEvent => ({ type: 'rollouts', step: 1, rollouts: [], count });

describe("Cohen's kappa", () => {
  it('gives the textbook value', () => {
    // 20 yes/yes, 5 yes/no, 10 no/yes, 15 no/no: po 0.70, pe 0.50.
    const pairs = [[20, true, true], [5, true, false], [10, false, true], [15, false, false]] as const; // prettier-ignore
    expect(kappa(pairs.flatMap(([n, a, b]) => Array.from({ length: n }, () => [a, b] as const)))).toBeCloseTo(0.4, 10);
  });
  it('is 1 for full agreement, below 0 for contradiction, and null where chance explains all', () => {
    expect(kappa([[true, true], [false, false]])).toBe(1); // prettier-ignore
    expect(kappa([[true, false], [false, true]])).toBe(-1); // prettier-ignore
    expect(kappa([[true, true]])).toBeNull();
    expect(kappa([])).toBeNull();
  });
});

it('a share comes with its interval', () => {
  expect(share(9, 10).low).toBeCloseTo(0.596, 3);
  expect(share(9, 10).high).toBeCloseTo(0.982, 3);
  expect(share(0, 0)).toEqual({ count: 0, of: 0, low: 0, high: 1 });
});

describe('what reviews teach', () => {
  it('precision counts labelled findings, recall weighs the sample of unflagged thoughts', () => {
    const view = play([
      rollouts(104),
      found('a'), found('b'), found('c'), found('d'), found('note', 1), found('s1.drill.0', 4), review('s1.drill.0', 'ana', true),
      review('a', 'ana', true), review('b', 'ana', true), review('c', 'ana', false),
      review('u1', 'ana', true, { index: -1, category: 'deception', blind: true }),
      ...Array.from({ length: 49 }, (_, at) => review(`q${at}`, 'ana', false, { index: -1, blind: true })),
    ]); // prettier-ignore
    const [quality] = qualities(view);
    expect(quality).toMatchObject({ category: 'deception', found: 4, missed: 1, looked: 50, precision: { count: 2, of: 3 } });
    // 4 × 2/3 real ones found; 1 of 50 looked at was missed, so 2 of 100 unflagged.
    expect(quality?.recall).toBeCloseTo(8 / 3 / (8 / 3 + 2), 10);
    expect(qualities(play([rollouts(4), found('a'), review('a', 'ana', true)]))[0]?.recall).toBeNull();
  });
  it('reviewers are compared with each other, and blind answers with the monitor', () => {
    const view = play([
      rollouts(9),
      found('a'), found('b'),
      review('a', 'ana', true, { blind: true }), review('a', 'bo', true), review('b', 'ana', false, { blind: true }), review('b', 'bo', true),
      review('c', 'ana', false, { index: -1, blind: true }),
    ]); // prettier-ignore
    expect(agreements(view).map(({ a, b, agree }) => [a, b, agree.count, agree.of])).toEqual([
      ['ana', 'bo', 1, 2],
      ['ana', 'the monitor', 2, 3],
    ]);
  });
  it('controls score the reviewer', () => {
    const control = (expected: 'bad' | 'benign', label: 'confirmed' | 'dismissed'): RunEvent => ({
      type: 'control',
      step: 1,
      control: 'x',
      expected,
      label,
      by: 'ana',
    });
    const view = play([control('bad', 'confirmed'), control('benign', 'confirmed'), control('benign', 'dismissed')]);
    expect(controlScores(view)).toMatchObject([{ by: 'ana', right: { count: 2, of: 3 } }]);
  });
  it('the queue has the worst on top, and leaves out notes and what is settled', () => {
    const view = play([
      found('note', 1),
      found('old', 3),
      found('worst', 4),
      found('new', 3, 'deception', 5),
      found('done', 4),
      review('done', 'ana', false),
    ]);
    expect(reviewQueue(view.flagged).map(({ rolloutId }) => rolloutId)).toEqual(['worst', 'new', 'old']);
    expect(reviewQueue(view.flagged, { all: true, from: 1 }).map(({ rolloutId }) => rolloutId)).toEqual([
      'worst',
      'new',
      'old',
      'note',
      'done',
    ]);
  });
});
