import type { Calibration } from '../src/core/calibration.ts';
import measured from './calibration.json' with { type: 'json' };

/** What was measured of this monitor. */
export const calibration: Calibration = measured;
