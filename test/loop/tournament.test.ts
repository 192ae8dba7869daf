import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { createReader } from '../../src/loop/reader.ts';
import { run } from '../../src/loop/run.ts';
import { restoreState, storeState } from '../../src/loop/state.ts';
import type { StoredState } from '../../src/loop/state.ts';
import { playTournament } from '../../src/loop/tournament.ts';
import type { Player } from '../../src/loop/tournament.ts';
import { harness, quiet, scratch } from './harness.ts';

it('a trained checkpoint is rated above an untrained one, and every thought is read', async () => {
  using home = scratch();
  const { context, engine, state } = harness({
    overrides: ['steps=40', 'algorithm.proposals=6', 'optim.lr=3', 'deviations.deduplicate=paper'],
  });
  const saved = new Map<number, StoredState>();
  await run(context, {
    evaluate: null,
    checkpoint: async (step) => {
      mkdirSync(join(home.dir, String(step)));
      await engine.saveState(join(home.dir, String(step)));
      saved.set(step, structuredClone(storeState(state)));
      return { dir: String(step) };
    },
    firstEval: null,
  });
  const player = (step: number): Player => ({
    step,
    enter: async () => {
      await engine.loadState(join(home.dir, String(step)));
      const reader = createReader(quiet, { jumps: null, stream: null });
      return { ...context, reader, state: restoreState(saved.get(step) as StoredState) };
    },
  });
  const turns: number[] = [];
  const options = { proposals: 8, tries: 6, onProgress: (done: number) => turns.push(done) };
  const result = await playTournament([player(0), player(40)], options);
  expect(turns).toEqual([1, 2, 3, 4]);
  expect(result.steps).toEqual([0, 40]);
  expect(result.tasks.every((count, i) => count > 0 && count <= (result.proposals[i] as number))).toBe(true);
  const [untrained, trained] = result.ratings as [{ elo: number; error: number }, { elo: number; error: number }];
  expect(trained.elo - untrained.elo).toBeGreaterThan(2 * trained.error);
  for (const row of result.matrix) expect(row[1] as number).toBeGreaterThan(row[0] as number);
  const tasks = result.tasks.reduce((sum, count) => sum + count, 0);
  const thoughts = result.proposals.reduce((sum, count) => sum + count, 0) + 2 * 6 * tasks;
  expect(result.read).toBe(thoughts);
  expect(result.flagged).toEqual([thoughts, 0, 0, 0, 0]);
  expect(await playTournament([player(0), player(40)], options)).toEqual(result);
});
