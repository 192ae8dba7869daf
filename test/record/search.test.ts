import { existsSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { openJournal, openJournalReader } from '../../src/record/journal.ts';
import { SEARCH_FILE } from '../../src/record/search.ts';
import { Search } from '../../ui/search.ts';
import { rollout, scratch, start, stepDone } from './samples.ts';

const ALL = { above: 0, below: Number.MAX_SAFE_INTEGER };
const write = (dir: string, step: number, thoughts: readonly string[], resumed = false): void => {
  using journal = openJournal(dir);
  journal.append([
    ...(resumed ? [start(step, true)] : []),
    { type: 'rollouts', step, rollouts: thoughts.map((thought, index) => rollout(`s${step}-${index}`, step, { thought, answer: '' })) },
    stepDone(step),
  ]);
};
const found = (dir: string, text: string): string[] => {
  using reader = openJournalReader(dir);
  return reader.rolloutsAt(reader.find({ text }, ALL)).map(({ rollout: { thought } }) => thought);
};

it('finds what a reading of every thought finds, whatever is in them', () => {
  const dir = scratch();
  const thought = fc.oneof(fc.string({ unit: 'binary', maxLength: 30 }), fc.stringMatching(/^[ab"'%_*()\0 ]{0,12}$/));
  const thoughts = fc.sample(thought, { numRuns: 300, seed: 5 });
  write(dir, 1, thoughts);
  for (const text of ['ab"', 'a b', '"""', "'a'", '%_%', 'a*b', 'NOT', 'aba', 'AB ', 'AND OR', 'ab" OR "ba', ...thoughts.slice(0, 150)]) {
    // What is not whole Unicode, or folds its case in a way of its own, may be found by more; here the plain cases are compared.
    // eslint-disable-next-line no-control-regex
    if (!/^[\x01-\x7e]{3,}$/.test(text)) continue;
    const wanted = thoughts.filter((each) => `${each} `.replaceAll('\0', ' ').toLowerCase().includes(text.toLowerCase())).reverse();
    expect(found(dir, text), JSON.stringify(text)).toEqual(wanted);
  }
});

it('finds in any letter case, short words too, between two numbers, with other conditions', () => {
  const dir = scratch();
  write(dir, 1, ['Grüße aus Köln', 'nothing', 'GRÜSSE', 'if x then y']);
  expect(found(dir, 'köln')).toEqual(['Grüße aus Köln']);
  expect(found(dir, 'x')).toEqual(['if x then y']);
  using reader = openJournalReader(dir);
  expect(reader.newest()).toBe(4);
  expect(reader.find({ text: 'thing' }, { above: 2, below: 5 })).toEqual([]);
  expect(reader.find({ text: 'thing', role: 'propose' }, ALL)).toEqual([]);
  expect(reader.find({ text: 'thing', role: 'solve', step: 1 }, ALL)).toEqual([2]);
  expect(reader.find({ match: (text) => text.startsWith('if') }, ALL)).toEqual([4]);
  expect(reader.find({ outcome: 'wrong' }, ALL)).toEqual([]);
  expect(reader.find({ minSeverity: 1 }, ALL)).toEqual([]);
  expect(reader.find({}, ALL)).toEqual([4, 3, 2, 1]);
});

it('forgets discarded thoughts, whose numbers others get', () => {
  const dir = scratch();
  write(dir, 1, ['first one kept']);
  write(dir, 2, ['second one dropped', 'another one dropped']);
  {
    using journal = openJournal(dir);
    journal.discardAfter(1);
  }
  write(dir, 2, ['second one again'], true);
  expect(found(dir, 'dropped')).toEqual([]);
  expect(found(dir, 'one ')).toEqual(['second one again', 'first one kept']);
});

it('is no record: gone, garbled or behind, everything is still found, and the next start makes it anew', () => {
  const dir = scratch();
  const path = join(dir, SEARCH_FILE);
  write(dir, 1, ['the word in question', 'other']);
  expect(statSync(path).mode & 0o077).toBe(0);
  rmSync(path);
  expect(found(dir, 'word in')).toEqual(['the word in question']);
  expect(existsSync(path)).toBe(false);
  write(dir, 2, ['one more word in it']);
  expect(existsSync(path)).toBe(true);
  expect(found(dir, 'word in')).toEqual(['one more word in it', 'the word in question']);
  writeFileSync(path, 'no database');
  expect(found(dir, 'word in')).toEqual(['one more word in it', 'the word in question']);
  write(dir, 3, ['and a word in the end']);
  expect(found(dir, 'word in')).toHaveLength(3);
});

it('a search in parts says how far it is, puts new hits in front, and finds each once', () => {
  const dir = scratch();
  write(
    dir,
    1,
    Array.from({ length: 3000 }, (_, i) => (i % 3 === 0 ? 'fizz' : 'plain')),
  );
  using reader = openJournalReader(dir);
  const search = new Search(reader, { match: (text) => text.includes('fizz') }, true);
  let last = -1;
  while (search.searched < 1) {
    search.work(0.01);
    expect(search.searched).toBeGreaterThanOrEqual(last);
    last = search.searched;
  }
  expect(search.hits).toHaveLength(1000);
  write(dir, 2, ['plain', 'fizz again']);
  expect(search.renew()).toBe(1);
  expect(search.renew()).toBe(0);
  expect(search.hits[0]).toBe(3002);
  expect(new Set(search.hits).size).toBe(1001);
});
