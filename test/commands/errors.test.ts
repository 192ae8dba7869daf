import { copyFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { kelvin, scratch, SMALL } from './cli.ts';

const NANO = new URL('../../models/nano.gguf', import.meta.url);

describe('bad input gets a sentence and an exit code', () => {
  it.each([
    ['an unknown key', ['--set', 'optim.lrr=1'], 2, /optim\.lrr.*did you mean "optim\.lr"/],
    ['a wrong value', ['--set', 'steps=-3'], 2, /"steps"/],
    ['a missing config file', ['--config', 'nowhere.json'], 2, /nowhere\.json.*--config/],
    ['an unknown option', ['--stepz', '3'], 2, /--stepz/],
    ['a step count that is no number', ['--steps', 'many'], 2, /whole number/],
    ['a missing model', ['--set', 'model=nowhere.gguf'], 3, /nowhere\.gguf/],
  ])('%s', async (_, args, code, message) => {
    using home = scratch();
    const result = await kelvin(['train', '--run-dir', join(home.dir, 'run'), ...SMALL, ...args]).done;
    expect(result.code).toBe(code);
    expect(result.stderr).toMatch(message);
    expect(result.stderr).not.toMatch(/\n\s+at /);
    expect(existsSync(join(home.dir, 'run'))).toBe(false);
  });

  it('a config that is no JSON', async () => {
    using home = scratch();
    const file = join(home.dir, 'broken.json');
    writeFileSync(file, '{"steps": 3,');
    const result = await kelvin(['train', '--config', file, '--run-dir', join(home.dir, 'run')]).done;
    expect([result.code, result.stderr]).toEqual([2, expect.stringMatching(/not valid JSON/)]);
  });

  it('a truncated and a corrupt model', async () => {
    using home = scratch();
    const whole = readFileSync(NANO);
    for (const [name, bytes] of [
      ['truncated.gguf', whole.subarray(0, whole.length >> 1)],
      ['header.gguf', Buffer.concat([Buffer.from('GGUX'), whole.subarray(4)])],
      ['empty.gguf', Buffer.alloc(0)],
    ] as const) {
      const model = join(home.dir, name);
      writeFileSync(model, bytes);
      const result = await kelvin(['train', '--run-dir', join(home.dir, `run-${name}`), ...SMALL, '--set', `model=${model}`]).done;
      expect([result.code, result.stderr]).toEqual([3, expect.stringContaining(name)]);
    }
  }, 60_000);

  it('a run folder that cannot be made, and one that is taken', async () => {
    using home = scratch();
    const file = join(home.dir, 'file');
    writeFileSync(file, 'in the way');
    const blocked = await kelvin(['train', '--run-dir', join(file, 'run'), ...SMALL]).done;
    expect(blocked.code).toBe(4);
    copyFileSync(file, join(home.dir, 'other'));
    const taken = await kelvin(['train', '--run-dir', home.dir, ...SMALL]).done;
    expect(taken.code).toBe(4);
    expect(readFileSync(file, 'utf8')).toBe('in the way');
  });

  it('a run that does not exist, with the nearest that does', async () => {
    using home = scratch();
    const result = await kelvin(['resume', 'nano-xyz'], { env: { KELVIN_RUNS: home.dir } }).done;
    expect([result.code, result.stderr]).toEqual([4, expect.stringMatching(/no run "nano-xyz"/)]);
  });

  it('the app without a terminal', async () => {
    const result = await kelvin(['open', 'x', '--display', 'full']).done;
    expect([result.code, result.stderr]).toEqual([2, expect.stringMatching(/terminal/)]);
    const missing = await kelvin(['open', 'x']).done;
    expect([missing.code, missing.stderr]).toEqual([4, expect.stringMatching(/no run "x"/)]);
  });

  it('--help works on each command', async () => {
    for (const command of ['start', 'train', 'resume', 'open', 'pause', 'runs', 'drill', 'pretrain', 'eval', 'exec', 'monitor', 'doctor']) {
      const result = await kelvin([command, '--help']).done;
      expect([command, result.code]).toEqual([command, 0]);
      expect(result.stdout).toContain(`kelvin ${command}`);
    }
  }, 60_000);

  it('the bundled model is there', () => expect(existsSync(NANO)).toBe(true));
});

describe('drill and doctor', () => {
  it('the drill passes on the bundled model', async () => {
    const result = await kelvin(['drill']).done;
    expect([result.code, result.stdout]).toEqual([0, expect.stringMatching(/Drill passed/)]);
    expect(result.stdout).not.toMatch(/FAIL/);
  }, 120_000);

  it('the doctor finds everything in order', async () => {
    const result = await kelvin(['doctor', '--json']).done;
    expect(result.code).toBe(0);
    expect(
      result.stdout
        .trim()
        .split('\n')
        .map((line) => (JSON.parse(line) as { ok: boolean }).ok),
    ).not.toContain(false);
  }, 60_000);
});
