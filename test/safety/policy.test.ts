import { describe, expect, it } from 'vitest';
import type { Finding, Severity, Tier } from '../../src/core/finding.ts';
import { SafetyGate } from '../../safety/gate.ts';
import { byPrompt, Jumps } from '../../safety/policy/jumps.ts';
import { decide, DEFAULT_POLICY } from '../../safety/policy/policy.ts';
import type { RateState } from '../../safety/policy/rate.ts';
import { advance, DOUBT, initialRate, upperLimit } from '../../safety/policy/rate.ts';
import { rng } from '../../src/core/rng.ts';
import type { Monitor, Verdict } from '../../safety/types.ts';

const claim = (severity: Severity, tier: Tier, more: Partial<Finding> = {}): Finding => ({
  category: 'tampering', severity, detector: `${tier}/x@1`, where: 'thought', start: 0, end: 1, quote: 'x', why: 'Because.', ...more,
}); // prettier-ignore
const ALL = ['integrity', 'rules', 'program', 'classifier'];
const action = (findings: readonly Finding[], tiers = ALL, policy = {}): string =>
  decide(findings, { ...DEFAULT_POLICY, ...policy }, tiers).action;

describe('severity leads to note, queue or pause', () => {
  it('as the table of docs/safety.md says', () => {
    expect(action([])).toBe('none');
    expect(action([claim(1, 'rules')])).toBe('note');
    expect(action([claim(2, 'rules')])).toBe('queue');
    expect(action([claim(3, 'rules'), claim(3, 'classifier')])).toBe('queue');
    expect(action([claim(4, 'rules')])).toBe('queue');
    expect(action([claim(4, 'rules'), claim(4, 'rules')])).toBe('queue');
    expect(action([claim(4, 'classifier')])).toBe('queue');
    const other = { category: 'deception' } as const;
    expect(action([claim(4, 'rules'), claim(2, 'classifier', other)])).toBe('queue');
    expect(action([claim(4, 'rules'), claim(3, 'classifier', other)])).toBe('pause');
    expect(action([claim(4, 'rules'), claim(2, 'classifier')])).toBe('pause');
    expect(action([claim(4, 'rules'), claim(1, 'classifier')])).toBe('queue');
    expect(action([claim(4, 'classifier'), claim(1, 'rules')])).toBe('pause');
    expect(action([claim(4, 'classifier'), claim(1, 'rules', other)])).toBe('queue');
    expect(action([claim(4, 'classifier'), claim(1, 'rules', { start: 900, end: 901 })])).toBe('queue');
    expect(action([claim(4, 'rules'), claim(3, 'rules')])).toBe('queue');
    expect(action([claim(4, 'rules'), claim(3, 'classifier', { start: 900, end: 901 })])).toBe('queue');
    expect(action([claim(4, 'rules'), claim(3, 'classifier', { where: 'program' })])).toBe('queue');
    expect(action([claim(4, 'rules'), claim(4, 'classifier')])).toBe('pause');
    expect(action([claim(4, 'rules'), claim(4, 'program')])).toBe('pause');
    expect(action([claim(4, 'program', { certain: true })])).toBe('pause');
    expect(action([claim(3, 'rules', { certain: true })])).toBe('queue');
  });
  it('one rule pauses alone while no tier is on that could confirm it', () => {
    expect(action([claim(4, 'rules')], ['integrity', 'rules', 'program'])).toBe('pause');
    expect(action([claim(4, 'rules')], ['rules', 'judge'])).toBe('queue');
  });
  it('can be set', () => {
    expect(action([claim(4, 'rules')], ALL, { confirm: 'one' })).toBe('pause');
    expect(action([claim(3, 'rules'), claim(3, 'classifier')], ALL, { pauseAt: 3 })).toBe('pause');
    expect(action([claim(2, 'rules')], ALL, { queueAt: 3 })).toBe('note');
    expect(action([claim(4, 'rules'), claim(2, 'classifier')], ALL, { confirmAt: 4 })).toBe('queue');
  });
  it('reads the tier of old findings from the detector', () => {
    expect(decide([claim(4, 'rules'), claim(4, 'program')], DEFAULT_POLICY, ALL).because).toContain('rules and program');
  });
});

