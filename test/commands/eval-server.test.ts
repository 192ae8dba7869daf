import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { OpenAiServer, Refused } from '../eval/openai-server.ts';
import { kelvin, scratch } from './cli.ts';
import type { Finished } from './cli.ts';

describe('kelvin eval --server', () => {
  it('keeps answers, goes on after the server was lost, and shows the result in the table; the key is written nowhere', async () => {
    using home = scratch();
    let lost = true;
    await using server = new OpenAiServer(({ key }) => {
      if (key !== 'Bearer sk-secret-key') throw new Refused(401, 'authentication_error', 'Invalid API Key');
      if (lost && server.asked.length > 1) throw new Refused(410, 'gone', 'shut down');
      return { text: 'The answer is \\boxed{\\frac{1}{2}}.', tokens: 12 };
    });
    const url = await server.listen();
    const cache = join(home.dir, 'cache');
    const ask = (key: string, ...more: string[]): Promise<Finished> =>
      kelvin(['eval', '--server', `${url}/`, '--model', 'tiny', '--suite', 'math500=test/fixtures/suites/math500.jsonl', ...more], {
        env: { KELVIN_CACHE: cache, KELVIN_SERVER_API_KEY: key },
      }).done;

    const refused = await ask('wrong');
    expect([refused.code, refused.stdout]).toEqual([8, '']);
    expect(refused.stderr).toMatch(/refuses: 401 .*Invalid API Key/);
    server.asked.length = 0;
    const first = await ask('sk-secret-key', '--parallel', '1');
    expect(first.code).toBe(8);
    expect(first.stderr).toMatch(/410 .*shut down/);
    lost = false;
    server.asked.length = 0;
    const second = await ask('sk-secret-key', '--json');
    expect([second.code, second.stderr]).toEqual([0, '']);
    expect(server.asked).toHaveLength(1);
    expect(JSON.parse(second.stdout)).toMatchObject({
      ...{ type: 'benchmark', suite: 'math500', label: `tiny @ ${new URL(url).host}`, problems: 2, of: 2, context: 0 },
      ...{ adapterHash: null, settings: { template: 'chat' }, metrics: { 'pass@1': 0.5, length: 12, cut: 0 } },
    });
    const third = await ask('sk-secret-key', '--json');
    expect(server.asked).toHaveLength(1);
    expect({ ...JSON.parse(third.stdout), at: 0 }).toEqual({ ...JSON.parse(second.stdout), at: 0 });
    const table = await kelvin(['eval', '--table'], { env: { KELVIN_CACHE: cache } }).done;
    expect(table.stdout).toMatch(/^tiny @ 127\.0\.0\.1:\d+ .*50\.0/m);
    const files = readdirSync(cache, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
    expect(files.length).toBeGreaterThan(1);
    for (const file of files) expect(readFileSync(join(file.parentPath, file.name), 'utf8')).not.toContain('sk-secret');
  }, 120_000);

  it('says what does not go together', async () => {
    const suite = ['--suite', 'math500=test/fixtures/suites/math500.jsonl'];
    const server = ['--server', 'http://127.0.0.1:9/v1'];
    for (const [args, message] of [
      [[...server, ...suite], /needs the name that the model has there: --model NAME/],
      [[...server, '--model', 'm'], /published benchmarks: name one with --suite/],
      [[...server, '--model', 'm', ...suite, '--context', '512'], /--context is the affair of the server/],
      [['--server', '127.0.0.1:9', '--model', 'm', ...suite], /is no address/],
      [['--server', 'http://me:pw@127.0.0.1:9/v1', '--model', 'm', ...suite], /KELVIN_SERVER_API_KEY/],
      [['--parallel', '4', ...suite], /--parallel is about requests to a server/],
    ] as const) {
      const { code, stderr } = await kelvin(['eval', ...args]).done;
      expect([code, stderr]).toEqual([2, expect.stringMatching(message)]);
    }
  }, 120_000);
});
