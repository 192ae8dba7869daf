import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { deflateSync, gunzipSync, gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readCases } from '../../src/eval/benchmarks/cases.ts';
import { pythonLiteral } from '../../src/eval/benchmarks/json.ts';
import { unpickleText } from '../../src/eval/benchmarks/pickle.ts';
import type { Problem } from '../../src/eval/benchmarks/problem.ts';
import { loadSuite, SUITES, suiteNamed } from '../../src/eval/benchmarks/suites/index.ts';

const fixture = (name: string): string => `test/fixtures/suites/${name}`;
const load = async (suite: string, ...files: string[]): Promise<readonly Problem[]> => (await loadSuite(suiteNamed(suite), files)).problems;

let folder = '';
beforeAll(() => (folder = mkdtempSync(join(tmpdir(), 'kelvin-suites-'))));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const write = (name: string, content: string | Buffer): string => {
  const file = join(folder, name);
  writeFileSync(file, content);
  return file;
};

describe('published files', () => {
  it('of CRUXEval ask for the output or for an input', async () => {
    const [output, input] = [await load('cruxeval-o', fixture('cruxeval.jsonl')), await load('cruxeval-i', fixture('cruxeval.jsonl'))];
    expect(output.map(({ id }) => id)).toEqual(['sample_0', 'sample_1', 'sample_2']);
    expect(output[1]?.check).toEqual({ kind: 'value', expected: '(7, 4, 1)' });
    expect(output[1]?.question).toContain('f(7, 3)');
    expect(output[1]?.question).not.toContain('(7, 4, 1)');
    expect(input[1]?.check).toMatchObject({ kind: 'input', expected: '(7, 4, 1)' });
    expect(input[1]?.question).not.toContain('7, 3');
  });

  it('of HumanEval come packed, those of HumanEval+ in two forms', async () => {
    const plain = await load('humaneval', fixture('HumanEval.jsonl.gz'));
    expect(plain.map(({ id }) => id)).toEqual(['HumanEval/0', 'HumanEval/1']);
    expect(plain[0]?.check).toMatchObject({ kind: 'asserts', entry: 'count_rises', call: true });
    expect(plain[0]?.question).not.toContain('zip(');
    const plus = await load('humaneval+', fixture('HumanEvalPlus.jsonl'));
    const check = plus[0]?.check;
    if (check?.kind !== 'reference') throw new Error('no reference');
    // Exact: a whole number beyond 2⁵³, and floats that stay floats.
    expect(check.inputs).toContain('100000000000000000001');
    expect(check.inputs).toContain('[1.0, 1.5, 2]');
    expect((await load('humaneval+', fixture('humanevalplus-hub.jsonl')))[0]?.check.kind).toBe('asserts');
  });

  it('of MBPP give its test split, those of MBPP+ the types that JSON cannot say', async () => {
    const { problems, leftOut } = await loadSuite(suiteNamed('mbpp'), [fixture('mbpp.jsonl')]);
    expect([problems.map(({ id }) => id), leftOut]).toEqual([['Mbpp/11', 'Mbpp/12'], 1]);
    expect(problems[0]?.check).toMatchObject({ entry: 'widest_gap', call: false });
    expect(problems[1]?.check).toMatchObject({ entry: 'root', tests: 'import math\nassert math.isclose(root(16), 4)' });
    expect((await load('mbpp', fixture('sanitized-mbpp.json')))[0]?.id).toBe('Mbpp/20');
    const plus = await load('mbpp+', fixture('MbppPlus.jsonl'));
    expect(plus[0]?.check).toMatchObject({
      compare: 'set',
      inputs: '[[tuple(a) for a in i] for i in [[[3, 4], [4, 5]], [[], []], [[1, 2, 3], [3, 2, 1]]]]',
    });
    expect(plus[0]?.question).toContain('assert set(similar_elements');
    expect(plus[1]?.check).toMatchObject({ compare: 'equal', inputs: '[[3], [0.1], [-7]]' });
  });

  it('of LiveCodeBench hold packed private cases of programs and of calls', async () => {
    const [program, call] = await load('livecodebench', fixture('livecodebench.jsonl'));
    if (program?.check.kind !== 'stdin' || call?.check.kind !== 'calls') throw new Error('wrong kinds');
    expect(program.check.cases().map(({ output }) => output.trim())).toEqual(['3', '-2', '10000000001']);
    expect([call.check.name, call.check.cases().length]).toEqual(['countPairs', 3]);
    expect(call.question).toContain('class Solution:');
    const [execution] = await load('livecodebench-execution', fixture('livecodebench-execution.jsonl'));
    expect(execution?.question).toContain('steps(n = 6)');
    expect(execution?.check).toEqual({ kind: 'value', expected: '4' });
  });

  it('of mathematics call and write their answers in many ways', async () => {
    const expected = async (suite: string, file: string): Promise<readonly (readonly string[])[]> =>
      (await load(suite, fixture(file))).map(({ check }) => (check.kind === 'math' ? check.expected : []));
    expect(await expected('gsm8k', 'gsm8k.jsonl')).toEqual([['1200']]);
    expect(await expected('gsm8k', 'gsm8k.parquet')).toEqual([['3'], ['63']]);
    expect(await expected('math500', 'math500.jsonl')).toEqual([['\\frac{1}{2}'], ['[-2,2]']]);
    expect(await expected('aime24', 'aime24.jsonl')).toEqual([['32'], ['104']]);
    expect(await expected('aime25', 'aime25.jsonl')).toEqual([['70']]);
    expect(await expected('amc', 'amc.jsonl')).toEqual([['27']]);
    expect(await expected('minerva', 'minerva.jsonl')).toEqual([['4.32e5']]);
    expect(await expected('olympiadbench', 'olympiadbench.jsonl')).toEqual([['3', '-3'], ['3.14']]);
    const [, second] = await load('olympiadbench', fixture('olympiadbench.jsonl'));
    expect(second?.check).toMatchObject({ tolerance: 0.01 });
    expect(second?.question).toContain('unit is cm');
  });

  it('may be given in parts, and only the first problems may be read', async () => {
    const two = await load('aime24', fixture('aime24.jsonl'), fixture('aime24.jsonl'));
    expect(two.map(({ id }) => id)).toEqual(['60', '61', '60#2', '61#2']);
    for (const limit of [2, 3, 4]) {
      const { problems, complete } = await loadSuite(suiteNamed('cruxeval-o'), [fixture('cruxeval.jsonl')], limit);
      expect([problems.length, complete]).toEqual([Math.min(3, limit), limit >= 3]);
    }
  });

  it('are read whatever their packing, byte order mark or blank lines', async () => {
    const text = readFileSync(fixture('cruxeval.jsonl'), 'utf8');
    const rows = text.trim().split('\n');
    for (const [name, content] of [
      ['a.jsonl', `\uFEFF${rows.join('\r\n\r\n')}\n`],
      ['a.json', `[${rows.join(',\n')}]`],
      ['a.jsonl.gz', gzipSync(text)],
      ['a.json.gz', gzipSync(`[${rows.join(',')}]`)],
    ] as const)
      expect((await load('cruxeval-o', write(name, content))).length, name).toBe(3);
    expect(gunzipSync(readFileSync(fixture('HumanEval.jsonl.gz'))).length).toBeGreaterThan(100);
  });
});

