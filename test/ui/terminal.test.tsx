import { EventEmitter } from 'node:events';
import { readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { alertsOf, alertSequences } from '../../ui/alerts.ts';
import { askBackground, readBackground } from '../../ui/background.ts';
import { First } from '../../ui/first.tsx';
import { keyNames } from '../../ui/keys.ts';
import { lender } from '../../ui/lend.ts';
import { MOUSE_OFF, MOUSE_ON } from '../../ui/mouse.ts';
import { asksBackground, detectTheme } from '../../ui/theme.ts';
import type { RunsPort } from '../../ui/runs.ts';
import { EMPTY_VIEW, fold } from '../../src/core/fold.ts';
import { render } from 'ink-testing-library';
import { alarm, sampleRun } from './fakes.ts';
import { mount } from './harness.tsx';
import type { Screen } from './harness.tsx';

const theme = detectTheme({ LANG: 'C.UTF-8', TERM: 'xterm' }, 'linux');

describe('alerts', () => {
  it('are all on, some, or none', () => {
    expect([...alertsOf({})]).toEqual(['bell', 'notify', 'title']);
    expect([...alertsOf({ KELVIN_ALERTS: 'bell, title' })]).toEqual(['bell', 'title']);
    expect([...alertsOf({ KELVIN_ALERTS: 'none' })]).toEqual([]);
    expect(() => alertsOf({ KELVIN_ALERTS: 'loud' })).toThrow('some of bell,notify,title');
  });

  it('write nothing where there is no terminal, and pass through tmux', () => {
    const all = alertsOf({});
    expect(Object.values(alertSequences(all, false, {})).join('')).toBe('');
    expect(alertSequences(all, true, {}).raise).toContain('\x1b]9;');
    expect(alertSequences(all, true, { TMUX: '/tmp/x' }).raise).toContain('\x1bPtmux;\x1b\x1b]9;');
    expect(alertSequences(alertsOf({ KELVIN_ALERTS: 'bell' }), true, {}).raise).toBe('\x07');
  });
});

describe('the background', () => {
  it('is read from what the terminal says, however it says it', () => {
    expect(readBackground('\x1b]11;rgb:ffff/ffff/ffff\x1b\\\x1b[?62;c')).toEqual({ light: true, rest: '', done: true });
    expect(readBackground('j\x1b]11;rgb:1c/1c/1c\x07k\x1b[?1;2cq')).toEqual({ light: false, rest: 'jkq', done: true });
    expect(readBackground('\x1b[?6c')).toEqual({ light: null, rest: '', done: true });
    expect(readBackground('\x1b]11;rgb:ff')).toMatchObject({ light: null, done: false });
  });

  const terminal = (answer: string) => {
    const given: string[] = [];
    const queue = answer === '' ? [] : [Buffer.from(answer)];
    const stdin = Object.assign(new EventEmitter(), {
      isTTY: true,
      setRawMode: () => setTimeout(() => stdin.emit('readable'), 1),
      read: () => queue.shift() ?? null,
      unshift: (chunk: Buffer) => void given.push(chunk.toString()),
    });
    return { stdin: stdin as unknown as Parameters<typeof askBackground>[0], given, stdout: { isTTY: true, write: () => true } };
  };

  it('gives back what was typed meanwhile, and waits no longer than it must', async () => {
    const one = terminal('5\x1b]11;rgb:eeee/eeee/dddd\x07j\x1b[?62c');
    await expect(askBackground(one.stdin, one.stdout, 60_000)).resolves.toBe(true);
    expect(one.given).toEqual(['5j']);
    const silent = terminal('');
    await expect(askBackground(silent.stdin, silent.stdout, 5)).resolves.toBeNull();
    expect(silent.given).toEqual([]);
    await expect(askBackground({ ...silent.stdin, isTTY: false } as never, silent.stdout)).resolves.toBeNull();
  });

  it('is asked only of a terminal that can say it, when nothing else does', () => {
    expect(asksBackground({ TERM: 'xterm' })).toBe(true);
    for (const env of [
      { TERM: 'dumb' },
      {},
      { TERM: 'xterm', NO_COLOR: '1' },
      { TERM: 'xterm', COLORFGBG: '0;15' },
      { TERM: 'xterm', KELVIN_THEME: 'light' },
    ])
      expect(asksBackground(env)).toBe(false);
  });

  it('presses no keys when the answer comes late', () => {
    expect(keyNames(']11;rgb:1111/2222/3333', {})).toEqual([]);
    expect(keyNames('[?62;1c', {})).toEqual([]);
  });
});

describe('lending the terminal', () => {
  const free = (env: Record<string, string>) => {
    const made = lender(env);
    made.register(async (work) => await work());
    return made;
  };

  it('runs the program of the person on a file that is gone afterwards', async () => {
    await expect(free({ PAGER: 'grep -q "two words"' }).show('has two words', 'pager')).resolves.toBeUndefined();
    await expect(free({ EDITOR: 'no-such-program-here' }).show('x', 'editor')).rejects.toThrow('no-such-program-here was not found');
    await expect(lender({}).show('x', 'pager')).rejects.toThrow('not free');
  });
});

describe('the first run', () => {
  const choices = [
    { name: 'nano (comes with Kelvin)', note: 'here', config: 'configs/nano.json' },
    { name: 'Other \x1b[2J', note: 'fetched', config: 'configs/other.json' },
  ];
  const ask = () => {
    const onDone = vi.fn();
    const screen = render(<First choices={choices} theme={theme} onDone={onDone} />);
    return { onDone, screen };
  };
  const settle = () => new Promise((resolve) => setTimeout(resolve, 30));

  it('starts the model that comes along with one key', async () => {
    const { onDone, screen } = ask();
    await settle();
    expect(screen.lastFrame()).toContain('▸ nano (comes with Kelvin)');
    expect(screen.lastFrame()).toContain('Enter starts');
    expect(screen.lastFrame()).not.toContain('\x1b[2J');
    screen.stdin.write('\r');
    await settle();
    expect(onDone).toHaveBeenCalledWith(choices[0]);
    screen.unmount();
  });

  it('lets one choose, or leave', async () => {
    const { onDone, screen } = ask();
    await settle();
    screen.stdin.write('jjj');
    await settle();
    screen.stdin.write('\r');
    await settle();
    expect(onDone).toHaveBeenCalledWith(choices[1]);
    screen.stdin.write('q');
    await settle();
    expect(onDone).toHaveBeenLastCalledWith(null);
    screen.unmount();
  });
});

describe('in the window', () => {
  let screen: Screen | undefined;
  afterEach(async () => {
    await screen?.quit();
    screen = undefined;
  });

  const row = (name: string, more = {}) => ({ name, dir: `/runs/${name}`, state: 'finished' as const, step: 3, totalSteps: 3, started: '2026-01-01T10:00:00Z', config: 'nano', pid: null, problem: null, parent: null, ...more }); // prettier-ignore
  const viewOf = (steps: number) => sampleRun(steps).stored.reduce((view, { event }) => fold(view, event), EMPTY_VIEW);
  const port = (more: Partial<RunsPort> = {}): RunsPort => ({
    list: () => [
      row('second', { state: 'crashed', parent: { run: 'first', id: 'ab', step: 7, changes: ['optim.lr: 1 → 2'] } }),
      row('first \x1b[2J'),
    ],
    load: () => ({ view: viewOf(20), starts: [{ step: 0, at: 1_000_000, resumed: false }], pauses: 0 }),
    resume: () => Promise.resolve('it goes on'),
    export: () => Promise.reject(new Error('it has no checkpoint')),
    ...more,
  });

  it('other runs are compared, resumed after a question, and exported', async () => {
    const resume = vi.fn(() => Promise.resolve('second goes on.'));
    screen = await mount({ columns: 120, rows: 40, reader: sampleRun(30), runs: port({ resume }) });
    await screen.press('6');
    await screen.see('R resumes it');
    expect(screen.text()).toMatch(/second +● crashed +3\/3/);
    expect(screen.text()).toContain('forked from first at step 7');
    expect(screen.raw()).not.toContain('first \x1b[2J');
    await screen.press('R');
    await screen.see('Resume this run?');
    await screen.press('n', 'R', 'y');
    await screen.see('second goes on.');
    expect(resume).toHaveBeenCalledTimes(1);
    await screen.press('X');
    await screen.see('it has no checkpoint');
    await screen.press('m', 'j');
    await screen.see('results side by side');
    await screen.press('5');
    await screen.see(/A second/);
  });

  it('Enter on another run changes the window to it', async () => {
    const own = await mount({ reader: sampleRun(5), runs: port() });
    await own.press('6');
    await own.see('crashed');
    await own.press('\r');
    await expect(own.done).resolves.toMatchObject({ open: '/runs/second', leave: 'running' });
    expect(own.term.buffer.active.type).toBe('normal');
  });

  it('the palette does what a key would do, by name', async () => {
    screen = await mount({ columns: 100, rows: 30, reader: sampleRun(10) });
    await screen.press(':', ...'grad_norm');
    await screen.see(/chart optim\/grad_norm/);
    await screen.press('\r');
    await screen.see(/─ optim\/grad_norm ─/);
    await screen.press(':');
    await screen.see('Commands');
    await screen.press('\r');
    await screen.see(/─ optim\/grad_norm ─/);
    await screen.press(':', '7', '\r');
    await screen.see('step 7');
    await screen.press(':', ...'zzqq', '\r');
    await screen.see('No command fits');
    await screen.press('\x1b');
  });

  it('filters take expressions and !; thoughts, too', async () => {
    screen = await mount({ columns: 100, rows: 30, reader: sampleRun(10) });
    await screen.press('2', 'l', '/', ...'r1-.*-s,');
    await screen.see('past 3');
    await screen.press('\x1b', '/', '!', ...'r1-');
    await screen.see('past 54');
    await screen.press('\x1b', 's', ...'4', '\r');
    await screen.see('step 4');
    await screen.press('s', 'x', '\r');
    await screen.see('whole number');
    await screen.press('\x1b', '3');
    await screen.see('tasks 30');
    await screen.press('w');
    await screen.see(/task [tai]10/);
  });

  it('a thought stands beside its task, what the sandbox saw, and the reward', async () => {
    screen = await mount({ columns: 200, rows: 50, reader: sampleRun(10) });
    await screen.press('2', 'l', 'j', 'j', 'j', 'j');
    await screen.see('program of the task');
    expect(screen.text()).toMatch(/execution/);
    expect(screen.text()).toMatch(/✓ passable {2}reward \+1\.00 {2}advantage \+0\.50/);
    await screen.press('3', 'j', 'j');
    await screen.see('solve rate');
    expect(screen.text()).toMatch(/└─ t9/);
    expect(screen.text()).toMatch(/100 % like t9/);
  });

  it('copies to the clipboard of the terminal, inert', async () => {
    screen = await mount({ reader: sampleRun(3) });
    await screen.press('3', 'Y');
    await screen.see('Copied');
    const found = /\x1b\]52;c;([A-Za-z0-9+/=]+)\x07/.exec(screen.raw()); // eslint-disable-line no-control-regex
    expect(Buffer.from(found![1]!, 'base64').toString()).toContain('function f');
  });

  it('raises one alert for a decision and takes the title back when it is made', async () => {
    screen = await mount({ reader: sampleRun(5) });
    alarm(screen.reader, 6);
    await screen.see('PAUSED: severity 4');
    expect(screen.raw()).toContain('a decision waits');
    await screen.press('\x1b', 'r', 'o', 'k', '\r');
    await screen.see('● running');
    expect(screen.raw().lastIndexOf('\x1b]2;kelvin\x07')).toBeGreaterThan(screen.raw().lastIndexOf('a decision waits'));
  });

  it('takes the mouse where it is wanted, and only there', async () => {
    const env = { LANG: 'C.UTF-8', TERM: 'xterm', COLORFGBG: '15;0' };
    screen = await mount({ columns: 120, rows: 40, reader: sampleRun(30), env: { ...env, KELVIN_MOUSE: '1' } });
    expect(screen.raw()).toContain(MOUSE_ON);
    const tabs = screen.lines()[1]!;
    await screen.press(`\x1b[<0;${tabs.indexOf('Tasks') + 1};2M`);
    await screen.see(/tasks \d+/);
    await screen.press('\x1b[<65;10;10M', '\x1b[<65;10;10M', '\x1b[<64;10;10M', '\x1b[<0;10;10m', '\x1b[<0;500;500M', '\x1b[<35;1;1M');
    await screen.see(/ 4 of \d+/);
    await screen.quit();
    expect(screen.raw().slice(screen.raw().lastIndexOf(MOUSE_ON) + MOUSE_ON.length)).toContain(MOUSE_OFF);
    screen = await mount({ reader: sampleRun(3), env });
    expect(screen.raw()).not.toContain('\x1b[?1000h');
  });

  it('blind review, audit log and a chat get the terminal, or are named where they cannot', async () => {
    const marks = join(tmpdir(), `kelvin-lent-${process.pid}`);
    screen = await mount({ reader: sampleRun(3), kelvin: ['sh', '-c', `echo "$@" >> ${marks}`, 'kelvin'], env: { LANG: 'C.UTF-8', TERM: 'xterm', COLORFGBG: '15;0', PAGER: 'cat' } }); // prettier-ignore
    await screen.press('4', 'A');
    await vi.waitFor(() => expect(readFileSync(marks, 'utf8')).toBe('audit runs/sample\n'), 8000);
    rmSync(marks);
    await screen.quit();
    screen = await mount({ reader: sampleRun(3) });
    await screen.press('4', 'b');
    await screen.see('kelvin review runs/sample --blind');
    await screen.press('7', 't');
    await screen.see('not here yet');
  });

  it('KELVIN_ALERTS=none keeps quiet', async () => {
    screen = await mount({ reader: sampleRun(5), env: { LANG: 'C.UTF-8', TERM: 'xterm', COLORFGBG: '15;0', KELVIN_ALERTS: 'none' } });
    alarm(screen.reader, 6);
    await screen.see('PAUSED: severity 4');
    expect(screen.raw()).not.toContain('\x07');
  });
});
