import { javascriptRules } from './javascript/rules.ts';
import type { EnvironmentLimits } from './port.ts';
import { openSandbox } from './sandbox.ts';
import type { SandboxEnvironment, SandboxOptions } from './sandbox.ts';

/** The JavaScript environment: QuickJS in WebAssembly, a fresh interpreter for every run (docs/sandbox.md). */
export const openJavascriptEnvironment = (
  limits: Partial<EnvironmentLimits> = {},
  options: SandboxOptions = {},
): Promise<SandboxEnvironment> => openSandbox(javascriptRules, limits, options);
