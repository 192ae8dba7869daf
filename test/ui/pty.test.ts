import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import { createRunFolder } from '../../src/record/folder.ts';
import { openJournal } from '../../src/record/journal.ts';
import { metrics, record, startEvent, tasksOf } from './fakes.ts';
import { MAIN, ROOT, setUp, start } from './pty.ts';
import type { Window } from './pty.ts';

/** What only the operating system can show. */
const home = setUp();

beforeAll(() => {
  const runDir = createRunFolder({ root: home, runDir: join(home, 'sample'), name: 'sample', config: {} });
  using journal = openJournal(runDir);
  journal.append([startEvent(3)]);
  for (const step of [1, 2, 3])
    journal.append([
      { type: 'rollouts', step, rollouts: [record(`r${step}`, step, 'solve', 'deduction')] },
      { type: 'tasks', step, tasks: tasksOf(step) },
      { type: 'step', step, metrics: metrics(step) },
    ]);
  journal.append([{ type: 'end', step: 3, cause: 'finished', summary: {} }]);
});
const launched = (...args: string[]): readonly string[] => [
  '--input-type=module',
  '-e',
  `const { launch } = await import(${JSON.stringify(pathToFileURL(join(ROOT, 'bin', 'launch.mjs')).href)}); launch(${JSON.stringify(MAIN)}, ${JSON.stringify(args)});`,
];

const NODE = process.execPath;

async function shell(): Promise<Window> {
  const window = start(home, 'bash', ['--norc', '--noprofile', '-i'], { PS1: 'READY$ ' });
  await window.see('READY$');
  return window;
}

describe.skipIf(process.platform === 'win32')('on a real terminal', { timeout: 120_000 }, () => {
  it('keeps keys that were typed before the start, takes the light theme from the terminal, and gives everything back', async () => {
    const window = start(home, NODE, launched('open', 'sample'));
    await window.press('5', /metrics \d+/);
    // Blue is the light theme's accent; the dark one has cyan.
    expect(window.raw()).toContain('\x1b[34m');
    expect(window.raw()).not.toContain('\x1b[36m');
    expect(window.term.buffer.active.type).toBe('alternate');
    window.write('q');
    await expect(window.exit).resolves.toMatchObject({ exitCode: 0 });
    await vi.waitFor(() => expect(window.term.buffer.active.type).toBe('normal'), 8000);
  });

  it('Ctrl-Z gives the shell its terminal, fg brings the window back', async () => {
    const window = await shell();
    await window.press(`${NODE} --disable-warning=ExperimentalWarning ${MAIN} open sample\r`, 'solve accuracy');
    // The window must have taken hold of its terminal, which shows by its first answer to a key.
    await window.press('2', /past ─/);
    await window.press('1', 'solve accuracy');
    await window.press('\x1a', 'Stopped');
    await vi.waitFor(() => expect(window.term.buffer.active.type).toBe('normal'), 8000);
    await window.press('fg\r', 'solve accuracy');
    await window.press('4', 'Nothing waits for review');
    await window.press('q', 'READY$');
    window.write('exit\r');
    await window.exit;
  });

  it('is restored by the launcher when the program is killed', async () => {
    const window = await shell();
    window.write(`${NODE} ${launched('open', 'sample').map((arg) => `'${arg}'`).join(' ')}\r`); // prettier-ignore
    await window.see('solve accuracy');
    const pids = execFileSync('pgrep', ['-f', MAIN], { encoding: 'utf8' }).trim().split('\n').map(Number); // prettier-ignore
    // The launcher names the file as well; the program is the newer of the two.
    process.kill(Math.max(...pids), 'SIGKILL');
    await window.see('READY$');
    await vi.waitFor(() => expect(window.term.buffer.active.type).toBe('normal'), 8000);
    await window.press('stty -a | tr ";" "\\n" | grep -o "[-]*icanon"; exit\r', /^icanon/m);
  });

  it('refuses keys that mean two things, before it touches the terminal', async () => {
    const keys = join(home, 'keys.json');
    writeFileSync(keys, '{ "pause": "q" }');
    const window = start(home, NODE, [MAIN, 'open', 'sample'], { KELVIN_KEYS: keys });
    await expect(window.exit).resolves.toMatchObject({ exitCode: 2 });
    expect(window.raw()).toContain('would mean both');
    expect(window.raw()).not.toContain('\x1b[?1049h');
  });

  it('asks one question before the first run', async () => {
    const window = start(home, NODE, [MAIN], { KELVIN_RUNS: join(home, 'none') });
    await window.see('Which model shall learn?');
    await window.see('▸ nano (comes with Kelvin)');
    window.write('q');
    await expect(window.exit).resolves.toMatchObject({ exitCode: 0 });
    await vi.waitFor(() => expect(window.term.buffer.active.type).toBe('normal'), 8000);
  });
});
