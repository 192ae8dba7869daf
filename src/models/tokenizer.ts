/** The files of a model that say how it is tokenised: a folder, or `hf:user/repo`, whose files are fetched into the cache. */
import { existsSync, mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { EngineError } from '../engine/ports.ts';
import { TOKENIZER_FILES } from '../engine/tokenizer-files.ts';
import { cacheRoot } from './cache.ts';

const MOST_BYTES = 64 * 1024 ** 2;
const REQUEST_MS = 60_000;
const PART = /^[A-Za-z0-9][A-Za-z0-9._-]*$/;

/**
 * The folder with a model's tokenizer.
 * @param name a folder, or `hf:user/repo`
 * @throws EngineError `missing`
 */
export async function tokenizerFolder(name: string): Promise<string> {
  if (!name.startsWith('hf:')) return resolve(name);
  const [user = '', repo = '', ...rest] = name.slice(3).split('/');
  if (!PART.test(user) || !PART.test(repo) || rest.length > 0)
    throw new EngineError('missing', `"${name}" names no repository with a tokenizer. Write hf:user/repo, or the path of a folder.`);
  const folder = join(cacheRoot(), 'tokenizers', user, repo);
  mkdirSync(folder, { recursive: true });
  for (const file of TOKENIZER_FILES) {
    const path = join(folder, file);
    if (existsSync(path)) continue;
    const text = await fetchText(`${user}/${repo}/resolve/main/${file}`, name);
    if (text === null && file !== 'tokenizer.json' && file !== 'tokenizer_config.json') continue;
    if (text === null) throw new EngineError('missing', `${name} has no ${file}. Name a repository or a folder that has one.`);
    writeFileSync(`${path}.part`, text);
    renameSync(`${path}.part`, path);
  }
  return folder;
}

async function fetchText(path: string, name: string): Promise<string | null> {
  const endpoint = (process.env['HF_ENDPOINT'] ?? 'https://huggingface.co').replace(/\/+$/, '');
  const token = process.env['HF_TOKEN'];
  const fail = (why: string): EngineError =>
    new EngineError(
      'missing',
      `The tokenizer of ${name} cannot be fetched from ${endpoint} (${why}). Check the network and HF_TOKEN, or name a folder with its files in engine.tinker.tokenizer.`,
    );
  try {
    const response = await fetch(`${endpoint}/${path}`, {
      headers: token ? { Authorization: `Bearer ${token}` } : {},
      signal: AbortSignal.timeout(REQUEST_MS),
    });
    if (response.status === 404) return null;
    if (!response.ok) throw fail(`${response.status} ${response.statusText}`);
    if (Number(response.headers.get('content-length') ?? 0) > MOST_BYTES) throw fail('it is larger than 64 MB');
    return await response.text();
  } catch (error) {
    if (error instanceof EngineError) throw error;
    throw fail((error as { cause?: { code?: string } }).cause?.code ?? (error as Error).message);
  }
}