describe('damaged and wrong files', () => {
  const good = { code: 'def f(x):\n    return x', input: '1', output: '1', id: 'a' };
  const fault = async (suite: string, ...files: string[]): Promise<string> =>
    await load(suite, ...files).then(
      () => 'no error',
      (error: Error) => `${error.name}: ${error.message}`,
    );

  it('name file, line and field', async () => {
    const lines = (...rows: unknown[]): string => rows.map((row) => (typeof row === 'string' ? row : JSON.stringify(row))).join('\n');
    expect(await fault('cruxeval-o', write('b.jsonl', lines(good, '{"code": ')))).toMatch(/^SuiteError: b\.jsonl, line 2: it is not JSON/);
    expect(await fault('cruxeval-o', write('c.jsonl', lines(good, good, { ...good, output: 3 })))).toBe(
      'SuiteError: c.jsonl, line 3: the field "output" is not text.',
    );
    expect(await fault('cruxeval-o', write('d.jsonl', lines(good, { code: '', input: '' })))).toMatch(
      /d\.jsonl, line 2: the field "id" is missing/,
    );
    expect(await fault('cruxeval-o', write('e.jsonl', lines({ ...good, output: undefined })))).toMatch(
      /line 1: the field "output" is missing/,
    );
    expect(await fault('cruxeval-o', write('f.json', '[{"code": "x"}, 3]'))).toMatch(/f\.json, item 1: the field "input" is missing/);
    expect(await fault('cruxeval-o', write('g.jsonl', ''))).toBe('SuiteError: g.jsonl is empty.');
    expect(await fault('cruxeval-o', write('h.jsonl.gz', 'no gzip'))).toMatch(/h\.jsonl\.gz cannot be read/);
    expect(await fault('cruxeval-o', write('i.parquet', 'PAR1 and nothing more'))).toMatch(/i\.parquet cannot be read as Parquet/);
    expect(await fault('cruxeval-o', join(folder, 'none.jsonl'))).toMatch(/does not exist/);
    expect(await fault('cruxeval-o', folder)).toMatch(/is not a file/);
    expect(await fault('gsm8k', write('j.jsonl', '{"question": "a", "answer": "no mark"}'))).toMatch(/this is not GSM8K/);
    expect(await fault('minerva', write('k.jsonl', '{"problem": "a", "solution": "no box"}'))).toMatch(/k\.jsonl, line 1: .* no \\boxed/);
    expect(await fault('olympiadbench', write('l.jsonl', '{"question": "a", "final_answer": [], "unit": "m"}'))).toMatch(
      /"final_answer" is empty/,
    );
  });

  it('of another suite are told apart', async () => {
    expect(await fault('humaneval', fixture('HumanEvalPlus.jsonl'))).toMatch(/not HumanEval .*--suite humaneval\+=PATH/);
    expect(await fault('humaneval', fixture('humanevalplus-hub.jsonl'))).toMatch(/It looks like humaneval\+/);
    expect(await fault('humaneval+', fixture('HumanEval.jsonl.gz'))).toMatch(/It looks like humaneval/);
    expect(await fault('mbpp+', fixture('mbpp.jsonl'))).toMatch(/It looks like mbpp/);
    expect(await fault('math500', fixture('gsm8k.jsonl'))).toMatch(/It looks like gsm8k/);
    expect(await fault('gsm8k', fixture('olympiadbench.jsonl'))).toMatch(/It looks like olympiadbench/);
    expect(await fault('cruxeval-i', fixture('livecodebench-execution.jsonl'))).toMatch(/It looks like livecodebench-execution/);
    expect(await fault('livecodebench', fixture('cruxeval.jsonl'))).toMatch(/It looks like cruxeval-/);
    expect(() => suiteNamed('humanevl')).toThrow(/did you mean humaneval\?/);
    expect(() => suiteNamed('x')).toThrow(/Known: heldout, tune, humaneval/);
  });

  it('are refused for every suite when they are random bytes', async () => {
    const file = write('noise.bin', Buffer.from(Array.from({ length: 4000 }, (_, i) => (i * 7919 + 13) & 255)));
    for (const { name } of SUITES) expect(await fault(name, file), name).toMatch(/^SuiteError/);
  });
});

