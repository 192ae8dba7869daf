import { afterEach, describe, expect, it, vi } from 'vitest';
vi.hoisted(() => {
  // chalk looks once, when it is loaded: a terminal of 16 colours.
  process.env['FORCE_COLOR'] = '1';
});
import type { Screen } from './harness.tsx';
import { mount } from './harness.tsx';
import { alarm, FakeReader, finding, record, sampleRun, startEvent } from './fakes.ts';

/** The whole app, drawn by a terminal emulator. */

let screen: Screen | null = null;
afterEach(async () => {
  await screen?.quit();
  screen = null;
});

const SIZES = [
  [80, 24],
  [120, 40],
  [200, 60],
  [300, 100],
] as const;

const live = (text: string): void => screen!.live({ type: 'live', key: 'k1', role: 'solve', taskType: 'deduction', text });

/** Frame intact: the title on top, hints or a question at the bottom, borders closed on every row, nothing scrolled away. */
function checkFrame(columns: number, rows: number): void {
  const lines = screen!.lines();
  expect(lines).toHaveLength(rows);
  expect(lines[0]).toMatch(/^ kelvin {2}/);
  expect(lines[2]).toContain('findings never touch rewards');
  expect(lines.at(-1)!.trim()).not.toBe('');
  const corners = (chars: string): number =>
    lines
      .join('')
      .split('')
      .filter((char) => chars.includes(char)).length;
  expect(corners('╭╔')).toBe(corners('╰╚'));
  expect(corners('╮╗')).toBe(corners('╯╝'));
  expect(corners('╭╔')).toBe(corners('╮╗'));
  // A panel that reaches the right edge ends there on each of its rows.
  for (const line of lines) if (/^[│║]/.test(line) && columns === [...line].length) expect(line).toMatch(/[│║]$/);
}

/** The frame comes to rest intact, however slow the machine. */
const expectFrame = (columns: number, rows: number): Promise<void> =>
  vi.waitFor(() => checkFrame(columns, rows), { timeout: 8000, interval: 25 });

describe.each(SIZES)('at %i x %i', (columns, rows) => {
  it('draws every screen, dialog and the card inside the window', async () => {
    const reader = sampleRun(12);
    reader.append({
      type: 'finding',
      step: 3,
      rolloutId: 'r3-deduction-s',
      index: 0,
      finding: finding(2, { start: 2, end: 8, quote: 'double' }),
    });
    screen = await mount({ columns, rows, reader });
    live('I think the loop runs three times.');
    const shows: readonly (readonly [string, string | RegExp])[] = [
      ['1', 'solve accuracy'], ['z', 'solve accuracy'], ['z', 'held-out accuracy'], ['2', 'live 1'], ['l', 'past'], ['\r', 'rollout r12'], ['3', 'tasks 36'],
      ['4', 'open findings'], ['m', 'from the reviews of this run'], ['q', 'open findings'], ['5', 'metrics '], ['+', 'steps '], ['x', 'metrics '], ['6', 'runs'], ['8', 'before and now'], ['9', 'where the time goes'], [':', 'Commands'], ['\x1b', 'queues'], ['5', 'metrics '], ['?', 'in twenty seconds'], ['q', 'metrics '], ['q', 'leave the run running'], ['\x1b', 'metrics '], ['/', 'Filter:'], ['\x1b', 'metrics '],
    ]; // prettier-ignore
    for (const [key, what] of shows) {
      await screen.press(key);
      await screen.see(what);
      await expectFrame(columns, rows);
    }
    alarm(reader, 13);
    await screen.see('PAUSED: severity 4');
    await expectFrame(columns, rows);
    expect(screen.text()).toContain('outsmart all these groups');
  });
});

it('shows figures of the run where they belong', async () => {
  screen = await mount({ reader: sampleRun(30), now: () => 1_009_000 });
  const text = screen.text();
  expect(text).toMatch(/● running {2}step 30\/60/);
  expect(text).toContain('41.2 → 55.0 %  +13.8');
  expect(text).toMatch(/[\u2801-\u28ff]/);
  expect(text).toContain('20/64');
  screen.live({
    type: 'status',
    state: 'running',
    step: 30,
    phase: 'update',
    done: 1,
    total: 2,
    tokensPerSecond: 800,
    read: 9120,
    generated: 9120,
    rssMb: 320,
  });
  await screen.see('read 9120/9120');
  await screen.see(/▸update/);
});

