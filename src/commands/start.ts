import { createRunFolder } from '../record/folder.ts';
import type { DisplayName } from './display.ts';
import { firstConfig, isFirst } from './first.ts';
import { modelFile } from './open.ts';
import { showApp, startRunProcess } from './open-run.ts';
import { runsRoot } from './paths.ts';
import { configOf, trainCommand } from './train.ts';
import type { TrainOptions } from './train.ts';

/** `kelvin` and `kelvin start`: a new run in its own process and the app on it; without a terminal, plain lines to the end. */
export async function startCommand({
  display,
  ...options
}: Omit<TrainOptions, 'display'> & { readonly display: DisplayName }): Promise<number> {
  if (display !== 'full') return await trainCommand({ ...options, display });
  const root = runsRoot();
  const chosen = isFirst(root, { ...options }) ? await firstConfig() : options.config;
  if (chosen === null) return 0;
  const config = configOf({ ...options, config: chosen });
  // A model that has to be fetched is fetched here, where its progress is seen.
  if (config.engine.kind === 'embedded') await modelFile(config.model);
  const runDir = createRunFolder({ root, runDir: options.runDir, name: config.name, config });
  process.stdout.write(`Kelvin starts a run in ${runDir} …\n`);
  await startRunProcess(runDir);
  return await showApp(runDir);
}
