import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import pty from '@lydell/node-pty';
import { build } from 'esbuild';
import type { BuildOptions } from 'esbuild';
import { ROOT } from './trial.ts';

/** The bundled app in a terminal of its own, 120 × 40. */
export interface App {
  readonly write: (keys: string) => void;
  /** Resolves with the time at which the terminal has shown these words. */
  readonly saw: (words: string) => Promise<number>;
  /** Called with all that the app draws. */
  onData: ((data: string) => void) | null;
  /** Seconds of processor time so far. */
  readonly cpu: () => number;
  readonly ended: Promise<void>;
}

/** Bundles the program as `npm start` does. Returns its main file. */
export async function bundleApp(name: string): Promise<string> {
  const { buildOptions } = (await import(join(ROOT, 'bin', 'setup.mjs'))) as { buildOptions: (outdir: string) => BuildOptions };
  const folder = join(ROOT, '.cache', name);
  await build({ ...buildOptions(folder) });
  return join(folder, 'main.mjs');
}

const SEEN = 100_000;

export function startApp(main: string, args: readonly string[], env: Readonly<Record<string, string>> = {}): App {
  const child = pty.spawn(process.execPath, ['--disable-warning=ExperimentalWarning', main, ...args], {
    cols: 120, rows: 40, cwd: ROOT,
    env: { ...process.env, TERM: 'xterm-256color', LANG: 'C.UTF-8', COLORFGBG: '15;0', ...env } as Record<string, string>,
  }); // prettier-ignore
  let seen = '';
  let waiting: { readonly words: string; readonly done: (at: number) => void } | null = null;
  const look = (): void => {
    if (!waiting || !seen.includes(waiting.words)) return;
    waiting.done(performance.now());
    waiting = null;
  };
  const app: App = {
    write: (keys) => child.write(keys),
    saw: (words) =>
      new Promise((done) => {
        waiting = { words, done };
        look();
      }),
    onData: null,
    cpu: () => {
      const fields = readFileSync(`/proc/${child.pid}/stat`, 'utf8').split(') ')[1]!.split(' ');
      return (Number(fields[11]) + Number(fields[12])) / 100;
    },
    ended: new Promise((resolve) => child.onExit(() => resolve())),
  };
  child.onData((data) => {
    if (seen.length < SEEN) seen += data;
    look();
    app.onData?.(data);
  });
  return app;
}
