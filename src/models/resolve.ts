/** From what a config or a command calls a model to a file on this machine. */
import { existsSync } from 'node:fs';
import { checkOrigin } from './cache.ts';
import { fetchHub, hubCached } from './hub.ts';
import { fetchPip, pipCached } from './pip.ts';

export interface FetchOptions {
  /** Told in whole sentences what is going on. */
  readonly say?: (line: string) => void;
  /** Bytes that have come and bytes in all. */
  readonly progress?: (done: number, total: number) => void;
  readonly signal?: AbortSignal;
}

/** True for names that a fetch may be needed for. */
export const isUri = (model: string): boolean => /^(hf|pip):/.test(model);

/** The file of a model that was fetched before, or null. */
export function cachedModel(uri: string): string | null {
  return uri.startsWith('pip:') ? pipCached(uri.slice(4)) : hubCached(uri);
}

/**
 * The file of a URI: from the cache, where it is checked against its record, or fetched.
 * @throws EngineError with what to do.
 */
export async function fetchModel(uri: string, options: FetchOptions = {}): Promise<string> {
  const cached = cachedModel(uri);
  if (cached !== null && existsSync(cached)) {
    await checkOrigin(cached);
    return cached;
  }
  return uri.startsWith('pip:') ? await fetchPip(uri.slice(4), options.say ?? (() => {})) : await fetchHub(uri, options);
}
