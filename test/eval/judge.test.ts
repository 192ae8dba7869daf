import { existsSync, readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openPythonEnvironment } from '../../src/environment/python.ts';
import type { Environment } from '../../src/environment/port.ts';
import { judge } from '../../src/eval/benchmarks/judge.ts';
import { MathJudge } from '../../src/eval/benchmarks/math/judge.ts';
import { BENCHMARK_LIMITS, BENCHMARK_SANDBOX } from '../../src/eval/benchmarks/sandbox.ts';
import { samePrinted } from '../../src/eval/benchmarks/printed.ts';
import type { Problem } from '../../src/eval/benchmarks/problem.ts';
import { loadSuite, suiteNamed } from '../../src/eval/benchmarks/suites/index.ts';

let python: Environment;
const mathematics = new MathJudge();
beforeAll(async () => {
  python = await openPythonEnvironment({ ...BENCHMARK_LIMITS, fuel: 600 }, { ...BENCHMARK_SANDBOX, workers: 1 });
}, 120_000);
afterAll(async () => {
  await python[Symbol.asyncDispose]();
  await mathematics[Symbol.asyncDispose]();
});

const problems = async (suite: string, file: string): Promise<readonly Problem[]> =>
  (await loadSuite(suiteNamed(suite), [`test/fixtures/suites/${file}`])).problems;
const grade = async (problem: Problem | undefined, completion: string): Promise<{ correct: boolean; detail: string }> => {
  if (!problem) throw new Error('no problem');
  return judge(problem, completion, 'stop', { python: () => Promise.resolve(python), mathematics });
};
const code = (text: string): string => `I think.</think><answer>\`\`\`python\n${text}\n\`\`\``;

describe('CRUXEval', () => {
  it('takes any way to write the output', async () => {
    const [words, countdown, turned] = await problems('cruxeval-o', 'cruxeval.jsonl');
    for (const right of ['"plum"', "```output\n'plum'\n```", 'thought</think><answer>f([...]) == "plum"</answer>', "So it is\n'plum'"])
      expect(await grade(words, right), right).toMatchObject({ correct: true });
    expect(await grade(countdown, '(7,4,1)')).toMatchObject({ correct: true });
    expect(await grade(countdown, '[7, 4, 1]')).toMatchObject({ correct: false });
    expect(await grade(turned, "{2: 'b', 1: 'a'}")).toMatchObject({ correct: true });
    expect((await grade(words, 'print(1)')).detail).toMatch(/not one Python literal/);
  });

  it('runs the program on the input that is found', async () => {
    const [words, countdown] = await problems('cruxeval-i', 'cruxeval.jsonl');
    expect(await grade(countdown, 'assert f(7, 3) == (7, 4, 1)')).toMatchObject({ correct: true });
    expect(await grade(words, "['plum']")).toMatchObject({ correct: true });
    expect(await grade(words, "['fig']")).toMatchObject({ correct: false });
    const keys: Problem = {
      id: 'k',
      question: '',
      check: { kind: 'input', program: 'def f(d):\n    return list(d)', expected: "['b', 'a']" },
    };
    expect(await grade(keys, "{'b': 1, 'a': 2}")).toMatchObject({ correct: true });
    expect((await grade(countdown, '7, 0')).detail).toMatch(/fails/);
    expect((await grade(words, '__import__("os")')).detail).toMatch(/not a list of Python literals/);
  });
});

