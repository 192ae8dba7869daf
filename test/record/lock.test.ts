import { mkdirSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { acquireLock, isHeld, lockOwner } from '../../src/record/lock.ts';
import { scratch } from './samples.ts';
import { startChild } from './spawn.ts';

const file = (dir: string): string => join(dir, 'lock.json');
const edit = (dir: string, change: object): void =>
  writeFileSync(file(dir), JSON.stringify({ ...JSON.parse(readFileSync(file(dir), 'utf8')), ...change }));

test('one holder at a time, told apart by name; free again after release', () => {
  const dir = scratch();
  const lock = acquireLock(dir);
  expect(lock.tookOver).toBeNull();
  expect(isHeld(dir)).toBe(true);
  expect(() => acquireLock(dir)).toThrow(`in use by process ${process.pid} on ${hostname()}`);
  lock.check();
  lock.release();
  expect(isHeld(dir)).toBe(false);
  expect(lockOwner(dir)).toBeNull();
  acquireLock(dir).release();
  if (process.platform !== 'win32') expect(statSync(join(dir, 'lock.guard')).mode & 0o777).toBe(0o600);
});

test('another process is refused with the code and what to do; after kill -9 it is let in', async () => {
  const dir = scratch();
  const { child, line, kill } = await startChild('lock', dir, 1);
  expect(line).toBe('held');
  expect(isHeld(dir)).toBe(true);
  let refused: unknown;
  try {
    acquireLock(dir);
  } catch (error) {
    refused = error;
  }
  expect(refused).toMatchObject({ name: 'RecordError', code: 'locked', message: expect.stringContaining(`process ${child.pid}`) });
  const second = await startChild('lock', dir, 1);
  expect(second.line).toMatch(/^locked .*stop it there first/);
  await second.kill();
  await kill();
  expect(isHeld(dir)).toBe(false);
  using lock = acquireLock(dir);
  expect(lock.tookOver?.pid).toBe(child.pid);
});

test('of many processes that find a dead lock at once, one gets it', async () => {
  const dir = scratch();
  const dead = await startChild('lock', dir, 1);
  await dead.kill();
  const rivals = await Promise.all([1, 2, 3, 4].map(() => startChild('lock', dir, 1)));
  expect(rivals.map((rival) => rival.line.slice(0, 6)).sort()).toEqual(['held', 'locked', 'locked', 'locked']);
  await Promise.all(rivals.map((rival) => rival.kill()));
});

test('a lock of an earlier boot, of a recycled pid, or garbled is taken over', () => {
  const stale: object[] = [{ boot: 'another' }, { pid: 2 ** 30 }];
  if (process.platform === 'linux') stale.push({ processStart: '1' });
  for (const change of stale) {
    const dir = scratch();
    acquireLock(dir);
    edit(dir, change);
    expect([change, isHeld(dir)]).toEqual([change, false]);
    acquireLock(dir).release();
  }
  for (const text of ['', '{', 'null', '[]', '{"pid":"x"}', '{"pid":1}', 'a\0b']) {
    const dir = scratch();
    writeFileSync(file(dir), text);
    expect(isHeld(dir)).toBe(false);
    acquireLock(dir).release();
  }
});

test('a holder on another machine counts by its heartbeat', () => {
  const dir = scratch();
  acquireLock(dir);
  edit(dir, { host: 'elsewhere', pid: 2 ** 30 });
  expect(isHeld(dir)).toBe(true);
  expect(() => acquireLock(dir)).toThrow(/on elsewhere/);
  const silent = new Date(Date.now() - 3 * 60_000);
  utimesSync(file(dir), silent, silent);
  expect(isHeld(dir)).toBe(false);
  acquireLock(dir, { watchMs: 30 }).release();
});

test('a jump of the clock takes no lock away from a holder whose heart beats', async () => {
  const dir = scratch();
  acquireLock(dir);
  edit(dir, { host: 'elsewhere', pid: 2 ** 30 });
  // By our clock the holder has been silent for an hour; the next beat comes while it is watched.
  const beat = (minutes: number): void =>
    utimesSync(file(dir), new Date(Date.now() - minutes * 60_000), new Date(Date.now() - minutes * 60_000));
  beat(60);
  expect(isHeld(dir)).toBe(false);
  const { kill } = await startChild('beat', dir, 1);
  expect(() => acquireLock(dir, { watchMs: 5000 })).toThrow(/on elsewhere/);
  await kill();
  // Its clock is ahead of ours: that is no silence.
  beat(-600);
  expect(isHeld(dir)).toBe(true);
});

test.skipIf(process.platform === 'win32')('a lock that cannot be read is not taken for a free one', () => {
  const dir = scratch();
  mkdirSync(file(dir));
  expect(() => acquireLock(dir)).toThrowError(expect.objectContaining({ name: 'RecordError', code: 'unwritable' }));
});

test('a holder whose lock was taken or removed finds out', () => {
  const dir = scratch();
  const lock = acquireLock(dir);
  rmSync(file(dir));
  expect(() => lock.check()).toThrow(/was removed/);
  const other = acquireLock(dir);
  expect(() => lock.check()).toThrow(/in use by/);
  lock.release();
  expect(isHeld(dir)).toBe(true);
  other.check();
  other.release();
});
