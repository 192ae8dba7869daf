import type { Metrics } from '../core/types.ts';

/** Times the parts of a step. */
export interface Stopwatch {
  /** Ends the part of this name. */
  (name: string): void;
  /** Seconds since the start. */
  total(): number;
  /** What was timed so far ran beside something else: the step itself begins now. */
  turn(): void;
  /** `time/<name>` and `time/step` in seconds. */
  metrics(): Metrics;
}

export function stopwatch(): Stopwatch {
  let start = performance.now();
  let last = start;
  const laps: Record<string, number> = {};
  const lap = (name: string): void => {
    const now = performance.now();
    laps[`time/${name}`] = (now - last) / 1000;
    last = now;
  };
  const total = (): number => (performance.now() - start) / 1000;
  const turn = (): void => void (start = last = performance.now());
  return Object.assign(lap, { total, turn, metrics: () => ({ ...laps, 'time/step': total() }) });
}
