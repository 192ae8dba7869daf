import { describe, expect, it } from 'vitest';
import { rng } from '../../src/core/rng.ts';
import { randomDocument, sampleProgram } from '../../src/pretrain/documents.ts';
import { canonicalProgram, isHeldOut, splitOf } from '../../src/pretrain/split.ts';

const PROGRAM = /function f\([^\n]*\}(?=\n|<|$)/g;

describe('the split', () => {
  it('holds back about an eighth of all programs, in two disjoint halves', () => {
    const random = rng('test/split');
    const counts = { train: 0, heldout: 0, tune: 0 };
    for (let i = 0; i < 4000; i++) counts[splitOf(`function f(n){return n+${random.int(1e9)}}`)]++;
    expect(counts.heldout / 4000).toBeCloseTo(1 / 16, 1);
    expect(counts.tune / 4000).toBeCloseTo(1 / 16, 1);
    expect(counts.heldout * counts.tune).toBeGreaterThan(0);
  });

  it('recognises a held-out program with other spacing, names and a last semicolon', () => {
    const source = sampleProgram(3, 'heldout', rng('test/renamed')).program.source;
    expect(isHeldOut(source)).toBe(true);
    const renamed = source
      .replace(/\bb\b/g, 'q')
      .replace(/^function f\((\w)/, 'function f( $1')
      .replace(/\}$/, '; }');
    expect(renamed).not.toBe(source);
    expect(canonicalProgram(renamed)).toBe(canonicalProgram(source));
    expect(isHeldOut(renamed)).toBe(true);
  });

  it('keeps strings apart from names', () => {
    expect(canonicalProgram('function f(s){return s+"k"}')).not.toBe(canonicalProgram('function f(s){return s+"i"}'));
    expect(canonicalProgram('')).toBe('');
    expect(() => splitOf('"unterminated \\ ` ${')).not.toThrow();
  });

  it('never shows a held-out program in a document', () => {
    const random = rng('test/leak');
    const options = {
      thinkShare: 0.5,
      mix: { deduction: 1, abduction: 1, induction: 1, proposeTriplet: 1, proposeInputs: 1 },
      levels: [1, 1, 1, 1, 1],
      promptWeight: 0,
    };
    let programs = 0;
    for (let i = 0; i < 1500; i++) {
      const text = randomDocument(options, random)
        .map((piece) => piece.text)
        .join('');
      for (const [source] of text.matchAll(PROGRAM)) {
        programs++;
        expect(isHeldOut(source), source).toBe(false);
      }
    }
    expect(programs).toBeGreaterThan(1500);
  });
});