describe('programs with assertions', () => {
  it('pass as whole functions, as bodies and with the helpers of the prompt', async () => {
    const [rises, unshift] = await problems('humaneval', 'HumanEval.jsonl.gz');
    expect(await grade(rises, '    return sum(b > a for a, b in zip(heights, heights[1:]))')).toMatchObject({ correct: true });
    expect(await grade(rises, code('return sum(b > a for a, b in zip(heights, heights[1:]))'))).toMatchObject({ correct: true });
    expect(await grade(unshift, code('def unshift(text, by):\n    return shift(text, -by)'))).toMatchObject({ correct: true });
    expect(await grade(unshift, code('def unshift(text, by):\n    return text'))).toMatchObject({ correct: false });
    expect((await grade(rises, '')).detail).toMatch(/no program/);
    expect((await grade(rises, code('def count_rises(:'))).detail).toMatch(/SyntaxError/);
  });

  it('pass for MBPP, MBPP+ and HumanEval+ in both forms', async () => {
    const [gap, root] = await problems('mbpp', 'mbpp.jsonl');
    expect(await grade(gap, code('def widest_gap(xs):\n    return max(b - a for a, b in zip(xs, xs[1:]))'))).toMatchObject({
      correct: true,
    });
    expect(await grade(gap, code('def widest_gap(xs):\n    return 3'))).toMatchObject({ correct: false });
    expect(await grade(root, code('def root(x):\n    return round(x ** 0.5)'))).toMatchObject({ correct: true });
    const [shared, halve] = await problems('mbpp+', 'MbppPlus.jsonl');
    expect(await grade(shared, code('def similar_elements(a, b):\n    return [x for x in b if x in a]'))).toMatchObject({ correct: true });
    expect(await grade(shared, code('def similar_elements(a, b):\n    return a'))).toMatchObject({ correct: false });
    expect(await grade(halve, code('def halve(x):\n    return x * 0.5'))).toMatchObject({ correct: true });
    expect(await grade(halve, code('def halve(x):\n    return x // 2'))).toMatchObject({ correct: false });
    const [rises, middle] = await problems('humaneval+', 'HumanEvalPlus.jsonl');
    expect(await grade(rises, code('def count_rises(h):\n    return sum(b > a for a, b in zip(h, h[1:]))'))).toMatchObject({
      correct: true,
    });
    expect(await grade(rises, code('def count_rises(h):\n    return 2'))).toMatchObject({ correct: false });
    expect(await grade(middle, code('import statistics\ndef middle(xs):\n    return statistics.mean(xs)'))).toMatchObject({
      correct: true,
    });
    const [hub] = await problems('humaneval+', 'humanevalplus-hub.jsonl');
    expect(await grade(hub, code('def middle(xs):\n    return (sum(xs) + 1e-12) / len(xs)'))).toMatchObject({ correct: true });
    expect(await grade(hub, code('def middle(xs):\n    return xs[0]'))).toMatchObject({ correct: false });
  });

  it('fail, and harm nothing, when they are hostile', async () => {
    const [rises] = await problems('humaneval', 'HumanEval.jsonl.gz');
    const [shared] = await problems('mbpp+', 'MbppPlus.jsonl');
    const liar = 'class Yes(int):\n    def __eq__(self, other): return True\n    def __sub__(self, other): return 0\n';
    for (const text of [
      'def count_rises(h):\n    while True: pass',
      'def count_rises(h):\n    return [0] * 10**9',
      'import sys\nsys.exit(0)\ndef count_rises(h): pass',
      'def count_rises(h):\n    import sys\n    sys.exit(0)',
      'import os\nos.system("touch /tmp/kelvin-was-here")\ndef count_rises(h): return 0',
      `${liar}def count_rises(h):\n    return Yes()`,
      `${liar}def count_rises(h):\n    return [Yes()][0]`,
      'class M(type):\n    def __eq__(c, o): return True\n    __hash__ = type.__hash__\nclass A(metaclass=M):\n    __eq__ = lambda s, o: True\n    __iter__ = lambda s: iter(())\n    __sub__ = lambda s, o: 0\ndef count_rises(h):\n    return A()',
      'def check(candidate): pass\ndef count_rises(h): return None',
      'def abs(x): return 0\ndef count_rises(h): return 1',
      '__builtins__["abs"] = lambda x: 0\n__builtins__["exec"] = lambda *a: None\ndef count_rises(h): return 1',
      'import sys\ndef count_rises(h):\n    sys._getframe(1).f_locals\n    return 0',
      'AssertionError = Exception\ndef count_rises(h):\n    raise SystemExit',
      'def f(_): return True\ndef count_rises(h): return 9',
      `${'('.repeat(5000)}`,
    ])
      expect(await grade(rises, code(text)), text.slice(0, 80)).toMatchObject({ correct: false });
    expect(await grade(shared, code(`${liar}def similar_elements(a, b):\n    return Yes()`))).toMatchObject({ correct: false });
    expect(existsSync('/tmp/kelvin-was-here')).toBe(false);
    expect(await grade(rises, '    return sum(b > a for a, b in zip(heights, heights[1:]))')).toMatchObject({ correct: true });
  });
});

