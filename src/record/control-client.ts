import { connect } from 'node:net';
import type { LiveMessage } from '../core/events.ts';
import { RecordError, type Answer, type ControlClient } from './port.ts';
import { findSocket, onLines } from './socket.ts';

/** Longest line a server may send. */
const MAX_MESSAGE = 16 * 2 ** 20;
const ANSWER_MS = 30_000;

/**
 * Connects to the process that runs a run. `onMessage` gets its live messages (replies go to their `send`), `onClose`
 * is called once when the connection ends, also by `close`. Throws `RecordError('missing')` when no process listens.
 */
export async function connectControl(
  dir: string,
  onMessage: (message: LiveMessage) => void,
  onClose: () => void = () => {},
): Promise<ControlClient> {
  const socket = connect(findSocket(dir));
  try {
    await new Promise<void>((done, fail) => socket.once('connect', done).once('error', fail));
  } catch (error) {
    throw new RecordError('missing', `No process runs ${dir} (${(error as Error).message}). \`kelvin resume\` continues it.`, {
      cause: error,
    });
  }
  const waiting = new Map<number, (answer: Answer) => void>();
  let lastId = 0;
  socket.on('error', () => socket.destroy());
  socket.once('close', () => {
    for (const settle of waiting.values()) settle({ ok: false, message: 'The run process closed the connection.' });
    waiting.clear();
    onClose();
  });
  onLines(socket, MAX_MESSAGE, (line) => {
    let message: LiveMessage | null;
    try {
      message = JSON.parse(line) as LiveMessage | null;
    } catch {
      return; // A line that a killed process left unfinished.
    }
    if (!message) return;
    if (message.type !== 'reply') return onMessage(message);
    waiting.get(message.id)?.({ ok: message.ok, message: message.message });
  });

  return {
    send(command) {
      const number = ++lastId;
      if (socket.destroyed || !socket.writable) return Promise.resolve({ ok: false, message: 'The run process closed the connection.' });
      return new Promise<Answer>((done) => {
        const timer = setTimeout(() => settle({ ok: false, message: 'The run process did not answer within 30 s.' }), ANSWER_MS);
        const settle = (answer: Answer): void => {
          clearTimeout(timer);
          waiting.delete(number);
          done(answer);
        };
        waiting.set(number, settle);
        socket.write(`${JSON.stringify({ id: number, ...command })}\n`);
      });
    },
    close: () => socket.destroy(),
  };
}
