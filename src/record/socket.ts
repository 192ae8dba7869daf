import { createHash, randomBytes } from 'node:crypto';
import { existsSync, lstatSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import type { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { StringDecoder } from 'node:string_decoder';
import { writeDurably, PRIVATE_DIR } from './files.ts';

const SOCKET_FILE = 'control.sock';
/** Holds the path of a socket that lies elsewhere because the run folder's own path is too long for one. */
const POINTER_FILE = 'control.path';
/** `sun_path` holds 104 bytes on macOS, 108 on Linux, a NUL among them. */
const MAX_PATH_BYTES = 103;

const fits = (path: string): boolean => Buffer.byteLength(path) <= MAX_PATH_BYTES;

const pipeName = (dir: string): string => `\\\\.\\pipe\\kelvin-${createHash('sha256').update(resolve(dir)).digest('hex').slice(0, 32)}`;

/** Where the server of a run folder listens. `release` removes what was made for it. */
export function placeSocket(dir: string): { readonly path: string; release(): void } {
  if (process.platform === 'win32') return { path: pipeName(dir), release: () => {} };
  const direct = resolve(dir, SOCKET_FILE);
  // The lock says that nobody serves this run: sockets that lie here are left over from a killed process.
  releaseSocket(dir);
  if (fits(direct)) return { path: direct, release: () => rmSync(direct, { force: true }) };
  const short = [tmpdir(), '/tmp'].map((root) => join(root, `kelvin-${randomBytes(6).toString('hex')}`, 's')).find(fits) as string;
  mkdirSync(dirname(short), { mode: PRIVATE_DIR });
  writeDurably(join(dir, POINTER_FILE), `${short}\n`);
  return { path: short, release: () => releaseSocket(dir) };
}

function releaseSocket(dir: string): void {
  rmSync(resolve(dir, SOCKET_FILE), { force: true });
  const elsewhere = pointedTo(dir);
  if (elsewhere) rmSync(dirname(elsewhere), { recursive: true, force: true });
  rmSync(join(dir, POINTER_FILE), { force: true });
}

/** The socket a pointer file names, if it is one that `placeSocket` can have made: in a private folder of this user. */
function pointedTo(dir: string): string | null {
  if (!existsSync(join(dir, POINTER_FILE))) return null;
  const path = readFileSync(join(dir, POINTER_FILE), 'utf8').trim();
  if (!/\/kelvin-[0-9a-f]{12}\/s$/.test(path)) return null;
  const folder = lstatSync(dirname(path), { throwIfNoEntry: false });
  const ours = folder?.isDirectory() && (folder.mode & 0o077) === 0 && folder.uid === process.getuid?.();
  return ours ? path : null;
}

/** Where a client of a run folder connects. */
export function findSocket(dir: string): string {
  if (process.platform === 'win32') return pipeName(dir);
  const direct = resolve(dir, SOCKET_FILE);
  return fits(direct) && existsSync(direct) ? direct : (pointedTo(dir) ?? direct);
}

/**
 * Hands over each line a socket sends, without its newline. A line over `maxLength` ends the connection: a peer that
 * sends such is broken or hostile, and nothing it says is worth the memory.
 */
export function onLines(socket: Socket, maxLength: number, onLine: (line: string) => void): void {
  const decoder = new StringDecoder('utf8');
  let parts: string[] = [];
  let length = 0;
  socket.on('data', (chunk: Buffer) => {
    const pieces = decoder.write(chunk).split('\n');
    for (const [i, piece] of pieces.entries()) {
      if (socket.destroyed) return;
      length += piece.length;
      if (length > maxLength) return void socket.destroy();
      parts.push(piece);
      if (i === pieces.length - 1) continue;
      const line = parts.join('');
      parts = [];
      length = 0;
      if (line.trim() !== '') onLine(line);
    }
  });
}
