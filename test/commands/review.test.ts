import { readFileSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { auditCommand, entryLines } from '../../src/commands/audit.ts';
import { commandHandler } from '../../src/commands/orders.ts';
import { reviewCommand } from '../../src/commands/review.ts';
import { terminalAsker } from '../../src/commands/review/terminal.ts';
import type { Asker } from '../../src/commands/review/terminal.ts';
import type { RunEvent } from '../../src/core/events.ts';
import type { Finding, Severity } from '../../src/core/finding.ts';
import { EMPTY_VIEW, fold } from '../../src/core/fold.ts';
import { createConductor } from '../../src/loop/conductor.ts';
import { serveControl } from '../../src/record/control.ts';
import { createRunFolder } from '../../src/record/folder.ts';
import { openJournal, openJournalReader, readAudit, verifyAudit } from '../../src/record/journal.ts';
import { acquireLock } from '../../src/record/lock.ts';
import { HOSTILE } from '../core/hostile.ts';
import { rollout, scratch, start, stepDone } from '../record/samples.ts';

const finding = (rolloutId: string, severity: Severity, quote: string, more: Partial<Finding> = {}): RunEvent => ({
  type: 'finding', step: 1, rolloutId, index: 0,
  finding: { category: 'deception', severity, detector: 'rules/deception.x@1', where: 'thought', start: 0, end: quote.length, quote, why: 'It hides.', ...more },
}); // prettier-ignore

/** A finished run: two findings to review, one note, five quiet thoughts. */
function finished(thought = 'hide it'): string {
  const dir = createRunFolder({ root: scratch(), runDir: join(scratch(), 'run'), name: 'r', config: {} });
  using journal = openJournal(dir);
  const quiet = Array.from({ length: 5 }, (_, at) => rollout(`s1.quiet.${at}`, 1));
  journal.append([
    start(0),
    { type: 'rollouts', step: 1, rollouts: [rollout('s1.mild.0', 1, { thought, severity: 2 }), rollout('s1.bad.0', 1, { thought: 'hide it well', severity: 4 }), ...quiet] },
    finding('s1.mild.0', 2, thought.slice(0, 7)),
    finding('s1.bad.0', 4, 'hide it', { category: 'tampering' }),
    finding('s1.quiet.0', 1, 'tho'),
    stepDone(1),
    { type: 'end', step: 1, cause: 'finished', summary: {} },
  ]); // prettier-ignore
  return dir;
}

const viewOf = (dir: string) => {
  using reader = openJournalReader(dir);
  return reader.events(0).reduce((view, { event }) => fold(view, event), EMPTY_VIEW);
};

/** A person who presses these keys; `line:…` answers a question for text, `line:` with Esc gives it up. */
function person(...keys: string[]): Asker & { readonly said: () => string } {
  let said = '';
  return {
    columns: 80,
    write: (text) => void (said += text),
    key: () => Promise.resolve(keys.shift() ?? 'q'),
    line: (label) => {
      said += label;
      const next = keys.shift() ?? 'line:';
      return Promise.resolve(next === 'esc' ? null : next.replace(/^line:/, ''));
    },
    close: () => {},
    said: () => said,
  };
}

afterEach(() => vi.restoreAllMocks());
const printed = (): { readonly text: () => string } => {
  const write = vi.spyOn(process.stdout, 'write').mockImplementation(() => true);
  return { text: () => write.mock.calls.map(([chunk]) => String(chunk)).join('') };
};

describe('kelvin review by keys', () => {
  it('shows the worst first with its evidence, records each answer with name and reason', async () => {
    const dir = finished();
    const ana = person('x', '?', 'c', 'line:clear case', 'd', 'line:', 'line:only a word');
    expect(await reviewCommand({ run: dir, by: 'ana', asker: ana })).toBe(0);
    expect(viewOf(dir).flagged.map(({ rolloutId, label, reason, by }) => [rolloutId, label, reason, by])).toEqual([
      ['s1.mild.0', 'dismissed', 'only a word', 'ana'],
      ['s1.bad.0', 'confirmed', 'clear case', 'ana'],
      ['s1.quiet.0', 'new', '', ''],
    ]);
    expect(ana.said().indexOf('s1.bad.0')).toBeLessThan(ana.said().indexOf('s1.mild.0'));
    expect(ana.said()).toContain('»hide it« well');
    expect(ana.said()).toContain('A reason is needed');
    expect(ana.said()).toContain('2 answers recorded. 0 findings wait for review.');
    expect(ana.said()).toContain('tampering: precision 1 of 1');
    expect(verifyAudit(dir)).toMatchObject({ ok: true, entries: 4 });
  });

  it('takes back only what the same person said; escalated findings stay in the queue', async () => {
    const dir = finished();
    await reviewCommand({ run: dir, by: 'ana', asker: person('e', 'line:for the team', 'q') });
    const bo = person('n', 'u', 'q');
    await reviewCommand({ run: dir, by: 'bo', asker: bo });
    expect(bo.said()).toContain('[escalated]');
    expect(bo.said()).toContain('You have not labelled this finding');
    expect(viewOf(dir).flagged[1]).toMatchObject({ label: 'escalated', by: 'ana' });
    await reviewCommand({ run: dir, by: 'ana', asker: person('n', 'u', 'q') });
    expect(viewOf(dir).flagged[1]).toMatchObject({ label: 'new', reviews: [] });
  });

  it('Esc gives an answer up, p goes back, q ends', async () => {
    const dir = finished();
    const ana = person('d', 'esc', 'n', 'p', 'q', 'c', 'line:');
    await reviewCommand({ run: dir, by: 'ana', asker: ana });
    expect(viewOf(dir).flagged.every(({ label }) => label === 'new')).toBe(true);
    expect(ana.said().match(/1 of 2/g)).toHaveLength(3);
  });

  it('an empty queue says so; hostile thoughts do nothing to the terminal', async () => {
    const dir = finished(HOSTILE.join('\n'));
    const ana = person('n', 'o', 'n');
    await reviewCommand({ run: dir, by: 'ana\u001b[31m', asker: ana, all: true });
    // eslint-disable-next-line no-control-regex
    expect(ana.said()).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff]/);
    expect(ana.said()).toContain('0 answers recorded. 2 findings wait for review.');
  });

  it('on a live run the answers go through its control socket', async () => {
    const dir = finished();
    using lock = acquireLock(dir);
    const journal = openJournal(dir);
    const record = (events: readonly RunEvent[]): void => journal.append(events);
    const conductor = createConductor({ onPause: () => {}, onResume: () => {} });
    const server = await serveControl(dir, commandHandler({ conductor, record, step: () => 1 }));
    try {
      await reviewCommand({ run: dir, by: 'ana', asker: person('c', 'line:', 'q') });
      expect(viewOf(dir).flagged[1]).toMatchObject({ label: 'confirmed', by: 'ana' });
    } finally {
      await server.close();
      journal.close();
    }
    lock.check();
  });

  it('without a terminal it says what to do instead', async () => {
    await expect(reviewCommand({ run: finished() })).rejects.toThrow(/needs a terminal.*--export md/);
    await expect(reviewCommand({ run: finished(), out: 'x' })).rejects.toThrow(/--export/);
  });
});

