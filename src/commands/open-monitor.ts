import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { withJudge } from '../../safety/judge/judge.ts';
import { createMonitor } from '../../safety/monitor.ts';
import type { Monitor } from '../../safety/types.ts';
import type { Config } from '../config.ts';
import type { Closing } from './closing.ts';
import { ConfigError } from '../config.ts';

/** The monitor of a run, with its judge when the config names one; the judge's model is released with `stack`. */
export async function openMonitor(config: Config, stack: Pick<Closing, 'use'>): Promise<Monitor | null> {
  if (!config.safety.monitor) return null;
  const monitor = createMonitor();
  const { model, share, answerSeconds } = config.safety.judge;
  if (model === '') return monitor;
  const file = resolve(model);
  if (!existsSync(file))
    throw new ConfigError(`safety.judge.model: ${file} does not exist; name a GGUF file, or "" to go without a judge.`);
  const { openJudge } = await import('../../safety/judge/llama.ts');
  const judge = stack.use(await openJudge(file, config.engine.threads > 0 ? { threads: config.engine.threads } : {}));
  return withJudge(monitor, { model: judge, share, seed: config.seed, answerMs: answerSeconds * 1000 });
}
