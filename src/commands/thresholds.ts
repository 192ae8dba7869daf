import { parseConfig } from '../config.ts';
import type { Config } from '../config.ts';
import { calibrationLines } from '../core/calibration.ts';
import type { Thresholds } from '../core/calibration.ts';
import { readRunConfig } from '../record/folder.ts';
import { calibration } from '../../safety/calibration.ts';

/** The thresholds of a config. */
export const thresholdsIn = ({ pauseAt, policy }: Config['safety']): Thresholds => ({
  pauseAt,
  queueAt: policy.queueAt,
  confirm: policy.confirm,
  jump: policy.jump.test ? policy.jump.thoughts : null,
});

/** What was measured of the monitor, beside the thresholds of a run. */
export function figuresOf(runDir: string, monitor: string): readonly string[] {
  try {
    return calibrationLines(calibration, thresholdsIn(parseConfig(readRunConfig(runDir)).safety), monitor);
  } catch (error) {
    return [`The config of the run cannot be read: ${error instanceof Error ? error.message : String(error)}`];
  }
}
