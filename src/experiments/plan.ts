import { basename } from 'node:path';
import { ConfigError } from '../config.ts';
import type { Config } from '../config.ts';

/** A configuration under comparison. */
export interface Entry {
  /** Name of its file without the ending; unique in a comparison. */
  readonly label: string;
  readonly config: Config;
}

/** One run that a comparison needs; `name` is its folder. */
export interface PlannedRun {
  readonly label: string;
  readonly seed: number;
  readonly name: string;
  readonly config: Config;
}

export const labelOf = (file: string): string => basename(file).replace(/\.json$/i, '');

/** Every configuration with every seed, seed by seed, so that an early look compares all of them. */
export const planned = (entries: readonly Entry[], seeds: readonly number[]): PlannedRun[] =>
  seeds.flatMap((seed) => entries.map(({ label, config }) => ({ label, seed, name: `${label}-seed${seed}`, config: { ...config, seed } })));

/** Throws `ConfigError` for configurations that cannot be set side by side. */
export function requireComparable(entries: readonly Entry[]): void {
  const [first, ...others] = entries;
  if (!first) throw new ConfigError('Name the configs to compare, for instance: kelvin compare configs/paradigms/*.json');
  for (const { label } of entries)
    if (entries.filter((entry) => entry.label === label).length > 1)
      throw new ConfigError(`Two configs are called "${label}". Rename one: the results are told apart by the file's name.`);
  for (const { label, config } of entries)
    if (config.eval.suite === 'none')
      throw new ConfigError(`${label}: a comparison is made on held-out tasks, and "eval.suite" is "none". Set it to "heldout" or "tune".`);
  for (const { label, config } of others)
    for (const key of ['suite', 'tasks'] as const)
      if (config.eval[key] !== first.config.eval[key])
        throw new ConfigError(
          `${first.label} and ${label} are measured on different held-out tasks ("eval.${key}": ${first.config.eval[key]} and ${config.eval[key]}). Give them the same, for instance with --set eval.${key}=….`,
        );
}
