import type { RunResult } from './language.ts';
import type { EnvironmentLimits } from './port.ts';

const TELLS_THREAD_TIME = typeof process.threadCpuUsage === 'function';
/** How much more wall clock than its limit a run may take on a machine that gives it no time to run. */
export const STARVED_FACTOR = 10;

/** Processor time of this thread, ms; on a Node that does not tell (before 23.9) the wall clock, which a crowded machine distorts. */
export function spentMs(): number {
  if (!TELLS_THREAD_TIME) return performance.now();
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1_000;
}

/** What `spentMs` says when the backstop of a run that begins now is reached. */
export function deadlineOf({ timeoutMs }: EnvironmentLimits): number {
  return spentMs() + timeoutMs * (TELLS_THREAD_TIME ? 1 : STARVED_FACTOR);
}

/** The verdict of a run that the backstop ended. */
export function outOfTime({ timeoutMs }: EnvironmentLimits): RunResult {
  const detail = `The program did not end within ${timeoutMs} ms.`;
  return TELLS_THREAD_TIME ? { verdict: 'timeout', detail } : { verdict: 'timeout', detail, backstop: true };
}
