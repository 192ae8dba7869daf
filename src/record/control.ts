import { chmodSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { z } from 'zod';
import type { Command, LiveMessage } from '../core/events.ts';
import { CATEGORIES } from '../core/finding.ts';
import { recordError } from './errors.ts';
import { PRIVATE_FILE } from './files.ts';
import type { Answer, ControlServer } from './port.ts';
import { onLines, placeSocket } from './socket.ts';

export { connectControl } from './control-client.ts';
export type { Answer } from './port.ts';

/** Longest line a client may send. */
const MAX_COMMAND = 64 * 1024;
const MAX_CLIENTS = 64;
/** Commands of one client at work at once; further ones wait in its own socket. */
const MAX_PENDING = 16;
/** Lines that are no commands before a client is cut off. */
const MAX_ERRORS = 100;
/** Bytes that may wait for a slow reader: beyond the first, sampled messages are dropped; beyond the second, the reader is. */
const DROP_BEYOND = 256 * 1024;
const CUT_BEYOND = 4 * 2 ** 20;

const id = z.number().int().min(0).max(Number.MAX_SAFE_INTEGER);
const text = z.string().max(8000);
/** −1: a thought without a finding. */
const index = z.number().int().min(-1);
const label = z.enum(['new', 'confirmed', 'dismissed', 'escalated']);
const COMMAND = z.discriminatedUnion('command', [
  z.strictObject({ id, command: z.literal('pause'), reason: text }),
  z.strictObject({ id, command: z.literal('resume'), reason: text, by: text }),
  z.strictObject({ id, command: z.literal('stop') }),
  z.strictObject({
    id,
    command: z.literal('review'),
    rolloutId: text,
    index,
    label,
    reason: text,
    by: text,
    blind: z.boolean().optional(),
    category: z.enum(CATEGORIES).optional(),
  }),
  z.strictObject({ id, command: z.literal('control'), control: text, expected: z.enum(['bad', 'benign']), label, by: text }),
  z.strictObject({ id, command: z.literal('drill') }),
]);

/** The command in a line; otherwise what is wrong with it, and the id to answer to (0 when there is none). */
function parse(line: string): Command | { readonly id: number; readonly error: string } {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return { id: 0, error: 'not JSON; send one JSON object a line' };
  }
  const result = COMMAND.safeParse(value);
  if (result.success) return result.data;
  const asked = id.safeParse((value as { id?: unknown } | null)?.id);
  const [issue] = result.error.issues;
  return { id: asked.success ? asked.data : 0, error: `not a command: ${issue?.path.join('.') || 'line'}: ${issue?.message ?? 'invalid'}` };
}

/** One client of the server: parses its lines, answers each, never throws. */
function serve(socket: Socket, onCommand: (command: Command) => Promise<Answer>): void {
  let pending = 0;
  let errors = 0;
  const reply = (to: number, { ok, message }: Answer): void => {
    if (!socket.writable) return;
    socket.write(`${JSON.stringify({ type: 'reply', id: to, ok, message } satisfies LiveMessage)}\n`);
    if (socket.writableLength > CUT_BEYOND) socket.destroy();
  };
  const carryOut = async (command: Command): Promise<void> => {
    if (++pending >= MAX_PENDING) socket.pause();
    try {
      reply(command.id, await onCommand(command));
    } catch (error) {
      reply(command.id, { ok: false, message: error instanceof Error ? error.message : String(error) });
    } finally {
      if (--pending < MAX_PENDING) socket.resume();
    }
  };
  socket.on('error', () => socket.destroy());
  onLines(socket, MAX_COMMAND, (line) => {
    const command = parse(line);
    if (!('error' in command)) return void carryOut(command);
    reply(command.id, { ok: false, message: command.error });
    if (++errors >= MAX_ERRORS) socket.destroy();
  });
}

const listen = (server: Server, path: string): Promise<void> =>
  new Promise((done, fail) => {
    server.once('error', fail);
    server.listen(path, () => {
      server.off('error', fail);
      done();
    });
  });

/**
 * Opens the control socket of a run folder, for its owner only; no TCP port. Call it while holding the run's lock.
 * Whatever clients send, or fail to read, the run goes on. Throws `RecordError('unwritable')` when no socket can be made.
 */
export async function serveControl(dir: string, onCommand: (command: Command) => Promise<Answer>): Promise<ControlServer> {
  const clients = new Set<Socket>();
  const server = createServer((socket) => {
    clients.add(socket);
    socket.once('close', () => clients.delete(socket));
    serve(socket, onCommand);
  });
  server.maxConnections = MAX_CLIENTS;
  let place: ReturnType<typeof placeSocket> | null = null;
  try {
    place = placeSocket(dir);
    await listen(server, place.path);
    if (process.platform !== 'win32') chmodSync(place.path, PRIVATE_FILE);
  } catch (error) {
    server.close();
    place?.release();
    throw recordError(error, `cannot open the control socket of ${dir}`);
  }
  const { path, release } = place;
  // Without a listener an accept that fails (out of descriptors, say) would end the process.
  server.on('error', () => {});

  return {
    path,
    broadcast(message) {
      if (clients.size === 0) return;
      const line = `${JSON.stringify(message)}\n`;
      for (const socket of clients) if (socket.writable && socket.writableLength <= DROP_BEYOND) socket.write(line);
    },
    async close() {
      const closed = new Promise<void>((done) => server.close(() => done()));
      for (const socket of clients) socket.destroySoon();
      // A client that does not read must not hold up the end of the run.
      const impatience = setTimeout(() => clients.forEach((socket) => socket.destroy()), 500);
      await closed;
      clearTimeout(impatience);
      release();
    },
  };
}
