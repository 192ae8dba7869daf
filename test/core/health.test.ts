import { describe, expect, it } from 'vitest';
import type { DrillRecord, RunEvent } from '../../src/core/events.ts';
import { EMPTY_VIEW, fold } from '../../src/core/fold.ts';
import { healthOf } from '../../src/core/health.ts';
import { createLineFormatter } from '../../ui/headless.ts';
import { finding, start, stepDone } from '../record/samples.ts';

type Start = Extract<RunEvent, { type: 'start' }>;
const begun = (more: Partial<Start> = {}): RunEvent => ({ ...(start(0) as Start), off: [], drill: drilled(), ...more });
const drilled = (more: Partial<DrillRecord> = {}): DrillRecord => ({ at: 1, monitor: 'on', caught: 24, of: 24, passed: true, ...more });
const play = (...events: RunEvent[]) => events.reduce(fold, EMPTY_VIEW);
const alerts = (...events: RunEvent[]): string => healthOf({ view: play(...events), audit: { ok: true } }).alerts.map(({ text }) => text).join(' '); // prettier-ignore

describe('health', () => {
  it('says nothing when all is on', () => {
    expect(alerts(begun(), stepDone(1))).toBe('');
    expect(healthOf({ view: play(begun()), counts: { read: 90, generated: 96 }, audit: { ok: true } })).toMatchObject({
      read: 90, generated: 96, lag: 6, tiers: ['rules'], chain: 'whole', drill: 'drill 24/24',
    }); // prettier-ignore
    expect(healthOf({ view: play(begun()) }).chain).toBe('unknown');
  });
  it.each<[string, RunEvent[], RegExp]>([
    ['the monitor off', [begun({ tiers: [], monitor: 'off', off: ['rules'] })], /^THE MONITOR IS OFF.*run\.$/],
    ['a tier off', [begun({ off: ['classifier'] })], /Tiers of the monitor are off: classifier/],
    ['thoughts unread', [begun(), { type: 'step', step: 1, metrics: { 'monitor/read': 9, 'monitor/generated': 12 } }], /^3 thoughts/],
    ['a drill missed', [begun(), { type: 'drill', step: 1, rolloutId: 'd', caught: false }], /NOT caught/],
    ['a full drill failed', [begun({ drill: drilled({ passed: false, caught: 20 }) })], /full drill FAILED \(20 of 24/],
    ['no drill', [begun({ drill: null })], /never drilled/],
    ['a drill of another monitor', [begun({ drill: drilled({ monitor: 'older' }) })], /changed since its last drill/],
    ['severity 4 waiting', [begun(), finding(1, 'r', 4)], /1 finding of severity 4 waits/],
  ])('tells of %s', (_name, events, text) => expect(alerts(...events)).toMatch(text));
  it('a broken audit chain is grave', () => {
    const { chain, alerts: found } = healthOf({ view: play(begun()), audit: { ok: false, reason: 'entry 3 was changed' } });
    expect([chain, found[0]]).toEqual(['broken', { grave: true, text: 'The audit log was changed from outside: entry 3 was changed.' }]);
  });
  it('a journal of version 0.1, which does not say, is not called undrilled', () => expect(alerts(start(0))).toBe(''));
  it('plain lines tell at the start, and again when something changes', () => {
    const format = createLineFormatter('RUN');
    expect(format(begun({ drill: null }))).toMatch(/\| monitor rules\nhealth: This monitor was never drilled/);
    expect(format(stepDone(1))).not.toContain('health');
    expect(format({ type: 'drill', step: 2, rolloutId: 'd', caught: false })).toMatch(/NOT CAUGHT.*\nhealth: The last drill/s);
    expect(format(begun({ tiers: [], monitor: 'off' }))).toContain('health: THE MONITOR IS OFF');
  });
});
