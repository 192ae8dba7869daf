import { join } from 'node:path';
import { expect, it } from 'vitest';
import { EMPTY_VIEW, fold } from '../../src/core/fold.ts';
import { openJournalReader, verifyAudit } from '../../src/record/journal.ts';
import { kelvin, scratch, SMALL } from './cli.ts';

it('kelvin tournament rates the checkpoints of a run and leaves the ratings in its journal', { timeout: 120_000 }, async () => {
  using home = scratch();
  const run = join(home.dir, 'played');
  expect((await kelvin(['train', '--run-dir', run, '--steps', '2', ...SMALL]).done).code).toBe(0);
  const { code, stdout, stderr } = await kelvin(['tournament', run, '--proposals', '4', '--tries', '2', '--json']).done;
  expect([code, stderr]).toEqual([0, '']);
  const result = JSON.parse(stdout) as {
    readonly steps: readonly number[];
    readonly games: readonly number[];
    readonly tasks: readonly number[];
  };
  const games = 2 * result.tasks.reduce((sum, count) => sum + count, 0);
  expect(result.games).toEqual(result.steps.map(() => games));

  using reader = openJournalReader(run);
  const view = reader.events(0).reduce((before, { event }) => fold(before, event), EMPTY_VIEW);
  const { steps, ratings, tasks } = view.tournaments[0]!;
  expect({ steps, tasks, games: view.tournaments[0]!.games }).toEqual({ steps: result.steps, tasks: result.tasks, games: result.games });
  expect(ratings).toHaveLength(result.steps.length);
  expect(view.state).toBe('finished');
  expect(verifyAudit(run).ok).toBe(true);
});
