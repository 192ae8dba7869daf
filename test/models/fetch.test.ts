import { createHash } from 'node:crypto';
import { appendFileSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { EngineError } from '../../src/engine/ports.ts';
import { readOrigin } from '../../src/models/cache.ts';
import { fetchHub, parseHubUri } from '../../src/models/hub.ts';
import { cachedModel, fetchModel } from '../../src/models/resolve.ts';
import { fakeHub } from './hub.ts';
import type { FakeHub } from './hub.ts';

const URI = 'hf:someone/Tiny-GGUF:Q8_0';
const SIZE = 44 << 20;
let hub: FakeHub;
let cache = '';

beforeAll(async () => {
  hub = await fakeHub(SIZE);
});
afterAll(() => hub.close());
beforeEach(() => {
  cache = mkdtempSync(join(tmpdir(), 'kelvin-cache-'));
  process.env['KELVIN_CACHE'] = cache;
  process.env['HF_ENDPOINT'] = hub.url;
  Object.assign(hub, { sent: 0, breakAfter: Infinity, claim: null, claimBytes: null });
});
afterEach(() => {
  delete process.env['KELVIN_CACHE'];
  delete process.env['HF_ENDPOINT'];
  rmSync(cache, { recursive: true, force: true });
});

const folder = (): string => join(cache, 'models', 'hf', 'someone', 'Tiny-GGUF');
const fault = async (work: Promise<unknown>): Promise<EngineError> => {
  const error = await work.then(
    () => null,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(EngineError);
  return error as EngineError;
};

describe('hf: URIs', () => {
  it('name a quantisation or a file', () => {
    expect(parseHubUri('hf:a/b:Q4_K_M')).toMatchObject({ user: 'a', repo: 'b', tag: 'Q4_K_M', path: null });
    expect(parseHubUri('hf:a/b')).toMatchObject({ tag: 'latest' });
    expect(parseHubUri('hf:a/b/sub/c.gguf#dev')).toMatchObject({ tag: null, path: 'sub/c.gguf', branch: 'dev' });
    for (const bad of [
      'hf:',
      'hf:a',
      'hf:a/',
      'hf:a/b/c.bin',
      'hf:../b:Q8_0',
      'hf:a/../c.gguf',
      'hf:a/b/../../x.gguf',
      'hf:a/b:',
      'hf:a b/c',
    ])
      expect(() => parseHubUri(bad), bad).toThrow(/names no model/);
  });

  it('download with progress, a checksum and a record; the second time nothing is sent', async () => {
    const seen: number[] = [];
    const file = await fetchModel(URI, { progress: (done, total) => (seen.push(done), expect(total).toBe(SIZE)) });
    expect(readFileSync(file).equals(hub.content)).toBe(true);
    expect(seen.at(-1)).toBe(SIZE);
    const origin = readOrigin(file);
    expect(origin).toMatchObject({ source: URI, bytes: SIZE, sha256: createHash('sha256').update(hub.content).digest('hex') });
    const { sent } = hub;
    expect(await fetchModel(URI)).toBe(file);
    expect(await fetchModel('hf:someone/Tiny-GGUF/tiny-q8_0.gguf')).toBe(file);
    expect(hub.sent).toBe(sent);
  });

  it('go on where a download broke off', async () => {
    hub.breakAfter = 32 << 20;
    const error = await fault(fetchHub(URI, { stallMs: 1500 }));
    expect(error.message).toMatch(/broke off .* Run the command again/);
    expect(cachedModel(URI)).toBeNull();
    const before = hub.sent;
    expect(before).toBeGreaterThan(30 << 20);
    hub.breakAfter = Infinity;
    const file = await fetchHub(URI);
    expect(readFileSync(file).equals(hub.content)).toBe(true);
    // Most of what had come is not sent a second time (the downloader keeps whole chunks of 5 MiB, three in flight).
    expect(hub.sent - before).toBeLessThan(SIZE - (8 << 20));
    expect(readdirSync(folder()).sort()).toEqual(['tiny-q8_0.gguf', 'tiny-q8_0.gguf.json']);
  });

  it('survive a connection that breaks and comes back', async () => {
    hub.breakAfter = 20 << 20;
    const back = setTimeout(() => (hub.breakAfter = Infinity), 500);
    const file = await fetchHub(URI);
    clearTimeout(back);
    expect(readFileSync(file).equals(hub.content)).toBe(true);
  });

  it('refuse a wrong checksum and keep nothing', async () => {
    hub.claim = 'f'.repeat(64);
    const error = await fault(fetchHub(URI));
    expect(error).toMatchObject({ code: 'corrupt' });
    expect(error.message).toMatch(/the hub says ffff/);
    expect(readdirSync(folder())).toEqual([]);
  });

  it('say what to do when there is no network, no such repository, no permission, no space', async () => {
    expect((await fault(fetchHub('hf:someone/nothing:Q8_0'))).message).toMatch(/does not know it.*kelvin models/s);
    expect((await fault(fetchHub('hf:someone/Tiny-GGUF/other.gguf'))).message).toMatch(/does not know it/);
    expect((await fault(fetchHub('hf:someone/gated/a.gguf'))).message).toMatch(/HF_TOKEN/);
    expect((await fault(fetchHub('hf:someone/Tiny-GGUF/part-00001-of-00002.gguf'))).message).toMatch(/split into several files/);
    hub.claimBytes = 1e15;
    expect((await fault(fetchHub(URI))).message).toMatch(/Free 1?\d+\.\d GB|KELVIN_CACHE/);
    expect(hub.sent).toBe(0);
    process.env['HF_ENDPOINT'] = 'http://127.0.0.1:1';
    const offline = await fault(fetchHub(URI));
    expect(offline.message).toContain('cannot be reached');
    expect(offline.message).toContain(folder());
  });

  it('find a file that was put into the folder by hand', async () => {
    mkdirSync(folder(), { recursive: true });
    writeFileSync(join(folder(), 'my-own-q8_0.gguf'), 'GGUF');
    process.env['HF_ENDPOINT'] = 'http://127.0.0.1:1';
    expect(await fetchModel(URI)).toBe(join(folder(), 'my-own-q8_0.gguf'));
    expect(cachedModel('hf:someone/Tiny-GGUF:Q4_K_M')).toBeNull();
  });

  it('refuse a file that has changed since', async () => {
    const file = await fetchModel(URI);
    utimesSync(file, 1, 1);
    expect(await fetchModel(URI)).toBe(file);
    appendFileSync(file, 'x');
    const error = await fault(fetchModel(URI));
    expect(error).toMatchObject({ code: 'corrupt' });
    expect(error.message).toContain(`kelvin models add ${URI}`);
    expect(existsSync(file)).toBe(true);
  });
});

describe('pip: URIs', () => {
  it('take package names only', async () => {
    for (const bad of ['pip:', 'pip:--index-url=http://x', 'pip:a b', 'pip:../x'])
      expect((await fault(fetchModel(bad))).message, bad).toMatch(/no name of a Python package/);
  });
});
