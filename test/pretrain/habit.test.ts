import { describe, expect, it } from 'vitest';
import { rng } from '../../src/core/rng.ts';
import { randomDocument } from '../../src/pretrain/documents.ts';
import type { DocumentOptions } from '../../src/pretrain/documents.ts';

const only = (kind: 'deduction' | 'induction'): DocumentOptions => ({
  thinkShare: 1,
  thinkFactor: { induction: 0 },
  mix: { deduction: 0, abduction: 0, induction: 0, proposeTriplet: 0, proposeInputs: 0, [kind]: 1 },
  levels: [0, 1, 0, 0, 0],
  promptWeight: 0,
});
const texts = (kind: 'deduction' | 'induction'): string[] => {
  const random = rng('habit', kind);
  return Array.from({ length: 20 }, () =>
    randomDocument(only(kind), random)
      .map((piece) => piece.text)
      .join(''),
  );
};

describe('the habit of thinking', () => {
  it('is set by kind of document', () => {
    for (const text of texts('induction')) expect(text).toContain('<think></think>');
    for (const text of texts('deduction')) expect(text).not.toContain('<think></think>');
  });
});
