/**
 * One call of `sample`: its requests go to the server side by side, results are handed on in the order of the requests, so
 * that nothing depends on which answer comes first.
 */
import type { StopReason } from '../../core/types.ts';
import { EngineError, type SampleOptions, type SampleRequest, type Sequence } from '../ports.ts';
import type { TokenizerFiles } from '../tokenizer-files.ts';
import type { TinkerClient } from './client.ts';
import type { SampledSequence } from './wire.ts';

/** Weights on the server that are sampled from. */
export interface Sampler {
  readonly session: string;
  readonly policyVersion: number;
  /** Number of its next request; distinct within a session. */
  next: number;
}

export interface RolloutParts {
  readonly client: Pick<TinkerClient, 'sample'>;
  readonly tokenizer: TokenizerFiles;
  /** Sequences under way at a time. */
  readonly parallel: number;
  readonly contextLength: number;
  readonly vocabulary: number;
  readonly sampler: Sampler;
  readonly options: SampleOptions;
}

export class Rollouts {
  readonly #p: RolloutParts;
  readonly #results: Sequence[][] = [];
  #free: number;
  readonly #waiting: (() => void)[] = [];
  readonly #stop = new AbortController();

  constructor(parts: RolloutParts) {
    this.#p = parts;
    this.#free = parts.parallel;
  }

  async run(requests: readonly SampleRequest[]): Promise<Sequence[][]> {
    const queue: { readonly request: SampleRequest; readonly answer: Promise<readonly SampledSequence[]> }[] = [];
    const enter = (more: readonly SampleRequest[]): void => {
      for (const request of more) {
        const answer = this.#ask(request, queue.length);
        answer.catch(() => undefined);
        queue.push({ request, answer });
        this.#results.push([]);
      }
    };
    const following: Promise<readonly SampleRequest[]>[] = [];
    try {
      enter(requests);
      for (let at = 0; at < queue.length || following.length > 0;) {
        const { request, answer } = queue[at] ?? {};
        // Requests that follow are entered in the order of their promises, behind all that are known.
        if (request === undefined || answer === undefined) {
          enter((await following.shift()) ?? []);
          continue;
        }
        const sequences = await answer;
        sequences.forEach((sequence, index) => {
          const more = this.#hand(at, index, request, sequence);
          if (more === undefined) return;
          more.catch(() => undefined);
          following.push(more);
        });
        at++;
        // What is promised already joins at once, so that the server is not idle.
        while (following.length > 0) {
          const first = following[0] as Promise<readonly SampleRequest[]>;
          const ready = await Promise.race([first, Promise.resolve(null)]);
          if (ready === null) break;
          following.shift();
          enter(ready);
        }
      }
    } catch (error) {
      this.#stop.abort(error);
      throw error;
    }
    return this.#results;
  }

  async #ask(request: SampleRequest, number: number): Promise<readonly SampledSequence[]> {
    const { client, sampler, contextLength, vocabulary, options } = this.#p;
    const room = contextLength - request.prompt.length;
    if (room <= 0)
      throw new EngineError(
        'unsupported',
        `The prompt of request ${number} has ${request.prompt.length} tokens, the context holds ${contextLength}. Shorten it, or raise engine.contextLength.`,
      );
    const width = Math.min(request.n, this.#p.parallel);
    await this.#take(width);
    try {
      this.#stop.signal.throwIfAborted();
      return await client.sample({
        session: sampler.session,
        seqId: sampler.next++,
        prompt: request.prompt,
        n: request.n,
        maxTokens: Math.min(request.maxTokens, room),
        temperature: request.temperature,
        seed: request.seed,
        stop: this.#stops(request.stop ?? []),
        vocabulary,
        signal: options.signal === undefined ? this.#stop.signal : AbortSignal.any([options.signal, this.#stop.signal]),
      });
    } finally {
      this.#give(width);
    }
  }

  /**
   * Tokens where every stop text is one token (a server can end at once), else the texts. Either only saves the server work:
   * what ends a sequence is decided here.
   */
  #stops(stop: readonly string[]): readonly string[] | readonly number[] {
    const { tokenizer } = this.#p;
    const texts = stop.filter((text) => text !== '');
    const tokens = texts.map((text) => tokenizer.encode(text));
    return tokens.every((ids) => ids.length === 1) ? [...tokenizer.ends, ...tokens.flat()] : texts;
  }

  async #take(width: number): Promise<void> {
    while (this.#free < width) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    this.#free -= width;
  }
  #give(width: number): void {
    this.#free += width;
    for (const resolve of this.#waiting.splice(0)) resolve();
  }

  /** Cuts a sequence where the embedded engine would have stopped, and hands it on. */
  #hand(r: number, index: number, request: SampleRequest, sampled: SampledSequence): ReturnType<NonNullable<SampleOptions['more']>> {
    const { options, sampler } = this.#p;
    const { length, reason } = this.#end(r, index, request, sampled);
    const sequence: Sequence = {
      tokens: sampled.tokens.slice(0, length),
      logprobs: sampled.logprobs.slice(0, length),
      stopReason: reason,
      policyVersion: sampler.policyVersion,
    };
    (this.#results[r] as Sequence[])[index] = sequence;
    options.onSequence?.(r, index, sequence);
    return options.more?.(r, index, sequence);
  }

  /** Servers differ in what stops them: an end token and the stop texts count here, whatever came after them. */
  #end(r: number, index: number, request: SampleRequest, { tokens, stopped }: SampledSequence): { length: number; reason: StopReason } {
    const { tokenizer, options } = this.#p;
    const stops = (request.stop ?? []).filter((text) => text !== '').map((text) => Buffer.from(text, 'utf8'));
    const longest = Math.max(0, ...stops.map((stop) => stop.length));
    let tail = Buffer.alloc(0);
    for (let i = 0; i < tokens.length; i++) {
      const token = tokens[i] as number;
      const wanted = options.onToken?.(r, index, token);
      const piece = tokenizer.bytes(token);
      const seen = Buffer.concat([tail, piece]);
      if (tokenizer.isEnd(token) || stops.some((stop) => seen.includes(stop))) return { length: i + 1, reason: 'stop' };
      if (wanted === false) return { length: i + 1, reason: 'cut' };
      tail = seen.subarray(Math.max(0, seen.length - longest + 1));
    }
    return { length: tokens.length, reason: stopped ? 'stop' : 'length' };
  }
}
