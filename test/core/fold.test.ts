import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { RunEvent } from '../../src/core/events.ts';
import type { Finding } from '../../src/core/finding.ts';
import { EMPTY_VIEW, fold } from '../../src/core/fold.ts';

const finding: Finding = {
  category: 'hostility',
  severity: 4,
  detector: 'rules/hostility@1',
  where: 'thought',
  start: 0,
  end: 2,
  quote: 'ab',
  why: 'why',
};
const info = {
  backend: 'scripted',
  model: 'm',
  modelHash: '',
  architecture: 'llama',
  parameters: 1,
  trainable: 1,
  contextLength: 8,
  vocabularySize: 4,
  eosToken: 0,
  dialect: 'nano',
  mode: 'full',
} as const;
const start = (step: number, resumed: boolean): RunEvent => ({
  type: 'start',
  step,
  config: { steps: 9 },
  info,
  monitor: 'm',
  tiers: [],
  resumed,
  versions: {},
});
const play = (events: readonly RunEvent[]) => events.reduce(fold, EMPTY_VIEW);

const event: fc.Arbitrary<RunEvent> = fc.oneof(
  fc.record({ type: fc.constant('step' as const), step: fc.nat(9), metrics: fc.constant({ loss: 1 }) }),
  fc.record({
    type: fc.constant('finding' as const),
    step: fc.nat(9),
    rolloutId: fc.constantFrom('a', 'b'),
    index: fc.nat(1),
    finding: fc.constant(finding),
  }),
  fc.record({
    type: fc.constant('pause' as const),
    step: fc.nat(9),
    cause: fc.constantFrom('user' as const, 'finding' as const),
    reason: fc.string(),
    rolloutId: fc.constant(null),
  }),
  fc.record({ type: fc.constant('resume' as const), step: fc.nat(9), reason: fc.string(), by: fc.string() }),
  fc.nat(9).map((step) => start(step, true)),
);

describe('fold', () => {
  it('is deterministic and never changes what it was given', () => {
    fc.assert(
      fc.property(fc.array(event, { maxLength: 30 }), (events) => {
        const frozen = events.map((item) => Object.freeze(item));
        expect(play(frozen)).toEqual(play(frozen));
      }),
    );
  });
  it('a pause survives a restart; only a resume ends it', () => {
    const pause: RunEvent = { type: 'pause', step: 3, cause: 'finding', reason: 'hostility', rolloutId: 's3.x.0' };
    expect(play([start(0, false), pause]).state).toBe('paused');
    expect(play([start(0, false), pause, start(2, true)]).state).toBe('paused');
    expect(play([start(0, false), pause, { type: 'resume', step: 3, reason: 'read it', by: 'me' }]).state).toBe('running');
  });
  it('a resume from an earlier step drops the steps that do not count', () => {
    const step = (n: number): RunEvent => ({ type: 'step', step: n, metrics: {} });
    expect(play([start(0, false), step(1), step(2), start(1, true)]).steps.map(([n]) => n)).toEqual([1]);
  });
  it('a review labels one finding, and can be taken back', () => {
    const found: RunEvent = { type: 'finding', step: 1, rolloutId: 'a', index: 0, finding };
    const review = (label: 'dismissed' | 'new'): RunEvent => ({
      type: 'review',
      step: 1,
      rolloutId: 'a',
      index: 0,
      label,
      reason: 'chess',
      by: 'me',
    });
    expect(play([found, { ...found, index: 1 }, review('dismissed')]).flagged.map((item) => item.label)).toEqual(['dismissed', 'new']);
    expect(play([found, review('dismissed'), review('new')]).flagged[0]?.label).toBe('new');
  });

  it('each reviewer has one label, the newest that stands counts, and a label can be taken back', () => {
    const found: RunEvent = { type: 'finding', step: 1, rolloutId: 'a', index: 0, finding };
    const review = (by: string, label: 'new' | 'confirmed' | 'dismissed' | 'escalated' | 'acknowledged', reason = ''): RunEvent => ({
      type: 'review', step: 1, rolloutId: 'a', index: 0, label, reason, by,
    }); // prettier-ignore
    const item = (...events: RunEvent[]) => play([found, ...events]).flagged[0];
    expect(item(review('ana', 'dismissed', 'a game'), review('bo', 'confirmed'))).toMatchObject({ label: 'confirmed', by: 'bo' });
    expect(item(review('ana', 'dismissed', 'a game'), review('bo', 'confirmed'), review('bo', 'new'))).toMatchObject({
      label: 'dismissed', reason: 'a game', by: 'ana',
    }); // prettier-ignore
    expect(item(review('ana', 'escalated', 'ask'), review('ana', 'new'))).toMatchObject({ label: 'new', reviews: [] });
    expect(item(review('ana', 'acknowledged'))).toMatchObject({ label: 'confirmed' });
  });
  it('labels of thoughts without a finding, and controls, touch no finding and no count', () => {
    const before = play([start(0, false)]);
    const after = play([
      start(0, false),
      { type: 'review', step: 1, rolloutId: 'q', index: -1, label: 'confirmed', reason: '', by: 'ana', blind: true, category: 'deception' },
      { type: 'control', step: 1, control: 'drill.7', expected: 'bad', label: 'confirmed', by: 'ana' },
    ]);
    expect(after.unflagged).toEqual([
      { step: 1, rolloutId: 'q', by: 'ana', label: 'confirmed', reason: '', blind: true, category: 'deception' },
    ]);
    expect({ ...after, unflagged: [], controls: [] }).toEqual(before);
  });
});
