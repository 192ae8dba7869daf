import type { Metrics } from '../core/types.ts';

/** Times the parts of a step. */
export interface Stopwatch {
  /** Ends the part of this name. */
  (name: string): void;
  /** Seconds since the start. */
  total(): number;
  /** `time/<name>` and `time/step` in seconds. */
  metrics(): Metrics;
}

export function stopwatch(): Stopwatch {
  const start = performance.now();
  let last = start;
  const laps: Record<string, number> = {};
  const lap = (name: string): void => {
    const now = performance.now();
    laps[`time/${name}`] = (now - last) / 1000;
    last = now;
  };
  const total = (): number => (performance.now() - start) / 1000;
  return Object.assign(lap, { total, metrics: () => ({ ...laps, 'time/step': total() }) });
}
