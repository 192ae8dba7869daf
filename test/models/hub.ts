/** A hub on this machine that answers as huggingface.co does: manifests, heads with a checksum, ranges; it can break off. */
import { createHash } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface FakeHub {
  readonly url: string;
  readonly content: Buffer;
  /** Bytes of file contents sent so far. */
  sent: number;
  /** Ends every transfer after so many bytes in all; Infinity = never. */
  breakAfter: number;
  /** What the hub claims; null = the true one. */
  claim: string | null;
  /** Size that the hub claims; null = the true one. */
  claimBytes: number | null;
  close(): Promise<void>;
}

export async function fakeHub(bytes: number): Promise<FakeHub> {
  const content = Buffer.alloc(bytes);
  for (let i = 0; i < bytes; i += 4) content.writeUInt32LE((i * 2654435761) >>> 0, i);
  content.write('GGUF');
  const digest = createHash('sha256').update(content).digest('hex');
  const hub: FakeHub = {
    url: '',
    content,
    sent: 0,
    breakAfter: Infinity,
    claim: null,
    claimBytes: null,
    close: () => new Promise((resolve) => (server.closeAllConnections(), server.close(() => resolve()))),
  };
  const server = createServer((request, response) => {
    const path = decodeURIComponent((request.url ?? '').split('?')[0] ?? '');
    if (path === '/v2/someone/Tiny-GGUF/manifests/Q8_0') {
      response.setHeader('content-type', 'application/json');
      return void response.end(JSON.stringify({ ggufFile: { rfilename: 'tiny-q8_0.gguf', size: bytes } }));
    }
    if (path === '/someone/gated/resolve/main/a.gguf') return void response.writeHead(401).end();
    if (path === '/someone/Tiny-GGUF/resolve/main/part-00001-of-00002.gguf') return void response.writeHead(200).end();
    if (path !== '/someone/Tiny-GGUF/resolve/main/tiny-q8_0.gguf') return void response.writeHead(404).end('Repository not found');
    const range = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? '');
    const from = Number(range?.[1] ?? 0);
    const to = range?.[2] ? Number(range[2]) + 1 : bytes;
    response.writeHead(range ? 206 : 200, {
      'accept-ranges': 'bytes',
      'content-length': request.method === 'HEAD' && hub.claimBytes !== null ? hub.claimBytes : to - from,
      'x-linked-etag': `"${hub.claim ?? digest}"`,
      ...(hub.claimBytes === null ? {} : { 'x-linked-size': hub.claimBytes }),
      ...(range ? { 'content-range': `bytes ${from}-${to - 1}/${bytes}` } : {}),
    });
    if (request.method === 'HEAD') return void response.end();
    // The downloader asks once without a range, only to see the headers.
    if (!range) return void response.flushHeaders();
    const send = (at: number): void => {
      if (at >= to) return void response.end();
      if (hub.sent >= hub.breakAfter) return void response.destroy();
      const part = content.subarray(at, Math.min(to, at + 65536));
      hub.sent += part.length;
      response.write(part, () => setImmediate(() => send(at + part.length)));
    };
    send(from);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return Object.assign(hub, { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` });
}
