import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { kelvin, scratch, SMALL } from './cli.ts';
import type { Finished } from './cli.ts';

const PROMPT = '### solve deduction\nprogram: function f(n){return n+1}\ninput: 3\n';

describe('kelvin export', () => {
  using home = scratch();
  const run = join(home.dir, 'learned');
  const at = (name: string): string => join(home.dir, name);
  const ask = async (...args: string[]): Promise<string> => {
    const { code, stdout, stderr } = await kelvin(['chat', '--temperature', '0', '--json', '--prompt', PROMPT, ...args]).done;
    expect([code, stderr]).toEqual([0, '']);
    return stdout;
  };
  const write = (format: string, out: string): Promise<Finished> =>
    kelvin(['export', run, '--format', format, '--out', at(out), '--json']).done;
  let trained: Finished;
  beforeAll(async () => {
    trained = await kelvin(['train', '--run-dir', run, '--steps', '1', ...SMALL, '--set', 'engine.mode=lora', '--set', 'optim.lr=0.01'])
      .done;
  }, 120_000);

  it('the run says first what memory it takes', () => {
    expect(trained.code).toBe(0);
    const [plan, start] = trained.events;
    expect([plan?.type, start?.type]).toEqual(['plan', 'start']);
    expect(plan?.['plan']).toMatchObject({ fits: true });
  });

  it('writes adapter, PEFT folder and merged model, and all three say what the run says', async () => {
    const written = await Promise.all([write('gguf', 'a.gguf'), write('peft', 'peft'), write('merged', 'm.gguf')]);
    for (const { code, stderr } of written) expect([code, stderr]).toEqual([0, '']);
    expect(JSON.parse(written[0]?.stdout ?? '')).toMatchObject({ type: 'export', kind: 'adapter', step: 1, file: at('a.gguf') });
    expect(readdirSync(at('peft')).sort()).toEqual(['adapter_config.json', 'adapter_model.safetensors']);
    const wanted = await ask('--run', run);
    expect(await Promise.all([ask('--adapter', at('a.gguf')), ask('--adapter', at('peft')), ask('--model', at('m.gguf'))])).toEqual([
      wanted,
      wanted,
      wanted,
    ]);
  }, 60_000);

  it('overwrites nothing', async () => {
    const again = await write('gguf', 'a.gguf');
    expect(again.code).toBe(2);
    expect(again.stderr).toMatch(/there already.*--out/);
  });

  it('a run that trained all weights gives a whole model and has no adapter', async () => {
    const full = join(home.dir, 'full');
    expect((await kelvin(['train', '--run-dir', full, '--steps', '0', ...SMALL]).done).code).toBe(0);
    const peft = await kelvin(['export', full, '--format', 'peft', '--out', at('none')]).done;
    expect([peft.code, existsSync(at('none'))]).toEqual([2, false]);
    expect(peft.stderr).toMatch(/trained all weights.*--format gguf/);
    expect((await kelvin(['export', full, '--out', at('full.gguf')]).done).stdout).toMatch(/model of full after step 0/);
    expect(await ask('--model', at('full.gguf'))).toBe(await ask());
  }, 60_000);
});

describe('a run too large for the memory', () => {
  it('ends before anything is allocated, with the plan and what to change', async () => {
    using home = scratch();
    const dir = join(home.dir, 'large');
    const { code, events, stderr } = await kelvin([
      'train',
      '--run-dir',
      dir,
      '--json',
      '--set',
      'engine.parallel=256',
      '--set',
      'engine.tokenBudget=4000000',
      '--set',
      'engine.contextLength=256',
    ]).done;
    expect(code).toBe(3);
    expect(events.map((event) => event.type)).toEqual(['plan']);
    expect(events[0]?.['plan']).toMatchObject({ fits: false });
    expect(stderr).toMatch(/engine\.tokenBudget \(now 4000000\)/);
    expect(existsSync(dir)).toBe(false);
  }, 60_000);
});
