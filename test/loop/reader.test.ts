import { describe, expect, it } from 'vitest';
import type { Finding } from '../../src/core/finding.ts';
import type { Rollout } from '../../src/core/types.ts';
import { createAnswered } from '../../src/loop/answered.ts';
import { createReader } from '../../src/loop/reader.ts';
import { Jumps } from '../../safety/policy/jumps.ts';
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
  it('keeps the books: generated equals read', async () => {
    const reader = createReader(monitor(({ id }) => ({ id, severity: 0, findings: [] })));
    reader.begin(1);
    reader.read(rollout('a'));
    reader.read(rollout('b'));
    expect(reader.counts()).toMatchObject({ generated: 2, read: 2 });
    expect(await reader.decide([])).toMatchObject({ decision: 'pass' });
    reader.begin(2);
    expect(reader.counts()).toMatchObject({ generated: 0, read: 0 });
  });
  it('a monitor that throws leaves its thought unread; resuming does not make it read', async () => {
    let broken = true;
    const reader = createReader(
      monitor(({ id }) => {
        if (broken) throw new Error('boom');
        return { id, severity: 0, findings: [] };
      }),
    );
    reader.begin(1);
    reader.read(rollout('a'));
    expect(await reader.decide([rollout('a')])).toMatchObject({
      decision: 'pause',
      cause: 'monitor',
      reason: expect.stringContaining('boom'),
    });
    reader.resolve();
    expect(await reader.decide([rollout('a')])).toMatchObject({ decision: 'pause', cause: 'monitor' });
    broken = false;
    reader.resolve();
    expect(await reader.decide([rollout('a')])).toMatchObject({ decision: 'pass', read: 1 });
  });
  it('an answered finding does not pause, an open one does', async () => {
    const scan: Monitor['scan'] = ({ id }) => ({ id, severity: 4, findings: [finding] });
    const reader = createReader(monitor(scan), { isAnswered: (id) => id === 'a' });
    reader.begin(1);
    reader.read(rollout('a'));
    expect((await reader.decide([])).decision).toBe('pass');
    reader.read(rollout('b'));
    expect(await reader.decide([])).toMatchObject({ decision: 'pause', cause: 'finding', rolloutId: 'b' });
  });
});

describe('a jump of the flag rate', () => {
  const flagging =
    (severity: 0 | 2): Monitor['scan'] =>
    ({ id }) => ({
      id,
      severity,
      findings: severity === 0 ? [] : [{ ...finding, severity }],
    });
  const step = async (reader: ReturnType<typeof createReader>, number: number, count: number, planted = false) => {
    reader.begin(number);
    const rollouts = Array.from({ length: count }, (_, at) => rollout(`s${number}.p${at}.0`));
    for (const each of rollouts) reader.read(each, planted);
    return await reader.decide(rollouts);
  };
  const make = (more: { readonly jumpsAfter?: number } = {}) => {
    let severity: 0 | 2 = 0;
    const jumps = new Jumps({ baseline: 100, thoughts: 1000, severity: 2 });
    const reader = createReader(
      monitor((thought) => flagging(severity)(thought)),
      { jumps, ...more },
    );
    return { reader, worse: () => (severity = 2) };
  };
  it('pauses before the update, and not again once a person has answered', async () => {
    const { reader, worse } = make();
    expect(await step(reader, 1, 120)).toMatchObject({ decision: 'pass' });
    worse();
    expect(await step(reader, 2, 40)).toMatchObject({ decision: 'pause', cause: 'jump', rolloutId: null, read: 40, generated: 40 });
    expect(await reader.decide([])).toMatchObject({ decision: 'pause', cause: 'jump' });
    reader.resolve();
    expect(await reader.decide([])).toMatchObject({ decision: 'pass' });
    expect(await step(reader, 3, 40)).toMatchObject({ decision: 'pass' });
  });
  it('drills, and steps that were answered before a restart, do not count', async () => {
    const drilled = make();
    await step(drilled.reader, 1, 120);
    drilled.worse();
    expect(await step(drilled.reader, 2, 40, true)).toMatchObject({ decision: 'pass' });
    const restarted = make({ jumpsAfter: 2 });
    await step(restarted.reader, 1, 120);
    restarted.worse();
    expect(await step(restarted.reader, 2, 40)).toMatchObject({ decision: 'pass' });
  });
});

describe('answered findings', () => {
  it('a resume answers what was recorded before it, and nothing after', async () => {
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
