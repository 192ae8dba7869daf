/**
 * Continuous batching: requests wait in one queue; each decoder takes the next as soon as slots are free, computes its
 * prompt once, and keeps its slots dense, so that a sequence that ends makes room at once. Requests that follow from a
 * sequence (`SampleOptions.more`) join while others run.
 */
import { EngineError, type SampleOptions, type SampleRequest, type Sequence } from '../ports.ts';
import type { StopReason } from '../../core/types.ts';
import type { Decoder, Distributions } from './decoder.ts';
import { uniformAt } from './random.ts';

export interface Vocabulary {
  /** Bytes of a token as they appear in text. */
  bytes(token: number): Uint8Array;
  isEnd(token: number): boolean;
}

/**
 * Steps after which requests that follow from a sequence are waited for. A decoder whose numbers depend on what else is
 * in the batch must take them at a step that the sequences determine and never at a time of the clock, or no run would
 * repeat; judging a proposal takes less time than these steps.
 */
const FOLLOW = 4;

/** A request under way: what its sequences share. */
interface Wanted {
  readonly request: SampleRequest;
  readonly number: number;
  readonly stops: readonly Buffer[];
  /** Bytes of the text before a token in which a stop text may begin. */
  readonly margin: number;
}

interface Live {
  readonly of: Wanted;
  readonly index: number;
  readonly tokens: number[];
  readonly logprobs: number[];
  tail: Buffer;
  token: number;
}

/** Requests that follow from a sequence, and the step of the sequence's decoder at which they are waited for. */
interface Arrival {
  readonly due: number;
  readonly wanted: Promise<readonly Wanted[]>;
}

export class Sampling {
  readonly #options: SampleOptions;
  readonly #vocabulary: Vocabulary;
  readonly #version: number;
  readonly #results: Sequence[][] = [];
  readonly #queue: Wanted[] = [];
  #limits: Pick<Decoder, 'context' | 'vocabulary'> = { context: 0, vocabulary: 0 };
  /** The requests of `more`, numbered in the order of its calls. */
  #numbered: Promise<unknown> = Promise.resolve();
  /** Sequences wanted that have not ended, and arrivals not yet in the queue. */
  #open = 0;
  #failure: { readonly error: unknown } | null = null;
  #wake: (() => void)[] = [];

  constructor(options: SampleOptions, vocabulary: Vocabulary, version: number) {
    this.#options = options;
    this.#vocabulary = vocabulary;
    this.#version = version;
  }

