import { copyFileSync, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, expect, test } from 'vitest';
import { openJournal, openJournalReader, verifyAudit } from '../../src/record/journal.ts';
import { finding, pause, resume, scratch, start, stepDone } from './samples.ts';

/** Entries: 1 start, 2 finding of severity 4, 3 pause, 4 resume, 5 pause. */
function recorded(): string {
  const dir = scratch();
  using journal = openJournal(dir);
  journal.append([start(0), stepDone(1), finding(2, 'r', 4), finding(2, 'q', 2)]);
  journal.append([pause(2, 'r')]);
  journal.append([resume(2), stepDone(2)]);
  journal.append([pause(3)]);
  return dir;
}

const edit = (dir: string, sql: string): void => {
  const db = new DatabaseSync(join(dir, 'journal.sqlite'));
  db.exec(sql);
  db.close();
};

test('an untouched log holds, also read while it is written and after a reopen', () => {
  const dir = recorded();
  expect(verifyAudit(dir)).toMatchObject({ ok: true, entries: 5 });
  using journal = openJournal(dir);
  journal.append([resume(3)]);
  expect(verifyAudit(dir)).toMatchObject({ ok: true, entries: 6 });
});

describe('tampering is found, and the run refuses to go on', () => {
  const cases: [string, string, number][] = [
    ['reason of a resume edited in the events', `UPDATE events SET body = replace(body, 'read it', 'fine') WHERE type = 'resume'`, 4],
    ['reason edited in the chain', `UPDATE audit SET body = replace(body, 'read it', 'fine') WHERE kind = 'resume'`, 4],
    ['edited in both', `UPDATE audit SET body = replace(body, 'read it', 'x'); UPDATE events SET body = replace(body, 'read it', 'x')`, 4],
    ['time edited', `UPDATE audit SET at = at + 1 WHERE n = 2`, 2],
    ['hash edited', `UPDATE audit SET hash = 'x' WHERE n = 3`, 3],
    ['severity 4 lowered', `UPDATE events SET body = replace(body, '"severity":4', '"severity":1')`, 2],
    ['entry removed', `DELETE FROM audit WHERE n = 2`, 2],
    ['first entry removed', `DELETE FROM audit WHERE n = 1`, 1],
    ['entry removed and the rest renumbered', `DELETE FROM audit WHERE n = 2; UPDATE audit SET n = n - 1 WHERE n > 2`, 2],
    ['end cut off', `DELETE FROM audit WHERE n >= 4; DELETE FROM events WHERE seq > 5`, 4],
    ['everything removed', `DELETE FROM audit; DELETE FROM events`, 1],
    ['event of a pause removed', `DELETE FROM events WHERE type = 'pause'`, 3],
    ['resume slipped in', `INSERT INTO events (at, step, type, body) VALUES (1, 3, 'resume', '{"type":"resume"}')`, 6],
    [
      'two entries swapped',
      `UPDATE audit SET n = -3 WHERE n = 3; UPDATE audit SET n = 3 WHERE n = 4; UPDATE audit SET n = 4 WHERE n = -3`,
      3,
    ],
  ];
  test.each(cases)('%s', (_name, sql, firstBroken) => {
    const dir = recorded();
    edit(dir, sql);
    expect(verifyAudit(dir)).toMatchObject({ ok: false, firstBroken, reason: expect.any(String) });
    expect(() => openJournal(dir)).toThrow(/audit log .* was changed outside Kelvin/);
    openJournalReader(dir).close();
  });

  test('head file removed, garbled, or of another run', () => {
    const other = readFileSync(join(recorded(), 'audit.head'), 'utf8');
    for (const damage of [null, '', 'garbage', other.replace(/ [0-9a-f]{4}/, ' 0000'), `${'0'.repeat(12)} ${'0'.repeat(64)}\n`]) {
      const dir = recorded();
      if (damage === null) rmSync(join(dir, 'audit.head'));
      else writeFileSync(join(dir, 'audit.head'), damage);
      expect([damage, verifyAudit(dir).ok]).toEqual([damage, false]);
    }
  });
});

test('a head that lags, as a kill between commit and head leaves it, is sound and caught up', () => {
  const dir = recorded();
  const old = readFileSync(join(dir, 'audit.head'));
  const journal = openJournal(dir);
  journal.append([resume(3)]);
  journal.close();
  writeFileSync(join(dir, 'audit.head'), old);
  expect(verifyAudit(dir)).toMatchObject({ ok: true, entries: 6 });
  openJournal(dir).close();
  expect(readFileSync(join(dir, 'audit.head'), 'utf8')).toMatch(/^000000000006 /);
});

describe('the anchor in the state folder', () => {
  const copy = (from: string, to: string): void => {
    for (const name of ['journal.sqlite', 'journal.sqlite-wal', 'journal.sqlite-shm', 'audit.head']) {
      rmSync(join(to, name), { force: true });
      if (existsSync(join(from, name))) copyFileSync(join(from, name), join(to, name));
    }
  };

  test('a run whose files were swapped for those of another is found, head file and all', () => {
    const dir = recorded();
    copy(recorded(), dir);
    expect(verifyAudit(dir)).toMatchObject({ ok: false, firstBroken: 1, reason: expect.stringContaining('another run') });
    expect(() => openJournal(dir)).toThrow(/changed outside Kelvin/);
  });

  test('an older copy of the run itself is found', () => {
    const dir = recorded();
    const older = scratch();
    copy(dir, older);
    const journal = openJournal(dir);
    journal.append([resume(3), pause(4)]);
    journal.close();
    copy(older, dir);
    expect(verifyAudit(dir)).toMatchObject({ ok: false, firstBroken: 6, reason: expect.stringContaining('older copy') });
  });

  test('a journal that was made anew in the place of the old one is found', () => {
    const dir = recorded();
    for (const name of ['journal.sqlite', 'journal.sqlite-wal', 'journal.sqlite-shm', 'audit.head'])
      rmSync(join(dir, name), { force: true });
    expect(() => openJournal(dir)).toThrow(/5 entries at the end were removed/);
  });

  test('chain and head rewritten together, but not the anchor', () => {
    const dir = recorded();
    const forged = scratch();
    using journal = openJournal(forged);
    journal.append([start(0), stepDone(1), finding(2, 'r', 4), finding(2, 'q', 2)]);
    journal.append([resume(2)]);
    copy(forged, dir);
    expect(verifyAudit(dir).ok).toBe(false);
  });

  test('a folder that was moved keeps its chain, and says that it has no anchor', () => {
    const dir = recorded();
    const moved = scratch();
    copy(dir, moved);
    expect(verifyAudit(dir)).toMatchObject({ ok: true, anchored: true });
    expect(verifyAudit(moved)).toMatchObject({ ok: true, anchored: false });
    openJournal(moved).close();
    expect(verifyAudit(moved)).toMatchObject({ ok: true, anchored: true });
  });

  test('a state folder that cannot be written costs the anchor, not the run', () => {
    const before = process.env['KELVIN_STATE'];
    try {
      process.env['KELVIN_STATE'] = '/dev/null/nowhere';
      expect(verifyAudit(recorded())).toMatchObject({ ok: true, anchored: false });
    } finally {
      process.env['KELVIN_STATE'] = before;
    }
  });
});
