import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, it, vi } from 'vitest';
import { openJournalReader } from '../../src/record/journal.ts';
import { bundle, closeWindows, MAIN, removeBundle, start } from './pty.ts';

/** One run from the first key to the last, as a person has it: real model, real monitor, real terminal. */
let home = '';
beforeAll(async () => {
  home = mkdtempSync(join(tmpdir(), 'kelvin-e2e-'));
  await bundle();
});
afterAll(() => {
  rmSync(home, { recursive: true, force: true });
  removeBundle();
});
afterEach(closeWindows);

it('start, pause by an alert, review, resume with a reason, quit, come back, stop', { timeout: 600_000 }, async () => {
  const small = ['algorithm.proposals=4', 'algorithm.rollouts=2', 'algorithm.seedFactor=1', 'engine.threads=1', 'eval.tasks=8'];
  const sets = small.flatMap((each) => ['--set', each]);
  const first = start(home, process.execPath, [MAIN, 'start', '--steps', '200', ...sets]);
  await first.see(/● running +step [1-9]/, 300_000);
  first.write('4');
  await first.see('open findings');
  first.write('D');
  await first.see('Drill?');
  first.write('y');
  await first.see('PAUSED: severity 4', 120_000);
  expect(first.raw()).toContain('\x1b]9;');
  first.write('\r');
  await first.see('all findings');
  first.write('c');
  await first.see('Confirmed.');
  first.write('r');
  await first.see('Resume: why?');
  first.write('it was the drill\r');
  await first.see('● running');
  first.write('q');
  await first.see('leave the run running');
  first.write('l');
  await expect(first.exit).resolves.toMatchObject({ exitCode: 0 });
  expect(first.raw()).toContain('Come back with: kelvin open');

  const run = readdirSync(home).find((name) => name.includes('nano'))!;
  const again = start(home, process.execPath, [MAIN, 'open', run]);
  await again.see('● running');
  again.write('q');
  await again.see('leave the run running');
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
