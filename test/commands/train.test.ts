import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { verifyAudit } from '../../src/record/journal.ts';
import { kelvin, readJson, scratch, SMALL, stepMetrics } from './cli.ts';
import type { Finished } from './cli.ts';

const train = (dir: string, steps: number, ...more: string[]) =>
  kelvin(['train', '--run-dir', dir, '--steps', String(steps), ...SMALL, ...more]);

describe('kelvin train on the bundled model', () => {
  using home = scratch();
  let whole: Finished;
  beforeAll(async () => {
    whole = await train(join(home.dir, 'whole'), 4).done;
  }, 120_000);

  it('runs to its end, and says so', () => {
    expect(whole.code).toBe(0);
    expect(whole.events.map((event) => event.type)).toEqual(
      expect.arrayContaining(['start', 'tasks', 'rollouts', 'step', 'checkpoint', 'end']),
    );
    expect(whole.events.filter((event) => event.type === 'step').map((event) => event.step)).toEqual([1, 2, 3, 4]);
    for (const event of whole.events) expect(typeof event.step).toBe('number');
  });

  it('same seed, one thread: bit-identical metrics', async () => {
    const again = await train(join(home.dir, 'again'), 4).done;
    expect(stepMetrics(again.events)).toEqual(stepMetrics(whole.events));
  }, 120_000);

  it('the weights really change, unless advantages are zero', async () => {
    const zero = await train(join(home.dir, 'zero'), 1, '--set', 'control.advantages=zero').done;
    expect(zero.events.find((event) => event.type === 'step')?.metrics?.['optim/grad_norm']).toBe(0);
    const weights = (run: string, step: string): Buffer => readFileSync(join(home.dir, run, 'checkpoints', step, 'engine', 'state.bin'));
    expect(weights('whole', 'step-000004').equals(weights('whole', 'step-000000'))).toBe(false);
  }, 120_000);

  it('goes on after SIGKILL as if nothing had happened', async () => {
    const dir = join(home.dir, 'killed');
    const first = train(dir, 4);
    await first.seen('step', 2);
    await first.seen('tasks', 3);
    first.kill('SIGKILL');
    expect((await first.done).signal).toBe('SIGKILL');
    const second = await kelvin(['resume', dir, '--json']).done;
    expect(second.code).toBe(0);
    const steps = [...stepMetrics((await first.done).events), ...stepMetrics(second.events)];
    const last = new Map(steps.map((entry) => [(entry as [number, unknown])[0], entry]));
    expect([...last.values()]).toEqual(stepMetrics(whole.events));
    expect(verifyAudit(dir)).toMatchObject({ ok: true });
  }, 120_000);

  it('SIGTERM ends the step, leaves a checkpoint, and resume gets the same numbers', async () => {
    const dir = join(home.dir, 'stopped');
    const first = train(dir, 4);
    await first.seen('step', 1);
    first.kill('SIGTERM');
    const stopped = await first.done;
    expect(stopped.code).toBe(143);
    expect(stopped.events.at(-1)).toMatchObject({ type: 'end', cause: 'stopped' });
    const rest = await kelvin(['resume', dir, '--json']).done;
    expect([...stepMetrics(stopped.events), ...stepMetrics(rest.events)]).toEqual(stepMetrics(whole.events));
  }, 120_000);

  it.each([
    ['SIGINT to the launcher alone', 'SIGINT', 130, 1],
    ['SIGTERM to its whole process group, which comes twice,', 'SIGTERM', 143, -1],
  ] as const)(
    '%s ends the step and leaves a checkpoint',
    async (_name, signal, code, whom) => {
      const dir = join(home.dir, signal);
      const args = ['train', '--run-dir', dir, '--steps', '50', ...SMALL];
      const run = kelvin(args, { launched: true });
      await run.seen('step', 1);
      process.kill(whom * run.pid, signal);
      const stopped = await run.done;
      expect(stopped.code).toBe(code);
      expect(stopped.events.at(-1)).toMatchObject({ type: 'end', cause: 'stopped' });
    },
    120_000,
  );

  it('two processes on one run: the second is told who holds it', async () => {
    const dir = join(home.dir, 'twice');
    const first = train(dir, 50);
    await first.seen('start');
    const second = await kelvin(['resume', dir, '--json']).done;
    expect([2, 5]).toContain(second.code);
    expect(second.stderr).toMatch(/running|held|holds/i);
    first.kill('SIGINT');
    expect((await first.done).code).toBe(130);
  }, 120_000);

  it('pauses durably: killed while paused, it stays paused, and only a reason lets it go on with the same numbers', async () => {
    const dir = join(home.dir, 'paused');
    const first = train(dir, 2);
    await first.seen('start');
    expect((await kelvin(['drill', dir]).done).code).toBe(0);
    await first.seen('pause');
    const step = (await kelvin(['runs', '--json'], { env: { KELVIN_RUNS: home.dir } }).done).stdout;
    expect(step).toMatch(/"paused"/);
    first.kill('SIGKILL');
    await first.done;
    const refused = await kelvin(['resume', dir, '--json']).done;
    expect(refused.code).toBe(6);
    expect(refused.stderr).toMatch(/--reason/);
    const resumed = await kelvin(['resume', dir, '--json', '--reason', 'a drill']).done;
    expect(resumed.code).toBe(0);
    expect(resumed.events.find((event) => event.type === 'resume')).toMatchObject({ reason: 'a drill' });
    const before = stepMetrics((await first.done).events);
    const all = new Map([...before, ...stepMetrics(resumed.events)].map((entry) => [(entry as [number, unknown])[0], entry]));
    const numbers = (entries: Iterable<unknown>): unknown[] =>
      [...entries].map(
        (entry) => JSON.parse(JSON.stringify(entry, (key, value: unknown) => (key.startsWith('monitor/') ? undefined : value))) as unknown,
      );
    expect(numbers(all.values())).toEqual(numbers(stepMetrics(whole.events).slice(0, 2)));
  }, 120_000);

  it('--exit-on-pause ends with code 6 and leaves the run paused', async () => {
    const dir = join(home.dir, 'exit');
    const running = train(dir, 30, '--exit-on-pause');
    await running.seen('start');
    await kelvin(['pause', dir, '--reason', 'lunch']).done;
    expect((await running.done).code).toBe(6);
  }, 120_000);

  it('says loudly that the monitor is off', async () => {
    const off = await train(join(home.dir, 'off'), 1, '--set', 'safety.monitor=false').done;
    expect(off.events.find((event) => event.type === 'warning')).toMatchObject({ message: expect.stringMatching(/switched off/) });
  }, 120_000);

  it('a damaged checkpoint falls back to the older one, and says so', async () => {
    const dir = join(home.dir, 'damaged');
    const first = await train(dir, 2).done;
    expect(first.code).toBe(0);
    const file = join(dir, 'checkpoints', 'step-000002', 'engine', 'state.bin');
    const bytes = readFileSync(file);
    bytes[1000] = (bytes[1000] ?? 0) ^ 1;
    writeFileSync(file, bytes);
    const resumed = await kelvin(['resume', dir, '--json', '--steps', '3']).done;
    expect(resumed.code).toBe(0);
    expect(
      resumed.events
        .filter((event) => event.type === 'warning')
        .map((event) => event['message'])
        .join(),
    ).toMatch(/step-000002/);
    expect(stepMetrics(resumed.events).map((entry) => (entry as [number])[0])).toEqual([2, 3]);
    expect(readJson(join(dir, 'config.json'))).toMatchObject({ steps: 3 });
  }, 120_000);
});
