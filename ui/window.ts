import { frameOf } from './frame.ts';
import { Painter } from './paint.ts';
import type { Store } from './store.ts';

/** A window that is being dragged is drawn whole again once it rests. */
const SETTLE_MS = 50;

export interface Window {
  /** The stream for everybody else who writes to the terminal: what they write is drawn over with the next frame. */
  readonly shared: NodeJS.WriteStream;
  /** Draws everything anew. */
  readonly repaint: () => void;
  /** Nothing is drawn while another program has the terminal. */
  readonly lend: (work: () => void | Promise<void>) => Promise<void>;
  readonly close: () => void;
}

/** Shows the state of the store on a terminal, now and after each change, in the size that the terminal has. */
export function openWindow(store: Store, stdout: NodeJS.WriteStream): Window {
  const painter = new Painter((text) => void stdout.write(text));
  let [lent, closed, asked] = [false, false, false];
  const draw = (): void => {
    asked = false;
    if (lent || closed) return;
    const state = store.getState();
    painter.paint(frameOf(state), state.size.columns, state.theme);
  };
  /** Several changes at once become one frame. */
  const ask = (): void => {
    if (!asked) queueMicrotask(draw);
    asked = true;
  };
  const repaint = (): void => {
    painter.invalidate();
    ask();
  };
  let settled: NodeJS.Timeout | undefined;
  const resize = (): void => {
    store.setState({ size: { columns: stdout.columns || 80, rows: stdout.rows || 24 } });
    repaint();
    clearTimeout(settled);
    settled = setTimeout(repaint, SETTLE_MS);
  };
  const unsubscribe = store.subscribe(ask);
  stdout.on('resize', resize);
  const write = (...args: Parameters<NodeJS.WriteStream['write']>): boolean => {
    repaint();
    return stdout.write(...args);
  };
  const shared = new Proxy(stdout, {
    get(target, key) {
      if (key === 'write') return write;
      const value: unknown = Reflect.get(target, key, target);
      return typeof value === 'function' ? (value.bind(target) as unknown) : value;
    },
  });
  return {
    shared,
    repaint,
    lend: async (work) => {
      lent = true;
      try {
        await work();
      } finally {
        lent = false;
        repaint();
      }
    },
    close: () => {
      closed = true;
      clearTimeout(settled);
      unsubscribe();
      stdout.off('resize', resize);
    },
  };
}
