import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { ABLATIONS, compareCommand } from '../../src/commands/compare.ts';
import type { CompareOptions } from '../../src/commands/compare.ts';
import type { ChildRun, RunChild } from '../../src/commands/compare/child.ts';
import { progressOn } from '../../src/commands/compare/runs.ts';
import { tasksCommand } from '../../src/commands/tasks.ts';
import { parseConfig, readConfig } from '../../src/config.ts';
import type { RunEvent } from '../../src/core/events.ts';
import { openJournal } from '../../src/record/journal.ts';
import { readRunConfig } from '../../src/record/run-files.ts';
import { readRows } from '../../src/tasks/jsonl.ts';
import { kelvin } from './cli.ts';

let dir = '';
let out = '';
const said: string[] = [];
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'kelvin-compare-'));
  out = join(dir, 'out');
  said.length = 0;
  for (const stream of [process.stdout, process.stderr])
    vi.spyOn(stream, 'write').mockImplementation((text) => said.push(String(text)) > 0);
});
afterEach(() => {
  vi.restoreAllMocks();
  rmSync(dir, { recursive: true, force: true });
});

const config = (name: string, raw: object = {}): string => {
  const path = join(dir, `${name}.json`);
  writeFileSync(path, JSON.stringify({ steps: 2, engine: { threads: 1 }, ...raw }));
  return path;
};
const options = (more: Partial<CompareOptions> & Pick<CompareOptions, 'configs'>): CompareOptions => ({
  ablations: false,
  seeds: [1, 2],
  out,
  json: false,
  jobs: 2,
  ...more,
});

/** A run as its record would be: learning is what the config's `optim.lr` says. */
function recorded(runDir: string, last: readonly RunEvent[] = []): void {
  const { seed, optim } = parseConfig(readRunConfig(runDir));
  using journal = openJournal(runDir);
  const evaluation = (step: number, value: number): RunEvent => ({
    type: 'eval',
    step,
    metrics: { 'heldout/greedy': value, 'heldout/temp1': value / 2 },
  });
  journal.append([
    evaluation(0, 0.4),
    { type: 'step', step: 1, metrics: { 'throughput/tokens': 1000 } },
    { type: 'step', step: 2, metrics: { 'throughput/tokens': 500 } },
    evaluation(2, 0.4 + optim.lr + seed / 100),
    ...(last.length > 0 ? last : [{ type: 'end', step: 2, cause: 'finished', summary: {} } as const]),
  ]);
}
function fake(behaviour: (runDir: string) => Promise<number> | number): RunChild & { readonly ran: string[] } {
  const ran: string[] = [];
  const child = (runDir: string): ChildRun => {
    ran.push(runDir.split('/').at(-1) as string);
    return { done: Promise.resolve(behaviour(runDir)).then((code) => ({ code, words: 'its last words' })), stop: () => {} };
  };
  return Object.assign(child, { ran });
}
const finishing = () => fake((runDir) => (recorded(runDir), 0));