describe('packed test cases', () => {
  const cases = JSON.stringify([{ input: 'é\n', output: '1', testtype: 'stdin' }]);
  /** What pickle.dumps writes of a text, protocol 4. */
  const pickled = (text: string): Buffer => {
    const bytes = Buffer.from(text);
    const length = Buffer.alloc(4);
    length.writeUInt32LE(bytes.length);
    return Buffer.concat([Buffer.from([0x80, 4, 0x58]), length, bytes, Buffer.from([0x94, 0x2e])]);
  };

  it('are read from a pickle that holds one text', () => {
    expect(unpickleText(pickled('hello é'))).toBe('hello é');
    expect(readCases(deflateSync(pickled(cases)).toString('base64'))).toEqual({ stdin: true, cases: [{ input: 'é\n', output: '1' }] });
  });

  it('are refused when the pickle would do anything', () => {
    // cposix\nsystem\n(S'…'\ntR. : the classic call of a command.
    const call = Buffer.from("cposix\nsystem\n(S'touch /tmp/kelvin-pickle'\ntR.", 'latin1');
    for (const bad of [
      call,
      Buffer.concat([Buffer.from([0x80, 4]), call]),
      Buffer.from([0x80, 4, 0x4e, 0x2e]),
      Buffer.from([0x80, 4, 0x8c, 200, 65]),
      Buffer.from([0x8d, 255, 255, 255, 255, 255, 255, 255, 255]),
      Buffer.concat([pickled('a').subarray(0, -1), pickled('b')]),
      Buffer.from([0x80, 4, 0x2e]),
      Buffer.alloc(0),
    ])
      expect(() => unpickleText(bad)).toThrow(RangeError);
    expect(() => readCases(deflateSync(call).toString('base64'))).toThrow(/neither JSON nor a packed text/);
    expect(() => readCases('[{"input": 1}]')).toThrow(/case 1/);
    expect(() => readCases('{}')).toThrow(/not a list/);
  });
});

describe('JSON for Python', () => {
  it('keeps what JavaScript numbers cannot hold', () => {
    expect(pythonLiteral('{"a": [1, 1.0, 1e400, -0.0, 12345678901234567890, true, null, NaN, -Infinity], "NaN": "Infinity \\" x"}')).toBe(
      '{"a": [1, 1.0, 1e400, -0.0, 12345678901234567890, True, None, float("nan"), float("-inf")], "NaN": "Infinity \\" x"}',
    );
    expect(pythonLiteral('[1,')).toBeNull();
  });
});