describe('LiveCodeBench', () => {
  it('runs programs that read and print in the usual ways', async () => {
    const [sum] = await problems('livecodebench', 'livecodebench.jsonl');
    for (const text of [
      'a, b = map(int, input().split())\nprint(a + b)',
      'import sys\nprint(sum(map(int, sys.stdin.read().split())))',
      'import sys\nfor line in sys.stdin:\n    sys.stdout.write(str(sum(map(int, line.split()))) + "\\n")',
      'def main():\n    print(sum(int(x) for x in open(0).read().split()), end="")\nif __name__ == "__main__":\n    main()',
      'import sys\ninput = sys.stdin.readline\nprint(sum(map(int, input().split())))\nsys.exit(0)',
      'import sys\ndata = sys.stdin.buffer.read().split()\nsys.stdout.buffer.write(str(int(data[0]) + int(data[1])).encode())',
    ])
      expect(await grade(sum, code(text)), text).toMatchObject({ correct: true });
    for (const text of ['print(3)', 'print(int(input()))', 'while True: pass', 'print("3", 3)', 'import subprocess', 'print("x" * 10**7)'])
      expect(await grade(sum, code(text)), text).toMatchObject({ correct: false });
  });

  it('calls methods of Solution and plain functions', async () => {
    const [, pairs] = await problems('livecodebench', 'livecodebench.jsonl');
    const body = 'return sum(nums[i] + nums[j] == target for i in range(len(nums)) for j in range(i))';
    expect(
      await grade(pairs, code(`class Solution:\n    def countPairs(self, nums: List[int], target: int) -> int:\n        ${body}`)),
    ).toMatchObject({ correct: true });
    expect(await grade(pairs, code(`def countPairs(nums, target):\n    ${body}`))).toMatchObject({ correct: true });
    expect(await grade(pairs, code('class Solution:\n    def countPairs(self, nums, target):\n        return 1'))).toMatchObject({
      correct: false,
    });
    expect(await grade(pairs, code('class Solution:\n    pass'))).toMatchObject({ correct: false });
  });

  it('compares what is printed by lines and by decimal numbers', () => {
    expect(samePrinted(' 1 2 \n3\n\n', '1 2\n3')).toBe(true);
    expect(samePrinted('1.0 .5', '1 0.50')).toBe(true);
    expect(samePrinted('50000000000000001', '50000000000000000')).toBe(false);
    expect(samePrinted('1', '1 1')).toBe(false);
    expect(samePrinted('1\n2', '1')).toBe(false);
    expect(samePrinted('YES', 'Yes')).toBe(false);
  });
});

describe('with the data beside the repository', () => {
  const file = '../shared/data/cruxeval-dev.jsonl';
  it.skipIf(!existsSync(file))('CRUXEval: its own outputs and inputs are right', async () => {
    const published = readFileSync(file, 'utf8')
      .trim()
      .split('\n')
      .slice(0, 60)
      .map((line) => JSON.parse(line) as { input: string; output: string });
    const [outputs, inputs] = [
      await loadSuite(suiteNamed('cruxeval-o'), [file], 60),
      await loadSuite(suiteNamed('cruxeval-i'), [file], 60),
    ];
    const right = await Promise.all(
      published.map(async ({ output }, i) => (await grade(outputs.problems[i], `\`\`\`output\n${output}\n\`\`\``)).correct),
    );
    expect(right.filter(Boolean)).toHaveLength(60);
    const found = await Promise.all(
      published.map(async ({ input }, i) => (await grade(inputs.problems[i], `\`\`\`input\n${input}\n\`\`\``)).correct),
    );
    // A few inputs of the data set are code, not data.
    expect(found.filter(Boolean).length).toBeGreaterThanOrEqual(58);
  });
  if (!existsSync(file)) console.log(`${file} is not there: its check is skipped.`);
});
