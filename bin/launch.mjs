// Runs the app on a Node that is new enough and gives the terminal back however it ends. Dependency-free.
import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import { runtime } from './setup.mjs';

/** Stops the mouse, leaves the alternate screen, shows the cursor, stops paste mode, gives the title back, ends colours. */
const RESTORE = '\x1b[?1006l\x1b[?1000l\x1b[?1049l\x1b[?25h\x1b[?2004l\x1b[23;2t\x1b[0m';

/** @param {string} main file of the program @param {readonly string[]} args */
export function launch(main, args) {
  const child = spawn(runtime(), ['--disable-warning=ExperimentalWarning', '--enable-source-maps', main, ...args], {
    stdio: 'inherit',
    env: { NODE_ENV: 'production', ...process.env },
  });

  // A terminal sends this to the whole process group; anybody else may mean the launcher alone.
  process.on('SIGINT', () => {
    if (!process.stdin.isTTY) child.kill('SIGINT');
  });
  for (const signal of ['SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));

  child.on('error', (error) => {
    process.stderr.write(`kelvin: cannot start ${runtime()}: ${error.message}\n`);
    process.exit(1);
  });
  child.on('exit', (code, signal) => {
    // A killed app cannot restore the terminal itself.
    if (signal && process.stdout.isTTY) process.stdout.write(RESTORE);
    if (signal && process.stdin.isTTY) {
      // Raw mode was set by the app, which this process does not know: only a change reaches the terminal.
      process.stdin.setRawMode?.(true);
      process.stdin.setRawMode?.(false);
    }
    process.exit(code ?? 128 + (constants.signals[signal] ?? 1));
  });
}
