import { PassThrough, Readable, Writable } from 'node:stream';
import { describe, expect, test } from 'vitest';
import { execCommand } from '../../src/commands/exec.ts';
import { splitLines } from '../../src/commands/lines.ts';

async function exec(
  stdin: Iterable<string>,
): Promise<{ code: number; lines: { id: unknown; verdict: string; output?: string; detail?: string }[] }> {
  const stdout = new PassThrough();
  const chunks: Buffer[] = [];
  stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
  const code = await execCommand({ lang: 'javascript', stdin: Readable.from(stdin), stdout, workers: 1, limits: { timeoutMs: 1_000 } });
  const text = Buffer.concat(chunks).toString('utf8');
  return {
    code,
    lines: text
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line)),
  };
}

const request = (id: unknown, code: string, input = ''): string => `${JSON.stringify({ id, code, input })}\n`;

describe('kelvin exec', () => {
  test('answers in order, bad lines among good ones', async () => {
    const { code, lines } = await exec([
      request('a', 'function f(x) { for (let i = 0; i < 1e6; i++); return [x] }', '1'),
      'not json\n',
      request(2, 'function f(x) { return x }', '{b: 1, a: [NaN, -0]}'),
      '\n',
      '[1]\n',
      '{"id": 3}\r\n',
      '{"id": 4, "code": "function f(){}", "input": 7}\n',
      request({ k: 1 }, 'function f() { return require("fs") }'),
      request(null, 'function f() { for (;;); }'),
      request(6, 'function f() { const a = []; for (;;) a.push(new Array(1e5).fill(1)) }'),
      request(7, 'function f(x) { return x }', 'y'),
      request(8, 'function f() { return undefined }').slice(0, 20),
      request(8, 'function f() { return undefined }').slice(20).trimEnd(),
    ]);
    expect(code).toBe(0);
    expect(lines.map(({ id, verdict, output }) => [id, verdict, output])).toEqual([
      ['a', 'ok', '[1]'],
      [null, 'error', undefined],
      [2, 'ok', '{"a":[NaN,-0],"b":1}'],
      [null, 'error', undefined],
      [3, 'error', undefined],
      [4, 'error', undefined],
      [{ k: 1 }, 'forbidden', undefined],
      [null, 'timeout', undefined],
      [6, 'memory', undefined],
      [7, 'unsupported', undefined],
      [8, 'ok', 'undefined'],
    ]);
    expect(lines.every(({ verdict, detail }) => (verdict === 'ok') === (detail === undefined))).toBe(true);
  });

  test('an over-long line is answered and passed by', async () => {
    const { lines } = await exec([
      `{"id":1,"code":"${'x'.repeat(600_000)}`,
      `${'x'.repeat(600_000)}"}\n`,
      request(2, 'function f() { return 1 }'),
    ]);
    expect(lines.map(({ verdict }) => verdict)).toEqual(['error', 'ok']);
  });

  test('an empty stream is an empty answer', async () => expect(await exec([])).toEqual({ code: 0, lines: [] }));

  test('another language is a usage error', async () => {
    const stderr = new PassThrough();
    expect(await execCommand({ lang: 'cobol', stdin: Readable.from([]), stdout: new PassThrough(), stderr })).toBe(2);
    expect(String(stderr.read())).toContain('--lang javascript');
  });

  test('--stats sums up on stderr', async () => {
    const stderr = new PassThrough();
    const stdin = Readable.from([request(1, 'function f() { return 1 }'), request(2, 'function f() { return 1 }')]);
    expect(await execCommand({ stdin, stdout: new PassThrough(), stderr, workers: 1, stats: true })).toBe(0);
    expect(String(stderr.read())).toMatch(
      /^exec: 2 executions in \d+\.\d\d s, [\d.]+ a second; p50 \d+\.\d\d ms, p99 \d+\.\d\d ms; 0 recycles, 0 kills, 0 runs repeated; \d+ MB\n$/,
    );
  });

  test('stops quietly when the reader goes away', async () => {
    const gone = new Writable({ write: (_chunk, _encoding, done) => done(Object.assign(new Error('write EPIPE'), { code: 'EPIPE' })) });
    const many = Array.from({ length: 300 }, (_, index) => request(index, 'function f() { return 1 }'));
    expect(await execCommand({ stdin: Readable.from(many), stdout: gone, workers: 1 })).toBe(0);
  });

  test('characters split between chunks survive', async () => {
    const bytes = Buffer.from('a\u{1f600}\nb');
    const lines: (string | null)[] = [];
    for await (const line of splitLines(Readable.from([bytes.subarray(0, 3), bytes.subarray(3)]), 100)) lines.push(line);
    expect(lines).toEqual(['a\u{1f600}', 'b']);
  });
});
