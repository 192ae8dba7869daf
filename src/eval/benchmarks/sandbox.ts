import type { EnvironmentLimits } from '../../environment/port.ts';
import { DEFAULT_MODULES } from '../../environment/python/guest.ts';
import type { SandboxOptions } from '../../environment/sandbox.ts';

/** More than a task may take: these programs are somebody's, not a small model's. A whole set of tests is one run. */
export const BENCHMARK_LIMITS: EnvironmentLimits = {
  fuel: 16_000,
  timeoutMs: 20_000,
  memoryMb: 256,
  stackKb: 256,
  outputChars: 200_000,
  programChars: 200_000_000,
  inputChars: 200_000,
};

/**
 * Isolation is that of every program; only the rules that make a task a good task are off, and solutions find the modules that they
 * are used to. Time stands still, and chance has a fixed seed.
 */
export const BENCHMARK_SANDBOX: SandboxOptions = {
  modules: [...new Set([...DEFAULT_MODULES, 'random', 'datetime', 'calendar', 'hashlib', 'io', 'time'])],
  rules: { forbidden: 'paper' },
};
