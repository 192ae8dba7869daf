import { describe, expect, it } from 'vitest';
import { addTask, drawProgram, drawReferences, drawSolveBatch, EMPTY_BUFFERS, identityBuffers } from '../../src/core/buffer.ts';
import type { TaskBuffers } from '../../src/core/buffer.ts';
import { rng } from '../../src/core/rng.ts';
import type { TripletTask } from '../../src/core/types.ts';

const among = (recent: number) => ({ recent, choice: 'uniform', rates: {} }) as const;

const task = (n: number): TripletTask => ({
  id: `t${n}`,
  type: 'deduction',
  program: `function f(a){return a+${n}}`,
  input: '1',
  output: `${1 + n}`,
  step: n,
  parents: [],
});
const filled = (count: number, capacity: number, overflow: 'drop-oldest' | 'paper'): TaskBuffers =>
  Array.from({ length: count }, (_, i) => task(i)).reduce((buffers, item) => addTask(buffers, item, { capacity, overflow }), EMPTY_BUFFERS);

describe('task buffers', () => {
  it('D2: a full ring drops the oldest; the reference code drops the newest', () => {
    expect(filled(5, 3, 'drop-oldest').deduction.map((item) => item.id)).toEqual(['t2', 't3', 't4']);
    expect(filled(5, 3, 'paper').deduction.map((item) => item.id)).toEqual(['t0', 't1', 't2']);
  });
  it('starts from the identity triplet alone', () => {
    const buffers = identityBuffers('function f(a){return a}', '3', '3');
    expect([buffers.deduction.length, buffers.abduction.length, buffers.induction.length]).toEqual([1, 1, 0]);
    expect(drawProgram(buffers, among(10), rng('x')).program).toBe('function f(a){return a}');
    expect(() => drawProgram(EMPTY_BUFFERS, among(10), rng('x'))).toThrow(RangeError);
  });
  it('draws distinct references from the most recent ones', () => {
    const buffers = filled(20, 100, 'drop-oldest');
    const ids = drawReferences(buffers, 'deduction', 6, among(8), rng('refs')).map((item) => item.id);
    expect(new Set(ids).size).toBe(6);
    for (const id of ids) expect(Number(id.slice(1))).toBeGreaterThanOrEqual(12);
    expect(drawReferences(buffers, 'abduction', 6, among(8), rng('refs'))).toEqual([]);
  });
  it('a solve batch has the newest tasks first and none twice', () => {
    const buffers = filled(10, 100, 'drop-oldest');
    const batch = drawSolveBatch(buffers, 'deduction', [task(9), task(8)], 6, rng('solve'));
    expect(batch.slice(0, 2).map((item) => item.id)).toEqual(['t9', 't8']);
    expect(new Set(batch.map((item) => item.id)).size).toBe(6);
  });
});
