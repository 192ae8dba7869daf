/**
 * Continuous batching: requests wait in one queue; each decoder takes the next as soon as slots are free, computes its
 * prompt once, and keeps its slots dense, so that a sequence that ends makes room at once.
 */
import { EngineError, type SampleOptions, type SampleRequest, type Sequence } from '../ports.ts';
import type { StopReason } from '../../core/types.ts';
import type { Decoder } from './decoder.ts';
import { draw, uniformAt } from './random.ts';

export interface Vocabulary {
  /** Bytes of a token as they appear in text. */
  bytes(token: number): Uint8Array;
  isEnd(token: number): boolean;
}

interface Live {
  readonly request: number;
  readonly index: number;
  readonly tokens: number[];
  readonly logprobs: number[];
  /** Last bytes of the text, in which a stop text may begin. */
  tail: Buffer;
  token: number;
}

export class Sampling {
  readonly #requests: readonly SampleRequest[];
  readonly #options: SampleOptions;
  readonly #vocabulary: Vocabulary;
  readonly #version: number;
  readonly #results: Sequence[][];
  readonly #stops: readonly (readonly Buffer[])[];
  readonly #margins: readonly number[];
  #next = 0;
  #failed = false;

  constructor(requests: readonly SampleRequest[], options: SampleOptions, vocabulary: Vocabulary, version: number) {
    this.#requests = requests;
    this.#options = options;
    this.#vocabulary = vocabulary;
    this.#version = version;
    this.#results = requests.map(() => []);
    this.#stops = requests.map((r) => (r.stop ?? []).filter((s) => s !== '').map((s) => Buffer.from(s, 'utf8')));
    this.#margins = this.#stops.map((stops) => stops.reduce((a, s) => Math.max(a, s.length - 1), 0));
  }

  async run(decoders: readonly Decoder[]): Promise<Sequence[][]> {
    for (const decoder of decoders.slice(0, 1)) this.#requests.forEach((r, i) => checkRequest(r, i, decoder));
    // All decoders come to rest before an error is passed on, so that none computes while the next call begins.
    const drives = decoders.map((decoder) =>
      this.#drive(decoder).catch((error: unknown) => {
        this.#failed = true;
        throw error;
      }),
    );
    const failed = (await Promise.allSettled(drives)).find((d) => d.status === 'rejected');
    if (failed !== undefined) throw failed.reason;
    return this.#results;
  }

  async #drive(decoder: Decoder): Promise<void> {
    const live: Live[] = [];
    const scratch = new Float64Array(decoder.vocabulary);
    /** The request being admitted: its prompt is in the decoder, `started` of its sequences have a slot. */
    let admitting: { request: number; started: number; logits: Float32Array } | null = null;
    for (;;) {
      this.#options.signal?.throwIfAborted();
      if (this.#failed) return;
      while (live.length < decoder.slots) {
        if (admitting === null) {
          const request = this.#take();
          if (request === null) break;
          admitting = { request, started: 0, logits: await decoder.prefill((this.#requests[request] as SampleRequest).prompt) };
        }
        const { request, logits } = admitting;
        const one: Live = { request, index: admitting.started++, tokens: [], logprobs: [], tail: Buffer.alloc(0), token: 0 };
        if (admitting.started >= (this.#requests[request] as SampleRequest).n) admitting = null;
        if (this.#advance(one, logits, decoder, scratch)) {
          decoder.attach(live.length);
          live.push(one);
        }
      }
      if (live.length === 0) return;
      const logits = await decoder.step(
        live.map((s) => ({ token: s.token, position: (this.#requests[s.request] as SampleRequest).prompt.length + s.tokens.length - 1 })),
      );
      const ended: number[] = [];
      live.forEach((s, slot) => {
        const row = logits.subarray(slot * decoder.vocabulary, (slot + 1) * decoder.vocabulary);
        if (!this.#advance(s, row, decoder, scratch)) ended.push(slot);
      });
      for (const slot of ended.reverse()) {
        const last = live.pop() as Live;
        if (slot === live.length) continue;
        decoder.move(live.length, slot, (this.#requests[last.request] as SampleRequest).prompt.length + last.tokens.length - 1);
        live[slot] = last;
      }
    }
  }

  #take(): number | null {
    while (this.#next < this.#requests.length && (this.#requests[this.#next] as SampleRequest).n < 1) this.#next++;
    return this.#next < this.#requests.length ? this.#next++ : null;
  }

  /** Draws the sequence's next token; false when the sequence has ended. */
  #advance(s: Live, logits: Float32Array, decoder: Decoder, scratch: Float64Array): boolean {
    const request = this.#requests[s.request] as SampleRequest;
    const { token, logprob } = draw(logits, request.temperature, uniformAt(request.seed, s.index, s.tokens.length), scratch);
    if (!Number.isFinite(logprob))
      throw new EngineError(
        'native',
        'The model gave logits that are not numbers: its weights have diverged. Go back to a checkpoint and lower the learning rate.',
      );
    s.tokens.push(token);
    s.logprobs.push(logprob);
    s.token = token;
    const wanted = this.#options.onToken?.(s.request, s.index, token);
    let reason: StopReason | null = null;
    if (this.#vocabulary.isEnd(token) || this.#stopped(s, token)) reason = 'stop';
    else if (wanted === false) reason = 'cut';
    else if (s.tokens.length >= request.maxTokens || request.prompt.length + s.tokens.length >= decoder.context) reason = 'length';
    if (reason === null) return true;
    const sequence: Sequence = { tokens: s.tokens, logprobs: s.logprobs, stopReason: reason, policyVersion: this.#version };
    (this.#results[s.request] as Sequence[])[s.index] = sequence;
    this.#options.onSequence?.(s.request, s.index, sequence);
    return false;
  }

  #stopped(s: Live, token: number): boolean {
    const stops = this.#stops[s.request] ?? [];
    if (stops.length === 0) return false;
    const text = Buffer.concat([s.tail, this.#vocabulary.bytes(token)]);
    const margin = this.#margins[s.request] ?? 0;
    s.tail = Buffer.from(text.subarray(Math.max(0, text.length - margin)));
    return stops.some((stop) => text.includes(stop));
  }
}

function checkRequest(r: SampleRequest, i: number, decoder: Decoder): void {
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