it('pauses, shows the evidence, and goes on with a reason', async () => {
  screen = await mount({ reader: sampleRun(5) });
  alarm(screen.reader, 6);
  await screen.see('PAUSED: severity 4, hostility');
  expect(screen.raw().split('\x1b]9;').length - 1).toBe(1);
  await screen.press('\x1b');
  await screen.see('solve accuracy');
  expect(screen.text()).toContain('PAUSED by the monitor');
  await screen.press('4', 'r');
  await screen.see('Resume: why?');
  await screen.press('\r');
  await screen.see('A reason is needed');
  await screen.press(...'read it: ', '\x1b[200~fic\x07tion\x1b[201~', '\r');
  await screen.see('● running');
  expect(screen.control.sent).toEqual([{ command: 'resume', reason: 'read it: fiction', by: 'tester' }]);
  expect(screen.text()).not.toContain('PAUSED by');
  await screen.settle(350);
  expect(screen.raw().split('\x1b]9;').length - 1).toBe(1);
});

it('marks the quoted words in the thought', async () => {
  screen = await mount({ columns: 120, rows: 40, reader: sampleRun(5) });
  alarm(screen.reader, 6);
  await screen.see('PAUSED: severity 4');
  await screen.press('\r');
  await screen.see('all findings');
  const lines = screen.lines();
  const row = lines.findIndex((line) => line.includes('The aim is to outsmart'));
  const column = [...lines[row]!].join('').indexOf('outsmart');
  const cell = (x: number) => screen!.term.buffer.active.getLine(row)!.getCell(x)!;
  expect(cell(column).isInverse()).toBeTruthy();
  expect(cell(column - 4).isInverse()).toBeFalsy();
});

it('says when the window is too small and comes back', async () => {
  screen = await mount({ reader: sampleRun(5) });
  for (const [columns, rows] of [
    [79, 24],
    [80, 23],
    [20, 5],
    [1, 1],
    [300, 10],
  ] as const) {
    await screen.resize(columns, rows);
    if (columns >= 60) await screen.see('make it larger');
    await screen.press('2', 'p', 'j');
  }
  expect(screen.control.sent).toEqual([]);
  await screen.resize(100, 30);
  await screen.see('solve accuracy');
  await expectFrame(100, 30);
});

it('follows every change of size', async () => {
  screen = await mount({ reader: sampleRun(12) });
  let seed = 3;
  const random = (n: number): number => (seed = (seed * 1_103_515_245 + 12_345) & 0x7fffffff) % n;
  for (let i = 0; i < 9; i++) {
    const [columns, rows] = [80 + random(120), 24 + random(40)];
    await screen.resize(columns, rows);
    await screen.press(String(1 + random(9)));
    await expectFrame(columns, rows);
  }
});

const HOSTILE = [
  '\x1b[2J\x1b[H\x1b[31mRED\x1b[0m\x07\x1b]0;owned\x07\x1b]52;c;ZXZpbA==\x07\x9b31m\r\b\x00',
  '\u202egnp.exe\u2066 \u200b\u200d\ufeff \u{e0041}\u{e0042}',
  '行动'.repeat(80) + '👍🏽👨‍👩‍👧🇩🇪❤️'.repeat(20),
  'e' + '\u0301'.repeat(300) + '\ud800\udfff\ud800',
  '\n'.repeat(200),
].join(' ');

it('keeps hostile text inert on every screen', async () => {
  const reader = new FakeReader();
  const text = HOSTILE;
  reader.append(
    startEvent(),
    {
      type: 'rollouts',
      step: 1,
      rollouts: [record('r\x1b[31m1', 1, 'solve', 'deduction', { thought: text, answer: text, program: text, detail: text, severity: 3 })],
    },
    {
      type: 'tasks',
      step: 1,
      tasks: [{ id: 't\x1b[1', type: 'deduction', program: text, input: text, output: text, step: 1, parents: [text] }],
    },
    {
      type: 'finding',
      step: 1,
      rolloutId: 'r\x1b[31m1',
      index: 0,
      finding: finding(3, { start: 3, end: 40, quote: text, why: text, detector: text }),
    },
    { type: 'step', step: 1, metrics: { [`odd/${text}`]: 1 } },
    { type: 'warning', step: 1, message: text },
    { type: 'pause', step: 1, cause: 'finding', reason: text, rolloutId: 'r\x1b[31m1' },
  );
  screen = await mount({ reader });
  live(text);
  for (const key of ['\x1b', '1', '2', 'l', '\t', 'G', '3', '\t', '4', '\t', 'n', '5', '6', '8', '9', ':', '\x1b']) {
    await screen.press(key);
    await screen.settle(60);
    await expectFrame(80, 24);
  }
  expect(screen.raw()).not.toContain('owned\x07');
  expect(screen.raw()).not.toContain('\x1b]52');
  expect(screen.raw()).not.toContain('\x1b[31mRED');
  expect(screen.raw()).not.toMatch(/[\u202a-\u202e\u2066-\u2069\u200b\u009b]/);
  // The bell of the pause, the ends of its two sequences and of the window titles: no other.
  expect(screen.raw().split('\x07').length - 1).toBe(4);
});

