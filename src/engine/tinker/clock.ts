/** Time and chance of the Tinker client, handed in so that tests need not wait. */
export interface Clock {
  /** Milliseconds from any fixed moment on. */
  now(): number;
  /** Resolves after `ms`; rejects with the signal's reason when that comes first. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
  /** Aborts after `ms`. */
  timeout(ms: number): AbortSignal;
  /** Calls `work` every `ms` until the returned function is called. Does not keep the process alive. */
  every(ms: number, work: () => void): () => void;
  /** In [0, 1), for jitter. */
  random(): number;
}

/** The machine's own clock. `scale` shortens every wait, for tests. */
export function systemClock(scale = 1): Clock {
  return {
    now: () => performance.now() / scale,
    sleep: (ms, signal) =>
      new Promise((resolve, reject) => {
        if (signal?.aborted === true) return reject(signal.reason as Error);
        const stop = (): void => {
          clearTimeout(timer);
          reject(signal?.reason as Error);
        };
        const timer = setTimeout(() => {
          signal?.removeEventListener('abort', stop);
          resolve();
        }, ms * scale);
        signal?.addEventListener('abort', stop, { once: true });
      }),
    timeout: (ms) => AbortSignal.timeout(Math.ceil(ms * scale)),
    every: (ms, work) => {
      const timer = setInterval(work, ms * scale);
      timer.unref();
      return () => clearInterval(timer);
    },
    random: Math.random,
  };
}
