/** Where fetched models lie, and what is known of each: source, size and SHA-256 beside the file. */
import { createHash } from 'node:crypto';
import { createReadStream, existsSync, mkdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { EngineError } from '../engine/ports.ts';

/** `KELVIN_CACHE`, or `~/.cache/kelvin`. */
export const cacheRoot = (): string => resolve(process.env['KELVIN_CACHE'] ?? join(homedir(), '.cache', 'kelvin'));

export function modelsFolder(): string {
  const folder = join(cacheRoot(), 'models');
  mkdirSync(folder, { recursive: true });
  return folder;
}

/** What is recorded beside a fetched file, as `FILE.json`. */
export interface Origin {
  readonly source: string;
  /** Hex. */
  readonly sha256: string;
  readonly bytes: number;
  readonly modifiedMs: number;
}

const originFile = (file: string): string => `${file}.json`;

export function readOrigin(file: string): Origin | null {
  if (!existsSync(originFile(file))) return null;
  try {
    const origin = JSON.parse(readFileSync(originFile(file), 'utf8')) as Partial<Origin>;
    return typeof origin.sha256 === 'string' && typeof origin.bytes === 'number' ? (origin as Origin) : null;
  } catch {
    return null;
  }
}

export async function sha256(file: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(file, { highWaterMark: 1 << 20 })) hash.update(chunk as Buffer);
  return hash.digest('hex');
}

/** Records a file as fetched. */
export async function recordOrigin(file: string, source: string, hash?: string): Promise<Origin> {
  const { size, mtimeMs } = statSync(file);
  const origin: Origin = { source, sha256: hash ?? (await sha256(file)), bytes: size, modifiedMs: mtimeMs };
  writeFileSync(`${originFile(file)}.part`, `${JSON.stringify(origin, null, 2)}\n`);
  renameSync(`${originFile(file)}.part`, originFile(file));
  return origin;
}

/**
 * Checks a fetched file against its record; the hash is computed when size or time differ. A file without a record passes.
 * @throws EngineError `corrupt` when the contents have changed.
 */
export async function checkOrigin(file: string): Promise<void> {
  const origin = readOrigin(file);
  if (origin === null) return;
  const { size, mtimeMs } = statSync(file);
  if (size === origin.bytes && mtimeMs === origin.modifiedMs) return;
  if (size === origin.bytes && (await sha256(file)) === origin.sha256) {
    await recordOrigin(file, origin.source, origin.sha256);
    return;
  }
  throw changed(file, origin);
}

/** The contents of a fetched file are no longer what was recorded. */
export const changed = (file: string, origin: Origin): EngineError =>
  new EngineError(
    'corrupt',
    `${file} is not the file that was fetched from ${origin.source}: its contents have changed. Delete it and ${origin.source.startsWith('hf:datasets/') ? 'run the command again, which fetches it' : `fetch it again with: kelvin models add ${origin.source}`}`,
  );
