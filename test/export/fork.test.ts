import { appendFileSync, copyFileSync, existsSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { forkCommand } from '../../src/commands/fork.ts';
import { compare } from '../../src/commands/reproduce.ts';
import type { RunEvent } from '../../src/core/events.ts';
import { saveCheckpoint } from '../../src/record/checkpoint.ts';
import { readRun, summarise } from '../../src/record/folder.ts';
import { openJournal, verifyAudit } from '../../src/record/journal.ts';
import { pause } from '../record/samples.ts';
import { sampleRun } from './samples.ts';
import { kelvin, scratch, SMALL, stepMetrics } from '../commands/cli.ts';
import type { Finished } from '../commands/cli.ts';

describe('kelvin fork and kelvin reproduce', () => {
  const home = scratch();
  afterAll(() => home[Symbol.dispose]());
  const at = (name: string): string => join(home.dir, name);
  const model = at('model.gguf');
  const run = at('origin');
  const env = { KELVIN_RUNS: home.dir, KELVIN_STATE: at('state') };
  const ask = (...args: string[]): Promise<Finished> => kelvin(args, { env }).done;
  let origin: Finished;
  beforeAll(async () => {
    copyFileSync('models/nano.gguf', model);
    origin = await ask('train', '--run-dir', run, '--steps', '2', ...SMALL, '--set', `model=${model}`);
    expect(origin.code).toBe(0);
  }, 120_000);

  /** Every file of a folder with its size and contents. */
  const contents = (dir: string): unknown =>
    readdirSync(dir, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && !/-(wal|shm)$/.test(entry.name))
      .map((entry) => join(entry.parentPath, entry.name))
      .sort()
      .map((path) => [path, readFileSync(path).toString('base64').length, readFileSync(path)]);

  it('an unchanged fork goes on as the original did, to the bit, and the original is untouched', async () => {
    const before = contents(run);
    const forked = await ask('fork', 'origin', '--at', '1', '--run-dir', at('same'), '--json');
    expect(forked).toMatchObject({ code: 0, stderr: '' });
    expect(JSON.parse(forked.stdout)).toMatchObject({
      type: 'fork',
      dir: at('same'),
      paused: false,
      parent: { run: 'origin', step: 1, changes: [] },
    });
    expect(contents(run)).toEqual(before);
    expect(statSync(at('same')).mode & 0o777).toBe(0o700);
    const resumed = await ask('resume', 'same', '--json');
    expect(resumed).toMatchObject({ code: 0 });
    expect(stepMetrics(resumed.events)).toEqual(stepMetrics(origin.events).slice(1));
    expect(resumed.events.find(({ type }) => type === 'start')?.['parent']).toMatchObject({ run: 'origin', step: 1 });
    expect(verifyAudit(at('same'))).toMatchObject({ ok: true });
  }, 120_000);

  it('records what was changed, in run.json, in the audit log and in the list of runs', async () => {
    const forked = await ask('fork', run, '--set', 'optim.lr=0.5', '--steps', '3');
    expect(forked.code).toBe(0);
    const made = forked.stdout.split('\n')[0]!;
    const changes = ['steps: 2 → 3', 'optim.lr: 0.000001 → 0.5'];
    expect(readRun(made).parent).toMatchObject({ run: 'origin', step: 2, changes: expect.arrayContaining([changes[0]]) as unknown });
    expect(readRun(made).parent?.changes.some((change) => /^optim\.lr: .* → 0\.5$/.test(change))).toBe(true);
    expect((await ask('runs')).stdout).toMatch(/forked from origin at step 2/);
    const audit = await ask('audit', made);
    expect(audit.code).toBe(0);
    expect(audit.stdout).toMatch(/step 2, forked from origin at step 2.*optim\.lr: \S+ → 0\.5/);
    expect(readdirSync(home.dir).filter((name) => name.startsWith('.fork'))).toEqual([]);
  }, 120_000);

  it.each([
    [{ at: 7 }, 'kept are those of steps 0, 1, 2'],
    [{ set: ['model=other.gguf'] }, 'a fork cannot change it'],
    [{ set: ['optim.lrr=1'] }, 'did you mean "optim.lr"'],
    [{ runDir: run }, 'is there already'],
  ])('fork %j is refused with a sentence', (options, sentence) => {
    expect(() => forkCommand({ run, json: true, ...options })).toThrow(sentence);
  });

  it('repeats the run to the bit, and says so', async () => {
    const { code, stdout, stderr } = await ask('reproduce', 'origin', '--steps', '1', '--json');
    expect([code, stderr]).toEqual([0, '']);
    expect(JSON.parse(stdout)).toMatchObject({
      type: 'reproduce',
      ok: true,
      steps: 1,
      tolerance: 0,
      first: null,
      differing: 0,
      circumstances: [],
    });
  }, 120_000);

  it('asked for steps that there are not, or without its model, it says what to do', async () => {
    const tooMany = await ask('reproduce', 'origin', '--steps', '9');
    expect([tooMany.code, tooMany.stderr]).toEqual([2, expect.stringContaining('a number from 1 to 2')]);
    appendFileSync(model, 'x');
    const changed = await ask('reproduce', 'origin');
    expect([changed.code, changed.stderr]).toEqual([3, expect.stringContaining('is not the file that the run was made with')]);
    rmSync(model);
    const gone = await ask('reproduce', 'origin');
    expect([gone.code, gone.stderr]).toEqual([3, expect.stringContaining('is not there')]);
    expect(existsSync(at('again'))).toBe(false);
  }, 60_000);
});

it('a fork from before a pause is paused, too, and needs a reason to go on', async () => {
  const dir = sampleRun();
  const saved = await saveCheckpoint(dir, 1, () => Promise.resolve(), {});
  {
    using journal = openJournal(dir);
    journal.append([{ type: 'checkpoint', step: 1, dir: saved }, pause(2, 'r1')]);
  }
  const made = `${dir}-fork`;
  const said = vi.spyOn(process.stdout, 'write').mockReturnValue(true);
  try {
    expect(forkCommand({ run: dir, at: 1, runDir: made, json: true })).toBe(0);
    expect(JSON.parse(String(said.mock.calls[0]?.[0]))).toMatchObject({ paused: true });
  } finally {
    said.mockRestore();
  }
  expect(summarise(made)).toMatchObject({ state: 'paused', step: 1, parent: { step: 1 } });
  expect(verifyAudit(made).ok).toBe(true);
});

describe('comparison of a repeated run', () => {
  const step = (number: number, metrics: Record<string, number>): RunEvent => ({ type: 'step', step: number, metrics });
  const recorded = [step(1, { loss: 0.5, nan: NaN, 'time/step': 1 }), step(2, { loss: 0.25 })];

  it('leaves out wall-clock figures, and takes NaN for NaN', () => {
    const again = [step(1, { loss: 0.5, nan: NaN, 'time/step': 9 }), step(2, { loss: 0.25 })];
    expect(compare(recorded, again, 2, 0, false)).toEqual({ steps: 2, figures: 3, differing: 0, first: null, paused: null });
  });

  it('names the first difference, also a figure that is missing', () => {
    const again = [step(1, { loss: 0.5, nan: NaN }), step(2, { loss: 0.25 + 2 ** -52, more: 1 })];
    expect(compare(recorded, again, 2, 0, false)).toMatchObject({ differing: 2, first: { step: 2, metric: 'loss', recorded: 0.25 } });
    expect(compare(recorded, again, 2, 1e-9, false)).toMatchObject({
      differing: 1,
      first: { step: 2, metric: 'more', recorded: null, now: 1 },
    });
  });

  it('compares evaluations only when they were repeated', () => {
    const evaluation = (value: number): RunEvent => ({ type: 'eval', step: 0, metrics: { 'heldout/temp1': value } });
    expect(compare([evaluation(1), ...recorded], [evaluation(2), ...recorded], 2, 0, false).differing).toBe(0);
    expect(compare([evaluation(1), ...recorded], [evaluation(2), ...recorded], 2, 0, true)).toMatchObject({
      first: { step: 0, recorded: 1, now: 2 },
    });
  });
});
