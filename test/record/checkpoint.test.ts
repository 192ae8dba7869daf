import {
  appendFileSync,
  cpSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { latestCheckpoint, loadCheckpoint, requireSpace, saveCheckpoint } from '../../src/record/checkpoint.ts';
import { scratch } from './samples.ts';

const weights =
  (step: number) =>
  async (dir: string): Promise<void> => {
    mkdirSync(join(dir, 'moments'));
    writeFileSync(join(dir, 'weights.bin'), Buffer.alloc(3_000_000, step));
    writeFileSync(join(dir, 'moments', 'adam.bin'), Buffer.alloc(1000, step));
  };
const names = (dir: string): string[] => readdirSync(join(dir, 'checkpoints')).sort();
const save = (dir: string, step: number, state: unknown = { step }): Promise<string> => saveCheckpoint(dir, step, weights(step), state);

test('what is saved is loaded: files and state, every number of it', async () => {
  const dir = scratch();
  const state = { rng: [1, 2 ** 53 - 1], ema: 0.1 + 0.2, none: null, odd: [-0, NaN, -Infinity], text: '\ud800😀' };
  const path = await save(dir, 12, state);
  expect(path).toBe(join(dir, 'checkpoints', 'step-000012'));
  expect(latestCheckpoint(dir)).toStrictEqual({ step: 12, dir: path, state, warnings: [] });
  expect(readFileSync(join(path, 'weights.bin'))[0]).toBe(12);
  if (process.platform !== 'win32') expect(statSync(path).mode & 0o777).toBe(0o700);
});

test('keeps milestones for good', async () => {
  const dir = scratch();
  for (let step = 0; step <= 9; step++) await saveCheckpoint(dir, step, weights(step), null, { milestone: 4 });
  expect(readdirSync(join(dir, 'checkpoints')).sort()).toEqual([0, 4, 8, 9].map((step) => `step-00000${step}`));
});

test('keeps the newest, step 0, and nothing of an abandoned future', async () => {
  const dir = scratch();
  for (const step of [0, 1, 2, 3]) await save(dir, step);
  expect(names(dir)).toEqual(['step-000000', 'step-000002', 'step-000003']);
  await saveCheckpoint(dir, 4, weights(4), null, { keep: 3 });
  expect(names(dir)).toEqual(['step-000000', 'step-000002', 'step-000003', 'step-000004']);
  await save(dir, 3, 'again');
  expect(names(dir)).toEqual(['step-000000', 'step-000002', 'step-000003']);
  expect(latestCheckpoint(dir)?.state).toBe('again');
  expect(latestCheckpoint(dir, 2)?.step).toBe(2);
  expect(latestCheckpoint(scratch())).toBeNull();
});

test('an engine that fails to write leaves the older checkpoints and no debris', async () => {
  const dir = scratch();
  await save(dir, 1);
  const full = Object.assign(new Error('no space left on device'), { code: 'ENOSPC' });
  await expect(saveCheckpoint(dir, 2, () => Promise.reject(full), null)).rejects.toMatchObject({ name: 'RecordError', code: 'full' });
  await expect(saveCheckpoint(dir, 2, () => Promise.reject(new Error('a bug')), null)).rejects.toThrow('a bug');
  expect(names(dir)).toEqual(['step-000001']);
});

test('asks for the space before it writes', async () => {
  const dir = scratch();
  let called = false;
  const write = async (): Promise<void> => void (called = true);
  await expect(saveCheckpoint(dir, 1, write, null, { expectedBytes: 1e18 })).rejects.toMatchObject({
    code: 'full',
    message: expect.stringMatching(/needs \d+ MB; \d+ MB are free/),
  });
  expect(called).toBe(false);
  expect(() => requireSpace(dir, 1)).not.toThrow();
});

describe('damage is found and the older checkpoint is used', () => {
  const flip = (path: string, at: number): void => {
    const bytes = readFileSync(path);
    bytes[at]! ^= 1;
    writeFileSync(path, bytes);
  };
  const damages: [string, (dir: string) => void][] = [
    ['bit flipped in the weights', (dir) => flip(join(dir, 'weights.bin'), 2_999_999)],
    ['bit flipped in the state', (dir) => flip(join(dir, 'state.json'), 3)],
    [
      'bit flipped in a hash',
      (dir) => flip(join(dir, 'manifest.json'), readFileSync(join(dir, 'manifest.json'), 'utf8').indexOf('sha256') + 12),
    ],
    ['file cut off', (dir) => truncateSync(join(dir, 'weights.bin'), 100)],
    ['file grown', (dir) => appendFileSync(join(dir, 'moments', 'adam.bin'), 'x')],
    ['file emptied', (dir) => truncateSync(join(dir, 'state.json'), 0)],
    ['file removed', (dir) => rmSync(join(dir, 'moments', 'adam.bin'))],
    ['files swapped', (dir) => renameSync(join(dir, 'moments', 'adam.bin'), join(dir, 'weights.bin'))],
    ['manifest removed', (dir) => rmSync(join(dir, 'manifest.json'))],
    ['manifest cut off', (dir) => truncateSync(join(dir, 'manifest.json'), 40)],
    ['manifest null', (dir) => writeFileSync(join(dir, 'manifest.json'), 'null')],
    [
      'manifest with foreign entries',
      (dir) => writeFileSync(join(dir, 'manifest.json'), '{"version":1,"step":2,"files":[null,3,{"path":"../../x"}]}'),
    ],
    ['manifest without files', (dir) => writeFileSync(join(dir, 'manifest.json'), '{"version":1,"step":2}')],
    ['of another version', (dir) => writeFileSync(join(dir, 'manifest.json'), '{"version":9,"step":2,"files":[]}')],
    ['of another step', (dir) => cpSync(join(dir, '..', 'step-000001'), dir, { recursive: true, force: true })],
    ['foreign file beside it', (dir) => writeFileSync(join(dir, 'extra.bin'), 'x')],
    ['everything gone', (dir) => readdirSync(dir).forEach((name) => rmSync(join(dir, name), { recursive: true }))],
  ];
  if (process.platform !== 'win32') damages.push(['symlink beside it', (dir) => symlinkSync('/etc/hostname', join(dir, 'link'))]);
  test.each(damages)('%s', async (_name, damage) => {
    const dir = scratch();
    await save(dir, 1);
    damage(await save(dir, 2));
    const latest = latestCheckpoint(dir)!;
    expect(latest.step).toBe(1);
    expect(latest.warnings).toHaveLength(1);
    expect(latest.warnings[0]).toMatch(/step-000002/);
  });

  test('when none can be used, the run is not started over in silence', async () => {
    const dir = scratch();
    truncateSync(join(await save(dir, 1), 'weights.bin'), 1);
    expect(() => latestCheckpoint(dir)).toThrow(/No checkpoint of .* can be used/);
    expect(() => loadCheckpoint(join(dir, 'checkpoints', 'step-000009'))).toThrow(/There is no checkpoint/);
  });
});

test('a kill between the two renames of a repeated save leaves the former one in use', async () => {
  const dir = scratch();
  await save(dir, 1);
  const path = await save(dir, 2);
  renameSync(path, `${path}.old`);
  mkdirSync(`${path}.tmp`);
  writeFileSync(join(`${path}.tmp`, 'weights.bin'), 'half');
  expect(latestCheckpoint(dir)).toMatchObject({ step: 2, warnings: [] });
  await save(dir, 3);
  expect(names(dir)).toEqual(['step-000002.old', 'step-000003']);
  expect(latestCheckpoint(dir, 2)?.step).toBe(2);
});
