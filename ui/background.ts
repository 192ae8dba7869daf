import type { ReadStream, WriteStream } from 'node:tty';

/**
 * Asks the terminal for its background colour (OSC 11), and for its name (DA1), which every terminal answers: when the name comes, no
 * colour will. Must be done before anything else reads the terminal. What a person types meanwhile is given back, in order.
 */
const ASK = '\x1b]11;?\x1b\\\x1b[c';
const ANSWER_MS = 300;

// eslint-disable-next-line no-control-regex
const COLOR = /\x1b\]11;rgb:([\da-f]{1,4})\/([\da-f]{1,4})\/([\da-f]{1,4})(?:\x07|\x1b\\)/i;
// eslint-disable-next-line no-control-regex
const DEVICE = /\x1b\[\?[\d;]*c/;

export interface Background {
  /** null: the terminal does not tell. */
  readonly light: boolean | null;
  /** What was typed meanwhile. */
  readonly rest: string;
  /** Whether the answer is complete. */
  readonly done: boolean;
}

export function readBackground(received: string): Background {
  const color = COLOR.exec(received);
  const device = DEVICE.exec(received);
  const rest = received.replace(COLOR, '').replace(DEVICE, '');
  if (!color) return { light: null, rest, done: device !== null };
  const [red = 0, green = 0, blue = 0] = color.slice(1).map((hex) => parseInt(hex, 16) / (16 ** hex.length - 1));
  // Relative luminance without gamma: enough to tell paper from night.
  return { light: 0.2126 * red + 0.7152 * green + 0.0722 * blue > 0.5, rest, done: device !== null };
}

type Input = Pick<ReadStream, 'on' | 'off' | 'read' | 'unshift' | 'setRawMode' | 'isTTY'>;

/** null where the terminal gives no answer. Never throws. */
export async function askBackground(stdin: Input, stdout: Pick<WriteStream, 'write' | 'isTTY'>, wait = ANSWER_MS): Promise<boolean | null> {
  if (!stdin.isTTY || !stdout.isTTY) return null;
  let received = '';
  const { promise, resolve } = Promise.withResolvers<void>();
  // As Ink reads: a stream that was once made to flow, and paused, never tells Ink of another key.
  const onReadable = (): void => {
    for (let chunk: unknown = stdin.read(); chunk !== null; chunk = stdin.read()) received += String(chunk);
    if (readBackground(received).done) resolve();
  };
  try {
    stdin.setRawMode(true);
    stdin.on('readable', onReadable);
    stdout.write(ASK);
    const timer = setTimeout(resolve, wait);
    await promise;
    clearTimeout(timer);
  } catch {
    return null;
  } finally {
    stdin.off('readable', onReadable);
  }
  const { light, rest } = readBackground(received);
  if (rest !== '') stdin.unshift(Buffer.from(rest));
  return light;
}
