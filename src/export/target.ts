import { createHash } from 'node:crypto';
import { closeSync, createReadStream, existsSync, fsyncSync, mkdirSync, openSync, renameSync, rmSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { RecordError } from '../record/port.ts';

const CHUNK = 1 << 18;

/** A text file written piece by piece with little memory. */
export class TextFile {
  private readonly fd: number;
  private parts: string[] = [];
  private waiting = 0;

  constructor(path: string) {
    this.fd = openSync(path, 'wx');
  }

  write(text: string): void {
    this.parts.push(text);
    this.waiting += text.length;
    if (this.waiting > CHUNK) this.flush();
  }

  private flush(): void {
    const bytes = Buffer.from(this.parts.join(''), 'utf8');
    for (let at = 0; at < bytes.length;) at += writeSync(this.fd, bytes, at);
    this.parts = [];
    this.waiting = 0;
  }

  [Symbol.dispose](): void {
    try {
      this.flush();
      fsyncSync(this.fd);
    } finally {
      closeSync(this.fd);
    }
  }
}

/**
 * Makes a file or folder that is there only when it is complete: `write` gets a path beside it, which takes its name at the end and
 * is gone after a fault. Throws `RecordError('unwritable' | 'full')` when something of that name exists, or the disk refuses.
 */
export async function writeWhole(out: string, kind: 'file' | 'folder', write: (path: string) => Promise<void> | void): Promise<void> {
  if (existsSync(out)) throw new RecordError('unwritable', `${out} is there already. Name another place with --out, or remove it.`);
  const temporary = `${out}.tmp-${process.pid}`;
  try {
    mkdirSync(kind === 'folder' ? temporary : dirname(temporary), { recursive: true });
    await write(temporary);
    renameSync(temporary, out);
  } catch (error) {
    rmSync(temporary, { recursive: true, force: true });
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOSPC' || code === 'EDQUOT')
      throw new RecordError('full', `The disk of ${out} is full. Free some space, or name another place with --out.`, { cause: error });
    if (code === 'EACCES' || code === 'EPERM' || code === 'EROFS' || code === 'ENOTDIR' || code === 'EEXIST' || code === 'EIO')
      throw new RecordError('unwritable', `${out} cannot be written (${code}). Name another place with --out.`, { cause: error });
    throw error;
  }
}

export async function sha256Of(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path)) hash.update(chunk as Buffer);
  return hash.digest('hex');
}
