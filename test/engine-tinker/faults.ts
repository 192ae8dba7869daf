/** Seeded faults between client and scripted server: what networks, proxies and servers do, before or after the work is done. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { numbers } from '../engine/models.ts';
import type { ScriptedTinker } from './server.ts';

const PLAIN = [
  'reset before',
  'reset after',
  'silence before',
  'silence after',
  '429',
  '500 before',
  '502 after',
  '503 before',
  '402',
  'garbage after',
  'twice',
] as const;
/** Of long polls. */
const POLLS = ['try_again', '408', '400 once', '410', 'reset after', '503 before', '429', 'twice'] as const;
export type Fault = (typeof PLAIN)[number] | (typeof POLLS)[number];

export interface Injected {
  readonly counts: Map<string, number>;
  total: number;
}

/**
 * @param most faults in all; afterwards everything works
 * @param share of requests that suffer one
 * @param server to which answers belong; needed to forget a promise
 * @param without faults that the server cannot survive by itself (a proxy that repeats a request, where it knows no repetition)
 */
export function faults(
  seed: number,
  most: number,
  share: number,
  server: () => ScriptedTinker,
  without: readonly Fault[] = [],
): {
  readonly injected: Injected;
  readonly intercept: (route: string, request: IncomingMessage, response: ServerResponse, handle: () => Promise<void>) => Promise<boolean>;
} {
  const next = numbers(seed);
  const injected: Injected = { counts: new Map(), total: 0 };
  const last = new Map<string, string>();
  return {
    injected,
    intercept: async (route, request, response, handle) => {
      if (route === 'session_heartbeat' || injected.total >= most || next() >= share) return false;
      const kinds: readonly Fault[] = (route === 'retrieve_future' ? POLLS : PLAIN).filter(
        (kind) => !(without as readonly string[]).includes(kind),
      );
      const kind = kinds[Math.floor(next() * kinds.length)]!;
      // Silence takes the client's whole patience, so there is less of it; a proxy's 400 comes singly.
      if (kind.startsWith('silence') && next() < 0.7) return false;
      if (kind === '400 once' && last.get(route) === kind) return false;
      last.set(route, kind);
      injected.total++;
      injected.counts.set(kind, (injected.counts.get(kind) ?? 0) + 1);
      const say = (status: number, body: unknown): true => {
        response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
        return true;
      };
      const unheard = (): Promise<void> => handleSilently(handle, response);
      switch (kind) {
        case 'reset before':
          request.socket.destroy();
          return true;
        case 'reset after':
          await unheard();
          request.socket.destroy();
          return true;
        case 'silence before':
          return true;
        case 'silence after':
          await unheard();
          return true;
        case '502 after':
          await unheard();
          return say(502, { detail: 'Bad Gateway' });
        case 'garbage after':
          await unheard();
          response.writeHead(200, { 'content-type': 'text/html' }).end('<html>It works!</html>');
          return true;
        case 'twice':
          await unheard();
          return false;
        case 'try_again':
          return say(200, { type: 'try_again', request_id: '1', queue_state: 'active' });
        case '410':
          server().forgetFutures();
          return say(410, { detail: 'Promise expired' });
        default:
          return say(Number(kind.slice(0, 3)), { detail: kind });
      }
    },
  };
}

/** The work is done, the answer goes nowhere. */
export async function handleSilently(handle: () => Promise<void>, response: ServerResponse): Promise<void> {
  const { writeHead } = response;
  const end = response.end;
  response.writeHead = (() => ({ end: () => response })) as unknown as typeof writeHead;
  response.end = (() => response) as typeof end;
  try {
    await handle();
  } finally {
    response.writeHead = writeHead;
    response.end = end;
  }
}
