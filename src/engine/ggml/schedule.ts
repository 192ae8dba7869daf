/**
 * Continuous batching: requests wait in one queue; each decoder takes its share of them as soon as slots are free, computes
 * their prompts side by side, each once, and keeps its slots dense, so that a sequence that ends makes room at once. Requests
 * that follow from a sequence (`SampleOptions.more`) join while others run.
 */
import { EngineError, type SampleOptions, type SampleRequest, type Sequence } from '../ports.ts';
import type { StopReason } from '../../core/types.ts';
import type { Decoder, Distributions } from './decoder.ts';
import { uniformAt, type Draw } from './random.ts';

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
  /** Sequences that have a slot, or have had one. */
  started: number;
}

/** Sequences `from` … `to` − 1 of a request. */
interface Taken {
  readonly of: Wanted;
  readonly from: number;
  readonly to: number;
}

interface Live {
  readonly of: Wanted;
  readonly index: number;
  readonly tokens: number[];
  readonly logprobs: number[];
  tail: Buffer;
  token: number;
}

/** A decoder at work. Entry i of `live` is in its slot i. */
interface Lane {
  readonly decoder: Decoder;
  readonly live: Live[];
  readonly arrivals: Arrival[];
  step: number;
  /** The request whose prompt the spare slot keeps, and the first tokens of its sequences, by index. */
  kept: { readonly of: Wanted; readonly firsts: readonly Draw[] } | null;
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
  #lanes = 1;
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
    this.#lanes = decoders.length;
    for (const wanted of this.#number(requests)) this.#enqueue(wanted);
    // All decoders come to rest before an error is passed on, so that none computes while the next call begins.
    await Promise.all(decoders.map((decoder) => this.#drive(decoder).catch((error: unknown) => this.#fail(error))));
    if (this.#failure !== null) throw this.#failure.error;
    return this.#results;
  }

  async #drive(decoder: Decoder): Promise<void> {
    const lane: Lane = { decoder, live: [], arrivals: [], step: 0, kept: null };
    const { live, arrivals } = lane;
    decoder.begin();
    for (; ; lane.step++) {
      while (arrivals.length > 0 && (live.length === 0 || (arrivals[0] as Arrival).due <= lane.step)) {
        for (const wanted of await (arrivals.shift() as Arrival).wanted) this.#enqueue(wanted);
        this.#close();
      }
      this.#options.signal?.throwIfAborted();
      if (this.#failure !== null) return;
      for (let room = this.#room(lane); room > 0 && this.#queue.length > 0; room = this.#room(lane)) await this.#admit(lane, room);
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
      this.#advanceAll(lane, 0, (s, slot) => drawFor(s.of, s.index, s.tokens.length, next, slot));
    }
  }

  /** How many sequences a decoder may take: what is open is shared out evenly, so that none works alone. */
  #room({ decoder, live }: Lane): number {
    return Math.min(decoder.slots, Math.ceil(this.#open / this.#lanes)) - live.length;
  }

  /** Gives slots to sequences from the head of the queue, at most `room`, and draws their first tokens. */
  async #admit(lane: Lane, room: number): Promise<void> {
    const { decoder, live } = lane;
    const taken = this.#take(room);
    const fresh = taken.filter(({ of }) => of !== lane.kept?.of);
    const firsts = new Map<Wanted, readonly Draw[]>(lane.kept === null ? [] : [[lane.kept.of, lane.kept.firsts]]);
    const start = live.length;
    await decoder.prefill(
      fresh.map(({ of: { request } }) => ({ tokens: request.prompt, temperature: request.temperature })),
      start,
      (i, next, row) => {
        const { of } = fresh[i] as Taken;
        firsts.set(
          of,
          Array.from({ length: of.request.n }, (_, index) => drawFor(of, index, 0, next, row)),
        );
      },
    );
    const join = (of: Wanted, index: number): unknown =>
      live.push({ of, index, tokens: [], logprobs: [], tail: Buffer.alloc(0), token: 0 });
    for (const { of, from } of fresh) join(of, from);
    for (const { of, from, to } of taken) {
      const at = fresh.findIndex((one) => one.of === of);
      const home = at < 0 ? decoder.spare : start + at;
      for (let index = at < 0 ? from : from + 1; index < to; index++) {
        decoder.copy(home, live.length, of.request.prompt.length);
        join(of, index);
      }
      if (to === of.request.n || at < 0) continue;
      decoder.copy(home, decoder.spare, of.request.prompt.length);
      lane.kept = { of, firsts: firsts.get(of) as readonly Draw[] };
    }
    this.#advanceAll(lane, start, (s) => (firsts.get(s.of) as readonly Draw[])[s.index] as Draw);
  }

  #take(room: number): Taken[] {
    const taken: Taken[] = [];
    for (let left = room; left > 0 && this.#queue.length > 0;) {
      const of = this.#queue[0] as Wanted;
      const from = of.started;
      of.started = Math.min(of.request.n, from + left);
      left -= of.started - from;
      if (of.started === of.request.n) this.#queue.shift();
      taken.push({ of, from, to: of.started });
    }
    return taken;
  }

  /** Gives the sequences from slot `start` on their next tokens; the slots of those that end are filled from the last ones. */
  #advanceAll(lane: Lane, start: number, draw: (s: Live, slot: number) => Draw): void {
    const { live, decoder } = lane;
    const ended: number[] = [];
    for (let slot = start; slot < live.length; slot++) {
      const s = live[slot] as Live;
      if (!this.#advance(s, draw(s, slot), lane)) ended.push(slot);
    }
    for (const slot of ended.reverse()) {
      const last = live.pop() as Live;
      if (slot === live.length) continue;
      decoder.copy(live.length, slot, last.of.request.prompt.length + last.tokens.length - 1);
      live[slot] = last;
    }
  }

  /** Gives requests their numbers. Throws what is wrong with one. */
  #number(requests: readonly SampleRequest[]): Wanted[] {
    return requests.map((request) => {
      const number = this.#results.push([]) - 1;
      checkRequest(request, number, this.#limits);
      const stops = (request.stop ?? []).filter((s) => s !== '').map((s) => Buffer.from(s, 'utf8'));
      return { request, number, stops, margin: stops.reduce((a, s) => Math.max(a, s.length - 1), 0), started: 0 };
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

  /** Takes the sequence's next token; false when the sequence has ended. */
  #advance(s: Live, { token, logprob }: Draw, lane: Lane): boolean {
    const { request, number } = s.of;
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
    else if (s.tokens.length >= request.maxTokens || request.prompt.length + s.tokens.length >= lane.decoder.context) reason = 'length';
    if (reason === null) return true;
    const sequence: Sequence = { tokens: s.tokens, logprobs: s.logprobs, stopReason: reason, policyVersion: this.#version };
    (this.#results[number] as Sequence[])[s.index] = sequence;
    this.#options.onSequence?.(number, s.index, sequence);
    this.#follow(this.#options.more?.(number, s.index, sequence), lane);
    this.#close();
    return false;
  }

  #follow(requests: Promise<readonly SampleRequest[]> | undefined, { decoder, step, arrivals }: Lane): void {
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

const drawFor = ({ request }: Wanted, index: number, position: number, next: Distributions, row: number): Draw =>
  next.draw(row, request.temperature, uniformAt(request.seed, index, position));

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
