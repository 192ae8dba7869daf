import { afterEach, describe, expect, it, vi } from 'vitest';
import { displayOf, linesOf } from '../../src/commands/display.ts';
import { followRun } from '../../src/commands/follow.ts';
import { createOutput } from '../../src/commands/output.ts';
import type { Display } from '../../src/commands/display.ts';
import { openJournal } from '../../src/record/journal.ts';
import { rollout, scratch, start, stepDone } from '../record/samples.ts';

const terminal = { terminal: true, env: {} };
const pipe = { terminal: false, env: {} };

describe('the display', () => {
  it('is the app in a terminal, lines elsewhere and for a screen reader', () => {
    expect(displayOf({}, terminal)).toBe('full');
    expect(displayOf({}, pipe)).toBe('plain');
    expect(displayOf({}, { terminal: true, env: { INK_SCREEN_READER: 'true' } })).toBe('plain');
    expect(displayOf({ display: 'full' }, { terminal: true, env: { INK_SCREEN_READER: 'true' } })).toBe('full');
    expect(displayOf({ display: 'log' }, terminal)).toBe('log');
    expect(displayOf({ json: true }, terminal)).toBe('json');
    expect(displayOf({ headless: true }, terminal)).toBe('plain');
    expect(displayOf({ headless: true, json: true }, terminal)).toBe('json');
    expect(linesOf({})).toBe('plain');
    expect(linesOf({ display: 'none' })).toBe('none');
  });

  it('says what to do when it cannot be had, or two are asked for', () => {
    expect(() => displayOf({ display: 'full' }, pipe)).toThrow('needs a terminal');
    expect(() => displayOf({ display: 'log', json: true }, terminal)).toThrow('say two things');
    expect(() => linesOf({ display: 'full' })).toThrow('needs a terminal');
  });
});

describe('lines', () => {
  afterEach(() => vi.restoreAllMocks());
  const listen = (): (() => string) => {
    const write = vi.spyOn(process.stdout, 'write').mockReturnValue(true);
    return () => write.mock.calls.map(([text]) => String(text)).join('');
  };
  const told = (display: Display): string => {
    const text = listen();
    const output = createOutput(display, 'runs/x');
    output.event(start(0), 0);
    output.event(stepDone(1), 1000);
    const all = text();
    vi.restoreAllMocks();
    return all;
  };

  it('carry the time in a log, are JSON, or are none', () => {
    expect(told('plain')).toMatch(/^Run folder: runs\/x\nstarted: /);
    const log = told('log').trim().split('\n');
    expect(log.length).toBeGreaterThan(2);
    for (const line of log) expect(line).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z ./);
    expect(log.at(-1)).toMatch(/^1970-01-01T00:00:01\.000Z /);
    const json = told('json').trim().split('\n').map((line) => JSON.parse(line) as { type: string }); // prettier-ignore
    expect(json.map(({ type }) => type)).toEqual(['start', 'step']);
    expect(told('none')).toBe('');
  });

  it('follow a run that is over to its end, with the counts of what the journal holds elsewhere', async () => {
    const dir = scratch();
    {
      using journal = openJournal(dir);
      journal.append([start(0), { type: 'rollouts', step: 1, rollouts: [rollout('a', 1), rollout('b', 1)] }, stepDone(1)]);
    }
    const text = listen();
    await expect(followRun(dir, 'json')).resolves.toBe(0);
    const events = text().trim().split('\n').map((line) => JSON.parse(line) as Record<string, unknown>); // prettier-ignore
    expect(events.map(({ type }) => type)).toEqual(['start', 'rollouts', 'step']);
    expect(events[1]).toMatchObject({ count: 2 });
  });
});
