import { availableParallelism } from 'node:os';
import type { Config } from '../config.ts';
import { openGgmlEngine } from '../engine/ggml/engine.ts';
import type { Engine, EngineOptions } from '../engine/ports.ts';
import { openDefined } from '../environment/defined.ts';
import { isLanguage, loadLanguage } from '../environment/languages.ts';
import { loadDefinition } from '../environment/definitions.ts';
import type { Environment } from '../environment/port.ts';
import { changed, readOrigin } from '../models/cache.ts';
import { modelFile } from './model-file.ts';

export { modelFile } from './model-file.ts';

/** Each thread is a lane with graphs and gradients of its own, so memory grows with them. */
const MOST_THREADS = 8;

/** `engine.threads`, where 0 stands for all cores, at most 8. */
export const threadsFor = (configured: number, cores: number): number => configured || Math.min(cores, MOST_THREADS);

/** The engine that a config asks for. Throws `EngineError` with what to do. */
export async function openEngine(config: Config, inference = false, onPlan?: EngineOptions['onPlan']): Promise<Engine> {
  if (config.engine.kind === 'tinker') {
    const { openTinkerEngine } = await import('./open-tinker.ts');
    return await openTinkerEngine(config);
  }
  const model = await modelFile(config.model);
  const engine = await openGgmlEngine({
    ...config.engine,
    threads: threadsFor(config.engine.threads, availableParallelism()),
    model,
    adapter: config.adapter,
    seed: config.seed,
    inference,
    onPlan,
  });
  const origin = readOrigin(model);
  if (origin === null || origin.sha256 === engine.info.modelHash) return engine;
  await engine[Symbol.asyncDispose]();
  throw changed(model, origin);
}

/** The environment that a config asks for. */
export async function openEnvironment(config: Config): Promise<Environment> {
  const { workers, pythonModules, ...limits } = config.environment;
  const { determinism, forbidden, longOutput } = config.deviations;
  if (!isLanguage(config.language)) return openDefined(await loadDefinition(config.language), limits);
  const { open } = await loadLanguage(config.language);
  return open(limits, {
    workers,
    modules: pythonModules.length > 0 ? pythonModules : undefined,
    rules: { determinism, forbidden, longOutput },
  });
}