it('writes no colour when told so, and still marks the selection', async () => {
  screen = await mount({ reader: sampleRun(5), env: { LANG: 'C.UTF-8', TERM: 'xterm', NO_COLOR: '1' } });
  alarm(screen.reader, 6);
  await screen.see('PAUSED: severity 4');
  for (const key of ['\x1b', '1', '2', 'l', '3', '4', '5', '6', '8', '9', ':', '\x1b', '?']) await screen.press(key);
  // eslint-disable-next-line no-control-regex
  expect(screen.raw()).not.toMatch(/\x1b\[(?:\d+;)*(?:3[0-8]|4[0-8]|9\d|10[0-7])(?:;\d+)*m/);
  expect(screen.raw()).toContain('\x1b[7m');
});

it('uses colour otherwise', async () => {
  screen = await mount({ reader: sampleRun(5) });
  // eslint-disable-next-line no-control-regex
  expect(screen.raw()).toMatch(/\x1b\[36m/);
});

it('draws with ASCII alone where the locale is not UTF-8', async () => {
  screen = await mount({ reader: sampleRun(12), env: { LANG: 'C', TERM: 'xterm' } });
  live('行动 \x1b[2J füße');
  alarm(screen.reader, 13);
  await screen.see('PAUSED: severity 4');
  for (const key of ['\x1b', '1', '2', 'l', '3', '4', '5', '6', '7', '8', '9', ':', '\x1b', '?', 'q', 'q']) {
    await screen.press(key);
    expect(screen.text()).toMatch(/^[\x20-\x7e\n]*$/);
  }
});

it('survives a storm of keys, resizes and news', async () => {
  screen = await mount({ reader: sampleRun(8) });
  let seed = 11;
  const random = (n: number): number => (seed = (seed * 1_103_515_245 + 12_345) & 0x7fffffff) % n;
  const keys = [
    ...'1234567890jkgGoltvfxnNadueDyzhpr?/:+-mRXYwsc \t\r',
    '\x1b',
    '\x1b[A',
    '\x1b[B',
    '\x1b[5~',
    '\x1b[6~',
    '\x1b[H',
    '\x1b[F',
    '\x1b[C',
    '\x1b[D',
    '\x0c',
    '\x7f',
    '\x1b[200~pasted \x1b[31m\x1b[201~',
    '\x1b[27;5;9~',
    '行',
  ];
  for (let i = 0; i < 100; i++) {
    const key = keys[random(keys.length)]!;
    await screen.press(key);
    if (i % 20 === 0) await screen.resize(80 + random(150), 24 + random(50));
    if (i % 90 === 0) alarm(screen.reader, 9, `bad${i}`);
    if (i % 25 === 0) live(`thought ${i}`);
  }
  await screen.resize(100, 30);
  for (let i = 0; i < 6; i++) await screen.press('\x1b');
  await screen.press('1');
  await screen.settle(450);
  await expectFrame(100, 30);
});

it('repaints after something else wrote over the screen', async () => {
  screen = await mount({ reader: sampleRun(5) });
  const before = screen.text();
  screen.term.write('\x1b[2J\x1b[5;5Hgarbage from elsewhere');
  await screen.settle();
  expect(screen.text()).toContain('garbage');
  await screen.press('\x0c');
  await screen.see('solve accuracy');
  await vi.waitFor(() => expect(screen!.text().split('\n').slice(1)).toEqual(before.split('\n').slice(1)), 8000);
});

describe('leaving', () => {
  it('gives the terminal back and says what becomes of the run', async () => {
    const reader = sampleRun(5);
    const asked: string[] = [];
    const own = await mount({ reader, onQuit: (leave) => void asked.push(leave) });
    await own.press('q', 's');
    await expect(own.done).resolves.toEqual({ exitCode: 0, leave: 'stopped' });
    expect(own.control.sent).toEqual([{ command: 'stop' }]);
    expect(own.control.closed).toBe(true);
    expect(asked).toEqual(['stopped']);
    expect(own.raw()).toContain('\x1b[?1049l');
    expect(own.raw().lastIndexOf('\x1b[?25h')).toBeGreaterThan(own.raw().lastIndexOf('\x1b[?25l'));
    expect(own.term.buffer.active.type).toBe('normal');
  });

  it('leaves the run running on SIGTERM', async () => {
    const own = await mount({ reader: sampleRun(5) });
    process.emit('SIGTERM');
    await expect(own.done).resolves.toEqual({ exitCode: 0, leave: 'running' });
    expect(own.control.sent).toEqual([]);
    expect(own.term.buffer.active.type).toBe('normal');
  });

  it('hands on the exit code of a run that failed', async () => {
    const reader = sampleRun(5);
    reader.append(
      { type: 'error', step: 5, message: 'model file is corrupt', exitCode: 3 },
      { type: 'end', step: 5, cause: 'error', summary: {} },
    );
    const own = await mount({ reader });
    expect(own.text()).toContain('model file is corrupt');
    await own.press('q');
    await expect(own.done).resolves.toEqual({ exitCode: 3, leave: 'stopped' });
  });
});
