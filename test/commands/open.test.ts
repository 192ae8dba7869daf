import { describe, expect, it } from 'vitest';
import { threadsFor } from '../../src/commands/open.ts';

describe('engine.threads', () => {
  it('0 means all cores, at most 8; anything else is taken as it is', () => {
    expect([threadsFor(0, 1), threadsFor(0, 2), threadsFor(0, 64)]).toEqual([1, 2, 8]);
    expect([threadsFor(1, 64), threadsFor(12, 64)]).toEqual([1, 12]);
  });
});
