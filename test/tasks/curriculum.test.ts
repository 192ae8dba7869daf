import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ConfigError, parseConfig } from '../../src/config.ts';
import { TASK_TYPES } from '../../src/core/types.ts';
import { heldoutTasks } from '../../src/eval/heldout.ts';
import { canonicalProgram, isHeldOut } from '../../src/pretrain/split.ts';
import { openCurriculum } from '../../src/tasks/curriculum.ts';
import { generatedCurriculum } from '../../src/tasks/generated.ts';
import { curatedLine, readRows } from '../../src/tasks/jsonl.ts';

let dir = '';
beforeAll(() => void (dir = mkdtempSync(join(tmpdir(), 'kelvin-tasks-'))));
afterAll(() => rmSync(dir, { recursive: true, force: true }));

const file = (name: string, lines: readonly unknown[]): string => {
  const path = join(dir, name);
  writeFileSync(path, lines.map((line) => (typeof line === 'string' ? line : JSON.stringify(line))).join('\n'));
  return path;
};
const triplet = (type: string, n: number) => ({ type, program: `function f(a){return a+${n}}`, input: '1', output: String(1 + n) });
const induction = {
  type: 'induction',
  program: 'function f(a){return a}',
  pairs: [1, 2].map((n) => ({ input: `${n}`, output: `${n}` })),
  message: 'same',
};
const message = (work: () => unknown): string => {
  try {
    work();
  } catch (error) {
    expect(error).toBeInstanceOf(ConfigError);
    return (error as Error).message;
  }
  throw new Error('it was accepted');
};
const open = (data: string, ...overrides: string[]) => openCurriculum(parseConfig({ paradigm: 'rlvr', data }, overrides));

describe('generated tasks', () => {
  it('share no program with either held-out suite, whatever the seed', () => {
    const heldOut = new Set([...heldoutTasks('heldout', 600), ...heldoutTasks('tune', 600)].map((task) => canonicalProgram(task.program)));
    for (const seed of [1, 2, 99])
      for (const type of TASK_TYPES)
        for (const { task } of generatedCurriculum(seed)(type, 0, 150)) {
          expect(isHeldOut(task.program)).toBe(false);
          expect(heldOut.has(canonicalProgram(task.program))).toBe(false);
        }
  });
  it('are the same for the same seed and number, and others otherwise', () => {
    const of = (seed: number, from: number) => generatedCurriculum(seed)('abduction', from, 20).map(({ task }) => task.program);
    expect(of(1, 0)).toEqual(of(1, 0));
    expect(of(1, 5).slice(0, 15)).toEqual(of(1, 0).slice(5));
    expect(of(1, 0)).not.toEqual(of(2, 0));
  });
  it('have traces that state the values between', () => {
    const [deduction] = generatedCurriculum(1)('deduction', 0, 1);
    expect(deduction?.trace).toMatch(/^b=/);
    expect(generatedCurriculum(1)('induction', 0, 3).map(({ trace }) => trace)).toEqual(['', '', '']);
  });
});

describe('tasks from JSON Lines', () => {
  it('what was written is read back', () => {
    const made = TASK_TYPES.flatMap((type) => generatedCurriculum(3)(type, 0, 4));
    const path = file('round.jsonl', made.map(curatedLine));
    const curriculum = open(path);
    const bodies = (items: typeof made) => items.map(({ task: { id: _, ...task }, trace }) => JSON.stringify({ ...task, trace })).sort();
    expect(bodies(TASK_TYPES.flatMap((type) => [...(curriculum?.(type, 0, 4) ?? [])]))).toEqual(bodies(made));
  });
  it('a pass over the file holds each row once, in another order each pass', () => {
    const path = file(
      'passes.jsonl',
      Array.from({ length: 12 }, (_, n) => triplet('deduction', n)),
    );
    const curriculum = open(path, 'algorithm.taskTypes=["deduction"]');
    const programs = (from: number) => curriculum!('deduction', from, 12).map(({ task }) => task.program);
    expect(new Set(programs(0)).size).toBe(12);
    expect(new Set(programs(12))).toEqual(new Set(programs(0)));
    expect(programs(12)).not.toEqual(programs(0));
    const ids = curriculum!('deduction', 0, 36).map(({ task }) => task.id);
    expect(new Set(ids).size).toBe(36);
  });
  it('names file and line of what it cannot read', () => {
    expect(message(() => readRows(join(dir, 'none.jsonl')))).toMatch(/none\.jsonl cannot be read \(ENOENT\)/);
    expect(message(() => readRows(file('a.jsonl', [triplet('deduction', 1), '{"type":'])))).toMatch(/a\.jsonl:2 is not JSON/);
    expect(message(() => readRows(file('b.jsonl', [{ ...triplet('deduction', 1), answer: 3 }])))).toMatch(/b\.jsonl:1.*answer/);
    expect(message(() => readRows(file('c.jsonl', ['', { ...triplet('guess', 1) }])))).toMatch(/c\.jsonl:2: "type"/);
    expect(message(() => readRows(file('d.jsonl', [{ ...induction, shown: 2 }])))).toMatch(/stays hidden/);
    expect(message(() => readRows(file('e.jsonl', ['[]'])))).toMatch(/e\.jsonl:1/);
  });
  it('says which type is missing, and when there are no traces to imitate', () => {
    const path = file('few.jsonl', [triplet('deduction', 1)]);
    expect(message(() => open(path))).toMatch(/holds no abduction task/);
    expect(message(() => open(path, 'paradigm=sft', 'algorithm.taskTypes=["deduction"]'))).toMatch(/no deduction task has a "trace"/);
  });
  it('self-play has no curriculum, and the others need one', () => {
    expect(openCurriculum(parseConfig({ data: 'generated' }))).toBeNull();
    expect(message(() => parseConfig({ paradigm: 'rlvr' }))).toMatch(/Set "data"/);
    expect(message(() => parseConfig({ paradigm: 'sft', data: 'generated', language: 'python', eval: { suite: 'none' } }))).toMatch(
      /JavaScript/,
    );
  });
});
