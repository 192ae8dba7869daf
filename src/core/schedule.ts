/**
 * Learning-rate schedules as pure functions of the step, so that a resumed run goes on exactly where it was.
 * Linear warm-up (Goyal et al. 2017), then constant, linear or cosine decay (Loshchilov & Hutter 2017).
 */
export interface Schedule {
  readonly kind: 'constant' | 'linear' | 'cosine';
  /** The first steps reach the full rate along a line; the first one already moves. */
  readonly warmupSteps: number;
  /** What is left of the rate after the last step, as a share of it. */
  readonly minFactor: number;
}

/**
 * Factor in [0, 1] on the base rate.
 * @param step from 1
 * @param total steps of the run; later steps keep `minFactor`
 */
export function rateFactor(schedule: Schedule, step: number, total: number): number {
  const { kind, warmupSteps, minFactor } = schedule;
  const done = Math.max(0, step - 1);
  if (done < warmupSteps) return (done + 1) / warmupSteps;
  if (kind === 'constant') return 1;
  const progress = Math.min(1, (done - warmupSteps) / Math.max(1, total - warmupSteps));
  const left = kind === 'linear' ? 1 - progress : (1 + Math.cos(Math.PI * progress)) / 2;
  return minFactor + (1 - minFactor) * left;
}
