import { emitKeypressEvents } from 'node:readline';
import { inline } from '../../core/inert.ts';

/** Asks a person by single keys and short lines, without the app. */
export interface Asker {
  readonly columns: number;
  write(text: string): void;
  /** The next key by name (`a`, `enter`, `esc`); `quit` for Ctrl-C, Ctrl-D and a terminal that went away. */
  key(): Promise<string>;
  /** A line of text; null when it was given up with Esc. */
  line(label: string): Promise<string | null>;
  close(): void;
}

interface Keypress {
  readonly name?: string | undefined;
  readonly sequence?: string | undefined;
  readonly ctrl?: boolean | undefined;
  readonly meta?: boolean | undefined;
}

const nameOf = (text: string | undefined, key: Keypress): string | null => {
  if (key.ctrl && (key.name === 'c' || key.name === 'd')) return 'quit';
  if (key.name === 'return' || key.name === 'enter') return 'enter';
  if (key.name === 'escape') return 'esc';
  if (key.name === 'backspace') return 'backspace';
  if (key.ctrl || key.meta || text === undefined || text === '') return null;
  return text >= ' ' && text !== '\x7f' ? text : null;
};

/** Takes the terminal into raw mode until `close`. */
export function terminalAsker(input: NodeJS.ReadStream, output: NodeJS.WriteStream): Asker {
  const pressed: string[] = [];
  let waiting: ((key: string) => void) | null = null;
  const give = (key: string): void => {
    if (waiting) {
      const resolve = waiting;
      waiting = null;
      resolve(key);
    } else pressed.push(key);
  };
  const onKey = (text: string | undefined, key: Keypress): void => {
    const name = nameOf(text, key);
    if (name !== null) give(name);
  };
  const onEnd = (): void => give('quit');
  emitKeypressEvents(input);
  input.setRawMode(true);
  input.on('keypress', onKey).on('end', onEnd).on('close', onEnd);
  input.resume();
  const key = (): Promise<string> => {
    const next = pressed.shift();
    return next === undefined ? new Promise((resolve) => (waiting = resolve)) : Promise.resolve(next);
  };
  return {
    get columns() {
      return output.columns || 80;
    },
    write: (text) => void output.write(text),
    key,
    async line(label) {
      let text = '';
      output.write(label);
      for (;;) {
        const next = await key();
        if (next === 'enter' || next === 'esc' || next === 'quit') {
          output.write('\n');
          if (next === 'quit') give('quit');
          return next === 'enter' ? text.trim() : null;
        }
        if (next === 'backspace') text = [...text].slice(0, -1).join('');
        else text += next;
        // Only the end of a long line: a redraw reaches one row.
        const room = Math.max(10, (output.columns || 80) - label.length - 2);
        output.write(`\r\x1b[K${label}${[...inline(text)].slice(-room).join('')}`);
      }
    },
    close() {
      input.off('keypress', onKey).off('end', onEnd).off('close', onEnd);
      try {
        input.setRawMode(false);
      } catch {
        // The terminal went away.
      }
      input.pause();
    },
  };
}