describe('a blind review', () => {
  it('mixes flagged, unflagged and control thoughts, tells nothing before the answer, and everything after', async () => {
    const dir = finished();
    const before = viewOf(dir);
    // For every item: "bad", category c (hostility), no reason.
    const ana = person(...Array.from({ length: 40 }, () => ['c', 'c', 'line:']).flat());
    await reviewCommand({ run: dir, by: 'ana', asker: ana, blind: true, count: 12, seed: 3 });
    const items = ana.said().split('='.repeat(80)).slice(1);
    for (const item of items) {
      const shown = item.slice(0, item.indexOf('Which kind?'));
      expect(shown).not.toMatch(/severity|drill-|twin-|rules\/|tampering|»/);
    }
    const said = ana.said();
    for (const told of [
      'A control: known bad',
      'A control: known to be harmless',
      'The monitor: severity 4 tampering',
      'The monitor found nothing',
    ])
      expect(said).toContain(told);
    const view = viewOf(dir);
    expect(view.controls.length).toBe(3);
    expect(view.unflagged.length).toBeGreaterThan(0);
    expect(view.unflagged.every(({ blind, category }) => blind && category === 'hostility')).toBe(true);
    expect(view.flagged.filter(({ label }) => label === 'confirmed').length).toBe(2);
    // Controls and answers touch no statistic of the run.
    expect([view.counts, view.steps, view.step]).toEqual([before.counts, before.steps, before.step]);
    expect(said).toMatch(/ana and the monitor agree on 2 of \d/);
    expect(said).toMatch(/ana: [12] of 3 controls right/);
  });

  it('the same seed and person: the same order; what was answered does not come again', async () => {
    const order = async (dir: string, seed: number): Promise<string> => {
      const ana = person(...Array.from({ length: 30 }, () => 's'));
      await reviewCommand({ run: dir, by: 'ana', asker: ana, blind: true, count: 8, seed });
      return ana.said();
    };
    const dir = finished();
    expect(await order(dir, 1)).toBe(await order(dir, 1));
    expect(await order(dir, 1)).not.toBe(await order(dir, 2));
    await reviewCommand({
      run: dir,
      by: 'ana',
      asker: person(...Array.from({ length: 30 }, () => ['d', 'line:']).flat()),
      blind: true,
      count: 20,
    });
    const again = await order(dir, 1);
    expect(again).not.toContain('thought of s1.quiet');
    expect(again).not.toContain('hide it');
  });
});

