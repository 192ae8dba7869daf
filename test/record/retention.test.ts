import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { createBudget } from '../../src/record/budget.ts';
import { digestOf, latestCheckpoint, saveCheckpoint } from '../../src/record/checkpoint.ts';
import { openJournal } from '../../src/record/journal.ts';
import { bestOf, readPins, setPin } from '../../src/record/retention.ts';
import { scratch, stepDone } from './samples.ts';

const write =
  (text: string) =>
  async (dir: string): Promise<void> =>
    writeFileSync(join(dir, 'weights.bin'), text);
const save = (dir: string, step: number, score?: (step: number) => number | null): Promise<string> =>
  saveCheckpoint(dir, step, write(`weights ${step}`), { step }, { score });
const steps = (dir: string): number[] =>
  readdirSync(join(dir, 'checkpoints'))
    .filter((name) => name.startsWith('step-'))
    .map((name) => Number(name.slice(5)))
    .sort((a, b) => a - b);

test('a pinned checkpoint stays until it is let go', async () => {
  const dir = scratch();
  for (const step of [0, 1, 2]) await save(dir, step);
  setPin(dir, 1, true);
  setPin(dir, 1, true);
  for (const step of [3, 4, 5]) await save(dir, step);
  expect([steps(dir), readPins(dir)]).toEqual([[0, 1, 4, 5], [1]]);
  expect(() => setPin(dir, 3, true)).toThrow(/no checkpoint of step 3; there are those of 5, 4, 1, 0/);
  setPin(dir, 1, false);
  await save(dir, 6);
  expect(steps(dir)).toEqual([0, 5, 6]);
  expect(() => setPin(scratch(), 0, true)).toThrow(/no checkpoint yet/);
});

test('a damaged list of pins removes nothing, and says so when it is asked', async () => {
  for (const text of ['{', '[1,"2"]', '[1.5]', 'null']) {
    const dir = scratch();
    for (const step of [0, 1]) await save(dir, step);
    writeFileSync(join(dir, 'checkpoints', 'pins.json'), text);
    for (const step of [2, 3, 4]) await save(dir, step);
    expect(steps(dir)).toEqual([0, 1, 2, 3, 4]);
    expect(() => readPins(dir)).toThrow(/pins.json is damaged/);
  }
});

test('the best by a metric stays, of equals the newest; steps without the metric do not count', async () => {
  const dir = scratch();
  const figures = new Map([[1, 0.2], [2, 0.9], [3, NaN], [4, 0.9], [5, 0.1]]); // prettier-ignore
  for (let step = 0; step < 8; step++) await save(dir, step, (at) => figures.get(at) ?? null);
  expect(steps(dir)).toEqual([0, 4, 6, 7]);
  expect(bestOf([1, 2], undefined)).toBeNull();
});

test('a checkpoint of another run, sound in itself, is not gone on from', async () => {
  const [mine, other] = [scratch(), scratch()];
  await save(mine, 1);
  const first = digestOf(join(mine, 'checkpoints', 'step-000001'));
  const own = digestOf(await save(mine, 2));
  const alien = await saveCheckpoint(other, 2, write('other weights'), { step: 2 });
  expect(digestOf(alien)).not.toBe(own);
  rmSync(join(mine, 'checkpoints', 'step-000002'), { recursive: true });
  mkdirSync(join(mine, 'checkpoints', 'step-000002'));
  await saveCheckpoint(mine, 2, write('other weights'), { step: 2 });
  const named = new Map([[1, first], [2, own]]); // prettier-ignore
  expect(latestCheckpoint(mine, named)).toMatchObject({ step: 1, warnings: [expect.stringMatching(/not the one that this run saved/)] });
  expect(latestCheckpoint(mine, new Map([[2, null]]))).toMatchObject({ step: 2, warnings: [] });
  expect(latestCheckpoint(mine, new Map())).toBeNull();
});

test('a run whose checkpoints are gone is not started over', async () => {
  const dir = scratch();
  await save(dir, 1);
  rmSync(join(dir, 'checkpoints'), { recursive: true });
  expect(() => latestCheckpoint(dir, new Map([[1, null]]))).toThrowError(
    expect.objectContaining({ code: 'missing', message: expect.stringMatching(/is not started over/) }),
  );
});

test('before a step, the disk is asked for its checkpoint and journal', async () => {
  const dir = scratch();
  using journal = openJournal(dir);
  await saveCheckpoint(dir, 0, write('x'.repeat(5_000_000)), null);
  let free = 100e6;
  const budget = createBudget(dir, () => free);
  budget.require();
  free = 20e6;
  expect(() => budget.require()).toThrowError(
    expect.objectContaining({ code: 'full', message: expect.stringMatching(/may write 2[23] MB .*20 MB are free.*then resume the run/) }),
  );
  // A step that wrote 4 MB of journal is expected to do so again.
  free = 27e6;
  budget.require();
  journal.append([{ type: 'warning', step: 1, message: 'x'.repeat(4_000_000) }, stepDone(1)]);
  expect(() => budget.require()).toThrow(/may write 3\d MB/);
});
