import { calibrationLines, thresholdsOf } from '../../core/calibration.ts';
import { inline, jsonLine } from '../../core/inert.ts';
import { calibration } from '../../../safety/calibration.ts';
import { createMonitor } from '../../../safety/monitor.ts';
import { EXIT } from '../exits.ts';
import { thresholdsIn } from '../thresholds.ts';
import { configOf } from '../train.ts';

/** `kelvin monitor policy`: the thresholds of a config, with the false alarms to expect of each, and what was measured. */
export function monitorPolicyCommand(options: {
  readonly config?: string | undefined;
  readonly set?: readonly string[] | undefined;
  readonly json: boolean;
}): number {
  const thresholds = thresholdsIn(configOf({ config: options.config, set: options.set ?? [] }).safety);
  const { version } = createMonitor();
  if (options.json)
    process.stdout.write(
      `${jsonLine({ type: 'policy', monitor: version, thresholds, alarms: thresholdsOf(calibration, thresholds), calibration })}\n`,
    );
  else
    process.stdout.write(
      `${calibrationLines(calibration, thresholds, version)
        .map((line) => inline(line))
        .join('\n')}\n`,
    );
  return EXIT.ok;
}
