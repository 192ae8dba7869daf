import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { deflateSync, inflateSync } from 'node:zlib';
import type { BootImage } from './boot.ts';
import { imageFile } from './build.ts';

/**
 * Booted interpreters on disk, so that only the first start on a machine takes seconds. A file is: the SHA-256 of the
 * rest, the length of a JSON head, the head, then the memories, compressed.
 */
const SUM_BYTES = 32;
const LENGTH_BYTES = 4;

interface Head {
  readonly images: readonly (Omit<BootImage, 'memory'> & { readonly bytes: number; readonly packed: number })[];
}

/** The kept images, or null when there are none or the file is damaged. */
export function loadImages(modules: readonly string[]): readonly BootImage[] | null {
  try {
    const file = readFileSync(imageFile(modules));
    const body = file.subarray(SUM_BYTES);
    if (!file.subarray(0, SUM_BYTES).equals(sum(body))) return null;
    const length = body.readUInt32LE(0);
    let at = LENGTH_BYTES + length;
    const head = JSON.parse(body.toString('utf8', LENGTH_BYTES, at)) as Head;
    return head.images.map(({ bytes, packed, ...image }) => {
      const memory = new SharedArrayBuffer(bytes);
      new Uint8Array(memory).set(inflateSync(body.subarray(at, at + packed)));
      at += packed;
      return { ...image, memory };
    });
  } catch {
    return null;
  }
}

/** Keeps images for later starts. Throws where the folder cannot be written. */
export function saveImages(images: readonly BootImage[], modules: readonly string[]): void {
  const packed = images.map(({ memory }) => deflateSync(new Uint8Array(memory), { level: 1 }));
  const head: Head = {
    images: images.map(({ memory, ...image }, index) => ({ ...image, bytes: memory.byteLength, packed: packed[index]?.length ?? 0 })),
  };
  const text = Buffer.from(JSON.stringify(head));
  const length = Buffer.alloc(LENGTH_BYTES);
  length.writeUInt32LE(text.length);
  const body = Buffer.concat([length, text, ...packed]);
  const file = imageFile(modules);
  mkdirSync(dirname(file), { recursive: true });
  // Two starts at once write the same bytes; the last one to finish names its own file.
  const own = `${file}.${process.pid}`;
  try {
    writeFileSync(own, Buffer.concat([sum(body), body]));
    renameSync(own, file);
  } catch (error) {
    rmSync(own, { force: true });
    throw error;
  }
}

const sum = (bytes: Uint8Array): Buffer => createHash('sha256').update(bytes).digest();

/** `./image-writer.ts` from source, `dist/environment-python-image.mjs` in the bundle. */
const WRITER = new URL(import.meta.url.endsWith('.ts') ? './image-writer.ts' : './environment-python-image.mjs', import.meta.url);

/**
 * Sees to it that the images are kept before a sandbox process starts, which may write nothing. Boots them in a process
 * of its own; where that fails each sandbox process boots its own interpreters, which only takes longer.
 */
export async function prepareImages(modules: readonly string[]): Promise<void> {
  if (existsSync(imageFile(modules))) return;
  const writer = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', fileURLToPath(WRITER), ...modules], {
    stdio: 'ignore',
    // Windows starts nothing without it.
    env: process.env['SystemRoot'] === undefined ? {} : { SystemRoot: process.env['SystemRoot'] },
  });
  await Promise.race([once(writer, 'exit'), once(writer, 'error')]).catch(() => undefined);
}
