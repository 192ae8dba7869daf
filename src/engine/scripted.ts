/**
 * A deterministic engine without a model, for tests of the loop: a tabular policy. For every prompt a script names the
 * possible replies; the policy is a softmax over their logits (0 at first), learned by plain gradient descent. It keeps to
 * the port: seeds, temperatures, stop texts, policy versions, saved state.
 *
 * The choice of reply falls with the first token, which carries the whole log-probability; later tokens have 0.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { textOf } from '../core/prompts/template.ts';
import type { TextPart } from '../core/prompts/template.ts';
import type { Datum, EngineInfo, StopReason } from '../core/types.ts';
import { uniformAt } from './ggml/random.ts';
import { tokenLoss } from './loss.ts';
import {
  EngineError,
  refusePolicy,
  refuseStale,
  type Engine,
  type ForwardBackward,
  type LossSpec,
  type OptimParams,
  type OptimResult,
} from './ports.ts';
import type { SampleOptions, SampleRequest, Sequence } from './ports.ts';

export interface ScriptedOptions {
  /** Possible replies to a prompt, at least one; must be a pure function. */
  readonly replies: (prompt: string) => readonly string[];
  readonly contextLength?: number;
  readonly dialect?: string;
}

/** Logits of the replies, by prompt. */
type Table = ReadonlyMap<string, number[]>;
interface Saved {
  readonly version: number;
  readonly logits: [string, number[]][];
  readonly earlier: [number, [string, number[]][]][];
}

const EOS = 256;
const TAGS: readonly string[] = ['<think>', '</think>', '<answer>', '</answer>'];
const SIZE = EOS + 1 + TAGS.length;

export function scriptedEngine(options: ScriptedOptions): Engine {
  return new ScriptedEngine(options);
}

function encode(text: string): number[] {
  const parts = text.split(/(<\/?(?:think|answer)>)/);
  return parts.flatMap((part) => (TAGS.includes(part) ? [EOS + 1 + TAGS.indexOf(part)] : [...Buffer.from(part, 'utf8')]));
}
function decode(tokens: readonly number[]): string {
  return Buffer.concat(tokens.map((t) => (t < EOS ? Buffer.of(t) : Buffer.from(t === EOS ? '' : (TAGS[t - EOS - 1] ?? ''))))).toString(
    'utf8',
  );
}

class ScriptedEngine implements Engine {
  readonly info: EngineInfo;
  readonly chatFormat = null;
  readonly #replies: ScriptedOptions['replies'];
  #logits: Table = new Map();
  /** Weights of earlier versions, as many as `LossSpec.staleness` says. */
  #earlier = new Map<number, Table>();
  #staleness = 0;
  #gradient = new Map<string, number[]>();
  #pending = false;
  #version = 0;
  #closed = false;

  constructor(options: ScriptedOptions) {
    this.#replies = options.replies;
    this.info = {
      backend: 'scripted',
      model: 'scripted',
      modelHash: '0'.repeat(64),
      architecture: 'table',
      parameters: 0,
      trainable: 0,
      contextLength: options.contextLength ?? 4096,
      vocabularySize: SIZE,
      eosToken: EOS,
      dialect: options.dialect ?? 'nano',
      mode: 'full',
    };
  }
  get policyVersion(): number {
    return this.#version;
  }
  tokenize(text: string | readonly TextPart[]): number[] {
    return encode(textOf(text));
  }
  detokenize(tokens: readonly number[]): string {
    return decode(tokens);
  }

  async sample(requests: readonly SampleRequest[], options: SampleOptions = {}): Promise<Sequence[][]> {
    this.#open();
    const version = options.policy ?? this.#version;
    const table = version === this.#version ? this.#logits : this.#earlier.get(version);
    if (table === undefined) refusePolicy(version, this.#version);
    const results: Sequence[][] = [];
    const following: Promise<readonly SampleRequest[]>[] = [];
    const serve = (request: SampleRequest): void => {
      const r = results.push([]) - 1;
      for (let index = 0; index < request.n; index++) {
        options.signal?.throwIfAborted();
        const sequence = this.#complete(request, r, index, options, version, table);
        results[r]?.push(sequence);
        options.onSequence?.(r, index, sequence);
        const more = options.more?.(r, index, sequence);
        if (more === undefined) continue;
        more.catch(() => undefined);
        following.push(more);
      }
    };
    requests.forEach(serve);
    for (let next = following.shift(); next !== undefined; next = following.shift()) (await next).forEach(serve);
    return results;
  }

  #complete(request: SampleRequest, r: number, index: number, options: SampleOptions, version: number, table: Table): Sequence {
    if (request.prompt.length >= this.info.contextLength)
      throw new EngineError(
        'unsupported',
        `The prompt of request ${r} has ${request.prompt.length} tokens, the context holds ${this.info.contextLength}. Shorten it.`,
      );
    const { logits, replies } = this.#table(decode(request.prompt), table);
    const logprobs = logSoftmax(logits, request.temperature === 0 ? 1 : request.temperature);
    let choice = logits.indexOf(Math.max(...logits));
    if (request.temperature > 0) {
      let left = uniformAt(request.seed, index, 0);
      choice = logprobs.findIndex((lp) => (left -= Math.exp(lp)) < 0);
      if (choice < 0) choice = logits.length - 1;
    }
    const whole = [...encode(replies[choice] ?? ''), EOS];
    const tokens: number[] = [];
    let reason: StopReason = 'length';
    for (const token of whole) {
      if (tokens.length >= request.maxTokens || request.prompt.length + tokens.length >= this.info.contextLength) break;
      tokens.push(token);
      const wanted = options.onToken?.(r, index, token);
      const text = decode(tokens);
      if (token === EOS || request.stop?.some((s) => s !== '' && text.includes(s)) === true) reason = 'stop';
      else if (wanted === false) reason = 'cut';
      else continue;
      break;
    }
    return { tokens, logprobs: tokens.map((_, i) => (i === 0 ? (logprobs[choice] ?? 0) : 0)), stopReason: reason, policyVersion: version };
  }

