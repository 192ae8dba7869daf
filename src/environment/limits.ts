import type { EnvironmentLimits } from './port.ts';

/**
 * Limits of one execution. `fuel` is the verdict: work counted inside the interpreter, the same on every machine, a
 * unit being a few tenths of a millisecond; `timeoutMs` is the backstop (docs/sandbox.md, "Limits").
 */
export const DEFAULT_LIMITS: EnvironmentLimits = {
  timeoutMs: 10_000,
  memoryMb: 48,
  stackKb: 256,
  fuel: 4_000,
  outputChars: 1_000,
  programChars: 8_000,
  inputChars: 4_000,
};

/** What a canonical value may measure at all, whatever the configured limits say. */
export const VALUE_LIMITS = { depth: 100, nodes: 100_000, chars: 200_000 } as const;

/** Largest values that the boxes were built for: WebAssembly memory and its native stack bound them. */
const CEILINGS: Partial<Record<keyof EnvironmentLimits, number>> = { memoryMb: 1_024, stackKb: 512, outputChars: VALUE_LIMITS.chars };

/** Fills in the defaults. Throws a `RangeError` that names the key when a limit is not a positive whole number in range. */
export function resolveLimits(limits: Partial<EnvironmentLimits> = {}): EnvironmentLimits {
  const resolved: EnvironmentLimits = { ...DEFAULT_LIMITS, ...limits };
  for (const [key, value] of Object.entries(resolved)) {
    const ceiling = CEILINGS[key as keyof EnvironmentLimits] ?? Number.MAX_SAFE_INTEGER;
    if (!Number.isInteger(value) || value < 1 || value > ceiling) {
      throw new RangeError(`Sandbox limit ${key} must be a whole number from 1 to ${ceiling}, got ${String(value)}.`);
    }
  }
  return resolved;
}