describe('kelvin compare', () => {
  it('runs every config with every seed and writes table, figures and curves', async () => {
    const configs = [config('slow', { optim: { lr: 0.1 } }), config('fast', { optim: { lr: 0.2 } })];
    const runChild = finishing();
    expect(await compareCommand(options({ configs, runChild }))).toBe(0);
    expect(runChild.ran.sort()).toEqual(['fast-seed1', 'fast-seed2', 'slow-seed1', 'slow-seed2']);
    expect(readdirSync(out).sort()).toEqual(['compare.json', 'curves.svg', 'runs', 'table.md']);
    const { results, tables } = JSON.parse(readFileSync(join(out, 'compare.json'), 'utf8')) as {
      results: { label: string; tokens: number; finished: boolean }[];
      tables: { head: string[]; rows: string[][] }[];
    };
    expect(results.map(({ tokens, finished }) => [tokens, finished])).toEqual(Array(4).fill([1500, true]));
    const [table] = tables;
    expect(table?.rows.map((row) => row[table.head.indexOf('Gain')])).toEqual(['+11.5 ± 0.5', '+21.5 ± 0.5']);
    expect(table?.rows[1]?.[table.head.indexOf('Overall − slow')]).toBe('+10.0 ± 0.0');
    expect(table?.rows[1]?.[table.head.indexOf("of slow's gain")]).toBe('187 %');
    expect(readFileSync(join(out, 'table.md'), 'utf8')).toContain('| fast | 2 |');
    expect(readFileSync(join(out, 'curves.svg'), 'utf8')).toContain('<polyline');
  });

  it('finished runs are not run again; another seed joins them', async () => {
    const configs = [config('a')];
    await compareCommand(options({ configs, runChild: finishing() }));
    const again = finishing();
    expect(await compareCommand(options({ configs, runChild: again }))).toBe(0);
    expect(again.ran).toEqual([]);
    const more = finishing();
    await compareCommand(options({ configs, seeds: [1, 2, 9], runChild: more }));
    expect(more.ran).toEqual(['a-seed9']);
  });

  it('a folder that holds runs of another configuration is refused, and names the key', async () => {
    const configs = [config('a')];
    await compareCommand(options({ configs, runChild: finishing() }));
    await expect(compareCommand(options({ configs, set: ['optim.lr=0.5'], runChild: finishing() }))).rejects.toThrow(/optim\.lr.*--out/);
  });

  it('a stop lets the runs under way end, starts no more, and a second call goes on', async () => {
    const configs = [config('a'), config('b')];
    const stops: string[] = [];
    const runChild: RunChild = () => {
      let end = (_: { code: number; words: string }): void => {};
      const done = new Promise<{ code: number; words: string }>((resolve) => (end = resolve));
      setTimeout(() => process.emit('SIGINT', 'SIGINT'), 5);
      return { done, stop: (signal) => (stops.push(signal), end({ code: 130, words: '' })) };
    };
    expect(await compareCommand(options({ configs, jobs: 1, runChild }))).toBe(130);
    expect(stops).toEqual(['SIGINT']);
    expect(said.join('')).toMatch(/4 of 4 runs are not finished/);
    const rest = finishing();
    expect(await compareCommand(options({ configs, runChild: rest }))).toBe(0);
    expect(rest.ran.length).toBe(4);
  });

  it('a paused run is left to a person, the others go on, and the exit code says so', async () => {
    const configs = [config('a'), config('b')];
    const pause: RunEvent = { type: 'pause', step: 2, cause: 'finding', reason: 'a thought', rolloutId: null };
    const runChild = fake((runDir) => (runDir.includes('a-seed1') ? (recorded(runDir, [pause]), 6) : (recorded(runDir), 0)));
    expect(await compareCommand(options({ configs, runChild }))).toBe(6);
    expect(runChild.ran.length).toBe(4);
    expect(said.join('')).toMatch(/a-seed1 is paused: a thought.*kelvin resume/);
  });

  it('a run that breaks ends the comparison with its exit code and last words', async () => {
    const runChild = fake(() => 3);
    expect(await compareCommand(options({ configs: [config('a'), config('b')], jobs: 1, runChild }))).toBe(3);
    expect(runChild.ran.length).toBe(1);
    expect(said.join('')).toMatch(/exit code 3: its last words/);
  });

  it('shows the steps of the runs under way in a terminal, and only there', () => {
    const written: string[] = [];
    const stream = (isTTY: boolean) =>
      ({ isTTY, columns: 20, write: (text: string) => written.push(text) > 0 }) as unknown as NodeJS.WriteStream;
    const progress = progressOn(stream(true));
    progress.show('a-seed1 3/48 · b-seed1 4/48');
    progress.say('done');
    progressOn(stream(false)).show('nothing');
    expect(written).toEqual(['\r\u001b[Ka-seed1 3/48 · b-se', '\r\u001b[Kdone\n']);
  });

  it('refuses seeds that repeat, and configs beside --ablations', async () => {
    await expect(compareCommand(options({ configs: [config('a')], seeds: [1, 1] }))).rejects.toThrow(/--seeds/);
    await expect(compareCommand(options({ configs: [config('a')], ablations: true }))).rejects.toThrow(/--ablations/);
  });
});