  async forwardBackward(data: readonly Datum[], loss: LossSpec): Promise<ForwardBackward> {
    this.#open();
    refuseStale(data, this.#version, loss.staleness);
    this.#staleness = loss.staleness ?? 0;
    let total = 0;
    const logprobs = data.map((datum, d) => {
      const out = new Float32Array(datum.tokens.length);
      const first = datum.weights.findIndex((w) => w !== 0);
      if (first < 0) return out;
      const prompt = decode([...datum.tokens.subarray(0, first + 1)]);
      const { logits, replies } = this.#table(prompt);
      const text = decode([...datum.targets.subarray(first)]);
      const choice = replies.findIndex((reply) => reply.startsWith(text));
      if (choice < 0)
        throw new EngineError('stale', `Datum ${d} holds a reply that the script never gives: ${JSON.stringify(text.slice(0, 80))}.`);
      const all = logSoftmax(logits, 1);
      const lp = all[choice] ?? 0;
      const token = {
        weight: datum.weights[first] ?? 0,
        advantage: datum.advantages[first] ?? 0,
        sampled: datum.logprobs[first] ?? 0,
        old: datum.old?.[first] ?? null,
        base: -Math.log(replies.length),
      };
      const { value, gradient: slope } = tokenLoss(loss, token, lp);
      total += value;
      const gradient = this.#gradient.get(prompt) ?? logits.map(() => 0);
      this.#gradient.set(
        prompt,
        gradient.map((g, i) => g - slope * (Math.exp(all[i] ?? 0) - (i === choice ? 1 : 0))),
      );
      out[first] = lp;
      return out;
    });
    this.#pending = true;
    return { loss: total, logprobs, metrics: { entropy: 0 } };
  }

  async optimStep(params: OptimParams): Promise<OptimResult> {
    this.#open();
    if (!this.#pending)
      throw new EngineError('stale', 'There is no gradient of the current weights to step on. Call forwardBackward first.');
    const norm = Math.sqrt([...this.#gradient.values()].flat().reduce((a, g) => a + g * g, 0));
    const clip = params.gradClip > 0 && norm > params.gradClip ? params.gradClip / norm : 1;
    this.#earlier.set(this.#version, this.#logits);
    for (const version of this.#earlier.keys()) if (version <= this.#version - this.#staleness) this.#earlier.delete(version);
    // What is being sampled keeps its weights.
    const next = new Map(this.#logits);
    for (const [prompt, gradient] of this.#gradient) {
      const { logits } = this.#table(prompt);
      next.set(
        prompt,
        logits.map((z, i) => z - params.lr * clip * (gradient[i] ?? 0)),
      );
    }
    this.#logits = next;
    this.#gradient.clear();
    this.#pending = false;
    this.#version++;
    return { gradNorm: norm };
  }

  async saveState(dir: string): Promise<void> {
    const earlier = [...this.#earlier].map(([version, table]) => [version, [...table]]);
    writeFileSync(path.join(dir, 'state.json'), JSON.stringify({ version: this.#version, logits: [...this.#logits], earlier }));
  }
  async loadState(dir: string): Promise<void> {
    try {
      const state = JSON.parse(readFileSync(path.join(dir, 'state.json'), 'utf8')) as Saved;
      this.#logits = new Map(state.logits);
      this.#earlier = new Map(state.earlier.map(([version, table]) => [version, new Map(table)]));
      this.#version = state.version;
    } catch (error) {
      throw new EngineError(
        'corrupt',
        `The checkpoint in ${dir} cannot be used: ${(error as Error).message}. Resume from an earlier checkpoint.`,
      );
    }
    this.#gradient = new Map();
    this.#pending = false;
  }
  async exportModel(file: string): Promise<void> {
    writeFileSync(file, JSON.stringify([...this.#logits]));
  }

  #table(prompt: string, table = this.#logits): { logits: readonly number[]; replies: readonly string[] } {
    const replies = this.#replies(prompt);
    if (replies.length === 0) throw new RangeError(`the script has no reply to ${JSON.stringify(prompt.slice(0, 80))}`);
    return { logits: table.get(prompt) ?? replies.map(() => 0), replies };
  }
  #open(): void {
    if (this.#closed) throw new EngineError('native', 'The engine is closed.');
  }
  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
  }
}

function logSoftmax(logits: readonly number[], temperature: number): number[] {
  const scaled = logits.map((z) => z / temperature);
  const top = Math.max(...scaled);
  const sum = scaled.reduce((a, z) => a + Math.exp(z - top), 0);
  return scaled.map((z) => z - top - Math.log(sum));
}
