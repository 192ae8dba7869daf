/** Opens the engine of `engine.kind: tinker`: checks what the config asks for against the server, tokenizer, session, model. */
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Config } from '../config.ts';
import { EngineError, type Engine, type EngineInfo } from '../engine/ports.ts';
import { systemClock, type Clock } from '../engine/tinker/clock.ts';
import { TinkerClient } from '../engine/tinker/client.ts';
import { TinkerEngine } from '../engine/tinker/engine.ts';
import { RECORDS, refuseIgnored } from '../engine/tinker/servers.ts';
import { TokenizerFiles, type ModelConfig } from '../engine/tokenizer-files.ts';
import { tokenizerFolder } from '../models/tokenizer.ts';
import { modelFile } from './model-file.ts';

/** A session with the server of a config. */
export async function connectTinker(config: Config, clock: Clock = systemClock()): Promise<TinkerClient> {
  const { url, server, apiKeyEnv, unreachableSeconds, operationSeconds } = config.engine.tinker;
  return await TinkerClient.connect({
    url,
    apiKey: process.env[apiKeyEnv] ?? '',
    record: RECORDS[server],
    clock,
    patience: { unreachableMs: unreachableSeconds * 1000, operationMs: operationSeconds * 1000 },
  });
}

/** @throws EngineError with what to do; nothing stays open then. */
export async function openTinkerEngine(config: Config, clock?: Clock): Promise<Engine> {
  const { tinker, lora, parallel, contextLength } = config.engine;
  refuseIgnored(RECORDS[tinker.server], {
    alpha: lora.alpha,
    temperature: config.algorithm.temperature,
    gradClip: config.optim.gradClip,
    staleness: config.algorithm.staleness,
    accept: tinker.accept,
  });
  const tokenizer = await openTokenizer(config);
  const parameters = parametersOf(tokenizer.model) ?? sizeInName(config.model);
  if (parameters === null && config.prompts === 'auto' && tokenizer.dialect !== 'nano')
    throw new EngineError(
      'missing',
      `How large ${config.model} is stands neither in its name nor in a config.json beside its tokenizer, and "prompts" is "auto". Set prompts to "full" or "brief".`,
    );
  const client = await connectTinker(config, clock);
  try {
    const context = await contextOf(client, config.model);
    const info: EngineInfo = {
      backend: `tinker (${tinker.server}, ${client.wire})`,
      model: config.model,
      modelHash: createHash('sha256').update(`${config.model}\n${tokenizer.hash}`).digest('hex'),
      architecture: tokenizer.model.model_type ?? 'unknown',
      parameters: parameters ?? 0,
      trainable: adapterSize(tokenizer.model, lora.rank) ?? 0,
      contextLength: Math.min(contextLength, context ?? Infinity, tokenizer.model.max_position_embeddings ?? Infinity),
      vocabularySize: tokenizer.size,
      eosToken: tokenizer.eosToken,
      dialect: tokenizer.dialect,
      mode: 'lora',
    };
    const gguf = tinker.gguf === '' ? '' : await modelFile(tinker.gguf);
    return await TinkerEngine.open({
      client,
      baseModel: config.model,
      rank: lora.rank,
      seed: config.seed,
      tokenizer,
      info,
      parallel,
      losses: tinker.losses,
      gguf,
    });
  } catch (error) {
    client.close();
    throw error;
  }
}

/** `engine.tinker.tokenizer`; without it the model's own folder, or its repository. */
async function openTokenizer({ model, engine }: Config): Promise<TokenizerFiles> {
  const named = engine.tinker.tokenizer;
  const own = existsSync(join(model, 'tokenizer.json')) ? model : `hf:${model.replace(/^hf:/, '')}`;
  return new TokenizerFiles(await tokenizerFolder(named === '' ? own : named));
}

async function contextOf(client: TinkerClient, model: string): Promise<number | null> {
  const models = await client.supportedModels();
  const context = models.get(model);
  if (context === undefined)
    throw new EngineError(
      'missing',
      `The Tinker server has no model "${model}"; it has ${[...models.keys()].slice(0, 8).join(', ') || 'none'}. Set "model" to one of these.`,
    );
  return context;
}

/** Numbers of a dense model of the llama family, from its config.json; null when it does not say. */
function parametersOf(m: ModelConfig): number | null {
  const block = blockOf(m);
  if (block === null || !m.vocab_size || !m.hidden_size || !m.num_hidden_layers) return null;
  const linear = block.reduce((sum, [inside, outside]) => sum + inside * outside, 0);
  const embeddings = m.vocab_size * m.hidden_size * (m.tie_word_embeddings === true ? 1 : 2);
  return embeddings + m.num_hidden_layers * (linear + 2 * m.hidden_size) + m.hidden_size;
}

function adapterSize(m: ModelConfig, rank: number): number | null {
  const block = blockOf(m);
  return block === null ? null : (m.num_hidden_layers ?? 0) * block.reduce((sum, [inside, outside]) => sum + rank * (inside + outside), 0);
}

/** Extents of the linear layers of a block: q, k, v, output, gate, up, down. */
function blockOf(m: ModelConfig): (readonly [number, number])[] | null {
  const { hidden_size: width, intermediate_size: inner, num_attention_heads: heads } = m;
  if (!width || !inner || !heads) return null;
  const head = m.head_dim ?? width / heads;
  const [q, kv] = [heads * head, (m.num_key_value_heads ?? heads) * head];
  return [[width, q], [width, kv], [width, kv], [q, width], [width, inner], [width, inner], [inner, width]]; // prettier-ignore
}

/** `Qwen3-8B` has eight thousand million. */
function sizeInName(model: string): number | null {
  const [, count, unit] = /(?:^|[-_/])(\d+(?:\.\d+)?)([BM])(?:[-_]|$)/i.exec(model) ?? [];
  return count === undefined ? null : Number(count) * (unit?.toUpperCase() === 'B' ? 1e9 : 1e6);
}
