import { existsSync, mkdirSync, readdirSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { basename, join, relative } from 'node:path';
import { describe, expect, test } from 'vitest';
import { createRunFolder, findRun, isAlive, listRuns, readRun, readRunConfig, writeRunConfig } from '../../src/record/folder.ts';
import { openJournal } from '../../src/record/journal.ts';
import { acquireLock } from '../../src/record/lock.ts';
import { pause, resume, scratch, start, stepDone } from './samples.ts';

const NOW = new Date('2026-11-23T10:00:00Z');
const create = (root: string, name = 'kelvin', now = NOW): string => createRunFolder({ root, name, config: { steps: 3 }, now });

describe('creating', () => {
  test('a name that tells day and config, private, with what the run needs', () => {
    const root = join(scratch(), 'deep', 'runs');
    const dir = create(root, 'My Config!');
    expect(basename(dir)).toMatch(/^2026-11-23-my-config-[0-9a-f]{4}$/);
    expect(readRun(dir)).toEqual({ version: 1, name: 'My Config!', started: '2026-11-23T10:00:00.000Z' });
    expect(readRunConfig(dir)).toEqual({ steps: 3 });
    writeRunConfig(dir, { steps: 4 });
    expect(readRunConfig(dir)).toEqual({ steps: 4 });
    expect(readdirSync(dir).sort()).toEqual(['config.json', 'run.json']);
    if (process.platform === 'win32') return;
    expect(statSync(dir).mode & 0o777).toBe(0o700);
    for (const name of readdirSync(dir)) expect(statSync(join(dir, name)).mode & 0o777).toBe(0o600);
  });

  test('a name from elsewhere cannot leave the root', () => {
    const root = scratch();
    for (const name of ['../../etc', '/tmp/x', '..', '', 'a\0b', '😀', 'x'.repeat(500)])
      expect(relative(root, create(root, name))).toMatch(/^2026-11-23-[a-z0-9-]{1,40}-[0-9a-f]{4}$/);
  });

  test('the folder the user names: made, or taken when empty; refused when it holds anything', () => {
    const root = scratch();
    const make = (runDir: string): string => createRunFolder({ root, runDir, name: 'k', config: {} });
    const empty = join(root, 'empty');
    mkdirSync(empty, { mode: 0o755 });
    expect(make(empty)).toBe(empty);
    if (process.platform !== 'win32') expect(statSync(empty).mode & 0o777).toBe(0o700);
    expect(() => make(empty)).toThrow(/holds a run already.*kelvin resume/);
    const used = join(root, 'used');
    mkdirSync(used);
    writeFileSync(join(used, 'thesis.txt'), 'mine');
    expect(() => make(used)).toThrow(/is not empty/);
    expect(readdirSync(used)).toEqual(['thesis.txt']);
    const file = join(root, 'file');
    writeFileSync(file, '');
    for (const path of [file, join(file, 'below')])
      expect(() => make(path)).toThrowError(expect.objectContaining({ name: 'RecordError', code: 'unwritable' }));
    // A start killed before run.json was written may be repeated.
    const begun = join(root, 'begun');
    mkdirSync(begun);
    writeFileSync(join(begun, 'config.json'), '{');
    expect(readRun(make(begun)).name).toBe('k');
  });
});

describe('listing', () => {
  test('the state of each run, newest first', () => {
    const root = scratch();
    const at = (minute: number): Date => new Date(NOW.getTime() + minute * 60_000);
    const histories = {
      crashed: [start(0), stepDone(1), stepDone(2)],
      paused: [start(0), stepDone(1), pause(2)],
      resumed: [start(0), pause(0), resume(0), stepDone(1)],
      finished: [start(0), stepDone(1), { type: 'end', step: 1, cause: 'finished', summary: {} } as const],
      failed: [start(0), { type: 'error', step: 0, message: 'm', exitCode: 1 } as const],
    };
    let minute = 0;
    for (const [name, events] of Object.entries(histories)) {
      using journal = openJournal(create(root, name, at(minute++)));
      journal.append(events);
    }
    const live = create(root, 'live', at(minute++));
    using journal = openJournal(live);
    journal.append([start(0)]);
    using lock = acquireLock(live);
    const unborn = create(root, 'unborn', at(minute++));
    const damaged = create(root, 'damaged', at(minute));
    openJournal(damaged).close();
    truncateSync(join(damaged, 'journal.sqlite'), 3000);
    const garbled = create(root, 'garbled', new Date(0));
    writeFileSync(join(garbled, 'run.json'), '{"vers');
    mkdirSync(join(root, 'no-run'));
    writeFileSync(join(root, 'note.txt'), '');

    const runs = listRuns(root);
    expect(runs.map((run) => [run.config, run.state, run.step])).toEqual([
      ['damaged', 'error', 0], ['unborn', 'crashed', 0], ['live', 'running', 0], ['failed', 'error', 0], ['finished', 'finished', 1],
      ['resumed', 'crashed', 1], ['paused', 'paused', 1], ['crashed', 'crashed', 2], ['', 'error', 0],
    ]); // prettier-ignore
    expect(runs.find((run) => run.config === 'live')).toMatchObject({
      dir: live,
      name: basename(live),
      pid: lock.owner.pid,
      totalSteps: 10,
      problem: null,
    });
    expect(runs.filter((run) => run.problem).map((run) => run.dir)).toEqual([damaged, unborn, garbled]);
    expect([isAlive(live), isAlive(unborn)]).toEqual([true, false]);
    expect(listRuns(join(root, 'nowhere'))).toEqual([]);
  });
});

describe('finding', () => {
  test('by path, name, beginning or end; else the nearest name is offered', () => {
    const root = scratch();
    const one = createRunFolder({ root, runDir: join(root, '2026-11-23-kelvin-ab12'), name: 'k', config: {} });
    const two = createRunFolder({ root, runDir: join(root, '2026-11-24-kelvin-cd34'), name: 'k', config: {} });
    const found = (name: string): string => findRun(root, name).dir;
    for (const name of [one, basename(one), 'ab12', '2026-11-23', relative(process.cwd(), one), `${one}/`]) expect(found(name)).toBe(one);
    expect(found('kelvin-cd34')).toBe(two);
    expect(() => found('2026-11-2')).toThrow(/fits 2 runs: 2026-11-23-kelvin-ab12, 2026-11-24-kelvin-cd34/);
    expect(() => found('2026-11-23-kelvin-ab21')).toThrow(/Did you mean "2026-11-23-kelvin-ab12"/);
    expect(() => found('zebra')).toThrow(/kelvin runs/);
    expect(() => found('')).toThrowError(expect.objectContaining({ code: 'missing' }));
    expect(() => findRun(scratch(), 'x')).toThrow(/There are no runs yet/);
    expect(existsSync(one)).toBe(true);
  });
});
