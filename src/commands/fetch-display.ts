import type { FetchOptions } from '../models/resolve.ts';

const WIDTH = 24;
/** Without a terminal: a line for every tenth. */
const TENTHS = 10;

/** Shows a download: a bar in a terminal, a line for every tenth when piped. */
export function fetchDisplay(channel: 'stdout' | 'stderr'): FetchOptions {
  const stream = process[channel];
  let shown = -1;
  return {
    say: (line) => void stream.write(`${line}\n`),
    progress: (done, total) => {
      const share = total > 0 ? Math.min(1, done / total) : 0;
      if (stream.isTTY) {
        const full = Math.round(share * WIDTH);
        const end = done >= total ? '\n' : '';
        stream.write(
          `\r${'█'.repeat(full)}${'░'.repeat(WIDTH - full)} ${(100 * share).toFixed(0).padStart(3)} % of ${megabytes(total)}${end}`,
        );
        return;
      }
      const tenth = Math.floor(share * TENTHS);
      if (tenth === shown) return;
      shown = tenth;
      stream.write(`${tenth * TENTHS} % of ${megabytes(total)}\n`);
    },
  };
}

/** The same as JSON events on standard output. */
export function fetchJson(): FetchOptions {
  let shown = -1;
  const write = (event: object): void => void process.stdout.write(`${JSON.stringify(event)}\n`);
  return {
    say: (message) => write({ type: 'message', message }),
    progress: (done, total) => {
      const percent = total > 0 ? Math.floor((100 * done) / total) : 0;
      if (percent === shown) return;
      shown = percent;
      write({ type: 'download', done, total });
    },
  };
}

const megabytes = (bytes: number): string => (bytes < 1e9 ? `${(bytes / 1e6).toFixed(0)} MB` : `${(bytes / 1e9).toFixed(2)} GB`);
