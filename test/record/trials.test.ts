import { spawnSync } from 'node:child_process';
import { expect, test } from 'vitest';

/** A short form of a script of the repository; `npm run …` runs the long ones. */
const script = (...args: string[]): { status: number | null; stdout: string; stderr: string } =>
  spawnSync(process.execPath, ['bin/dev.mjs', ...args], { encoding: 'utf8' });

test('a run that was killed again and again ends with the numbers of one that was not', () => {
  const { status, stdout, stderr } = script('test:kills', '--kills', '2', '--steps', '5', '--seed', '11');
  expect([status, stderr]).toEqual([0, '']);
  expect(stdout).toMatch(/2 kills in \d runs .*bit-identical, audit logs whole/);
}, 300_000);

test('damaged files: none is accepted', () => {
  const { status, stdout, stderr } = script('test:corruption', '--files', '60', '--models', '0', '--seed', '11');
  expect([status, stderr]).toEqual([0, '']);
  expect(stdout).toMatch(/60 damaged files: .*none accepted, no crash/);
}, 300_000);
