import { createHash } from 'node:crypto';
import { arch, availableParallelism, cpus, platform, release, totalmem } from 'node:os';
import { detectors } from '../../safety/detectors/index.ts';
import type { MachineRecord } from '../core/events.ts';
import type { Monitor } from '../../safety/types.ts';

/** The machine, as far as it can change what a run computes. No name of a person, host or folder is in it. */
export const machineRecord = (): MachineRecord => ({
  platform: platform(),
  release: release(),
  arch: arch(),
  cpu: cpus()[0]?.model.trim() ?? 'unknown',
  cores: availableParallelism(),
  memoryMb: Math.round(totalmem() / 2 ** 20),
});

/** Version of each detector of the tiers that are on, with a hash of its rules or weights. */
export function detectorVersions(monitor: Pick<Monitor, 'tiers'> | null): Readonly<Record<string, string>> {
  if (!monitor) return {};
  const on = detectors.filter(({ tier }) => monitor.tiers.includes(tier));
  const hash = (text: string): string => createHash('sha256').update(text).digest('hex').slice(0, 12);
  return Object.fromEntries(on.map(({ id, version, fingerprint }) => [id, `${version}+${hash(fingerprint ?? '')}`]));
}
