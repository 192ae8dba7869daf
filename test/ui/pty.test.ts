import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build } from 'esbuild';
import pty from '@lydell/node-pty';
import xterm from '@xterm/headless';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { createRunFolder } from '../../src/record/folder.ts';
import { openJournal } from '../../src/record/journal.ts';
import { metrics, record, startEvent, tasksOf } from './fakes.ts';

/** The bundled program on a real pseudo-terminal: what only the operating system can show. */
const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const OUT = join(ROOT, '.cache', `pty-${process.pid}`);
let home = '';
let runDir = '';

beforeAll(async () => {
  home = mkdtempSync(join(tmpdir(), 'kelvin-pty-'));
  const { ENTRIES } = (await import(pathToFileURL(join(ROOT, 'bin', 'setup.mjs')).href)) as { ENTRIES: Record<string, string> };
  await build({ absWorkingDir: ROOT, entryPoints: ENTRIES, outdir: OUT, outExtension: { '.js': '.mjs' }, bundle: true, splitting: true, format: 'esm', platform: 'node', target: 'node22', packages: 'external', jsx: 'automatic', logLevel: 'error' }); // prettier-ignore
  runDir = createRunFolder({ root: home, runDir: join(home, 'sample'), name: 'sample', config: {} });
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
afterAll(() => {
  for (const folder of [home, OUT]) rmSync(folder, { recursive: true, force: true });
});

const LIGHT = '\x1b]11;rgb:ffff/ffff/ffff\x1b\\';

interface Window {
  readonly write: (keys: string) => void;
  readonly pid: number;
  readonly raw: () => string;
  readonly see: (what: string | RegExp) => Promise<void>;
  readonly exit: Promise<{ readonly exitCode: number; readonly signal?: number | undefined }>;
  readonly term: InstanceType<typeof xterm.Terminal>;
}
const open: { kill: () => void }[] = [];
afterEach(() => {
  for (const each of open.splice(0)) each.kill();
});

function start(command: string, args: readonly string[], env: Record<string, string> = {}): Window {
  const term = new xterm.Terminal({ cols: 100, rows: 30, allowProposedApi: true });
  const child = pty.spawn(command, [...args], {
    cols: 100,
    rows: 30,
    cwd: ROOT,
    env: {
      PATH: process.env['PATH'] ?? '',
      HOME: home,
      LANG: 'C.UTF-8',
      TERM: 'xterm-256color',
      KELVIN_RUNS: home,
      KELVIN_STATE: home,
      ...env,
    },
  });
  let raw = '';
  let asked = false;
  child.onData((data) => {
    raw += data;
    term.write(data);
    if (!asked && raw.includes('\x1b]11;?')) {
      asked = true;
      child.write(`${LIGHT}\x1b[?62;22c`);
    }
  });
  const exit = new Promise<{ exitCode: number; signal?: number | undefined }>((resolve) => child.onExit(resolve));
  open.push({ kill: () => { try { child.kill('SIGKILL'); } catch { /* it is gone */ } } }); // prettier-ignore
  const text = (): string =>
    Array.from(
      { length: term.rows },
      (_, y) => term.buffer.active.getLine(term.buffer.active.viewportY + y)?.translateToString(true) ?? '',
    ).join('\n');
  const see = async (what: string | RegExp): Promise<void> => {
    const until = performance.now() + 30_000;
    while (!(typeof what === 'string' ? text().includes(what) : what.test(text()))) {
      if (performance.now() > until) throw new Error(`never saw ${String(what)}:\n${text()}`);
      await new Promise((resolve) => setTimeout(resolve, 25));
    }
  };
  return { write: (keys) => child.write(keys), pid: child.pid, raw: () => raw, see, exit, term };
}

const launched = (...args: string[]): readonly string[] => [
  '--input-type=module',
  '-e',
  `const { launch } = await import(${JSON.stringify(pathToFileURL(join(ROOT, 'bin', 'launch.mjs')).href)}); launch(${JSON.stringify(join(OUT, 'main.mjs'))}, ${JSON.stringify(args)});`,
];

const NODE = process.execPath;

describe.skipIf(process.platform === 'win32')('on a real terminal', () => {
  it('keeps keys that were typed before the start, takes the light theme from the terminal, and gives everything back', async () => {
    const window = start(NODE, launched('open', 'sample'));
    window.write('5');
    await window.see(/metrics \d+/);
    // Blue is the light theme's accent; the dark one has cyan.
    expect(window.raw()).toContain('\x1b[34m');
    expect(window.raw()).not.toContain('\x1b[36m');
    expect(window.term.buffer.active.type).toBe('alternate');
    window.write('q');
    await expect(window.exit).resolves.toMatchObject({ exitCode: 0 });
    expect(window.term.buffer.active.type).toBe('normal');
  });

  it('Ctrl-Z gives the shell its terminal, fg brings the window back', async () => {
    const window = start('bash', ['--norc', '--noprofile', '-i'], { PS1: 'READY$ ' });
    await window.see('READY$');
    window.write(`${NODE} --disable-warning=ExperimentalWarning ${join(OUT, 'main.mjs')} open sample\r`);
    await window.see('solve accuracy');
    // The window must have taken hold of its terminal, which shows by its first answer to a key.
    window.write('2');
    await window.see('The run has ended: l shows its past thoughts.');
    window.write('1');
    await window.see('solve accuracy');
    window.write('\x1a');
    await window.see('Stopped');
    expect(window.term.buffer.active.type).toBe('normal');
    window.write('fg\r');
    await window.see('solve accuracy');
    window.write('4');
    await window.see('Nothing waits for review');
    window.write('q');
    await window.see('READY$');
    window.write('exit\r');
    await window.exit;
  });

  it('is restored by the launcher when the program is killed', async () => {
    const window = start('bash', ['--norc', '--noprofile', '-i'], { PS1: 'READY$ ', KELVIN_TEST_NODE: NODE });
    await window.see('READY$');
    window.write(`${NODE} ${launched('open', 'sample').map((arg) => `'${arg}'`).join(' ')}\r`); // prettier-ignore
    await window.see('solve accuracy');
    const { execFileSync } = await import('node:child_process');
    const pids = execFileSync('pgrep', ['-f', join(OUT, 'main.mjs')], { encoding: 'utf8' }).trim().split('\n').map(Number); // prettier-ignore
    // The launcher names the file as well; the program is the newer of the two.
    process.kill(Math.max(...pids), 'SIGKILL');
    await window.see('READY$');
    expect(window.term.buffer.active.type).toBe('normal');
    window.write('stty -a | tr ";" "\\n" | grep -o "[-]*icanon"; exit\r');
    await window.see(/^icanon/m);
  });

  it('refuses keys that mean two things, before it touches the terminal', async () => {
    const { writeFileSync } = await import('node:fs');
    const keys = join(home, 'keys.json');
    writeFileSync(keys, '{ "pause": "q" }');
    const window = start(NODE, [join(OUT, 'main.mjs'), 'open', 'sample'], { KELVIN_KEYS: keys });
    await expect(window.exit).resolves.toMatchObject({ exitCode: 2 });
    expect(window.raw()).toContain('would mean both');
    expect(window.raw()).not.toContain('\x1b[?1049h');
  });

  it('asks one question before the first run', async () => {
    const window = start(NODE, [join(OUT, 'main.mjs')], { KELVIN_RUNS: join(home, 'none') });
    await window.see('Which model shall learn?');
    await window.see('▸ nano (comes with Kelvin)');
    window.write('q');
    await expect(window.exit).resolves.toMatchObject({ exitCode: 0 });
    expect(window.term.buffer.active.type).toBe('normal');
  });
});
