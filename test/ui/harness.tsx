import { EventEmitter } from 'node:events';
import xterm from '@xterm/headless';
import { runApp } from '../../ui/main.tsx';
import type { AppOptions } from '../../ui/main.tsx';
import type { LiveMessage } from '../../src/core/events.ts';
import { FakeControl, FakeReader } from './fakes.ts';

/** The whole app on a fake TTY whose output is drawn by xterm: what a person would see, cell by cell. */
export interface Screen {
  readonly term: InstanceType<typeof xterm.Terminal>;
  readonly reader: FakeReader;
  readonly control: FakeControl;
  /** Everything written so far. */
  readonly raw: () => string;
  readonly text: () => string;
  readonly lines: () => string[];
  readonly press: (...keys: string[]) => Promise<void>;
  readonly resize: (columns: number, rows: number) => Promise<void>;
  /** Waits until the screen shows `what`. */
  readonly see: (what: string | RegExp) => Promise<void>;
  readonly settle: (ms?: number) => Promise<void>;
  readonly live: (message: LiveMessage) => void;
  readonly drop: () => void;
  readonly done: ReturnType<typeof runApp>;
  readonly quit: () => Promise<void>;
}

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

export interface MountOptions extends Partial<Omit<AppOptions, 'reader' | 'control'>> {
  readonly columns?: number;
  readonly rows?: number;
  readonly reader?: FakeReader;
}

export async function mount({ columns = 80, rows = 24, reader = new FakeReader(), ...options }: MountOptions = {}): Promise<Screen> {
  const term = new xterm.Terminal({ cols: columns, rows, allowProposedApi: true, convertEol: true });
  let raw = '';
  const stdout = Object.assign(new EventEmitter(), {
    columns,
    rows,
    isTTY: true,
    writable: true,
    write(data: string | Uint8Array, ...rest: unknown[]): boolean {
      const text = typeof data === 'string' ? data : Buffer.from(data).toString();
      raw += text;
      const done = rest.at(-1);
      term.write(text, typeof done === 'function' ? () => (done as () => void)() : undefined);
      return true;
    },
  });
  const queue: string[] = [];
  const nothing = (): void => undefined;
  const stdin = Object.assign(new EventEmitter(), {
    isTTY: true,
    setRawMode: nothing,
    setEncoding: nothing,
    ref: nothing,
    unref: nothing,
    resume: nothing,
    pause: nothing,
    read: () => queue.shift() ?? null,
  });
  const control = new FakeControl(reader);
  let onMessage: ((message: LiveMessage) => void) | undefined;
  let onClose: (() => void) | undefined;
  let reachable = true;
  const done = runApp({
    runDir: 'runs/sample',
    reader,
    connect: (message, close) => {
      if (!reachable) return Promise.reject(new Error('nothing listens'));
      onMessage = message;
      onClose = close;
      return Promise.resolve(control);
    },
    user: 'tester',
    env: { LANG: 'C.UTF-8', TERM: 'xterm-256color', COLORFGBG: '15;0' },
    stdin: stdin as unknown as NodeJS.ReadStream,
    stdout: stdout as unknown as NodeJS.WriteStream,
    ...options,
  });
  const settle = async (ms = 30): Promise<void> => {
    await sleep(ms);
    await new Promise<void>((resolve) => term.write('', resolve));
  };
  const lines = (): string[] =>
    Array.from(
      { length: term.rows },
      (_, y) =>
        term.buffer.active
          .getLine(term.buffer.active.viewportY + y)
          ?.translateToString(true)
          .trimEnd() ?? '',
    );
  const text = (): string => lines().join('\n');
  const see = async (what: string | RegExp): Promise<void> => {
    const until = performance.now() + 8000;
    for (;;) {
      await settle(15);
      if (typeof what === 'string' ? text().includes(what) : what.test(text())) return;
      if (performance.now() > until) throw new Error(`The screen never showed ${String(what)}:\n${text()}`);
    }
  };
  const press = async (...keys: string[]): Promise<void> => {
    for (const key of keys) {
      queue.push(key);
      stdin.emit('readable');
      await settle(key === '\x1b' ? 60 : 12);
    }
  };
  const resize = async (c: number, r: number): Promise<void> => {
    Object.assign(stdout, { columns: c, rows: r });
    term.resize(c, r);
    stdout.emit('resize');
    await settle(40);
  };
  const quit = async (): Promise<void> => {
    for (let i = 0; i < 3; i++) await press('\x1b');
    await press('\x03', '\x03');
    await done;
  };
  await see(/^ kelvin {2}|This window/);
  await settle(50);
  return {
    term, reader, control, raw: () => raw, text, lines, press, resize, see, settle, done, quit,
    live: (message) => onMessage?.(message),
    drop: () => {
      reachable = false;
      onClose?.();
    },
  }; // prettier-ignore
}