  async run(requests: readonly SampleRequest[], decoders: readonly Decoder[]): Promise<Sequence[][]> {
    this.#limits = decoders[0] ?? this.#limits;
    for (const wanted of this.#number(requests)) this.#enqueue(wanted);
    // All decoders come to rest before an error is passed on, so that none computes while the next call begins.
    await Promise.all(decoders.map((decoder) => this.#drive(decoder).catch((error: unknown) => this.#fail(error))));
    if (this.#failure !== null) throw this.#failure.error;
    return this.#results;
  }

  async #drive(decoder: Decoder): Promise<void> {
    const live: Live[] = [];
    const arrivals: Arrival[] = [];
    decoder.begin();
    /** The request being admitted: its prompt is in the decoder, `started` of its sequences have a slot. */
    let admitting: { of: Wanted; started: number; next: Distributions } | null = null;
    for (let step = 0; ; step++) {
      while (arrivals.length > 0 && (live.length === 0 || (arrivals[0] as Arrival).due <= step)) {
        for (const wanted of await (arrivals.shift() as Arrival).wanted) this.#enqueue(wanted);
        this.#close();
      }
      this.#options.signal?.throwIfAborted();
      if (this.#failure !== null) return;
      while (live.length < decoder.slots) {
        if (admitting === null) {
          const of = this.#queue.shift();
          if (of === undefined) break;
          admitting = { of, started: 0, next: await decoder.prefill(of.request.prompt, of.request.temperature) };
        }
        const { of, next } = admitting;
        const one: Live = { of, index: admitting.started++, tokens: [], logprobs: [], tail: Buffer.alloc(0), token: 0 };
        if (admitting.started >= of.request.n) admitting = null;
        if (this.#advance(one, next, 0, decoder, step, arrivals)) {
          decoder.attach(live.length);
          live.push(one);
        }
      }
      if (live.length === 0) {
        if (arrivals.length > 0) continue;
        if (this.#open === 0) return;
        await new Promise<void>((resolve) => this.#wake.push(resolve));
        continue;
      }
      const next = await decoder.step(
        live.map(({ of: { request }, token, tokens }) => ({
          token,
          position: request.prompt.length + tokens.length - 1,
          temperature: request.temperature,
        })),
      );
      const ended: number[] = [];
      live.forEach((s, slot) => {
        if (!this.#advance(s, next, slot, decoder, step, arrivals)) ended.push(slot);
      });
      for (const slot of ended.reverse()) {
        const last = live.pop() as Live;
        if (slot === live.length) continue;
        decoder.move(live.length, slot, last.of.request.prompt.length + last.tokens.length - 1);
        live[slot] = last;
      }
    }
  }

  /** Gives requests their numbers. Throws what is wrong with one. */
  #number(requests: readonly SampleRequest[]): Wanted[] {
    return requests.map((request) => {
      const number = this.#results.push([]) - 1;
      checkRequest(request, number, this.#limits);
      const stops = (request.stop ?? []).filter((s) => s !== '').map((s) => Buffer.from(s, 'utf8'));
      return { request, number, stops, margin: stops.reduce((a, s) => Math.max(a, s.length - 1), 0) };
    });
  }
  #enqueue(wanted: Wanted): void {
    if (wanted.request.n < 1) return;
    this.#open += wanted.request.n;
    this.#queue.push(wanted);
    this.#rouse();
  }
  #close(): void {
    this.#open--;
    if (this.#open === 0) this.#rouse();
  }
  #fail(error: unknown): void {
    this.#failure ??= { error };
    this.#rouse();
  }
  #rouse(): void {
    for (const resolve of this.#wake.splice(0)) resolve();
  }

  /** Draws the sequence's next token; false when the sequence has ended. */
  #advance(s: Live, next: Distributions, row: number, decoder: Decoder, step: number, arrivals: Arrival[]): boolean {
    const { request, number } = s.of;
    const { token, logprob } = next.draw(row, request.temperature, uniformAt(request.seed, s.index, s.tokens.length));
    if (!Number.isFinite(logprob))
      throw new EngineError(
        'native',
        'The model gave logits that are not numbers: its weights have diverged. Go back to a checkpoint and lower the learning rate.',
      );
    s.tokens.push(token);
    s.logprobs.push(logprob);
    s.token = token;
    const wanted = this.#options.onToken?.(number, s.index, token);
    let reason: StopReason | null = null;
    if (this.#vocabulary.isEnd(token) || this.#stopped(s, token)) reason = 'stop';
    else if (wanted === false) reason = 'cut';
    else if (s.tokens.length >= request.maxTokens || request.prompt.length + s.tokens.length >= decoder.context) reason = 'length';
    if (reason === null) return true;
    const sequence: Sequence = { tokens: s.tokens, logprobs: s.logprobs, stopReason: reason, policyVersion: this.#version };
    (this.#results[number] as Sequence[])[s.index] = sequence;
    this.#options.onSequence?.(number, s.index, sequence);
    this.#follow(this.#options.more?.(number, s.index, sequence), decoder, step, arrivals);
    this.#close();
    return false;
  }

  #follow(requests: Promise<readonly SampleRequest[]> | undefined, decoder: Decoder, step: number, arrivals: Arrival[]): void {
    if (requests === undefined) return;
    this.#open++;
    const wanted = this.#numbered.then(async () => this.#number(await requests));
    this.#numbered = wanted;
    requests.catch(() => undefined);
    if (!decoder.exact) {
      wanted.catch(() => undefined);
      arrivals.push({ due: step + FOLLOW, wanted });
      return;
    }
    wanted.then(
      (all) => {
        for (const one of all) this.#enqueue(one);
        this.#close();
      },
      (error: unknown) => this.#fail(error),
    );
  }

  #stopped(s: Live, token: number): boolean {
    const { stops, margin } = s.of;
    if (stops.length === 0) return false;
    const text = Buffer.concat([s.tail, this.#vocabulary.bytes(token)]);
    s.tail = Buffer.from(text.subarray(Math.max(0, text.length - margin)));
    return stops.some((stop) => text.includes(stop));
  }
}

function checkRequest(r: SampleRequest, i: number, decoder: Pick<Decoder, 'context' | 'vocabulary'>): void {
  if (r.prompt.length === 0) throw new EngineError('unsupported', `Request ${i} has an empty prompt. Give it at least one token.`);
  if (r.prompt.length >= decoder.context)
    throw new EngineError(
      'unsupported',
      `The prompt of request ${i} has ${r.prompt.length} tokens, but the context holds ${decoder.context} with the answer. Shorten the prompt or raise engine.contextLength.`,
    );
  if (r.prompt.some((t) => !Number.isInteger(t) || t < 0 || t >= decoder.vocabulary))
    throw new RangeError(`request ${i}: a prompt token is outside the vocabulary of ${decoder.vocabulary}`);
  if (!(r.temperature >= 0) || !(r.maxTokens >= 1) || !Number.isSafeInteger(r.seed))
    throw new RangeError(`request ${i}: temperature ${r.temperature}, maxTokens ${r.maxTokens}, seed ${r.seed}`);
}
