#!/usr/bin/env node
// Starts on any Node >= 18: installs what is missing, bundles what changed, and runs the app on a Node that is new enough.
import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import { join } from 'node:path';
import { ROOT, ensureBuilt, ensureInstalled, runtime } from './setup.mjs';

ensureInstalled();
await ensureBuilt();

const child = spawn(
  runtime(),
  ['--disable-warning=ExperimentalWarning', '--enable-source-maps', join(ROOT, 'dist', 'main.mjs'), ...process.argv.slice(2)],
  {
    stdio: 'inherit',
    env: { NODE_ENV: 'production', ...process.env },
  },
);

// The terminal sends these to the whole process group; the app decides, the launcher only waits for it.
process.on('SIGINT', () => {});
for (const signal of ['SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));

child.on('error', (error) => {
  process.stderr.write(`kelvin: cannot start ${runtime()}: ${error.message}\n`);
  process.exit(1);
});
child.on('exit', (code, signal) => {
  // A killed app cannot restore the terminal itself: leave the alternate screen, show the cursor, stop paste mode, give the title back.
  if (signal && process.stdout.isTTY) process.stdout.write('\x1b[?1049l\x1b[?25h\x1b[?2004l\x1b[23;2t\x1b[0m');
  if (signal && process.stdin.isTTY) process.stdin.setRawMode?.(false);
  process.exit(code ?? 128 + (constants.signals[signal] ?? 1));
});
