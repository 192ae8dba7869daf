import { copyFileSync, existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { RolloutRecord } from '../../src/core/events.ts';
import { openJournal, openJournalReader, verifyAudit } from '../../src/record/journal.ts';
import { pack } from '../../src/record/pack.ts';
import { JOURNAL_FILE } from '../../src/record/schema.ts';
import { blocksOf, decodeBlock, encodeBlock } from '../../src/record/texts.ts';
import type { LongPart } from '../../src/record/texts.ts';
import { verifyRecord } from '../../src/record/verify.ts';
import { finding, rollout, scratch, start, stepDone, task } from './samples.ts';

const part = (text: string, logprobs: readonly number[] = [-1.5]): LongPart => ({
  prompt: text, completion: text, thought: text, answer: '', program: null, detail: '', promptTokens: [1], tokens: [70_000], logprobs,
}); // prettier-ignore

describe('blocks of texts', () => {
  test('come back to the bit, whatever is in them', () => {
    const text = fc.oneof(fc.string({ unit: 'binary' }), fc.constantFrom('\ud800', 'a\0b', '', '\udc00\ud800'));
    const numbers = fc.array(fc.oneof(fc.double(), fc.constantFrom(-0, NaN, Infinity, -Infinity)), { maxLength: 8 });
    const item = fc.record({
      prompt: text, completion: text, thought: text, answer: text, program: fc.option(text), detail: text,
      promptTokens: fc.array(fc.nat(2 ** 31), { maxLength: 8 }), tokens: fc.array(fc.nat(300), { maxLength: 8 }), logprobs: numbers,
    }); // prettier-ignore
    fc.assert(
      fc.property(fc.array(item, { maxLength: 12 }), (items) => {
        expect(decodeBlock(encodeBlock(items))).toStrictEqual(items.map((each) => ({ ...each })));
      }),
      { seed: 3, numRuns: 100 },
    );
  });

  test('stay small enough to be unpacked for one rollout', () => {
    const items = Array.from({ length: 40 }, (_, i) => part(String(i).repeat(20_000)));
    const blocks = blocksOf(items);
    expect(blocks.flat()).toEqual(items);
    expect(blocks.length).toBeGreaterThan(4);
    expect(blocksOf([])).toEqual([]);
  });
});

/** Words of a small language, so that the text is as repetitive as a model's, from a fixed generator. */
function sentence(seed: number, words: number): string {
  const all = ['let', 'x', 'return', 'n', 'map', 'sum', 'so', 'the', 'output', 'is', 'function', 'f', '=>', '+', '3', '17'];
  let state = seed * 2654435761 + 12345;
  return Array.from({ length: words }, () => all[(state = (Math.imul(state, 1664525) + 1013904223) >>> 0) >>> 28]).join(' ');
}

/** A step as the loop makes them: 8 solutions of each of 24 tasks, a token for every three characters. */
function stepOf(step: number, words: number): RolloutRecord[] {
  return Array.from({ length: 192 }, (_, i) => {
    const thought = sentence(step * 1000 + i, words);
    const answer = sentence(i, 3);
    const completion = `<think>${thought}</think><answer>${answer}</answer>`;
    const prompt = `### solve deduction\n${sentence(7_000_000 + step * 100 + (i >> 3), words)}`;
    const count = (text: string): number => Math.ceil(text.length / 3);
    const logprobs = Array.from(
      { length: count(completion) },
      (_, at) => -Math.fround(Math.abs(Math.sin(i * 7919 + at * 104729 + step)) ** 9 * 5),
    );
    return rollout(`s${step}.solve-deduction-${i >> 3}.${i & 7}`, step, {
      thought, answer, prompt, completion, taskId: `t-s${step}.propose-deduction-${i >> 3}.0`, logprobs,
      promptTokens: Array.from({ length: count(prompt) }, (_, at) => (at * 31) % 500),
      tokens: Array.from({ length: count(completion) }, (_, at) => (at * 17 + i) % 500),
    }); // prettier-ignore
  });
}

test.each([24, 60, 400])('a journal takes at most twice the text it holds (%i words a thought)', (words) => {
  const dir = scratch();
  let text = 0;
  {
    using journal = openJournal(dir);
    journal.append([start(0)]);
    for (let step = 1; step <= 6; step++) {
      const records = stepOf(step, words);
      journal.append([{ type: 'rollouts', step, rollouts: records }, stepDone(step)]);
      for (const { rollout: r, detail } of records) text += Buffer.byteLength(r.prompt + r.completion + detail);
    }
  }
  expect(statSync(join(dir, JOURNAL_FILE)).size).toBeLessThanOrEqual(2 * text);
});

test('a rollback leaves no texts behind but those of evidence', () => {
  const dir = scratch();
  using journal = openJournal(dir);
  journal.append([start(0), { type: 'rollouts', step: 1, rollouts: [rollout('a', 1)] }]);
  journal.append([{ type: 'rollouts', step: 2, rollouts: [rollout('b', 2)] }, { type: 'rollouts', step: 2, rollouts: [rollout('c', 2)] }, finding(2, 'c', 4)]); // prettier-ignore
  using early = openJournalReader(dir);
  expect(early.rollout('b')?.rollout.thought).toBe('thought of b');
  expect(journal.discardAfter(1)).toMatchObject({ rollouts: 1, kept: 1 });
  journal.append([{ type: 'rollouts', step: 2, rollouts: [rollout('d', 2)] }]);
  using reader = openJournalReader(dir);
  expect(['a', 'b', 'c', 'd'].map((id) => reader.rollout(id)?.rollout.thought)).toEqual([
    'thought of a',
    undefined,
    'thought of c',
    'thought of d',
  ]);
  const db = new DatabaseSync(join(dir, JOURNAL_FILE), { readOnly: true });
  expect(db.prepare('SELECT count(*) AS c FROM texts').get()!['c']).toBe(3);
  db.close();
  verifyRecord(dir);
});

test('a reader that stays open over a rollback reads the new texts', () => {
  const dir = scratch();
  using journal = openJournal(dir);
  using reader = openJournalReader(dir);
  for (const thought of ['first', 'second']) {
    journal.append([{ type: 'rollouts', step: 1, rollouts: [rollout('a', 1, { thought })] }]);
    expect(reader.rollout('a')?.rollout.thought).toBe(thought);
    journal.discardAfter(0);
  }
});

test('a text that was damaged or taken away is said to be so', () => {
  for (const [sql, sentence] of [
    ["UPDATE texts SET body = CAST(body || x'00' AS BLOB)", 'checksum'],
    ['DELETE FROM texts', 'gone'],
  ] as const) {
    const dir = scratch();
    openJournal(dir)[Symbol.dispose]();
    {
      using journal = openJournal(dir);
      journal.append([{ type: 'rollouts', step: 1, rollouts: [rollout('a', 1)] }]);
    }
    const db = new DatabaseSync(join(dir, JOURNAL_FILE));
    db.exec(sql);
    db.close();
    using reader = openJournalReader(dir);
    expect(() => reader.rollout('a')).toThrow(sentence);
    expect(() => verifyRecord(dir)).toThrow(sentence);
  }
});

/** A journal as versions 1 and 2 wrote it. */
function oldJournal(dir: string, version: 1 | 2): void {
  const sum = version === 2 ? ', sum INTEGER NOT NULL DEFAULT 0' : '';
  const db = new DatabaseSync(join(dir, JOURNAL_FILE));
  db.exec(`PRAGMA journal_mode = WAL;
    CREATE TABLE events (seq INTEGER PRIMARY KEY AUTOINCREMENT, at INTEGER NOT NULL, step INTEGER NOT NULL, type TEXT NOT NULL, body TEXT NOT NULL${sum}) STRICT;
    CREATE TABLE rollouts (n INTEGER PRIMARY KEY, seq INTEGER NOT NULL, live INTEGER NOT NULL, id TEXT NOT NULL, step INTEGER NOT NULL,
      role TEXT NOT NULL, task_type TEXT NOT NULL, task_id TEXT, outcome TEXT NOT NULL, severity INTEGER NOT NULL,
      reward REAL, advantage REAL, stop_reason TEXT NOT NULL, policy_version INTEGER NOT NULL, inexact TEXT,
      thought TEXT NOT NULL, answer TEXT NOT NULL, program TEXT, detail TEXT NOT NULL, prompt TEXT NOT NULL, completion TEXT NOT NULL,
      prompt_tokens BLOB NOT NULL, tokens BLOB NOT NULL, logprobs BLOB NOT NULL${sum}) STRICT;
    CREATE TABLE tasks (n INTEGER PRIMARY KEY, seq INTEGER NOT NULL, step INTEGER NOT NULL, id TEXT NOT NULL UNIQUE, type TEXT NOT NULL, body TEXT NOT NULL${sum}) STRICT;
    CREATE TABLE findings (seq INTEGER PRIMARY KEY, step INTEGER NOT NULL, rollout_id TEXT NOT NULL, idx INTEGER NOT NULL, category TEXT NOT NULL, severity INTEGER NOT NULL, detector TEXT NOT NULL${sum}) STRICT;
    CREATE TABLE audit (n INTEGER PRIMARY KEY, seq INTEGER, at INTEGER NOT NULL, kind TEXT NOT NULL, rollout_id TEXT, body TEXT NOT NULL, hash TEXT NOT NULL) STRICT;
    PRAGMA application_id = ${0x4b4c564e}; PRAGMA user_version = ${version};`);
  const event = db.prepare('INSERT INTO events (at, step, type, body) VALUES (5, 1, ?, ?)');
  event.run('tasks', '{"type":"tasks","step":1,"count":1}');
  event.run('rollouts', '{"type":"rollouts","step":1,"count":2}');
  event.run('step', '{"type":"step","step":1,"metrics":{"loss":{"$number":"NaN"}}}');
  db.prepare('INSERT INTO tasks (seq, step, id, type, body) VALUES (1, 1, ?, ?, ?)').run('t', 'deduction', JSON.stringify(task('t', 1)));
  const put = db.prepare(
    `INSERT INTO rollouts (seq, live, id, step, role, task_type, task_id, outcome, severity, reward, advantage, stop_reason, policy_version, inexact,
      thought, answer, program, detail, prompt, completion, prompt_tokens, tokens, logprobs)
      VALUES (2, 1, ?, 1, 'propose', 'induction', NULL, 'wrong', 0, ?, NULL, 'length', 3, ?, 'th', 'a', NULL, 'd', 'p', 'c', ?, ?, ?)`,
  );
  put.run('a', 1, null, pack([1]), pack([2, 3]), pack([-0.5, -0.25]));
  put.run('b', null, '[["reward",{"$number":"NaN"}],["thought","\\ud800"]]', pack([]), pack([]), pack([]));
  db.close();
}

describe.each([1, 2] as const)('a journal of version %i', (version) => {
  const expected = (dir: string): void => {
    using reader = openJournalReader(dir);
    expect(reader.events(0).map(({ seq, event }) => [seq, event.type])).toEqual([[1, 'tasks'], [2, 'rollouts'], [3, 'step']]); // prettier-ignore
    expect(reader.task('t')).toEqual(task('t', 1));
    expect(reader.rollout('a')).toMatchObject({
      rollout: {
        role: 'propose',
        taskType: 'induction',
        stopReason: 'length',
        thought: 'th',
        tokens: [2, 3],
        logprobs: [-0.5, -0.25],
        policyVersion: 3,
      },
      outcome: 'wrong',
      detail: 'd',
    });
    expect(reader.rollout('b')).toMatchObject({ reward: NaN, rollout: { thought: '\ud800' } });
    expect(reader.rollouts({ role: 'propose', text: 'TH', limit: 9 }).map((record) => record.rollout.id)).toEqual(['a']);
  };

  test('is read as it is, and its file stays untouched', () => {
    const dir = scratch();
    oldJournal(dir, version);
    const before = statSync(join(dir, JOURNAL_FILE));
    expected(dir);
    expect(verifyAudit(dir).ok).toBe(true);
    expect(statSync(join(dir, JOURNAL_FILE))).toMatchObject({ size: before.size, mtimeMs: before.mtimeMs, ino: before.ino });
  });

  test('is converted when the run goes on, also after a conversion that was killed', () => {
    const dir = scratch();
    oldJournal(dir, version);
    copyFileSync(join(dir, JOURNAL_FILE), join(dir, `${JOURNAL_FILE}.new`));
    {
      using journal = openJournal(dir);
      journal.append([stepDone(2)]);
    }
    expect(existsSync(join(dir, `${JOURNAL_FILE}.new`))).toBe(false);
    expect(readdirSync(dir).filter((name) => name.startsWith('journal'))).toEqual([JOURNAL_FILE]);
    expect(statSync(join(dir, JOURNAL_FILE)).mode & 0o777).toBe(0o600);
    using reader = openJournalReader(dir);
    expect(reader.events(3).map(({ seq }) => seq)).toEqual([4]);
    verifyRecord(dir);
  });
});