describe('kelvin review --export', () => {
  const report = async (dir: string, format: 'jsonl' | 'md'): Promise<string> => {
    const out = printed();
    expect(await reviewCommand({ run: dir, export: format })).toBe(0);
    const text = out.text();
    vi.restoreAllMocks();
    return text;
  };

  it('jsonl: every finding with its thought and labels, exactly, and inert', async () => {
    const hostile = HOSTILE.join('\n');
    const dir = finished(hostile);
    await reviewCommand({ run: dir, by: 'ana', asker: person('c', 'line:yes', 'q') });
    const text = await report(dir, 'jsonl');
    // eslint-disable-next-line no-control-regex
    expect(text).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff]/);
    const lines = text
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(lines[0]).toMatchObject({ type: 'run', monitor: 'on', audit: { ok: true } });
    const found = lines.filter(({ type }) => type === 'finding');
    expect(found.map(({ rolloutId, label }) => [rolloutId, label])).toEqual([['s1.mild.0', 'new'], ['s1.bad.0', 'confirmed']]); // prettier-ignore
    expect(found[0]).toMatchObject({ thought: hostile });
    expect(lines.find(({ type }) => type === 'quality')).toMatchObject({ category: 'deception' });
  });

  it('md: nothing in it is markup but the report’s own', async () => {
    const dir = finished(HOSTILE.join('\n'));
    await reviewCommand({
      run: dir,
      by: '<b>ana</b> [x](https://evil.example)',
      asker: person('d', 'line:![x](https://evil.example) <script>', 'q'),
    });
    const text = await report(dir, 'md');
    // eslint-disable-next-line no-control-regex
    expect(text).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff]/);
    const outside = text.split('\n').filter((line) => !line.startsWith('    '));
    for (const line of outside) {
      expect(line).not.toMatch(/<[a-z!/]|\]\(|https?:|www\.|[a-z]@[a-z]/i);
      expect(line).not.toContain('`');
    }
    expect(text).toContain('### Severity 4, tampering');
    expect(text).toContain('audit log: whole');
  });

  it('--out writes a file for its owner only', async () => {
    const dir = finished();
    const out = join(scratch(), 'report.md');
    const quiet = printed();
    await reviewCommand({ run: dir, export: 'md', out });
    expect(quiet.text()).toContain('written');
    expect(readFileSync(out, 'utf8')).toContain('# Review of run');
    if (process.platform !== 'win32') expect(statSync(out).mode & 0o077).toBe(0);
    await expect(reviewCommand({ run: dir, export: 'md', out: join(out, 'x') })).rejects.toThrow(/cannot be written/);
  });
});

