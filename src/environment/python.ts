import { DEFAULT_MODULES } from './python/guest.ts';
import { prepareImages } from './python/image.ts';
import { pythonRules, pythonRulesFor } from './python/rules.ts';
import type { EnvironmentLimits } from './port.ts';
import { openSandbox } from './sandbox.ts';
import type { SandboxEnvironment, SandboxOptions } from './sandbox.ts';

/**
 * Opens the Python environment: CPython in WebAssembly, in workers of a process without privileges, a fresh interpreter
 * for every run (docs/sandbox.md). The first time on a machine takes some seconds. Errors as in `openSandbox`.
 */
export async function openPythonEnvironment(
  limits: Partial<EnvironmentLimits> = {},
  options: SandboxOptions = {},
): Promise<SandboxEnvironment> {
  const { modules = DEFAULT_MODULES } = options;
  await prepareImages(modules);
  return openSandbox(modules === DEFAULT_MODULES ? pythonRules : pythonRulesFor(modules), limits, options);
}
