/**
 * Calls that get through: submissions are repeated with growing pauses, results are fetched by long polling. A training
 * request is repeated only where the server knows it by its sequence number; elsewhere a lost answer ends the run, which
 * goes on from its checkpoint, so that no optimiser step is lost or taken twice.
 */
import { randomUUID } from 'node:crypto';
import type { z } from 'zod';
import { EngineError } from '../ports.ts';
import type { Clock } from './clock.ts';
import { detailOf, jsonOf, NoAnswer, type Exchange, type Reply, type Transport } from './transport.ts';
import { checked, futureSchema, PROTOBUF } from './wire.ts';

export interface Patience {
  /** How long a server that cannot be reached, or that asks to wait, is tried again. */
  readonly unreachableMs: number;
  /** How long one operation may take. */
  readonly operationMs: number;
}

/** The server understood and said no. */
export class Refused extends Error {
  readonly status: number;
  readonly detail: string;
  constructor(path: string, status: number, detail: string) {
    super(`${path} was refused (${status}): ${detail}`);
    this.status = status;
    this.detail = detail;
  }
}

const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 10_000;
const LONGEST_POLL_PAUSE_MS = 30_000;
const JITTER = 0.25;
const POLL_MS = 45_000;
const HEALTH_MS = 10_000;
const BILLING_PAUSE_MS = 5000;
/** A server that answers a long poll at once is asked again after this. */
const SHORTEST_POLL_MS = 250;
/** Proxies inject 400; a real one is the same the third time. */
const DOUBTFUL_TRIES = 3;
const MOST_RESUBMISSIONS = 5;

export interface Submission extends Exchange {
  readonly path: string;
  /** Whether a second copy of the request does no harm. */
  readonly repeatable: boolean;
  readonly signal?: AbortSignal | undefined;
}

/** An operation under way. */
export interface Operation {
  readonly modelId: string | null;
  /** Waits for the result. @throws Refused when it failed; EngineError `server` when it is lost. */
  result(accept?: string): Promise<Reply>;
}

export class Calls {
  readonly #transport: Transport;
  readonly #clock: Clock;
  readonly #patience: Patience;
  readonly #closed = new AbortController();
  #finished: string | null = null;

  constructor(transport: Transport, clock: Clock, patience: Patience) {
    this.#transport = transport;
    this.#clock = clock;
    this.#patience = patience;
  }

  /** Ends what is waiting. */
  close(): void {
    this.#closed.abort(new EngineError('native', 'The engine is closed.'));
  }
  /** The session is over: nothing more is asked. */
  finish(why: string): void {
    this.#finished ??= why;
  }

