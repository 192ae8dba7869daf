import { spawnSync } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { latestCheckpoint } from '../../src/record/checkpoint.ts';
import { openJournal, openJournalReader, verifyAudit } from '../../src/record/journal.ts';
import { scratch } from './samples.ts';
import { CHILD_ARGUMENTS, startChild } from './spawn.ts';

test('a writer killed in the middle of its work leaves whole transactions only', async () => {
  for (const delay of [0, 3, 7]) {
    const dir = scratch();
    const { line, kill } = await startChild('journal', dir, 3);
    await sleep(delay);
    await kill();
    const reader = openJournalReader(dir);
    const types = reader.events(0).map((item) => item.event.type);
    const steps = types.length / 3;
    expect(steps).toBeGreaterThanOrEqual(Number(line));
    expect(types).toEqual(Array.from({ length: steps }, () => ['rollouts', 'pause', 'step']).flat());
    expect(reader.rolloutCount({})).toBe(steps * 10);
    expect(reader.rollouts({ limit: 1 })[0]?.rollout.id).toBe(`${steps}-9`);
    reader.close();
    expect(verifyAudit(dir)).toMatchObject({ ok: true, entries: steps });
    // Going on: the journal opens, rolls back and takes more.
    using journal = openJournal(dir);
    expect(journal.discardAfter(steps - 1)).toMatchObject({ rollouts: 10, events: 2 });
    expect(verifyAudit(dir)).toMatchObject({ ok: true, entries: steps + 1 });
  }
});

test('reading while another process writes sees whole transactions and does not stop it', async () => {
  const dir = scratch();
  const { kill, child } = await startChild('journal', dir, 2);
  using reader = openJournalReader(dir);
  let last = 0;
  let events = 0;
  const deadline = Date.now() + 20_000;
  while (last < 30 && Date.now() < deadline) {
    const batch = reader.events(events);
    events += batch.length;
    expect(batch.length % 3).toBe(0);
    expect(batch.map((item) => item.seq)).toEqual(batch.map((_, i) => events - batch.length + i + 1));
    last = batch.at(-1)?.event.step ?? last;
    expect(reader.rolloutCount({})).toBeGreaterThanOrEqual(last * 10);
    expect(verifyAudit(dir).ok).toBe(true);
    await sleep(5);
  }
  expect(child.exitCode).toBeNull();
  await kill();
  expect(last).toBeGreaterThanOrEqual(30);
});

test('a process killed while it saves leaves a checkpoint that can be used', async () => {
  for (const delay of [0, 2, 5]) {
    const dir = scratch();
    const { line, kill } = await startChild('checkpoint', dir, 3);
    await sleep(delay);
    await kill();
    const latest = latestCheckpoint(dir)!;
    expect(latest.warnings).toEqual([]);
    expect(latest.step).toBeGreaterThanOrEqual(Number(line));
    expect(latest.state).toEqual({ step: latest.step });
  }
});

test.skipIf(process.platform === 'win32')('a disk that refuses a write: an error with advice, whole transactions only', () => {
  const dir = scratch();
  // The operating system refuses any file beyond 2,000 blocks (1 or 2 MB).
  const { stdout } = spawnSync('sh', ['-c', 'ulimit -f 2000; exec "$@"', 'sh', process.execPath, ...CHILD_ARGUMENTS, 'fault', dir], {
    encoding: 'utf8',
  });
  const lines = stdout.trim().split('\n');
  expect(lines.at(-1)).toMatch(/^RecordError: cannot record to the journal .* then resume the run.* (unwritable|full)$/);
  const steps = lines.length - 1;
  expect(steps).toBeGreaterThan(0);
  using reader = openJournalReader(dir);
  expect(reader.events(0)).toHaveLength(3 * steps);
  expect(reader.rolloutCount({})).toBe(10 * steps);
  expect(verifyAudit(dir)).toMatchObject({ ok: true, entries: steps });
});
