import { appendFileSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import { scriptedEngine } from '../../src/engine/scripted.ts';
import { EngineError } from '../../src/engine/ports.ts';
import type { Engine } from '../../src/engine/ports.ts';
import { MathJudge } from '../../src/eval/benchmarks/math/judge.ts';
import { byEngine } from '../../src/eval/benchmarks/asking.ts';
import type { Problem } from '../../src/eval/benchmarks/problem.ts';
import { runBenchmark, summarise } from '../../src/eval/benchmarks/run.ts';
import type { Answer, Settings } from '../../src/eval/benchmarks/run.ts';
import { AnswerStore, folderOf, outcomes } from '../../src/eval/benchmarks/store.ts';
import type { Identity, Outcome } from '../../src/eval/benchmarks/store.ts';
import { tableRows, tableText } from '../../src/eval/benchmarks/table.ts';

const problems: readonly Problem[] = [1, 2, 3, 4].map((n) => ({
  id: `p${n}`,
  question: `What is ${n} + ${n}?`,
  check: { kind: 'math', expected: [String(2 * n)], tolerance: null },
}));
const settings: Settings = { samples: 1, temperature: 0, maxTokens: 50, seed: 1, template: 'auto' };
const many: Settings = { ...settings, samples: 8, temperature: 1 };

/** Says 2, 4, 6 or 8, whatever is asked. */
const open = (contextLength = 4096): Engine =>
  scriptedEngine({ contextLength, dialect: 'nano', replies: () => [2, 4, 6, 8].map((n) => `\\boxed{${n}}`) });

const mathematics = new MathJudge();
afterAll(() => mathematics[Symbol.asyncDispose]());

async function run(
  engine: Engine,
  of: Settings,
  known: readonly Answer[] = [],
  more: { signal?: AbortSignal; onAnswer?: (answer: Answer) => void } = {},
): Promise<Answer[]> {
  const python = (): never => {
    throw new Error('no program here');
  };
  return await runBenchmark({
    respondent: byEngine(engine),
    problems,
    settings: of,
    known,
    python,
    mathematics,
    onAnswer: () => {},
    ...more,
  });
}
const sorted = (answers: readonly Answer[]): readonly Answer[] =>
  [...answers].sort((a, b) => (a.problem + a.sample < b.problem + b.sample ? -1 : 1));

describe('a benchmark', () => {
  it('asks greedily once, or takes samples', async () => {
    const greedy = await run(open(), settings);
    expect(sorted(greedy).map(({ correct }) => correct)).toEqual([true, false, false, false]);
    expect(summarise(greedy, [1])).toMatchObject({ 'pass@1': 0.25, cut: 0 });
    const sampled = await run(open(), many);
    expect(sampled).toHaveLength(32);
    const { 'pass@1': one = 0, 'pass@8': eight = 0 } = summarise(sampled, [1, 8]);
    expect(one).toBeCloseTo(sampled.filter(({ correct }) => correct).length / 32, 12);
    expect(eight).toBe(new Set(sampled.filter(({ correct }) => correct).map(({ problem }) => problem)).size / 4);
  });

  it('gives the same answers when it goes on after it was broken off, at any place', async () => {
    const whole = sorted(await run(open(), many));
    for (const kept of [0, 1, 9, 31, 32]) {
      const fresh: Answer[] = [];
      const again = await run(
        open(),
        many,
        whole.filter((_, i) => (i * 7) % 32 < kept),
        { onAnswer: (answer) => fresh.push(answer) },
      );
      expect(fresh).toHaveLength(32 - kept);
      expect(sorted(again)).toEqual(whole);
    }
  });

  it('keeps the first samples when more are wanted, and leaves out those that are not', async () => {
    const four = sorted(await run(open(), { ...many, samples: 4 }));
    const eight = sorted(await run(open(), many, four));
    expect(eight).toEqual(sorted(await run(open(), many)));
    expect(sorted(await run(open(), { ...many, samples: 4 }, eight))).toEqual(four);
  });

  it('stops at a signal and has told what was judged', async () => {
    const told: Answer[] = [];
    await expect(run(open(), many, [], { signal: AbortSignal.abort(), onAnswer: (answer) => told.push(answer) })).rejects.toThrow();
    expect(told).toHaveLength(0);
  });

  it('counts a question that is longer than the context as wrong', async () => {
    const answers = await run(open(12), settings);
    expect(answers).toHaveLength(4);
    expect(answers.every(({ correct, detail }) => !correct && /context holds 12/.test(detail))).toBe(true);
  });

  it('passes the fault of a judge on', async () => {
    const broken: Problem = { id: 'x', question: 'x', check: { kind: 'value', expected: '1' } };
    const python = (): Promise<never> => Promise.reject(new EngineError('native', 'the sandbox is broken'));
    await expect(
      runBenchmark({ respondent: byEngine(open()), problems: [broken], settings, known: [], python, mathematics, onAnswer: () => {} }),
    ).rejects.toThrow(/sandbox is broken/);
  });
});

describe('the store', () => {
  let cache = '';
  beforeEach(() => {
    cache = mkdtempSync(join(tmpdir(), 'kelvin-evaluations-'));
    process.env['KELVIN_CACHE'] = cache;
  });
  afterEach(() => {
    delete process.env['KELVIN_CACHE'];
    rmSync(cache, { recursive: true, force: true });
  });
  const { samples: _samples, ...rest } = settings;
  const identity: Identity = { suite: 'gsm8k', suiteHash: 'a', modelHash: 'b', adapterHash: null, settings: rest, context: 4096 };
  const answer = (problem: string, sample = 0): Answer => ({
    problem,
    sample,
    correct: true,
    detail: 'é',
    tokens: 3,
    stopReason: 'stop',
    completion: 'x\n',
  });

  it('keeps every answer, and drops a line that was cut', () => {
    {
      using store = new AnswerStore(identity);
      store.add(answer('p1'));
      store.add(answer('p2'));
    }
    appendFileSync(join(folderOf(identity), 'answers.jsonl'), '{"problem":"p3","sam');
    {
      using store = new AnswerStore(identity);
      expect(store.known.map(({ problem }) => problem)).toEqual(['p1', 'p2']);
      store.add(answer('p4'));
    }
    using store = new AnswerStore(identity);
    expect(store.known).toEqual([answer('p1'), answer('p2'), answer('p4')]);
    expect(readFileSync(join(store.folder, 'answers.jsonl'), 'utf8').trim().split('\n')).toHaveLength(3);
  });

  it('is another one for another model, suite or setting, not for another number of samples', () => {
    const base = folderOf(identity);
    for (const other of [
      { ...identity, modelHash: 'c' },
      { ...identity, adapterHash: 'c' },
      { ...identity, suite: 'amc' },
      { ...identity, suiteHash: 'c' },
      { ...identity, context: 100 },
      ...(['temperature', 'maxTokens', 'seed'] as const).map((key) => ({ ...identity, settings: { ...rest, [key]: 9 } })),
      { ...identity, settings: { ...rest, template: 'base' as const } },
    ])
      expect(folderOf(other)).not.toBe(base);
    expect(folderOf({ ...identity })).toBe(base);
  });

  it('lists what was finished, and skips what is damaged', () => {
    const outcome: Outcome = { ...identity, label: 'm', samples: 1, problems: 2, of: 2, metrics: { 'pass@1': 0.5 }, at: 5 };
    {
      using store = new AnswerStore(identity);
      store.finish(outcome);
      using other = new AnswerStore({ ...identity, suite: 'amc' });
      writeFileSync(join(other.folder, 'outcome.json'), '{');
    }
    expect(readdirSync(join(cache, 'evaluations'))).toHaveLength(2);
    expect(outcomes()).toEqual([outcome]);
  });

  it('makes the table of the paper: means only of whole groups', () => {
    const of = (label: string, suite: string, score: number, part = false): Outcome => ({
      ...identity,
      suite,
      label,
      modelHash: label,
      samples: 1,
      problems: 10,
      of: part ? null : 10,
      metrics: { 'pass@1': score },
      at: 0,
    });
    const found = [
      ...(['humaneval+', 'mbpp+', 'livecodebench'] as const).map((suite, i) => of('a', suite, 0.1 * (i + 1))),
      ...(['aime24', 'aime25', 'amc', 'math500', 'minerva', 'olympiadbench'] as const).map((suite) => of('a', suite, 0.5)),
      of('b', 'humaneval+', 0.4, true),
      of('b', 'gsm8k', 0.7),
      of('a', 'amc', 0.9, true),
    ];
    const [a, b] = tableRows(found);
    expect([a?.code, a?.mathematics, a?.total].map((value) => value?.toFixed(3))).toEqual(['20.000', '50.000', '35.000']);
    expect(b).toMatchObject({ label: 'b', code: null, mathematics: null, total: null, partial: ['humaneval+'] });
    const lines = tableText(found).split('\n');
    expect(lines[0]).toMatch(/^model +HEval\+ +MBPP\+ +LCB +AIME'24 +AIME'25 +AMC +M500 +Minerva +Olympiad +CAvg +MAvg +AVG +gsm8k$/);
    expect(lines[1]).toMatch(/^a +10\.0 +20\.0 +30\.0( +50\.0){6} +20\.0 +50\.0 +35\.0 +-$/);
    expect(lines[2]).toMatch(/^b +40\.0\*/);
  });
});
