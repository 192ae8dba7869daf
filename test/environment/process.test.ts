import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { confine } from '../../src/environment/confine.ts';
import { readMessage } from '../../src/environment/incoming.ts';
import { openJavascriptEnvironment } from '../../src/environment/javascript.ts';
import type { SandboxEnvironment } from '../../src/environment/sandbox.ts';

const LINUX = process.platform === 'linux' && existsSync(`/proc/self/task/${process.pid}/children`);
if (!LINUX) console.log('Skipped: processes are only looked at on Linux.');

/** Sandbox processes below this one, namespaces' helpers included. */
function sandboxes(pid = process.pid): number[] {
  const children = readdirSync(`/proc/${pid}/task`).flatMap((task) =>
    readFileSync(`/proc/${pid}/task/${task}/children`, 'utf8').split(' ').filter(Boolean).map(Number),
  );
  return children.flatMap((child) => {
    const command = readFileSync(`/proc/${child}/cmdline`, 'utf8').split('\0');
    return command.some((part) => part.includes('keeper')) ? [child, ...sandboxes(child)] : [];
  });
}

describe('a sandbox process', () => {
  let environment: SandboxEnvironment;
  beforeAll(async () => {
    environment = await openJavascriptEnvironment({}, { workers: 2 });
  });
  afterAll(() => environment[Symbol.asyncDispose]());

  test('is started with permissions for its own files and nothing else', () => {
    const { args, env } = confine();
    const allowed = args.filter((arg) => arg.startsWith('--allow'));
    expect(args).toContain('--permission');
    expect(allowed.filter((arg) => !arg.startsWith('--allow-fs-read=') && arg !== '--allow-worker')).toEqual([]);
    expect(allowed.filter((arg) => /=(\/|[A-Z]:\\)?$|=\*$/.test(arg))).toEqual([]);
    expect(Object.keys(env).filter((key) => !['MALLOC_ARENA_MAX', 'SystemRoot'].includes(key))).toEqual([]);
  });

  test('finds its walls standing', async () => {
    const layers = new Map((await environment.layers()).map((layer) => [layer.name, layer]));
    expect(layers.get('files')).toMatchObject({ holds: true });
    expect(layers.get('processes')).toMatchObject({ holds: true });
    // Node 26 denies the network; the namespace depends on the machine.
    expect(layers.get('network')).toMatchObject({ holds: process.allowedNodeEnvironmentFlags.has('--allow-net') });
    expect([...layers.keys()]).toEqual(['files', 'processes', 'network', 'namespace']);
  });

  test.skipIf(!LINUX)('may die at any time: every program gets its verdict', async () => {
    const before = sandboxes();
    expect(before.length).toBeGreaterThan(0);
    const running = Array.from({ length: 600 }, (_, index) =>
      environment.execute(`function f(x) { for (let i = 0; i < 20000; i++); return x + ${index} }`, '1'),
    );
    await running[50];
    for (const pid of before) process.kill(pid, 'SIGKILL');
    const executions = await Promise.all(running);
    expect(executions.map((execution) => execution.verdict === 'ok' && execution.output)).toEqual(
      executions.map((_, index) => String(index + 1)),
    );
    expect(environment.stats().kills).toBeGreaterThan(0);
    expect(sandboxes().filter((pid) => before.includes(pid))).toEqual([]);
  });

  test.skipIf(!LINUX)('is gone when the environment is closed', async () => {
    const others = sandboxes();
    const another = await openJavascriptEnvironment();
    const own = sandboxes().filter((pid) => !others.includes(pid));
    expect(own.length).toBeGreaterThan(0);
    await another[Symbol.asyncDispose]();
    expect(sandboxes().filter((pid) => own.includes(pid))).toEqual([]);
  });
});

describe('what a sandbox process says', () => {
  const result = { id: 1, ms: 0.5, results: [{ verdict: 'ok', output: '1' }] };

  test('is taken when it is well-formed', () => {
    expect(readMessage({ type: 'results', results: [result] })).toEqual({ type: 'results', results: [result] });
    expect(readMessage({ type: 'broken', message: 'x'.repeat(9_000) })).toMatchObject({ message: 'x'.repeat(4_000) });
    expect(
      readMessage({ type: 'results', results: [{ ...result, extra: 1, results: [{ verdict: 'ok', output: '1', backstop: true }] }] }),
    ).toEqual({
      type: 'results',
      results: [result],
    });
  });

  test.each([
    null,
    7,
    [],
    {},
    { type: 'open' },
    { type: 'results' },
    { type: 'results', results: {} },
    { type: 'results', results: [null] },
    { type: 'results', results: [{ ...result, id: '1' }] },
    { type: 'results', results: [{ ...result, ms: -1 }] },
    { type: 'results', results: [{ ...result, results: [{ verdict: 'ok' }] }] },
    { type: 'results', results: [{ ...result, results: [{ verdict: 'ok', output: 'x'.repeat(200_001) }] }] },
    { type: 'results', results: [{ ...result, results: [{ verdict: 'fine', detail: 'x' }] }] },
    { type: 'results', results: [{ ...result, results: [{ verdict: 'error', detail: { toString: 1 } }] }] },
    { type: 'ready', layers: [{ name: 'moat', holds: true, detail: '' }] },
    { type: 'alive', counts: { kills: 0, reruns: 0, worn: 0 } },
    { type: 'broken', message: 1 },
  ])('%j is refused', (message) => expect(readMessage(message)).toBeNull());
});
