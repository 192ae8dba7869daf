import { TASK_TYPES } from './types.ts';
import type { Metrics } from './types.ts';

/**
 * Whether self-play is about to collapse: into one program (the proposer finds a cheap reward and repeats it), into one answer (the
 * policy's entropy is gone), or into text that is no proposal. Source: the replication by Ivison (2026) and R-Zero (Huang et al. 2025); docs/learning.md.
 */
export type CollapseLevel = 'low' | 'raised' | 'high';

export interface CollapseRisk {
  /** 0 (none) to 1 (collapsed): the worst of the signs. */
  readonly risk: number;
  readonly level: CollapseLevel;
  /** What is wrong, worst first; each a whole sentence. */
  readonly reasons: readonly string[];
}

/** Steps that say what is usual for this run, and steps that are compared with them. */
const BASELINE = 10;
const WINDOW = 5;
/** Steps before which nothing is said. */
export const COMPARED = BASELINE + WINDOW;
export const RAISED = 0.5;
const HIGH = 0.8;

interface Sign {
  /** Metrics whose mean is looked at. */
  readonly paths: readonly string[];
  /** Shares of the usual value: at `sound` the risk is 0, at `gone` it is 1. */
  readonly sound: number;
  readonly gone: number;
  readonly says: (now: string, then: string) => string;
}

const SIGNS: readonly Sign[] = [
  {
    paths: ['entropy'],
    sound: 0.6,
    gone: 0.15,
    says: (now, then) => `The entropy of the policy fell from ${then} to ${now} nats a token.`,
  },
  {
    paths: ['diversity/distinct'],
    sound: 0.9,
    gone: 0.4,
    says: (now, then) => `The share of different programs among the proposals fell from ${then} to ${now}.`,
  },
  {
    paths: ['diversity/distance'],
    sound: 0.75,
    gone: 0.3,
    says: (now, then) => `Proposed programs grow alike: their mean distance fell from ${then} to ${now}.`,
  },
  {
    paths: TASK_TYPES.map((type) => `valid/propose/${type}`),
    sound: 0.6,
    gone: 0.1,
    says: (now, then) => `Fewer proposals become tasks: ${now} instead of ${then}.`,
  },
];

/** The risk after the last of `steps` (metrics by step, oldest first); 0 until there are enough to compare. */
export function collapseRisk(steps: readonly Metrics[]): CollapseRisk {
  if (steps.length < COMPARED) return { risk: 0, level: 'low', reasons: [] };
  const first = steps.slice(0, BASELINE);
  const last = steps.slice(-WINDOW);
  const found = SIGNS.flatMap(({ paths, sound, gone, says }) => {
    const then = median(first.flatMap((metrics) => average(metrics, paths)));
    const now = median(last.flatMap((metrics) => average(metrics, paths)));
    if (!(then > 0) || Number.isNaN(now)) return [];
    const risk = Math.min(1, Math.max(0, (sound - now / then) / (sound - gone)));
    return [{ risk, text: says(now.toFixed(2), then.toFixed(2)) }];
  }).sort((a, b) => b.risk - a.risk);
  const risk = found[0]?.risk ?? 0;
  return {
    risk,
    level: risk >= HIGH ? 'high' : risk >= RAISED ? 'raised' : 'low',
    reasons: found.filter((sign) => sign.risk >= RAISED).map(({ text }) => text),
  };
}

function average(metrics: Metrics, paths: readonly string[]): number[] {
  const values = paths.flatMap((path) => metrics[path] ?? []);
  return values.length === 0 ? [] : [values.reduce((sum, value) => sum + value, 0) / values.length];
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}