  /** One exchange that is repeated until the server has taken it. @throws Refused; EngineError `server`. */
  async accepted({ path, repeatable, ...exchange }: Submission): Promise<Reply> {
    const idempotencyKey = randomUUID();
    const signal = this.#signal(exchange.signal);
    const waiting = this.#waiting(path);
    for (let tries = 0; ; tries++) {
      if (this.#finished !== null) throw lost(this.#finished);
      let trouble: string;
      try {
        const reply = await this.#transport.exchange(path, { ...exchange, idempotencyKey, signal });
        if (reply.status >= 200 && reply.status < 400) return reply;
        trouble = `${reply.status} ${detailOf(reply)}`;
        if (reply.status === 402) {
          await waiting.forBilling(trouble, signal);
          continue;
        }
        const unclear = reply.status === 408 || reply.status >= 500;
        if (!unclear && reply.status !== 429 && reply.status !== 425) throw refusal(path, reply);
        if (unclear && !repeatable) throw uncertain(path, trouble);
      } catch (error) {
        if (!(error instanceof NoAnswer)) throw error;
        trouble = error.message;
        if (error.sent && !repeatable) throw uncertain(path, trouble);
      }
      await waiting.pause(trouble, Math.min(FIRST_PAUSE_MS * 2 ** tries, LONGEST_PAUSE_MS), signal);
    }
  }

  /** An exchange whose answer is at hand at once. @throws Refused; EngineError `server`. */
  async answer<T>(schema: z.ZodType<T>, submission: Submission): Promise<T> {
    for (let tries = 1; ; tries++) {
      const json = jsonOf(await this.accepted(submission));
      const parsed = schema.safeParse(json);
      if (parsed.success) return parsed.data;
      if (!submission.repeatable) throw uncertain(submission.path, 'its answer makes no sense');
      if (tries === DOUBTFUL_TRIES) return checked(schema, json, submission.path);
    }
  }

  /** Hands in an operation; its result is waited for apart, so that several can be under way. */
  async submit(submission: Submission): Promise<Operation> {
    const future = await this.answer(futureSchema, submission);
    return { modelId: future.model_id ?? null, result: (accept) => this.#result(future.request_id, submission, accept) };
  }

  async #result(id: string, submission: Submission, accept: string | undefined): Promise<Reply> {
    const { path } = submission;
    const signal = this.#signal(submission.signal);
    const started = this.#clock.now();
    let waiting = this.#waiting(path);
    let [doubtful, resubmitted, failures, quick] = [0, 0, 0, 0];
    for (;;) {
      if (this.#finished !== null) throw lost(this.#finished);
      const asked = this.#clock.now();
      if (asked - started > this.#patience.operationMs)
        throw lost(`${path} was still not done after ${Math.round((asked - started) / 1000)} s (engine.tinker.operationSeconds)`);
      let trouble: string;
      try {
        const body = { request_id: id, allow_metadata_only: false };
        const reply = await this.#transport.exchange('/api/v1/retrieve_future', {
          body,
          ...(accept ? { accept } : {}),
          timeoutMs: POLL_MS,
          signal,
        });
        trouble = `${reply.status} ${detailOf(reply)}`;
        if (reply.status >= 200 && reply.status < 300) {
          const state = reply.contentType === PROTOBUF ? 'done' : stateOf(reply);
          if (state === 'done') return reply;
          if (state === 'failed') throw new Refused(path, 400, detailOf(reply));
          trouble = '';
        } else if (reply.status === 402) {
          await waiting.forBilling(trouble, signal);
          continue;
        } else if (reply.status === 410 || reply.status === 404) {
          if (!submission.repeatable) throw uncertain(path, 'the server has forgotten its result');
          if (++resubmitted > MOST_RESUBMISSIONS) throw lost(`the server forgets the result of ${path} again and again`);
          id = (await this.answer(futureSchema, submission)).request_id;
          continue;
        } else if (reply.status === 408) trouble = '';
        else if (reply.status === 400 || reply.status === 422) {
          if (++doubtful === DOUBTFUL_TRIES) throw new Refused(path, reply.status, detailOf(reply));
        } else if (reply.status !== 429 && reply.status < 500) throw refusal(path, reply);
      } catch (error) {
        if (!(error instanceof NoAnswer)) throw error;
        // A poll may take longer than we wait (SkyRL: 300 s), which says nothing of the server.
        trouble = error.late && (await this.#alive(signal)) ? '' : error.message;
      }
      if (trouble === '') {
        [waiting, failures] = [this.#waiting(path), 0];
        quick = this.#clock.now() - asked < SHORTEST_POLL_MS ? quick + 1 : 0;
        if (quick > 0) await this.#clock.sleep(Math.min(SHORTEST_POLL_MS * 2 ** (quick - 1), 2000), signal);
      } else await waiting.pause(trouble, Math.min(1000 * 2 ** failures++, LONGEST_POLL_PAUSE_MS), signal);
    }
  }

  /** Whether the server answers at all. */
  async #alive(signal: AbortSignal): Promise<boolean> {
    try {
      return (await this.#transport.exchange('/api/v1/healthz', { method: 'GET', timeoutMs: HEALTH_MS, signal })).status < 500;
    } catch (error) {
      if (error instanceof NoAnswer) return false;
      throw error;
    }
  }

  #signal(signal: AbortSignal | undefined): AbortSignal {
    return signal === undefined ? this.#closed.signal : AbortSignal.any([signal, this.#closed.signal]);
  }

  /** Pauses, and gives up when trouble lasts. */
  #waiting(path: string): {
    pause(trouble: string, ms: number, signal: AbortSignal): Promise<void>;
    forBilling(trouble: string, signal: AbortSignal): Promise<void>;
  } {
    const { unreachableMs, operationMs } = this.#patience;
    let since: number | null = null;
    const wait = async (trouble: string, ms: number, longest: number, signal: AbortSignal): Promise<void> => {
      since ??= this.#clock.now();
      if (this.#clock.now() - since > longest) throw lost(`${path} did not get through for ${Math.round(longest / 1000)} s (${trouble})`);
      await this.#clock.sleep(ms * (1 - JITTER + 2 * JITTER * this.#clock.random()), signal);
    };
    return {
      pause: (trouble, ms, signal) => wait(trouble, ms, unreachableMs, signal),
      forBilling: (trouble, signal) => wait(`${trouble}; the account cannot pay`, BILLING_PAUSE_MS, operationMs, signal),
    };
  }
}

/** What a JSON answer to a poll says. */
function stateOf(reply: Reply): 'done' | 'again' | 'failed' {
  const json = jsonOf(reply) as { type?: unknown; status?: unknown; error?: unknown; category?: unknown } | null | undefined;
  if (json?.type === 'try_again' || json?.status === 'complete_metadata') return 'again';
  return typeof json?.error === 'string' && typeof json.category === 'string' ? 'failed' : 'done';
}

/** A final no: wrong key, unknown model or session, or a request that the server does not take. */
function refusal(path: string, reply: Reply): Error {
  const detail = detailOf(reply);
  if (reply.status === 401 || reply.status === 403)
    return new EngineError(
      'missing',
      `The Tinker server wants another API key (${reply.status} ${detail}). Put it into the environment variable that engine.tinker.apiKeyEnv names (TINKER_API_KEY).`,
    );
  if (reply.status === 404 || reply.status === 410) return lost(`${path}: ${reply.status} ${detail}`);
  return new Refused(path, reply.status, detail);
}

const lostBecause = (why: string): string =>
  `The Tinker server was lost: ${why}. When it is back, kelvin resume goes on from the last complete step; no step is lost or taken twice.`;
export const lost = (why: string): EngineError => new EngineError('server', lostBecause(why));

/** Whether a request was carried out is not known, and asking again could do it twice. */
export class Uncertain extends EngineError {}
const uncertain = (path: string, why: string): Uncertain =>
  new Uncertain(
    'server',
    lostBecause(`nobody knows whether ${path} arrived (${why}), and this server does not tell a repetition from a new request`),
  );
