import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it, vi } from 'vitest';
import { openJournalReader } from '../../src/record/journal.ts';
import { MAIN, setUp, start } from './pty.ts';

/** One run from the first key to the last, as a person has it: real model, real monitor, real terminal. */
const home = setUp();

it('start, pause by an alert, review, resume with a reason, quit, come back, stop', { timeout: 600_000 }, async () => {
  const small = ['algorithm.proposals=4', 'algorithm.rollouts=2', 'algorithm.seedFactor=1', 'engine.threads=1', 'eval.tasks=8'];
  const sets = small.flatMap((each) => ['--set', each]);
  const first = start(home, process.execPath, [MAIN, 'start', '--steps', '200', ...sets]);
  await first.see(/● running +step [1-9]/, 300_000);
  await first.press('4', 'open findings');
  await first.press('D', 'Drill?');
  await first.press('y', 'PAUSED: severity 4', 120_000);
  expect(first.raw()).toContain('\x1b]9;');
  await first.press('\r', 'all findings');
  await first.press('c', 'Confirmed.');
  await first.press('r', 'Resume: why?');
  await first.press('it was the drill\r', '● running');
  await first.press('q', 'leave the run running');
  first.write('l');
  await expect(first.exit).resolves.toMatchObject({ exitCode: 0 });
  expect(first.raw()).toContain('Come back with: kelvin open');

  const run = readdirSync(home).find((name) => name.includes('nano'))!;
  const again = start(home, process.execPath, [MAIN, 'open', run]);
  await again.see('● running');
  await again.press('q', 'leave the run running');
  again.write('s');
  await expect(again.exit).resolves.toMatchObject({ exitCode: 0 });

  const reader = openJournalReader(join(home, run));
  // The window does not wait for the step that the run finishes first.
  await vi.waitFor(() => expect(reader.events(0).at(-1)?.event).toMatchObject({ type: 'end', cause: 'stopped' }), {
    timeout: 120_000,
    interval: 200,
  });
  const events = reader.events(0).map(({ event }) => event);
  reader.close();
  expect(events.find((event) => event.type === 'drill')).toMatchObject({ caught: true });
  expect(events.find((event) => event.type === 'review')).toMatchObject({ label: 'confirmed' });
  expect(events.find((event) => event.type === 'resume')).toMatchObject({ reason: 'it was the drill' });
});
