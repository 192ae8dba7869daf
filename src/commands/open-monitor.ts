import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { withJudge } from '../../safety/judge/judge.ts';
import { createMonitor } from '../../safety/monitor.ts';
import type { JudgeModel } from '../../safety/judge/judge.ts';
import type { Monitor } from '../../safety/types.ts';
import type { Config } from '../config.ts';
import type { Closing } from './closing.ts';
import { ConfigError } from '../config.ts';

/** The monitor of a run, with its judge when the config names one; the judge's model is released with `stack`. */
export async function openMonitor(config: Config, stack: Pick<Closing, 'use'>): Promise<Monitor | null> {
  if (!config.safety.monitor) return null;
  const monitor = createMonitor();
  const { model, url, share, answerSeconds } = config.safety.judge;
  const options = { share, seed: config.seed, answerMs: answerSeconds * 1000 };
  if (url !== '') return withJudge(monitor, { ...options, model: await servedJudge(url, model) });
  if (model === '') return monitor;
  const file = resolve(model);
  if (!existsSync(file))
    throw new ConfigError(`safety.judge.model: ${file} does not exist; name a GGUF file, or "" to go without a judge.`);
  const { openJudge } = await import('../../safety/judge/llama.ts');
  const judge = stack.use(await openJudge(file, config.engine.threads > 0 ? { threads: config.engine.threads } : {}));
  return withJudge(monitor, { ...options, model: judge });
}

/** The key of the judge's server: from the environment alone, so that no config and no journal holds it. */
const JUDGE_KEY = 'KELVIN_JUDGE_API_KEY';

async function servedJudge(url: string, model: string): Promise<JudgeModel> {
  if (!URL.canParse(url) || !/^https?:$/.test(new URL(url).protocol))
    throw new ConfigError(`safety.judge.url: "${url}" is no address of a server; write for instance http://127.0.0.1:8000/v1, or "".`);
  const { username, password, search } = new URL(url);
  if (username !== '' || password !== '' || search !== '')
    throw new ConfigError(
      `safety.judge.url holds a name, password or query, and configs are recorded with every run. Put the key into ${JUDGE_KEY}.`,
    );
  if (model === '') throw new ConfigError('safety.judge.model: name the model that the server of safety.judge.url serves.');
  const { openServedJudge } = await import('../../safety/judge/served.ts');
  return openServedJudge({ url, model, apiKey: process.env[JUDGE_KEY] });
}
