import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, test, vi } from 'vitest';
import { configChanges } from '../../src/commands/config-diff.ts';
import { resumeCommand } from '../../src/commands/resume.ts';
import { readEvents } from '../../src/commands/recorded.ts';
import { runSession } from '../../src/commands/session.ts';
import { createRunFolder } from '../../src/record/folder.ts';
import { configOf, parts } from '../../scripts/trials/world.ts';
import { scratch } from '../record/samples.ts';

afterEach(() => void vi.restoreAllMocks());

async function finished(): Promise<{ readonly run: string; readonly said: string[] }> {
  const run = join(scratch(), 'run');
  const config = configOf(1, ['safety.monitor=false']);
  createRunFolder({ root: run, runDir: run, name: 'k', config });
  await runSession({ runDir: run, config, parts, onEvent: () => {} });
  const said: string[] = [];
  vi.spyOn(process.stderr, 'write').mockImplementation((text) => said.push(String(text)) > 0);
  return { run, said };
}

test('another configuration: the difference is shown and nothing happens until it is accepted; then it is recorded', async () => {
  const { run, said } = await finished();
  const options = { run, steps: 2, set: ['optim.lr=0.05'], display: 'none', parts } as const;
  const before = readEvents(run).length;
  expect(await resumeCommand(options)).toBe(2);
  expect(said.join('')).toMatch(/optim\.lr: 0\.3 → 0\.05\n.*--accept/);
  expect([readEvents(run).length, readFileSync(join(run, 'config.json'), 'utf8').includes('0.05')]).toEqual([before, false]);
  expect(await resumeCommand({ ...options, accept: true })).toBe(0);
  const events = readEvents(run);
  expect(events.filter((event) => event.type === 'warning').map((event) => event.message)).toContainEqual(
    'Going on with another configuration: optim.lr: 0.3 → 0.05.',
  );
  expect(events.findLast((event) => event.type === 'start')?.config).toMatchObject({ optim: { lr: 0.05 } });
  expect(events.findLast((event) => event.type === 'step')?.step).toBe(2);
});

test('a config.json that was edited or damaged is not gone on with in silence; more steps need no leave', async () => {
  const { run, said } = await finished();
  const file = join(run, 'config.json');
  const sound = readFileSync(file, 'utf8');
  writeFileSync(file, sound.replace('"bufferCapacity": 64', '"bufferCapacity": 65'));
  expect(await resumeCommand({ run, steps: 2, display: 'none', parts })).toBe(2);
  expect(said.join('')).toMatch(/config\.json is not what the run recorded[^]*algorithm\.bufferCapacity: 64 → 65/);
  writeFileSync(file, sound);
  expect(await resumeCommand({ run, steps: 2, display: 'none', parts })).toBe(0);
});

test('differences by dotted path', () => {
  expect(configChanges({ a: 1, b: { c: [1], d: 2 } }, { a: 1, b: { c: [1, 2] }, e: null })).toEqual([
    { path: 'b.c', before: [1], after: [1, 2] },
    { path: 'b.d', before: 2, after: undefined },
    { path: 'e', before: undefined, after: null },
  ]);
});
