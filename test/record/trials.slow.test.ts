import { spawnSync } from 'node:child_process';
import { expect, test } from 'vitest';

test.each([
  ['test:faults', ['--faults', '20', '--cuts', '15', '--steps', '4', '--seed', '12'], /15 power cuts: each went on/],
  ['test:corruption', ['--files', '120', '--models', '10', '--seed', '12'], /120 damaged files: .*none accepted, no crash/],
  ['soak', ['--steps', '500'], /are flat/],
])(
  'npm run %s',
  (name, args, said) => {
    const { status, stdout, stderr } = spawnSync(process.execPath, ['bin/dev.mjs', name, ...args], { encoding: 'utf8' });
    expect([status, stderr]).toEqual([0, '']);
    expect(stdout).toMatch(said);
  },
  900_000,
);
