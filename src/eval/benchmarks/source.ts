import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { sha256 } from '../../models/cache.ts';
import { fetchDataset } from '../../models/hub.ts';
import type { FetchOptions } from '../../models/resolve.ts';
import { SuiteError } from './errors.ts';
import type { Suite } from './suites/suite.ts';

/** The files of a suite, and one hash for all of them. */
export interface SuiteFiles {
  readonly files: readonly string[];
  /** SHA-256, hex. */
  readonly hash: string;
}

/**
 * From `NAME` or `NAME=PATH[,PATH…]` to files: a PATH is a local file, which needs no network, or `hf:user/repo/file`; without PATH the suite's
 * own files are fetched.
 * @throws SuiteError when a local file is missing; EngineError when one cannot be fetched.
 */
export async function suiteFiles(suite: Suite, path: string | null, options: FetchOptions = {}): Promise<SuiteFiles> {
  const named =
    path === null
      ? suite.source
      : path
          .split(',')
          .map((part) => part.trim())
          .filter((part) => part !== '');
  if (named.length === 0) throw new SuiteError(`Name the files of ${suite.title}: --suite ${suite.name}=PATH.`);
  const files: string[] = [];
  for (const part of named) {
    if (part.startsWith('hf:')) files.push(await fetchDataset(part, options));
    else if (existsSync(part)) files.push(part);
    else
      throw new SuiteError(
        `${part} does not exist. Name the published file of ${suite.title}: --suite ${suite.name}=PATH, or hf:user/repo/file.`,
      );
  }
  const hashes = await Promise.all(files.map(sha256));
  return { files, hash: createHash('sha256').update(hashes.join('\n')).digest('hex') };
}
