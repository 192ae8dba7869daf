/** A native library that stops the run process: what the app says, and that the run goes on from its last step. */
import { spawn } from 'node:child_process';
import { closeSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, it } from 'vitest';
import { parseConfig } from '../../src/config.ts';
import { createRunFolder, isAlive, summarise } from '../../src/record/folder.ts';
import { lastWords, noteExit, openStderr, takeLastWords } from '../../src/record/last-words.ts';
import { kelvin } from './cli.ts';

function scratch(): { readonly dir: string; [Symbol.dispose](): void } {
  const dir = mkdtempSync(path.join(tmpdir(), 'kelvin-abort-'));
  return { dir, [Symbol.dispose]: () => rmSync(dir, { recursive: true, force: true }) };
}

it('the run process ends by SIGABRT; operation and shapes are told, and resume goes on after the last step', async () => {
  using home = scratch();
  const config = parseConfig({
    name: 'abort',
    steps: 2,
    engine: { threads: 1, tokenBudget: 256 },
    algorithm: { proposals: 2, rollouts: 2, solver: 'reuse', references: 1, inductionInputs: 5, inductionShown: 3, seedRounds: 1 },
    eval: { suite: 'none' },
  });
  const runDir = createRunFolder({ root: home.dir, name: 'abort', config });
  const stderr = openStderr(runDir);
  const child = spawn(
    process.execPath,
    ['--disable-warning=ExperimentalWarning', path.join(import.meta.dirname, 'abort-child.ts'), runDir, '1'],
    { stdio: ['ignore', 'ignore', stderr] },
  );
  closeSync(stderr);
  const [code, signal] = await new Promise<[number | null, NodeJS.Signals | null]>((resolve) =>
    child.once('exit', (...exit) => resolve(exit)),
  );
  noteExit(runDir, { code, signal });
  expect(signal).toBe('SIGABRT');
  expect(isAlive(runDir)).toBe(false);
  expect(summarise(runDir)).toMatchObject({ state: 'crashed', step: 1 });
  expect(lastWords(runDir)).toMatch(/^Its process ended by SIGABRT: .*ggml_mul_mat of F32\[64,32\] × F32\[48,7\]/);

  const { code: resumed, events } = await kelvin(['resume', runDir, '--headless', '--json']).done;
  expect(resumed).toBe(0);
  const warnings = events.filter((event) => event.type === 'warning').map((event) => String(event['message']));
  expect(warnings.some((message) => message.includes('SIGABRT') && message.includes('F32[48,7]'))).toBe(true);
  expect(events.filter((event) => event.type === 'step').map((event) => event.step)).toEqual([2]);
  expect(lastWords(runDir)).toBeNull();
}, 60_000);

it('last words: a kill, silence, a library that says little, and nothing at all', () => {
  using home = scratch();
  const { dir } = home;
  const say = (text: string): void => writeFileSync(path.join(dir, 'stderr.log'), text);
  expect(lastWords(dir)).toBeNull();
  say('a warning of no weight\n');
  expect(lastWords(dir)).toBeNull();
  noteExit(dir, { code: 0, signal: null });
  expect(lastWords(dir)).toBeNull();
  noteExit(dir, { code: null, signal: 'SIGSEGV' });
  expect(lastWords(dir)).toBe('Its process ended by SIGSEGV; nothing was said on stderr.');
  noteExit(dir, { code: null, signal: 'SIGKILL' });
  expect(lastWords(dir)).toContain('want of memory');
  noteExit(dir, { code: null, signal: 'SIGABRT' });
  say(`${'x'.repeat(50_000)}\nops.cpp:1: GGML_ASSERT(a == b) failed\nbacktrace\n`);
  expect(lastWords(dir)).toBe('Its process ended by SIGABRT: ops.cpp:1: GGML_ASSERT(a == b) failed');
  // The next process keeps the words until it has told them.
  closeSync(openStderr(dir));
  expect(takeLastWords(dir)).toContain('GGML_ASSERT(a == b)');
  expect(takeLastWords(dir)).toBeNull();
  writeFileSync(path.join(dir, 'exit.json'), '{broken');
  expect(lastWords(dir)).toBeNull();
});
