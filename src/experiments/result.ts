import type { RunView } from '../core/fold.ts';
import type { Metrics } from '../core/types.ts';
import { estimate } from './statistics.ts';
import type { BySeed, Estimate } from './statistics.ts';

/** One run of a comparison, as far as it got. */
export interface RunResult {
  /** Name of its configuration. */
  readonly label: string;
  readonly seed: number;
  readonly dir: string;
  readonly finished: boolean;
  /** Held-out evaluations: [steps done, metrics], the first before any update. */
  readonly evals: readonly (readonly [number, Metrics])[];
  /** Optimiser steps done. */
  readonly steps: number;
  /** Tokens that its steps sampled (`sft`: read from the data). */
  readonly tokens: number;
}

/** What a run's record says. */
export function resultOf(run: { readonly label: string; readonly seed: number; readonly dir: string }, view: RunView): RunResult {
  return {
    ...run,
    finished: view.ended === 'finished',
    evals: view.evals,
    steps: view.step,
    tokens: view.steps.reduce((sum, [, metrics]) => sum + (metrics['throughput/tokens'] ?? 0), 0),
  };
}

/** Finished runs of one configuration. */
export interface Group {
  readonly label: string;
  readonly runs: readonly RunResult[];
}

/** The finished runs by configuration, in the order of `labels`. */
export const grouped = (labels: readonly string[], results: readonly RunResult[]): Group[] =>
  labels.map((label) => ({ label, runs: results.filter((run) => run.finished && run.label === label) }));

const bySeed = (runs: readonly RunResult[], of: (run: RunResult) => number | undefined): BySeed =>
  new Map(
    runs.flatMap((run) => {
      const value = of(run);
      return value === undefined ? [] : [[run.seed, value] as const];
    }),
  );

/** The last evaluation of each run, by seed. */
export const finals = ({ runs }: Group, path: string): BySeed => bySeed(runs, ({ evals }) => evals.at(-1)?.[1][path]);

/** Last evaluation − first, by seed. */
export const gains = ({ runs }: Group, path: string): BySeed =>
  bySeed(runs, ({ evals }) => {
    const [first, last] = [evals[0]?.[1][path], evals.at(-1)?.[1][path]];
    return first === undefined || last === undefined ? undefined : last - first;
  });

/** One point of a curve: mean over seeds after so many steps. */
export type CurvePoint = readonly [step: number, value: Estimate];

/** A metric over the steps, mean over seeds; steps in ascending order. */
export function curve({ runs }: Group, path: string): CurvePoint[] {
  const values = new Map<number, number[]>();
  for (const { evals } of runs)
    for (const [step, metrics] of evals) if (metrics[path] !== undefined) values.set(step, [...(values.get(step) ?? []), metrics[path]]);
  return [...values].sort(([a], [b]) => a - b).map(([step, all]) => [step, estimate(all) as Estimate]);
}
