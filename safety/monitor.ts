import { createHash } from 'node:crypto';
import type { Finding, Severity } from '../src/core/finding.ts';
import type { Detector, Tier } from './detector.ts';
import { TIERS } from './detector.ts';
import { detectors as all } from './detectors/index.ts';
import { lexiconText } from './lexicon/index.ts';
import { read } from './reading.ts';
import type { Monitor, Thought, Verdict } from './types.ts';

export interface MonitorOptions {
  /** Tiers to run; default all. Fewer is explicit and shows in `tiers`. */
  readonly tiers?: readonly Tier[];
  /** Detectors to run; default every file of `detectors/`. */
  readonly detectors?: readonly Detector[];
}

/**
 * The monitor of every thought: tiers 0 to 2 of docs/safety.md. Pure and synchronous; time linear in the text. A
 * throw (only a fault of a detector can cause one) means the thought is unread: the gate pauses.
 */
export function createMonitor(options: MonitorOptions = {}): Monitor {
  const tiers = options.tiers ?? TIERS;
  const active = TIERS.filter((tier) => tiers.includes(tier)).flatMap((tier) =>
    (options.detectors ?? all).filter((detector) => detector.tier === tier),
  );
  const version = versionOf(active);
  return {
    version,
    tiers,
    scan(thought: Thought): Verdict {
      const reading = read(thought);
      const findings: Finding[] = [];
      for (const detector of active) for (const found of detector.scan(reading)) findings.push({ ...found, tier: detector.tier });
      for (const detector of active)
        if (detector.confirm !== undefined && asks(findings, detector))
          for (const found of detector.confirm(reading)) findings.push({ ...found, tier: detector.tier });
      findings.sort((a, b) => b.severity - a.severity || a.start - b.start);
      return { id: thought.id, severity: highest(findings), findings };
    },
  };
}

/** Whether another tier says 4 of the detector's category. */
function asks(findings: readonly Finding[], { tier, category }: Detector): boolean {
  return findings.some((found) => found.severity >= 4 && found.category === category && found.tier !== tier);
}

/** Maximum over findings; 0 when there is none. */
export function highest(findings: readonly Finding[]): Severity {
  let severity: Severity = 0;
  for (const { severity: own } of findings) if (own > severity) severity = own;
  return severity;
}

function versionOf(active: readonly Detector[]): string {
  const parts = active.map((detector) => `${detector.id}:${detector.version}:${detector.fingerprint ?? ''}`);
  return `kelvin-monitor-1+${createHash('sha256')
    .update([...parts, lexiconText()].join('\n'))
    .digest('hex')
    .slice(0, 12)}`;
}
