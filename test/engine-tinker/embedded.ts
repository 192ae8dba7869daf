/** A model of the scripted server with a transformer behind it: the embedded engine, told dL/dlog π by the server's own arithmetic. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type { Datum } from '../../src/core/types.ts';
import { openGgmlEngine } from '../../src/engine/ggml/engine.ts';
import type { Engine, EngineOptions } from '../../src/engine/ports.ts';
import type { AdamParams } from '../../src/engine/tinker/client.ts';
import { slopes, type ServerDatum } from './arithmetic.ts';
import type { Pass } from './messages.ts';
import type { SampleAsk, ServedModel, ServedSequence } from './server.ts';

/** LoRA alpha of every server. */
export const ALPHA = 32;

export class EmbeddedModel implements ServedModel {
  /** Samples, and steps on what was passed since the last step. */
  readonly #policy: Engine;
  /** The same weights, for the log-probabilities of a pass; its gradient is never used. */
  readonly #reader: Engine;
  readonly #reduction: 'tokens' | 'sequences';
  readonly #sampler: Engine;
  /** State that the sampler holds. */
  #loaded = '';
  #asked: Promise<unknown> = Promise.resolve();
  readonly #folder = mkdtempSync(path.join(os.tmpdir(), 'kelvin-served-'));
  #pending: { readonly datum: ServerDatum; readonly slopes: readonly number[] }[] = [];
  #folders = 0;

  private constructor(policy: Engine, reader: Engine, sampler: Engine, reduction: 'tokens' | 'sequences') {
    this.#policy = policy;
    this.#reader = reader;
    this.#sampler = sampler;
    this.#reduction = reduction;
  }
  static async open(
    options: Pick<EngineOptions, 'model' | 'seed' | 'contextLength'> & { readonly rank: number },
    reduction: 'tokens' | 'sequences',
  ): Promise<EmbeddedModel> {
    const { rank, ...rest } = options;
    const all: EngineOptions = {
      ...{ ...rest, mode: 'lora', lora: { rank, alpha: ALPHA }, backend: 'cpu', threads: 1, parallel: 16, tokenBudget: 256 },
    };
    return new EmbeddedModel(await openGgmlEngine(all), await openGgmlEngine(all), await openGgmlEngine(all), reduction);
  }

  async pass({ data, loss, config, forwardOnly }: Pass): Promise<number[][]> {
    const everything = data.map((datum) =>
      datumOf(
        datum,
        datum.tokens.map(() => 1),
      ),
    );
    const { logprobs } = await this.#reader.forwardBackward(everything, { kind: 'cross_entropy', normaliser: 1 });
    const found = logprobs.map((row) => Array.from(row));
    if (!forwardOnly)
      data.forEach((datum, i) => this.#pending.push({ datum, slopes: slopes(datum, found[i] ?? [], loss, config, this.#reduction) }));
    return found;
  }
  async step(p: AdamParams): Promise<Record<string, number>> {
    const divisor = this.#reduction === 'sequences' ? Math.max(1, this.#pending.length) : 1;
    // Cross-entropy with the weight −g has the gradient g in log π.
    const data = this.#pending.map(({ datum, slopes: row }) =>
      datumOf(
        datum,
        row.map((g) => -g / divisor),
      ),
    );
    this.#pending = [];
    await this.#policy.forwardBackward(data, { kind: 'cross_entropy', normaliser: 1 });
    const { learning_rate: lr, beta1, beta2, eps, weight_decay: weightDecay } = p;
    const { gradNorm } = await this.#policy.optimStep({ lr, beta1, beta2, eps, weightDecay, gradClip: 0 });
    await this.#reader.loadState((await this.save()) as string);
    return { 'skyrl.ai/grad_norm': gradNorm };
  }
  async save(): Promise<unknown> {
    const dir = mkdtempSync(path.join(this.#folder, `state-${this.#folders++}-`));
    await this.#policy.saveState(dir);
    return dir;
  }
  async load(saved: unknown): Promise<void> {
    await this.#policy.loadState(saved as string);
    await this.#reader.loadState(saved as string);
  }
  async sampler(): Promise<(ask: SampleAsk) => Promise<ServedSequence[]>> {
    const saved = (await this.save()) as string;
    return (ask) => {
      // Loading and sampling go together, whoever asks beside it.
      const sequences = this.#asked.then(async () => {
        if (this.#loaded !== saved) await this.#sampler.loadState(saved);
        this.#loaded = saved;
        return await this.#sample(this.#sampler, ask);
      });
      this.#asked = sequences.catch(() => undefined);
      return sequences;
    };
  }
  async sample(ask: SampleAsk): Promise<ServedSequence[]> {
    return await this.#sample(this.#policy, ask);
  }
  async #sample(engine: Engine, { prompt, n, maxTokens, temperature, seed, stop, stopTokens }: SampleAsk): Promise<ServedSequence[]> {
    const [group = []] = await engine.sample([{ prompt, n, maxTokens, temperature, seed, stop }], {
      onToken: (_, __, token) => !stopTokens.includes(token),
    });
    return group.map(({ tokens, logprobs, stopReason }) => ({ tokens, logprobs, reason: stopReason === 'length' ? 'length' : 'stop' }));
  }
  /** As servers pack it: the PEFT folder as a gzipped tar. */
  async archive(): Promise<Buffer> {
    const dir = mkdtempSync(path.join(this.#folder, 'peft-'));
    await this.#policy.exportModel(dir, 'peft');
    return execFileSync('tar', ['-C', dir, '-czf', '-', '.'], { maxBuffer: 1e8 });
  }
  async close(): Promise<void> {
    await this.#policy[Symbol.asyncDispose]();
    await this.#reader[Symbol.asyncDispose]();
    await this.#sampler[Symbol.asyncDispose]();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

function datumOf({ tokens, inputs }: ServerDatum, weights: readonly number[]): Datum {
  return {
    tokens: Int32Array.from(tokens),
    targets: Int32Array.from(inputs['target_tokens'] ?? []),
    weights: Float32Array.from(weights),
    logprobs: new Float32Array(tokens.length),
    advantages: new Float32Array(tokens.length),
  };
}
