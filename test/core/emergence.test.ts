import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { emergence, signOfPath, SIGNS, signsOf } from '../../src/core/emergence.ts';
import type { SignKind } from '../../src/core/emergence.ts';
import type { Language, Role, TaskType } from '../../src/core/types.ts';

const thought = (text: string) => ({ thought: text, program: null });
const program = (text: string) => ({ thought: '', program: text });
const spans = (kind: SignKind, read: { thought: string; program: string | null }, language: Language = 'javascript'): string[] =>
  signsOf(kind, read, language).map(({ place, start, end }) =>
    (place === 'thought' ? read.thought : (read.program ?? '')).slice(start, end),
  );

describe('comments as plans', () => {
  test.each<[string, Language, number]>([
    ['// keep the even ones, then add them\nfunction f(a){return a.filter(x=>x%2===0).reduce((x,y)=>x+y,0)}', 'javascript', 1],
    [
      'function f(a) {\n  /* sort a copy first */\n  const b = [...a].sort();\n  // take the largest\n  return b.at(-1);\n}',
      'javascript',
      2,
    ],
    ['def f(a):\n    # count how often each occurs\n    return len(a)', 'python', 1],
    ['def f(a):\n    """Count the words first, then sort them."""\n    return len(a)', 'python', 1],
    ['function f(a){return a+1}', 'javascript', 0],
    ['// let b = a.slice(1);\nfunction f(a){return a}', 'javascript', 0],
    ['function f(a){return "// not a comment at all"+a}', 'javascript', 0],
    ["def f(a):\n    return '# not a comment at all'", 'python', 0],
    ["def f(a):\n    b = '''two words here'''\n    return b", 'python', 0],
    ['function f(a){return a} // what comes last is no plan', 'javascript', 0],
    ['function f(a){ // ok\n return a}', 'javascript', 0],
    ['function f(a){return `// not one ${a}`} /* unfinished', 'javascript', 0],
  ])('%#: %j', (source, language, count) => {
    expect(spans('plan', program(source), language)).toHaveLength(count);
  });

  test('a reply without a program holds none', () => {
    expect(signsOf('plan', thought('// a plan in words'), 'javascript')).toEqual([]);
  });
});

describe('tracking of state', () => {
  test.each<[string, number]>([
    ['b=[3,8];c=3', 2],
    ['After the first round total = 4, then total = 9 and i is now 2.', 3],
    ['x → "ab"; y becomes True', 2],
    ['The answer = 4. Output: [4].', 0],
    ['n = 3 is given. n = 3 stays.', 0],
    ['We add the numbers and return them.', 0],
    ['', 0],
  ])('%j', (text, count) => {
    expect(spans('state', thought(text))).toHaveLength(count);
  });
});

describe('trial and error', () => {
  test.each<[string, string[]]>([
    ['Try [1,2]: gives 3, not 5. Try [1,4]: gives 5. Yes.', ['Try [1,2]: gives 3, not']],
    ['Suppose a is 7. 7*2 = 14, too big. Let us try 3.', ['Suppose a is 7. 7*2 = 14, too big']],
    ['试 [1]：得到 2，不对。再试 [2]。', ['试 [1]：得到 2，不对']],
    ['The sum is 5, so the input is [1,4].', []],
    ['I try to add them all and that works.', []],
    ['It is not 4.', []],
  ])('%j', (text, wanted) => {
    expect(spans('trial', thought(text))).toEqual(wanted);
  });
});

test('reflection', () => {
  expect(spans('reflection', thought('It is 4. Wait, let me check: 2+3 is 5. Hmm. 等等'))).toEqual(['Wait', 'let me check', 'Hmm', '等等']);
  expect(spans('reflection', thought('Add both, return the sum. The waiter waited.'))).toEqual([]);
});

test('shares by role and type; a plan is counted among rollouts with a program', () => {
  const one = (role: Role, taskType: TaskType, text: string, source: string | null = null) => ({
    role,
    taskType,
    thought: text,
    program: source,
  });
  const shares = emergence(
    [
      one('solve', 'deduction', 'b=1;c=2'),
      one('solve', 'deduction', ''),
      one('solve', 'abduction', 'try 3: no. try 4: yes'),
      one('solve', 'induction', '', '// add one to it\nfunction f(a){return a+1}'),
      one('solve', 'induction', 'wait'),
      one('propose', 'induction', 'wait', 'function f(a){return a}'),
    ],
    'javascript',
  );
  expect(shares).toMatchObject({
    'emergence/state/solve/deduction': 0.5,
    'emergence/trial/solve/abduction': 1,
    'emergence/plan/solve/induction': 1,
    'emergence/reflection/solve/induction': 0.5,
    'emergence/reflection/propose/induction': 1,
  });
  expect(Object.keys(shares)).not.toContain('emergence/plan/propose/induction');
  for (const path of Object.keys(shares)) expect(signOfPath(path)).not.toBeNull();
  expect(signOfPath('emergence/plan/solve')).toBeNull();
  expect(signOfPath('reward/solve/deduction')).toBeNull();
});

test('any text is read, spans lie inside it, and a megabyte takes no square', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), fc.constantFrom<Language>('javascript', 'python'), (text, language) => {
      for (const kind of SIGNS)
        for (const sign of signsOf(kind, { thought: text, program: text }, language)) {
          expect(sign.start).toBeGreaterThanOrEqual(0);
          expect(sign.end).toBeGreaterThan(sign.start);
          expect(sign.end).toBeLessThanOrEqual(text.length);
        }
    }),
  );
  for (const bait of ['/*', '"""', 'x=', 'try ', 'a '.repeat(20), "'\\", '=['])
    for (const kind of SIGNS)
      for (const language of ['javascript', 'python'] as const) {
        const text = bait.repeat(60_000 / bait.length);
        expect(signsOf(kind, { thought: text, program: text }, language).length).toBeLessThanOrEqual(text.length);
      }
});
