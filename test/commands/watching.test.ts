import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, expect, it } from 'vitest';
import { createRecorder } from '../../src/commands/recorder.ts';
import { checkChain, openThoughtReader, tiersOff, untilWritten } from '../../src/commands/watching.ts';
import type { RunEvent } from '../../src/core/events.ts';
import { parseConfig } from '../../src/config.ts';
import { createConductor } from '../../src/loop/conductor.ts';
import { openJournal, openJournalReader } from '../../src/record/journal.ts';
import { RecordError } from '../../src/record/port.ts';
import type { Monitor } from '../../safety/types.ts';
import { pause, resume, rollout, scratch, start, stepDone } from '../record/samples.ts';

const full = (): never => {
  throw new RecordError('full', 'the disk is full');
};

describe('a disk that takes nothing', () => {
  it('events wait in their order, the run is told once, and all are written before it goes on', () => {
    const written: RunEvent[] = [];
    const seen: string[] = [];
    let room = true;
    let told = 0;
    const recorder = createRecorder(
      { append: (events) => (room ? void written.push(...events) : full()), close: () => {} },
      (event) => seen.push(event.type),
      () => {
        told++;
        recorder.record([pause(2)]);
      },
    );
    recorder.record([start(0)]);
    room = false;
    recorder.record([stepDone(1)]);
    recorder.record([stepDone(2)]);
    expect([told, recorder.waiting, written.length]).toEqual([1, true, 1]);
    expect(seen).toEqual(['start', 'step', 'pause', 'step']);
    expect(() => recorder.insist([resume(2)])).toThrow('full');
    room = true;
    recorder.insist([resume(2)]);
    expect(written.map(({ type }) => type)).toEqual(['start', 'step', 'pause', 'step', 'resume']);
    expect([recorder.waiting, told]).toEqual([false, 1]);
  });

  it('any other fault ends the run', () => {
    const broken = createRecorder({ append: () => { throw new RecordError('corrupt', 'no'); }, close: () => {} }, () => {}, () => {}); // prettier-ignore
    expect(() => broken.record([start(0)])).toThrow('no');
    expect(broken.waiting).toBe(false);
  });

  it('a checkpoint is tried again after each resume; a stop gives it up', async () => {
    const log: string[] = [];
    const conductor = createConductor({ onPause: (cause) => log.push(cause), onResume: () => {} });
    let tries = 0;
    const done = untilWritten(conductor, () =>
      ++tries < 3 ? Promise.reject(new RecordError('full', 'no space')) : Promise.resolve('saved'),
    );
    for (let times = 0; times < 2; times++) {
      await new Promise((resolve) => setTimeout(resolve, 1));
      conductor.resume('space now', 'me');
    }
    expect([await done, tries, log]).toEqual(['saved', 3, ['disk', 'disk']]);
    const given = untilWritten(conductor, () => Promise.reject(new RecordError('unwritable', 'no')));
    await new Promise((resolve) => setTimeout(resolve, 1));
    conductor.requestStop();
    await expect(given).rejects.toThrow('no');
    await expect(untilWritten(conductor, () => Promise.reject(new Error('bug')))).rejects.toThrow('bug');
  });
});

describe('what a run process takes from its journal', () => {
  const flagging: Monitor = {
    version: 't', tiers: ['rules'],
    scan: ({ id }) => ({ id, severity: 2, findings: [{ category: 'deception', severity: 2, detector: 'rules/x@1', where: 'thought', start: 0, end: 1, quote: 't', why: 'w' }] }),
  }; // prettier-ignore
  const config = parseConfig({ safety: { policy: { jump: { baseline: 100, thoughts: 1000 } } } });

  it('the usual flag rate survives a restart; drills are no part of it; an answered jump starts it anew', async () => {
    const dir = scratch();
    const journal = openJournal(dir);
    const quiet = Array.from({ length: 120 }, (_, at) => rollout(`s1.p${at}.0`, 1));
    journal.append([start(0), { type: 'rollouts', step: 1, rollouts: [...quiet, rollout('s1.drill.0', 1, { severity: 4 })] }, stepDone(1)]);
    journal.close();
    using reader = openJournalReader(dir);
    expect(reader.severities(0)).toHaveLength(120);
    expect(reader.severities(1)).toEqual([]);
    const decideAfter = async (events: readonly RunEvent[], step: number) => {
      const open = openThoughtReader(flagging, config, dir, events, () => false);
      open.begin(step);
      const next = Array.from({ length: 40 }, (_, at) => rollout(`s${step}.p${at}.0`, step).rollout);
      for (const each of next) open.read(each);
      return await open.decide(next);
    };
    expect(await decideAfter([], 2)).toMatchObject({ decision: 'pause', cause: 'jump' });
    const jump: RunEvent = { type: 'pause', step: 2, cause: 'jump', reason: 'r', rolloutId: null };
    expect(await decideAfter([jump, resume(2)], 2)).toMatchObject({ decision: 'pass' });
    expect(await decideAfter([jump], 2)).toMatchObject({ decision: 'pause', cause: 'jump' });
    const off = parseConfig({ safety: { policy: { jump: { test: false } } } });
    expect(openThoughtReader(flagging, off, dir, [], () => false).warnings()).toEqual([]);
  });

  it('an audit log that was changed while the run was at work pauses it, once', () => {
    const dir = scratch();
    using journal = openJournal(dir);
    journal.append([start(0), pause(1)]);
    const reasons: string[] = [];
    const conductor = { pause: (_cause: string, reason: string) => void reasons.push(reason) };
    checkChain(dir, { ...conductor });
    expect(reasons).toEqual([]);
    const db = new DatabaseSync(join(dir, 'journal.sqlite'));
    db.exec(`UPDATE events SET body = replace(body, 'severity 4', 'nothing') WHERE type = 'pause'`);
    db.close();
    checkChain(dir, conductor);
    checkChain(dir, conductor);
    expect(reasons).toEqual([expect.stringContaining('entry 2')]);
  });

  it('knows which tiers are off', () => {
    expect(tiersOff(null)).toEqual(['integrity', 'rules', 'program', 'classifier']);
    expect(tiersOff(flagging)).toEqual(['integrity', 'program', 'classifier']);
  });
});