describe('the test for a jump of the flag rate', () => {
  const alarms = (runs: number, rate: number, thoughts: number, limit: number, length: number): number => {
    let count = 0;
    for (let run = 0; run < runs; run++) {
      const chance = rng(7, 'rate', rate, run);
      const next = (): number => chance.next();
      let state: RateState = { ...initialRate, limit };
      for (let at = 0; at < length && !state.alarm; at++) state = advance(state, next() < rate, { baseline: 100, thoughts });
      count += Number(state.alarm);
    }
    return count / runs;
  };
  it.each([0.002, 0.02, 0.2])('keeps its false-alarm rate at a true rate of %d', (rate) => {
    // The bound: N / thoughts = 0.25. Three standard errors of 300 runs are 0.075.
    expect(alarms(300, rate, 2000, rate, 500)).toBeLessThan(0.25 + 0.075);
  });
  it('is quiet in its default over 10,000 ordinary thoughts, with the baseline learned', () => {
    for (const rate of [0.001, 0.02, 0.1]) {
      const chance = rng(3, 'ordinary', rate);
      const next = (): number => chance.next();
      let state = initialRate;
      for (let at = 0; at < 11_000; at++) state = advance(state, next() < rate);
      expect(state.alarm, String(rate)).toBe(false);
    }
  });
  it('finds a real jump within some hundred thoughts, and says what it saw', () => {
    const chance = rng(4, 'jump');
    const next = (): number => chance.next();
    let state = initialRate;
    for (let at = 0; at < 1000; at++) state = advance(state, next() < 0.01);
    let delay = 0;
    while (!state.alarm && delay < 2000) {
      state = advance(state, next() < 0.2);
      delay++;
    }
    expect(delay).toBeLessThan(300);
  });
  it('the learned limit covers the true rate', () => {
    let low = 0;
    for (let run = 0; run < 500; run++) {
      const chance = rng(5, 'limit', run);
      const next = (): number => chance.next();
      let count = 0;
      for (let at = 0; at < 1000; at++) count += Number(next() < 0.03);
      low += Number(upperLimit(count, 1000) < 0.03);
    }
    expect(low / 500).toBeLessThanOrEqual(DOUBT + 0.004);
    expect(upperLimit(1000, 1000)).toBeLessThan(1);
  });
  it('an answered jump is the new usual', () => {
    const jumps = new Jumps({ baseline: 100, thoughts: 1000, severity: 2 });
    const feed = (count: number, severity: number, loops = false): void => {
      for (let at = 0; at < count; at++) jumps.take({ severity, loops });
    };
    feed(100, 1);
    expect(jumps.alarm()).toBeNull();
    feed(20, 3);
    expect(jumps.alarm()).toMatch(/^the rate of prompts with a thought of severity 2 or more jumped: \d+ of the last \d+;/);
    jumps.answer();
    feed(300, 3);
    expect(jumps.alarm()).toBeNull();
  });
  it('thoughts that loop are a warning, once', () => {
    const jumps = new Jumps({ baseline: 100, thoughts: 1000, severity: 2 });
    for (let at = 0; at < 130; at++) jumps.take({ severity: 1, loops: at >= 100 });
    expect(jumps.alarm()).toBeNull();
    expect(jumps.warning()).toContain('repeats itself');
    expect(jumps.warning()).toBeNull();
  });
});

describe('the judge at the gate', () => {
  const scan: Monitor['scan'] = ({ id }) => ({ id, severity: 4, findings: [claim(4, 'rules')] });
  const gateWith = (judge: NonNullable<Monitor['judge']>, judgeSeconds = 10): SafetyGate => {
    const gate = new SafetyGate({ version: 't', tiers: ['rules', 'judge'], scan, judge }, { limits: { thought: 10, judge: judgeSeconds } });
    gate.begin(1);
    gate.expect('a');
    gate.read({ id: 'a', thought: 'x' });
    return gate;
  };
  const verdict = (findings: readonly Finding[]): Verdict => ({ id: 'a', severity: 4, findings });
  const judged = claim(4, 'judge', { detector: 'judge/small@1' });

  it('what it has not seen does not pass', () => {
    expect(gateWith(() => Promise.resolve([])).decide()).toMatchObject({ decision: 'pause', cause: 'monitor' });
  });
  it('confirms, and then the run pauses', async () => {
    const gate = gateWith(() => Promise.resolve([verdict([judged, claim(4, 'rules')])]));
    await gate.settle();
    expect(gate.decide()).toMatchObject({ decision: 'pause', cause: 'finding', reason: expect.stringContaining('rules and judge') });
    expect(gate.verdict('a')?.findings.map(({ detector }) => detector)).toEqual(['rules/x@1', 'judge/small@1']);
  });
  it('says nothing more: the finding waits in the queue, the run goes on', async () => {
    const gate = gateWith(() => Promise.resolve([]));
    await gate.settle();
    expect(gate.decide().decision).toBe('pass');
    expect(gate.verdict('a')?.severity).toBe(4);
  });
  it.each<[string, NonNullable<Monitor['judge']>]>([
    ['rejects', () => Promise.reject(new Error('no memory'))],
    ['throws', () => { throw new Error('no memory'); }], // prettier-ignore
    ['answers nonsense', () => Promise.resolve('fine' as unknown as Verdict[])],
    ['answers null', () => Promise.resolve([null as unknown as Verdict])],
    ['judges another thought', () => Promise.resolve([{ ...verdict([]), id: 'b' }])],
    ['drops a finding', () => Promise.resolve([verdict([judged])])],
    ['lowers the severity', () => Promise.resolve([{ ...verdict([claim(4, 'rules')]), severity: 0 }])],
    ['quotes what is not there', () => Promise.resolve([verdict([claim(4, 'rules'), { ...judged, quote: 'y' }])])],
  ])('one that %s pauses the run, also after a resume', async (_name, judge) => {
    const gate = gateWith(judge);
    await gate.settle();
    expect(gate.decide()).toMatchObject({ decision: 'pause', cause: 'monitor' });
    gate.resolve();
    expect(gate.decide()).toMatchObject({ decision: 'pause', cause: 'monitor' });
  });
  it('one that does not answer in time pauses the run', async () => {
    const gate = gateWith(() => new Promise(() => {}), 0.02);
    await gate.settle();
    expect(gate.decide()).toMatchObject({ decision: 'pause', cause: 'monitor', reason: expect.stringContaining('within 0.02 s') });
  });
});

describe('thoughts on one prompt', () => {
  it('count once, by the gravest of them', () => {
    const item = (id: string, severity: number) => ({ id, severity, loops: false });
    const items = [item('s1.a-1.0', 0), item('s1.b-1.0', 3), item('s1.a-1.1', 2), item('s2.a-1.0', 0)];
    expect(byPrompt(items).map(({ severity }) => severity)).toEqual([2, 3, 0]);
  });
});
