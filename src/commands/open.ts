import { availableParallelism } from 'node:os';
import type { Config } from '../config.ts';
import { openGgmlEngine } from '../engine/ggml/engine.ts';
import type { Engine } from '../engine/ports.ts';
import { openJavascriptEnvironment } from '../environment/javascript.ts';
import type { Environment } from '../environment/port.ts';
import { resolveShipped } from './paths.ts';

/** Each thread is a lane with graphs of its own; beyond this, memory grows faster than speed. */
const MOST_THREADS = 8;

/** The engine that a config asks for. Throws `EngineError` with what to do. */
export const openEngine = (config: Config, inference = false): Promise<Engine> =>
  openGgmlEngine({
    ...config.engine,
    threads: config.engine.threads || Math.min(availableParallelism(), MOST_THREADS),
    model: resolveShipped(config.model),
    adapter: config.adapter,
    seed: config.seed,
    inference,
  });

/** The environment that a config asks for. */
export function openEnvironment(config: Config): Promise<Environment> {
  const { workers, ...limits } = config.environment;
  const { determinism, forbidden, longOutput } = config.deviations;
  return openJavascriptEnvironment(limits, { workers, rules: { determinism, forbidden, longOutput } });
}