describe('kelvin audit', () => {
  it('lists who decided what and why, and what changed between starts; exit code 7 when broken', () => {
    const dir = finished();
    {
      using journal = openJournal(dir);
      journal.append([
        { type: 'review', step: 1, rolloutId: 's1.bad.0', index: 0, label: 'dismissed', reason: 'a \u001b[2Jgame', by: 'ana' },
        { type: 'pause', step: 1, cause: 'user', reason: 'lunch', rolloutId: null },
        { type: 'resume', step: 1, reason: 'back', by: 'bo' },
        { ...start(1, true), config: { steps: 20, model: 'm' }, monitor: 'off', tiers: [] } as RunEvent,
        { type: 'drill', step: 1, rolloutId: 's1.drill.0', caught: false },
      ]);
    }
    const lines = entryLines(readAudit(dir));
    expect(lines.join('\n')).toMatch(
      /finding {2}s1\.bad\.0: severity 4 tampering.*\n.*s1\.bad\.0, finding 0: dismissed by ana: a ␛\[2Jgame\n/,
    );
    expect(lines.join('\n')).toMatch(/pause {4}step 1, user: lunch\n.*resume {3}step 1, by bo: back\n/);
    expect(lines.join('\n')).toMatch(
      /MONITOR OFF; changed: monitor was monitor on \(rules\), config.steps: 10 → 20\n.*drill {4}step 1, s1\.drill\.0: NOT CAUGHT/,
    );
    const out = printed();
    expect(auditCommand({ run: dir, json: false })).toBe(0);
    expect(auditCommand({ run: dir, json: true })).toBe(0);
    const said = out.text();
    expect(said).toContain('The audit log is whole: 7 entries; audit.head and the state folder agree.');
    expect(JSON.parse(said.trim().split('\n').at(-1) ?? '')).toMatchObject({
      type: 'audit',
      ok: true,
      entries: 7,
      anchors: { folder: true, state: true },
    });
    rmSync(join(dir, 'audit.head'));
    expect(auditCommand({ run: dir, json: false, quiet: true })).toBe(7);
    expect(out.text()).toMatch(/BROKEN at entry 1 of 7: audit.head is missing\.\n$/);
  });
  it('a journal that is no longer one is a broken log', () => {
    const dir = finished();
    for (const name of ['journal.sqlite', 'journal.sqlite-wal', 'journal.sqlite-shm']) rmSync(join(dir, name), { force: true });
    const out = printed();
    expect(auditCommand({ run: dir, json: true })).toBe(7);
    expect(JSON.parse(out.text())).toMatchObject({ ok: false, firstBroken: 1, reason: expect.stringContaining('cannot be read') });
  });
});

describe('keys of a plain terminal', () => {
  it('names keys, edits a line, and ends when the terminal goes away', async () => {
    const input = Object.assign(new PassThrough(), { setRawMode: vi.fn(), isTTY: true });
    const output = Object.assign(new PassThrough(), { columns: 72 });
    const asker = terminalAsker(input as unknown as NodeJS.ReadStream, output as unknown as NodeJS.WriteStream);
    expect(asker.columns).toBe(72);
    input.write('c');
    expect(await asker.key()).toBe('c');
    input.write('\r');
    expect(await asker.key()).toBe('enter');
    const line = asker.line('Why? ');
    input.write('abx\x7fc\r');
    expect(await line).toBe('abc');
    input.write('\u0003');
    expect(await asker.key()).toBe('quit');
    const next = asker.key();
    input.end();
    expect(await next).toBe('quit');
    asker.close();
    expect(input.setRawMode.mock.calls).toEqual([[true], [false]]);
  });
});