describe('configs that come with Kelvin', () => {
  const load = (name: string) => readConfig(`configs/${name}.json`);
  it('each ablation changes what its name says, and nothing else', () => {
    const full = load('ablations/full');
    const sequences = ({ algorithm }: typeof full): number => algorithm.proposals * algorithm.taskTypes.length;
    for (const name of ABLATIONS) {
      const { name: _, algorithm, advantages, reward, ...rest } = load(`ablations/${name}`);
      const { name: __, algorithm: ___, advantages: ____, reward: _____, ...fullRest } = full;
      expect(rest, name).toEqual(fullRest);
      // The same budget in every row.
      expect(sequences({ ...full, algorithm }), name).toBe(48);
      expect([advantages, reward].length).toBe(2);
    }
    expect(full.advantages).toMatchObject({ estimator: 'trr++', solver: 'trr++', baselines: 'six', proposerWeight: 1 });
    expect(load('ablations/deduction-only').algorithm.taskTypes).toEqual(['deduction']);
    expect(load('ablations/no-references').algorithm.references).toBe(0);
    expect(load('ablations/proposer-frozen').advantages.proposerWeight).toBe(0);
    expect(load('ablations/global-baseline').advantages.baselines).toBe('global');
    expect(load('ablations/constant-reward').reward.proposer).toBe('constant');
    expect(load('ablations/buffer-of-one').algorithm.bufferCapacity).toBe(1);
  });
  it('the paradigms share model, steps, optimiser, held-out set and sequences a step', () => {
    const zero = load('paradigms/absolute-zero');
    const budget = ({ proposals, rollouts, taskTypes }: typeof zero.algorithm): number => proposals * taskTypes.length * rollouts;
    for (const other of [load('paradigms/rlvr'), load('paradigms/sft')]) {
      for (const key of ['model', 'steps', 'optim', 'eval', 'engine', 'loss', 'advantages'] as const) expect(other[key]).toEqual(zero[key]);
      // 48 proposals and their 384 rollouts against 432 rollouts or traces.
      expect(budget(other.algorithm)).toBe(budget(zero.algorithm) + 48);
    }
  });
});

it('kelvin tasks writes what rlvr and sft read', () => {
  const path = join(dir, 'tasks.jsonl');
  expect(tasksCommand({ out: path, count: 5, seed: 1 })).toBe(0);
  expect(readRows(path).length).toBe(15);
  expect(() => tasksCommand({ out: join(dir, 'no', 'such'), count: 1, seed: 1 })).toThrow(/cannot be written \(ENOENT\)/);
});

it('with the real engine: RLVR and SFT, one step each', async () => {
  vi.restoreAllMocks();
  const configs = ['rlvr', 'sft'].map((name) => `configs/paradigms/${name}.json`);
  const small = ['eval.tasks=6', 'eval.every=0', 'algorithm.proposals=2', 'algorithm.rollouts=2'];
  const args = [
    'compare',
    ...configs,
    '--seeds',
    '1',
    '--steps',
    '1',
    '--jobs',
    '1',
    '--out',
    out,
    '--json',
    ...small.flatMap((item) => ['--set', item]),
  ];
  const { code, stdout, stderr } = await kelvin(args, { env: { KELVIN_STATE: join(dir, 'state') } }).done;
  expect(code, stderr).toBe(0);
  const { results } = JSON.parse(stdout) as { results: { label: string; finished: boolean; steps: number }[] };
  expect(results.map(({ label, finished, steps }) => [label, finished, steps])).toEqual([
    ['rlvr', true, 1],
    ['sft', true, 1],
  ]);
}, 120_000);
