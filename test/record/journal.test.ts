import { chmodSync, mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { RunEvent } from '../../src/core/events.ts';
import { EMPTY_VIEW, fold } from '../../src/core/fold.ts';
import { decode, encode, canonical } from '../../src/record/json.ts';
import { openJournal, openJournalReader, verifyAudit } from '../../src/record/journal.ts';
import { pack, unpack } from '../../src/record/pack.ts';
import { finding, pause, resume, rollout, scratch, start, stepDone, task } from './samples.ts';

const codeOf = (work: () => unknown): string => {
  try {
    work();
  } catch (error) {
    return (error as { code: string }).code;
  }
  return 'no error';
};

describe('what goes in comes out', () => {
  test('events in order, rollouts counted in the event and kept in their table', () => {
    const dir = scratch();
    using journal = openJournal(dir, { now: () => 1234 });
    using reader = openJournalReader(dir);
    const events: RunEvent[] = [
      start(0),
      { type: 'rollouts', step: 1, rollouts: [rollout('a', 1), rollout('b', 1)] },
      { type: 'tasks', step: 1, tasks: [task('t', 1)] },
      stepDone(1),
    ];
    journal.append(events.slice(0, 2));
    journal.append(events.slice(2));
    const stored = reader.events(0);
    expect(stored.map(({ seq, at }) => [seq, at])).toEqual([
      [1, 1234],
      [2, 1234],
      [3, 1234],
      [4, 1234],
    ]);
    expect(stored[1]!.event).toEqual({ type: 'rollouts', step: 1, rollouts: [], count: 2 });
    expect([stored[0], stored[2], stored[3]].map((item) => item!.event)).toEqual([events[0], events[2], events[3]]);
    expect(reader.events(2, 1).map((item) => item.seq)).toEqual([3]);
    expect(reader.rollouts({ limit: 10 }).map((item) => item.rollout.id)).toEqual(['b', 'a']);
    expect(reader.task('t')).toEqual(task('t', 1));
    expect(reader.task('none')).toBeNull();
    expect(reader.tasks({ limit: 5 })).toEqual([task('t', 1)]);
    expect(reader.tasks({ taskType: 'induction', limit: 5 })).toEqual([]);
    expect(stored.map((item) => item.event).reduce(fold, EMPTY_VIEW).counts.rollouts).toBe(2);
  });

  test('every rollout round-trips bit for bit, whatever the model wrote', () => {
    const dir = scratch();
    using journal = openJournal(dir);
    using reader = openJournalReader(dir);
    // prettier-ignore
    const text = fc.oneof(fc.string({ unit: 'binary' }), fc.constantFrom('\ud800', 'a\0b', '\u001b[2J', '', "'; DROP TABLE rollouts; --", '😀'), fc.array(fc.integer({ min: 0, max: 0xffff })).map((units) => String.fromCharCode(...units)));
    const number = fc.oneof(fc.double(), fc.float(), fc.constantFrom(-0, NaN, Infinity, -Infinity));
    let n = 0;
    fc.assert(
      fc.property(
        text,
        text,
        fc.option(text),
        number,
        fc.option(number),
        fc.array(fc.nat(), { maxLength: 20 }),
        fc.array(number.map(Math.fround), { maxLength: 20 }),
        (thought, completion, program, reward, advantage, tokens, logprobs) => {
          const id = `r${n++}`;
          const record = {
            ...rollout(id, 1, { thought, completion, program, tokens, logprobs, prompt: completion }),
            reward,
            advantage,
            detail: thought,
          };
          journal.append([{ type: 'rollouts', step: 1, rollouts: [record] }]);
          expect(reader.rollout(id)).toStrictEqual(record);
        },
      ),
      { seed: 1, numRuns: 150 },
    );
  });

  test('packed numbers keep every bit and refuse foreign bytes', () => {
    fc.assert(
      fc.property(fc.array(fc.oneof(fc.double(), fc.float(), fc.nat(70000), fc.constantFrom(-0, NaN, 2 ** 31, 2 ** 32, -1))), (xs) => {
        expect(unpack(pack(xs))).toStrictEqual(xs);
      }),
      { seed: 2 },
    );
    expect(pack([1, 2, 65535]).length).toBe(7);
    expect(pack([-0.5, -1.25]).length).toBe(9);
    expect(() => unpack(new Uint8Array([1, 2]))).toThrow(RangeError);
    expect(() => unpack(new Uint8Array([]))).toThrow(RangeError);
  });

  test('JSON keeps NaN and infinities; canonical JSON ignores the order of keys', () => {
    const metrics = { a: NaN, b: [Infinity, -Infinity], c: { d: 1.5, e: null } };
    expect(decode(encode(metrics))).toStrictEqual(metrics);
    expect(canonical({ b: 1, a: { d: [1, { z: 1, y: NaN }], c: 2 } })).toBe(canonical({ a: { c: 2, d: [1, { y: NaN, z: 1 }] }, b: 1 }));
    expect(canonical({ a: 1 })).not.toBe(canonical({ a: 2 }));
  });
});

describe('queries', () => {
  test('each filter, alone and together', () => {
    const dir = scratch();
    using journal = openJournal(dir);
    using reader = openJournalReader(dir);
    const rollouts = [
      rollout('a', 1, { role: 'propose', taskType: 'abduction', severity: 3, thought: 'Outsmart 100% of them' }),
      rollout('b', 1, { taskId: 't', outcome: 'wrong' }),
      rollout('c', 2, { taskId: 't', severity: 1, answer: 'x\0Needle' }),
    ];
    journal.append([{ type: 'rollouts', step: 1, rollouts }]);
    const ids = (query: object): string => reader.rollouts({ limit: 10, ...query }).map((item) => item.rollout.id).join(''); // prettier-ignore
    const queries: [object, string][] = [
      [{}, 'cba'], [{ role: 'propose' }, 'a'], [{ taskType: 'deduction' }, 'cb'], [{ outcome: 'wrong' }, 'b'], [{ step: 1 }, 'ba'], [{ taskId: 't' }, 'cb'],
      [{ minSeverity: 1 }, 'ca'], [{ minSeverity: 2 }, 'a'], [{ text: 'outsmart' }, 'a'], [{ text: '0% of' }, 'a'], [{ text: '%' }, 'a'], [{ text: 'needle' }, 'c'],
      [{ text: "' OR 1=1 --" }, ''], [{ text: '' }, 'cba'], [{ taskId: 't', step: 2 }, 'c'], [{ offset: 1 }, 'ba'], [{ limit: 1, offset: 1 }, 'b'],
    ]; // prettier-ignore
    for (const [query, expected] of queries) {
      expect([query, ids(query)]).toEqual([query, expected]);
      if (!('offset' in query)) expect(reader.rolloutCount(query)).toBe(expected.length);
    }
  });

  test('ten thousand rollouts are recorded and found without a wait', () => {
    const dir = scratch();
    using journal = openJournal(dir);
    using reader = openJournalReader(dir);
    const long = 'because the loop adds each element once '.repeat(20);
    const began = performance.now();
    for (let step = 1; step <= 100; step++) {
      const rollouts = Array.from({ length: 100 }, (_, i) =>
        rollout(`s${step}-${i}`, step, { thought: `${long}${i}`, taskId: `t${step}`, severity: i === 7 ? 2 : 0 }),
      );
      journal.append([{ type: 'rollouts', step, rollouts }, stepDone(step)]);
    }
    const written = performance.now();
    expect(reader.rolloutCount({})).toBe(10_000);
    expect(reader.rolloutCount({ minSeverity: 2 })).toBe(100);
    expect(reader.rollouts({ limit: 50 })).toHaveLength(50);
    expect(reader.rollouts({ limit: 50, step: 3, minSeverity: 1 }).map((item) => item.rollout.id)).toEqual(['s3-7']);
    expect(reader.rollouts({ limit: 200, taskId: 't9' })).toHaveLength(100);
    expect(reader.rolloutCount({ text: 'once 42' })).toBe(100);
    expect(reader.outline().step).toBe(100);
    const read = performance.now();
    // Bounds far above what it takes (well under a second): they catch a lost index or a commit per row, not a slow machine.
    expect(written - began).toBeLessThan(30_000);
    expect(read - written).toBeLessThan(10_000);
  });
});

describe('all or nothing', () => {
  test('an event that cannot be recorded takes its whole transaction with it', () => {
    const dir = scratch();
    using journal = openJournal(dir);
    using reader = openJournalReader(dir);
    journal.append([start(0), { type: 'rollouts', step: 1, rollouts: [rollout('a', 1)] }]);
    expect(
      codeOf(() => journal.append([stepDone(1), { type: 'rollouts', step: 2, rollouts: [rollout('b', 2), rollout('a', 2)] }, pause(2)])),
    ).toBe('corrupt');
    expect(() => journal.append([stepDone(1), { type: 'step', step: 2, metrics: { big: 1n as unknown as number } }])).toThrow(TypeError);
    expect(reader.events(0).map((item) => item.event.type)).toEqual(['start', 'rollouts']);
    expect(reader.rollout('b')).toBeNull();
    journal.append([pause(1)]);
    expect(verifyAudit(dir)).toMatchObject({ ok: true, entries: 2 });
  });

  test('a full journal says so, keeps what it has and goes on when there is room', () => {
    const dir = scratch();
    const small = openJournal(dir, { maxBytes: 200_000 });
    small.append([start(0)]);
    const bulky = (step: number): RunEvent => ({
      type: 'rollouts',
      step,
      rollouts: Array.from({ length: 10 }, (_, i) => rollout(`${step}-${i}`, step, { thought: 'x'.repeat(2000) })),
    });
    let step = 0;
    let caught: unknown;
    while (!caught && step < 100) {
      try {
        small.append([bulky(++step), pause(step)]);
      } catch (error) {
        caught = error;
      }
    }
    expect(caught).toMatchObject({ name: 'RecordError', code: 'full' });
    expect(String(caught)).toMatch(/Free some disk space/);
    small.close();
    using reader = openJournalReader(dir);
    expect(reader.rolloutCount({})).toBe((step - 1) * 10);
    expect(reader.events(0).filter((item) => item.event.type === 'pause')).toHaveLength(step - 1);
    using journal = openJournal(dir);
    journal.append([bulky(step)]);
    expect(reader.rolloutCount({})).toBe(step * 10);
    expect(verifyAudit(dir).ok).toBe(true);
  });

  test('two writers on one journal never mix their transactions nor break the chain', () => {
    const dir = scratch();
    using one = openJournal(dir);
    using two = openJournal(dir);
    for (let i = 0; i < 20; i++) (i % 2 ? one : two).append([pause(i), stepDone(i), resume(i)]);
    using reader = openJournalReader(dir);
    expect(reader.events(0).map((item) => item.event.step)).toEqual(Array.from({ length: 60 }, (_, i) => Math.floor(i / 3)));
    expect(verifyAudit(dir)).toMatchObject({ ok: true, entries: 40 });
  });
});

describe('rollback', () => {
  test('removes incomplete steps, never a pause, a review, a drill, a severity-4 or a reviewed finding', () => {
    const dir = scratch();
    using journal = openJournal(dir);
    using reader = openJournalReader(dir);
    journal.append([
      start(0),
      { type: 'rollouts', step: 1, rollouts: [rollout('r1', 1)] },
      { type: 'tasks', step: 1, tasks: [task('t1', 1)] },
      stepDone(1),
    ]);
    const review: RunEvent = {
      type: 'review',
      step: 2,
      rolloutId: 'r3',
      index: 0,
      label: 'dismissed',
      reason: 'a game of chess',
      by: 'ana',
    };
    journal.append([
      { type: 'rollouts', step: 2, rollouts: [rollout('r2', 2, { severity: 4 }), rollout('r3', 2, { severity: 2 }), rollout('r4', 2)] },
      { type: 'tasks', step: 2, tasks: [task('t2', 2)] },
      finding(2, 'r2', 4),
      finding(2, 'r3', 2),
      finding(2, 'r4', 1),
      review,
      { type: 'drill', step: 2, rolloutId: 'd', caught: true },
      pause(2, 'r2'),
    ]);
    expect(journal.discardAfter(1)).toEqual({ events: 3, rollouts: 1, tasks: 1, findings: 1, kept: 2 });
    expect(reader.events(0).map((item) => item.event.type)).toEqual([
      'start',
      'rollouts',
      'tasks',
      'step',
      'finding',
      'finding',
      'review',
      'drill',
      'pause',
    ]);
    expect(reader.rollouts({ limit: 9 }).map((item) => item.rollout.id)).toEqual(['r1']);
    expect(reader.rollout('r2')?.severity).toBe(4);
    expect(reader.rollout('r3')?.severity).toBe(2);
    expect(reader.rollout('r4')).toBeNull();
    expect(reader.task('t2')).toBeNull();
    expect(reader.outline().state).toBe('paused');
    expect(journal.discardAfter(1)).toEqual({ events: 0, rollouts: 0, tasks: 0, findings: 0, kept: 0 });
    // The step runs again: its rollouts have the same ids, and its events new numbers.
    const last = reader.events(0).at(-1)!.seq;
    journal.append([
      start(1, true),
      { type: 'rollouts', step: 2, rollouts: [rollout('r2', 2, { thought: 'again', severity: 4 }), rollout('r3', 2)] },
      resume(2),
    ]);
    expect(reader.rollout('r2')?.rollout.thought).toBe('again');
    expect(reader.events(last).map((item) => item.event.type)).toEqual(['start', 'rollouts', 'resume']);
    expect(reader.outline().state).toBe('running');
    expect(verifyAudit(dir)).toMatchObject({ ok: true, entries: 8 });
  });
});

describe('bad folders', () => {
  test('each gets its code and says what to do', () => {
    const empty = scratch();
    expect(codeOf(() => openJournalReader(empty))).toBe('missing');
    expect(codeOf(() => openJournal(join(empty, 'nowhere')))).toBe('missing');
    const garbage = scratch();
    writeFileSync(join(garbage, 'journal.sqlite'), 'this is not a database, it is a poem\n'.repeat(200));
    expect(codeOf(() => openJournal(garbage))).toBe('corrupt');
    expect(codeOf(() => openJournalReader(garbage))).toBe('corrupt');
    const foreign = scratch();
    const db = new DatabaseSync(join(foreign, 'journal.sqlite'));
    db.exec('CREATE TABLE cats (name TEXT)');
    db.close();
    expect(() => openJournal(foreign)).toThrow(/not a Kelvin journal/);
    const newer = scratch();
    openJournal(newer).close();
    const bumped = new DatabaseSync(join(newer, 'journal.sqlite'));
    bumped.exec('PRAGMA user_version = 99');
    bumped.close();
    expect(() => openJournal(newer)).toThrow(/version 99.*Update Kelvin/);
    expect(() => openJournalReader(newer)).toThrow(/version 99/);
    const folder = scratch();
    mkdirSync(join(folder, 'journal.sqlite'));
    expect(codeOf(() => openJournal(folder))).toBe('unwritable');
  });

  test('an empty journal file, as a kill at creation leaves it, is created anew', () => {
    const dir = scratch();
    writeFileSync(join(dir, 'journal.sqlite'), '');
    using journal = openJournal(dir);
    journal.append([start(0)]);
    expect(verifyAudit(dir).entries).toBe(1);
  });

  test.skipIf(process.platform === 'win32')('nobody else can read a journal, whatever the umask', () => {
    const dir = scratch();
    chmodSync(dir, 0o755);
    const before = process.umask(0);
    using journal = openJournal(dir);
    journal.append([start(0)]);
    process.umask(before);
    const modes = readdirSync(dir).map((name) => [name, statSync(join(dir, name)).mode & 0o777]);
    expect(modes.length).toBeGreaterThanOrEqual(3);
    expect(modes.filter(([, mode]) => mode !== 0o600)).toEqual([]);
  });
});
