/** One HTTP exchange with a Tinker server: a time limit, a size limit, the API key, and what went wrong in plain terms. */
import { inline } from '../../core/inert.ts';
import { EngineError } from '../ports.ts';
import type { Clock } from './clock.ts';
import { JSON_TYPE } from './wire.ts';

/** Larger answers are refused: a step's results are some megabytes, an adapter some hundreds. */
const MOST_BYTES = 256 * 1024 ** 2;

export interface Exchange {
  readonly method?: 'GET' | 'POST';
  /** Sent as JSON, or as bytes of `contentType`. */
  readonly body?: unknown;
  readonly contentType?: string;
  readonly accept?: string;
  /** The same for every attempt at one call, so that a server can tell a repetition. */
  readonly idempotencyKey?: string;
  readonly timeoutMs?: number;
  readonly mostBytes?: number;
  readonly signal?: AbortSignal | undefined;
}

export interface Reply {
  readonly status: number;
  /** Without parameters, lower case. */
  readonly contentType: string;
  readonly body: Buffer;
  readonly location: string | null;
}

/** No answer. `sent` is false when the server cannot have seen the request; `late`: the time was up, nothing else went wrong. */
export class NoAnswer extends Error {
  readonly sent: boolean;
  readonly late: boolean;
  constructor(why: string, sent: boolean, late = false) {
    super(why);
    this.sent = sent;
    this.late = late;
  }
}

const NEVER_SENT = new Set(['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH', 'UND_ERR_CONNECT_TIMEOUT']);

export class Transport {
  readonly base: string;
  readonly #key: string;
  readonly #clock: Clock;

  /** @throws EngineError `missing` when the address is none. */
  constructor(url: string, apiKey: string, clock: Clock) {
    const parsed = URL.parse(url);
    if (parsed === null || !['http:', 'https:'].includes(parsed.protocol) || parsed.username !== '')
      throw new EngineError('missing', `engine.tinker.url is "${url}", which is no address. Write it as http://host:8000.`);
    this.base = url.replace(/\/+$/, '');
    this.#key = apiKey;
    this.#clock = clock;
  }

  /** @throws NoAnswer; EngineError `server` when the answer is too large; what `signal` was aborted with. */
  async exchange(path: string, options: Exchange = {}): Promise<Reply> {
    const { method = 'POST', body, contentType = JSON_TYPE, timeoutMs = 60_000, signal, mostBytes = MOST_BYTES } = options;
    const url = path.startsWith('/') ? this.base + path : path;
    const timeout = this.#clock.timeout(timeoutMs);
    try {
      const response = await fetch(url, {
        method,
        redirect: 'manual',
        headers: {
          ...(body === undefined ? {} : { 'content-type': contentType }),
          // A redirect may lead to another host, which must not see the key.
          ...(this.#key !== '' && new URL(url).origin === new URL(this.base).origin ? { 'x-api-key': this.#key } : {}),
          accept: options.accept ?? JSON_TYPE,
          ...(options.idempotencyKey === undefined ? {} : { 'x-idempotency-key': options.idempotencyKey }),
        },
        ...(body === undefined ? {} : { body: body instanceof Uint8Array ? (body as Uint8Array<ArrayBuffer>) : JSON.stringify(body) }),
        signal: signal === undefined ? timeout : AbortSignal.any([timeout, signal]),
      });
      return {
        status: response.status,
        contentType: (response.headers.get('content-type') ?? '').split(';')[0]?.trim().toLowerCase() ?? '',
        body: await read(response, mostBytes, path),
        location: response.headers.get('location'),
      };
    } catch (error) {
      if (error instanceof EngineError) throw error;
      signal?.throwIfAborted();
      if (timeout.aborted) throw new NoAnswer(`no answer within ${timeoutMs / 1000} s`, true, true);
      const cause = (error as { cause?: { code?: string; message?: string } }).cause;
      const code = cause?.code ?? '';
      throw new NoAnswer(code || (cause?.message ?? (error as Error).message), !NEVER_SENT.has(code));
    }
  }
}

async function read(response: Response, most: number, path: string): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  let bytes = 0;
  for await (const part of response.body ?? []) {
    bytes += (part as Uint8Array).length;
    if (bytes > most) {
      // Leaving the loop cancels the rest of the body.
      throw new EngineError(
        'server',
        `The Tinker server answered ${path} with more than ${most / 1024 ** 2} MB. Check that engine.tinker.url names the right server.`,
      );
    }
    parts.push(part as Uint8Array);
  }
  return Buffer.concat(parts);
}

/** The body as JSON; undefined when it is none. */
export function jsonOf({ body }: Reply): unknown {
  try {
    return JSON.parse(body.toString('utf8')) as unknown;
  } catch {
    return undefined;
  }
}

/** What a server says went wrong, in one line. FastAPI: `detail` is a sentence or a list of validation errors. */
export function detailOf(reply: Reply): string {
  const json = jsonOf(reply) as { detail?: unknown; error?: unknown } | null | undefined;
  const detail = json?.detail ?? json?.error;
  const text =
    typeof detail === 'string'
      ? detail
      : Array.isArray(detail)
        ? detail
            .slice(0, 3)
            .map((one: { loc?: unknown[]; msg?: unknown } | null) => `${(one?.loc ?? []).join('.')}: ${String(one?.msg)}`)
            .join('; ')
        : reply.body.toString('utf8');
  // A server's text must not steer the terminal.
  return inline(text.slice(0, 300)).trim();
}
