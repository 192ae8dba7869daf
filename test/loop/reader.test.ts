import { describe, expect, it } from 'vitest';
import type { Finding } from '../../src/core/finding.ts';
import type { Rollout } from '../../src/core/types.ts';
import { createAnswered } from '../../src/loop/answered.ts';
import { createReader } from '../../src/loop/reader.ts';
import type { Monitor } from '../../safety/types.ts';

const rollout = (id: string): Rollout => ({
  id,
  step: 1,
  role: 'solve',
  taskType: 'deduction',
  taskId: null,
  prompt: '',
  completion: '',
  thought: 'x',
  answer: '',
  program: null,
  promptTokens: [1],
  tokens: [2],
  logprobs: [0],
  stopReason: 'stop',
  policyVersion: 0,
});
const monitor = (scan: Monitor['scan']): Monitor => ({ version: 'test', tiers: ['rules'], scan });
const finding: Finding = {
  category: 'hostility',
  severity: 4,
  detector: 'rules/x@1',
  where: 'thought',
  start: 0,
  end: 1,
  quote: 'x',
  why: '',
};

describe('reader', () => {
  it('keeps the books: generated equals read', () => {
    const reader = createReader(monitor(({ id }) => ({ id, severity: 0, findings: [] })));
    reader.read(rollout('a'));
    reader.read(rollout('b'));
    expect(reader.counts()).toEqual({ generated: 2, read: 2 });
    expect(reader.failure()).toBeNull();
    reader.reset();
    expect(reader.counts()).toEqual({ generated: 0, read: 0 });
  });
  it('a monitor that throws leaves its thought unread and says why', () => {
    const reader = createReader(
      monitor(() => {
        throw new Error('boom');
      }),
    );
    reader.read(rollout('a'));
    expect(reader.counts()).toEqual({ generated: 1, read: 0 });
    expect(reader.failure()).toMatch(/boom/);
  });
  it('a verdict on another thought does not count', () => {
    const reader = createReader(monitor(() => ({ id: 'other', severity: 0, findings: [] })));
    reader.read(rollout('a'));
    expect(reader.verdict('a')).toBeNull();
    expect(reader.failure()).not.toBeNull();
  });
});

describe('answered findings', () => {
  it('a resume answers what was recorded before it, and nothing after', () => {
    const answered = createAnswered();
    const event = (rolloutId: string) => ({ type: 'finding' as const, step: 1, rolloutId, index: 0, finding });
    answered.take(event('a'));
    expect([answered.recorded('a', finding), answered.has('a', finding)]).toEqual([true, false]);
    answered.take({ type: 'resume', step: 1, reason: 'ok', by: 'me' });
    answered.take(event('b'));
    expect([answered.has('a', finding), answered.has('b', finding)]).toEqual([true, false]);
    expect(answered.has('a', { ...finding, quote: 'another text' })).toBe(false);
  });
});
