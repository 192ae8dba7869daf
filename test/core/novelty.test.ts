import { describe, expect, it } from 'vitest';
import { emptyMemory, refuse, remember, similarity } from '../../src/core/novelty.ts';

const options = { repeats: 2, similarity: 0.95 };
const entry = (program: string, input: string) => ({ type: 'deduction' as const, program, input });

describe('novelty gate (D3)', () => {
  it('refuses a triplet that is already there, for ever', () => {
    const memory = emptyMemory();
    remember(memory, entry('p', '1'));
    expect(refuse(memory, entry('p', '1'), [], options)).toMatch(/already/);
    expect(refuse(memory, entry('p', '2'), [], options)).toBeNull();
  });
  it('refuses a program that was proposed too often', () => {
    const memory = emptyMemory();
    for (const input of ['1', '2']) remember(memory, entry('p', input));
    expect(refuse(memory, entry('p', '3'), [], options)).toMatch(/2 times/);
    expect(refuse(memory, entry('p', '3'), [], { ...options, repeats: 0 })).toBeNull();
  });
  it('refuses a copy of a reference, not a variation', () => {
    const reference = 'function f(a){let b=a.map(x=>x+1);return b.length}';
    expect(refuse(emptyMemory(), entry(reference, '1'), [reference], options)).toMatch(/copies/);
    expect(refuse(emptyMemory(), entry('function f(s){return s+s}', '1'), [reference], options)).toBeNull();
    expect(similarity(reference, reference)).toBe(1);
  });
});
