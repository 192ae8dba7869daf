/** A Tinker engine on a scripted server, with a tiny model's tokenizer and waits cut short. */
import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { readGguf } from '../../src/engine/ggml/gguf.ts';
import { writeTokenizer } from '../../src/engine/ggml/hugging-face.ts';
import type { Engine } from '../../src/engine/ports.ts';
import type { Patience } from '../../src/engine/tinker/calls.ts';
import { systemClock, type Clock } from '../../src/engine/tinker/clock.ts';
import { TinkerClient } from '../../src/engine/tinker/client.ts';
import { TinkerEngine, type TinkerParts } from '../../src/engine/tinker/engine.ts';
import { RECORDS, type ServerName, type ServerRecord } from '../../src/engine/tinker/servers.ts';
import { TokenizerFiles } from '../../src/engine/tokenizer-files.ts';
import { writeTiny } from '../engine/models.ts';

export const BASE = 'tiny';

/** Writes the tiny model of the engine's tests, and its tokenizer beside it. */
export function tiny(folder: string): { readonly gguf: string; readonly tokenizer: TokenizerFiles } {
  mkdirSync(folder, { recursive: true });
  const gguf = writeTiny(path.join(folder, 'tiny.gguf'));
  writeTokenizer(readGguf(gguf), folder);
  return { gguf, tokenizer: new TokenizerFiles(folder) };
}

export interface OpenOptions extends Partial<Pick<TinkerParts, 'losses' | 'rank' | 'seed' | 'gguf' | 'parallel'>> {
  readonly url: string;
  readonly tokenizer: TokenizerFiles;
  readonly server?: ServerName;
  readonly record?: ServerRecord;
  readonly patience?: Patience;
  readonly apiKey?: string;
  /** Scale of the time limits of single exchanges. */
  readonly limits?: number;
}

/** Pauses are next to nothing; time limits are what `limits` makes of them. */
const quick = (limits: number): Clock => ({ ...systemClock(1e-4), timeout: systemClock(limits).timeout });
/** For servers that fall silent: limits of a tenth of a second. */
export const SHORT_LIMITS = 2e-3;

/** Nobody gives up unless `patience` says so. */
export async function openTinker(o: OpenOptions): Promise<Engine> {
  const { url, tokenizer, server = 'tinker', record = RECORDS[server], patience = { unreachableMs: 1e8, operationMs: 1e9 } } = o;
  const client = await TinkerClient.connect({ url, apiKey: o.apiKey ?? '', record, clock: quick(o.limits ?? 1), patience });
  const info = {
    ...{
      backend: 'tinker',
      model: BASE,
      modelHash: tokenizer.hash,
      architecture: 'llama',
      parameters: 0,
      trainable: 0,
      contextLength: 128,
    },
    ...{ vocabularySize: tokenizer.size, eosToken: tokenizer.eosToken, dialect: tokenizer.dialect, mode: 'lora' as const },
  };
  const { rank = 4, seed = 1, parallel = 8, losses = 'server', gguf = '' } = o;
  try {
    return await TinkerEngine.open({ client, baseModel: BASE, rank, seed, tokenizer, info, parallel, losses, gguf });
  } catch (error) {
    client.close();
    throw error;
  }
}
