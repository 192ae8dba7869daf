import type { Config } from '../config.ts';
import type { Curriculum } from '../core/types.ts';
import { generatedCurriculum } from './generated.ts';
import { jsonLinesCurriculum } from './jsonl.ts';

/** The name that stands for the bundled model's own generator in `data`. */
const GENERATED = 'generated';

/** Where a config's curated tasks come from; null in self-play. Throws `ConfigError` for a file that cannot be used. */
export function openCurriculum(config: Pick<Config, 'paradigm' | 'data' | 'seed' | 'algorithm'>): Curriculum | null {
  if (config.paradigm === 'absolute-zero') return null;
  if (config.data === GENERATED) return generatedCurriculum(config.seed);
  return jsonLinesCurriculum(config.data, config);
}
