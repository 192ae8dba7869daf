import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import pty from '@lydell/node-pty';
import xterm from '@xterm/headless';
import { build } from 'esbuild';
import type { BuildOptions } from 'esbuild';
import { afterAll, afterEach, beforeAll } from 'vitest';

/** The bundled program on a real pseudo-terminal. */
export const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const OUT = join(ROOT, '.cache', `pty-${process.pid}`);
export const MAIN = join(OUT, 'main.mjs');

async function bundle(): Promise<void> {
  const { buildOptions } = (await import(pathToFileURL(join(ROOT, 'bin', 'setup.mjs')).href)) as {
    buildOptions: (outdir: string) => BuildOptions;
  };
  await build(buildOptions(OUT));
}

const LIGHT = '\x1b]11;rgb:ffff/ffff/ffff\x1b\\';

export interface Window {
  readonly write: (keys: string) => void;
  readonly raw: () => string;
  readonly see: (what: string | RegExp, ms?: number) => Promise<void>;
  /** Writes keys and waits for what they bring. */
  readonly press: (keys: string, what: string | RegExp, ms?: number) => Promise<void>;
  readonly exit: Promise<{ readonly exitCode: number; readonly signal?: number | undefined }>;
  readonly term: InstanceType<typeof xterm.Terminal>;
}
const open = new Set<() => void>();

/** Bundles the program for the tests of a file and returns a folder for their runs. Ends what a failed test left, and removes both. */
export function setUp(): string {
  const home = mkdtempSync(join(tmpdir(), 'kelvin-pty-'));
  beforeAll(bundle);
  afterEach(() => {
    for (const kill of open) kill();
    open.clear();
  });
  afterAll(() => {
    for (const folder of [home, OUT]) rmSync(folder, { recursive: true, force: true });
  });
  return home;
}

/** Starts a program in a window of 100 × 30 whose terminal has a light background; `home` holds its runs and its state. */
export function start(home: string, command: string, args: readonly string[], env: Record<string, string> = {}): Window {
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
  const kill = (): void => {
    try {
      child.kill('SIGKILL');
    } catch {
      // It is gone.
    }
  };
  open.add(kill);
  const exit = new Promise<{ exitCode: number; signal?: number | undefined }>((resolve) =>
    child.onExit((how) => {
      open.delete(kill);
      resolve(how);
    }),
  );
  const text = (): string =>
    Array.from(
      { length: term.rows },
      (_, y) => term.buffer.active.getLine(term.buffer.active.viewportY + y)?.translateToString(true) ?? '',
    ).join('\n');
  const see = async (what: string | RegExp, ms = 60_000): Promise<void> => {
    const until = performance.now() + ms;
    while (!(typeof what === 'string' ? text().includes(what) : what.test(text()))) {
      if (performance.now() > until) throw new Error(`never saw ${String(what)}:\n${text()}`);
      await new Promise((resolve) => setTimeout(resolve, 25));
    }
  };
  const write = (keys: string): void => child.write(keys);
  const press = (keys: string, what: string | RegExp, ms?: number): Promise<void> => {
    write(keys);
    return see(what, ms);
  };
  return { write, raw: () => raw, see, press, exit, term };
}
