import type { PretrainConfig } from './config.ts';

/** Factor on both learning rates at `progress` in [0, 1]: warm-up by steps, constant, then linear to the floor. */
export function rateAt(schedule: PretrainConfig['schedule'], step: number, progress: number): number {
  const warm = Math.min(1, (step + 1) / schedule.warmupSteps);
  if (progress < schedule.hold) return warm;
  return warm * Math.max(schedule.floor, (1 - progress) / (1 - schedule.hold));
}

/** Share of answers with a thought at `progress`: that of the first stage that has not ended. */
export function thinkShareAt(stages: PretrainConfig['thinkShare'], progress: number): number {
  const stage = stages.find(({ until }) => progress < until) ?? stages.at(-1);
  return stage?.share ?? 0;
}
