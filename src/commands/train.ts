import { rmSync } from 'node:fs';
import { readConfig } from '../config.ts';
import type { Config } from '../config.ts';
import { createRunFolder } from '../record/folder.ts';
import { hasJournal } from '../record/journal.ts';
import { createOutput } from './output.ts';
import type { Display } from './output.ts';
import { resolveShipped, runsRoot } from './paths.ts';
import { runSession } from './session.ts';

export interface TrainOptions {
  readonly config?: string | undefined;
  readonly steps?: number | undefined;
  readonly seed?: number | undefined;
  readonly set?: readonly string[] | undefined;
  readonly runDir?: string | undefined;
  readonly display: Display;
  readonly exitOnPause?: boolean | undefined;
}

export const DEFAULT_CONFIG = 'configs/nano.json';

/** The config that the options ask for: file, then --set, then --steps and --seed. */
export function configOf(options: Pick<TrainOptions, 'config' | 'steps' | 'seed' | 'set'>): Config {
  const overrides = [...(options.set ?? [])];
  if (options.steps !== undefined) overrides.push(`steps=${options.steps}`);
  if (options.seed !== undefined) overrides.push(`seed=${options.seed}`);
  return readConfig(resolveShipped(options.config ?? DEFAULT_CONFIG), overrides);
}

/** `kelvin train`: a new run in this process, shown as plain lines or JSON. */
export async function trainCommand(options: TrainOptions): Promise<number> {
  const config = configOf(options);
  const runDir = createRunFolder({ root: runsRoot(), runDir: options.runDir, name: config.name, config });
  const output = createOutput(options.display, runDir);
  try {
    return await runSession({ runDir, config, exitOnPause: options.exitOnPause, onEvent: output.event });
  } catch (error) {
    // A run that never began leaves nothing behind.
    if (!hasJournal(runDir)) rmSync(runDir, { recursive: true, force: true });
    throw error;
  }
}
