import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { suiteFiles } from '../../src/eval/benchmarks/source.ts';
import { loadSuite, suiteNamed } from '../../src/eval/benchmarks/suites/index.ts';
import { readOrigin } from '../../src/models/cache.ts';
import { fetchDataset, parseDatasetUri } from '../../src/models/hub.ts';

/** A hub on this machine with one file of a data set. */
const content = readFileSync('test/fixtures/suites/gsm8k.parquet');
const PATH = '/datasets/someone/sums/resolve/main/main/test-00000-of-00001.parquet';
const URI = 'hf:someone/sums/main/test-00000-of-00001.parquet';
let server: Server;
let cache = '';
let claim = '';
let gets = 0;

beforeAll(async () => {
  server = createServer((request, response) => {
    if ((request.url ?? '').split('?')[0] !== PATH) return void response.writeHead(404).end();
    const range = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? '');
    const from = Number(range?.[1] ?? 0);
    const to = range?.[2] ? Number(range[2]) + 1 : content.length;
    response.writeHead(range ? 206 : 200, {
      'accept-ranges': 'bytes',
      'content-length': to - from,
      'x-linked-etag': `"${claim}"`,
      ...(range ? { 'content-range': `bytes ${from}-${to - 1}/${content.length}` } : {}),
    });
    if (request.method === 'HEAD') return void response.end();
    gets++;
    response.end(content.subarray(from, to));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
});
afterAll(() => new Promise<void>((resolve) => (server.closeAllConnections(), server.close(() => resolve()))));
beforeEach(() => {
  cache = mkdtempSync(join(tmpdir(), 'kelvin-datasets-'));
  process.env['KELVIN_CACHE'] = cache;
  process.env['HF_ENDPOINT'] = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  claim = createHash('sha256').update(content).digest('hex');
  gets = 0;
});
afterEach(() => {
  delete process.env['KELVIN_CACHE'];
  delete process.env['HF_ENDPOINT'];
  rmSync(cache, { recursive: true, force: true });
});

describe('files of data sets', () => {
  it('are named by repository and path', () => {
    expect(parseDatasetUri('hf:a/b/c/d.jsonl#refs/convert')).toMatchObject({
      user: 'a',
      repo: 'b',
      path: 'c/d.jsonl',
      branch: 'refs/convert',
      dataset: true,
    });
    expect(parseDatasetUri('hf:datasets/a/b/d.jsonl')).toMatchObject({ user: 'a', repo: 'b', path: 'd.jsonl', branch: 'main' });
    for (const bad of ['hf:', 'hf:a/b', 'hf:a/../c.jsonl', 'hf:a/b/../../x', 'hf:a/b/', 'hf:a/b/c d'])
      expect(() => parseDatasetUri(bad), bad).toThrow(/names no file of a data set/);
  });

  it('are fetched once, with their checksum, and read as a suite', async () => {
    const { files, hash } = await suiteFiles(suiteNamed('gsm8k'), URI);
    expect(readFileSync(files[0] ?? '').equals(content)).toBe(true);
    expect(readOrigin(files[0] ?? '')).toMatchObject({
      sha256: claim,
      source: 'hf:datasets/someone/sums/main/test-00000-of-00001.parquet',
    });
    expect((await loadSuite(suiteNamed('gsm8k'), files)).problems).toHaveLength(2);
    const before = gets;
    // The same bytes have the same hash, wherever they lie.
    expect(await suiteFiles(suiteNamed('gsm8k'), URI)).toEqual({ files, hash });
    expect((await suiteFiles(suiteNamed('gsm8k'), 'test/fixtures/suites/gsm8k.parquet')).hash).toBe(hash);
    expect(gets).toBe(before);
  });

  it('are refused when they are not what the hub says, or have changed since', async () => {
    claim = '0'.repeat(64);
    await expect(fetchDataset(URI)).rejects.toThrow(/arrived with the SHA-256 .* The file was deleted/);
    claim = createHash('sha256').update(content).digest('hex');
    const file = await fetchDataset(URI);
    writeFileSync(file, 'something else');
    await expect(fetchDataset(URI)).rejects.toThrow(/contents have changed\. Delete it and run the command again/);
  });

  it('that are not there are said so', async () => {
    await expect(fetchDataset('hf:someone/sums/none.jsonl')).rejects.toThrow(/the hub does not know it\. .*name its path/);
    expect(existsSync(join(cache, 'datasets', 'hf', 'someone', 'sums', 'none.jsonl'))).toBe(false);
  });
});
