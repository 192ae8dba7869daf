/** The adapter inside a checkpoint's archive: a gzipped tar with the two files of a PEFT folder, anywhere in it. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { EngineError } from '../ports.ts';

const FILES = ['adapter_config.json', 'adapter_model.safetensors'] as const;
const BLOCK = 512;
const MOST_BYTES = 2 * 1024 ** 3 - 1;

/**
 * Writes the adapter's files into `dir` (exists). Nothing else of the archive is written anywhere.
 * @throws EngineError `corrupt`
 */
export function unpackAdapter(archive: Buffer, dir: string): void {
  const tar = inflate(archive);
  const found = new Map<string, Buffer>();
  for (let at = 0; at + BLOCK <= tar.length && tar[at] !== 0;) {
    const name = text(tar, at, 100);
    const size = Number.parseInt(text(tar, at + 124, 12), 8);
    const kind = tar[at + 156];
    const from = at + BLOCK;
    if (!(size >= 0) || from + size > tar.length) throw corrupt('a file in it is cut off');
    const file = FILES.find((wanted) => name.split('/').at(-1) === wanted);
    // '0' and NUL are plain files.
    if (file !== undefined && (kind === 48 || kind === 0)) found.set(file, tar.subarray(from, from + size));
    at = from + Math.ceil(size / BLOCK) * BLOCK;
  }
  for (const file of FILES) {
    const data = found.get(file);
    if (data === undefined) throw corrupt(`it holds no ${file}`);
    writeFileSync(join(dir, file), data, { mode: 0o600 });
  }
}

function inflate(archive: Buffer): Buffer {
  try {
    // Some proxies unpack on the way.
    return archive[0] === 0x1f && archive[1] === 0x8b ? gunzipSync(archive, { maxOutputLength: MOST_BYTES }) : archive;
  } catch (error) {
    throw corrupt((error as Error).message);
  }
}

const text = (tar: Buffer, at: number, length: number): string =>
  tar
    .toString('latin1', at, at + length)
    .split('\0')[0]
    ?.trim() ?? '';

const corrupt = (why: string): EngineError =>
  new EngineError('corrupt', `The adapter that the Tinker server sent cannot be read: ${why}. Try again, or take another checkpoint.`);
