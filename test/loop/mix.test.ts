import { describe, expect, it } from 'vitest';
import type { RunEvent } from '../../src/core/events.ts';
import { run } from '../../src/loop/run.ts';
import { restoreState, storeState } from '../../src/loop/state.ts';
import type { StoredState } from '../../src/loop/state.ts';
import { harness, hooks, stable } from './harness.ts';
import type { Harness } from './harness.ts';

const MIX = ['algorithm.mix=progress', 'steps=6'];
const play = async (...overrides: string[]): Promise<Harness> => {
  const made = harness({ overrides });
  await run(made.context, hooks);
  return made;
};
const metrics = (events: readonly RunEvent[]) => events.flatMap((event) => (event.type === 'step' ? [stable(event.metrics)] : []));

describe('a run whose mix follows learning progress', () => {
  it('invents and practises within the same number of slots, and says how it shared them out', async () => {
    const { events, state } = await play(...MIX);
    const steps = metrics(events);
    expect(steps.length).toBe(6);
    for (const step of steps) {
      const shares = Object.entries(step).filter(([path]) => path.startsWith('mix/'));
      expect(shares.length).toBe(12);
      expect(shares.reduce((sum, [, share]) => sum + share, 0)).toBeCloseTo(1, 9);
    }
    const rollouts = events.flatMap((event) => (event.type === 'rollouts' && event.step > 0 ? event.rollouts : []));
    const practised = rollouts.filter(({ rollout }) => rollout.id.includes('.practice-'));
    expect(practised.length).toBeGreaterThan(0);
    // Practice trains like everything else.
    expect(practised.every(({ advantage }) => advantage !== null)).toBe(true);
    expect(Object.keys(state.mix.rates).length).toBeGreaterThan(0);
    for (let step = 1; step <= 6; step++) {
      const of = (part: string) =>
        new Set(
          rollouts
            .filter(({ rollout }) => rollout.step === step && rollout.id.includes(part))
            .map(({ rollout }) => rollout.id.split('.')[1]),
        );
      expect(of('.propose-').size + of('.practice-').size).toBe(12);
    }
  });
  it('same seed, same numbers', async () => {
    const [a, b] = await Promise.all([play(...MIX), play(...MIX)]);
    expect(metrics(a.events)).toEqual(metrics(b.events));
  });
  it('the fixed mix reports no shares and keeps no memory', async () => {
    const { events, state } = await play();
    expect(metrics(events).some((step) => Object.keys(step).some((path) => path.startsWith('mix/')))).toBe(false);
    expect(storeState(state)).not.toHaveProperty('mix');
  });
  it('what it has learned is in the checkpoint; older checkpoints have none', async () => {
    const { state } = await play(...MIX);
    const stored = JSON.parse(JSON.stringify(storeState(state))) as StoredState;
    expect(restoreState(stored).mix).toEqual(state.mix);
    const { mix: _, ...old } = stored;
    expect(restoreState(old).mix.history).toEqual([]);
  });
  it('needs self-play and the reuse of difficulty rollouts', () => {
    expect(() => harness({ overrides: ['algorithm.mix=progress', 'algorithm.solver=separate'] })).toThrow(/"algorithm\.mix": "progress"/);
    expect(() => harness({ overrides: ['algorithm.mix=progress', 'paradigm=rlvr', 'data=generated'] })).toThrow(
      /"paradigm" to "absolute-zero"/,
    );
  });
});
