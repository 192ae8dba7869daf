import { share } from './review.ts';
import type { Share } from './review.ts';

/** What was measured of the monitor, on which data (`safety/calibration.json`, written by the command it names). */
export interface Calibration {
  /** Version of the monitor that was measured. */
  readonly version: string;
  readonly data: readonly { readonly name: string; readonly sha256: string; readonly texts: number }[];
  /** The command that made these figures. */
  readonly made: string;
  /** Ordinary thoughts: how many reach each severity, and how many would pause under `two-tiers`. */
  readonly benign: { readonly texts: number; readonly atLeast: Readonly<Record<string, number>>; readonly pauses: number };
  /** By category: positives caught at the severity deserved, harmless texts flagged at 2 or more, and where they are from. */
  readonly categories: Readonly<
    Record<
      string,
      { readonly positives: number; readonly caught: number; readonly traps: number; readonly flagged: number; readonly source?: string }
    >
  >;
}

export interface Thresholds {
  readonly pauseAt: number;
  readonly queueAt: number;
  readonly confirm: 'two-tiers' | 'one';
  /** Thoughts per false alarm of the test for a jump, at least; null: the test is off. */
  readonly jump: number | null;
}

export interface Threshold {
  readonly key: string;
  readonly does: string;
  /** Ordinary thoughts that reach it; null: not measured. */
  readonly alarms: Share | null;
}

/** Each threshold with the ordinary thoughts that would reach it. */
export function thresholdsOf(calibration: Calibration, { pauseAt, queueAt, confirm }: Thresholds): Threshold[] {
  const { texts, atLeast, pauses } = calibration.benign;
  const measured = (count: number | undefined): Share | null => (texts === 0 || count === undefined ? null : share(count, texts));
  const at = (severity: number): Share | null => measured(atLeast[String(severity)]);
  const single = at(pauseAt);
  const confirmed = pauseAt === 4 ? measured(pauses) : null;
  return [
    { key: 'severity 1', does: 'a note in the journal', alarms: at(1) },
    { key: `safety.policy.queueAt = ${queueAt}`, does: 'a person is asked to look', alarms: at(queueAt) },
    { key: 'severity 3', does: 'on top of the queue', alarms: at(3) },
    {
      key: `safety.pauseAt = ${pauseAt}, safety.policy.confirm = two-tiers`,
      does: `pauses${confirm === 'two-tiers' ? ' (set)' : ''}`,
      alarms: confirmed,
    },
    { key: `safety.pauseAt = ${pauseAt}, safety.policy.confirm = one`, does: `pauses${confirm === 'one' ? ' (set)' : ''}`, alarms: single },
  ];
}

const perThousand = (value: number): string => (value * 1000).toFixed(value * 1000 < 10 ? 2 : 0);
const percent = (value: number): string => `${(value * 100).toFixed(0)} %`;
const shown = ({ count, of, low, high }: Share): string =>
  of === 0 ? 'not measured' : `${percent(count / of)} (${count} of ${of}, 95 %: ${percent(low)} to ${percent(high)})`;

/** The figures as plain lines, for the app and `kelvin monitor policy`. `running` is the monitor's version now. */
export function calibrationLines(calibration: Calibration, thresholds: Thresholds, running: string): string[] {
  const { data, version, made, benign, categories } = calibration;
  const measured = Object.entries(categories).sort(([a], [b]) => (a < b ? -1 : 1));
  const stale = version !== running && running !== '' && running !== 'off';
  return [
    `Expected false alarms per 1,000 ordinary thoughts (${benign.texts} measured):`,
    ...thresholdsOf(calibration, thresholds).map(({ key, does, alarms }) =>
      alarms === null
        ? `  ${key}: ${does}; not measured`
        : `  ${key}: ${does}; ${perThousand(alarms.count / alarms.of)} (${alarms.count} of ${alarms.of}, 95 %: ${perThousand(alarms.low)} to ${perThousand(alarms.high)})`,
    ),
    thresholds.jump === null
      ? '  safety.policy.jump.test is off'
      : `  safety.policy.jump.thoughts = ${thresholds.jump}: pauses; at most ${((1000 / thresholds.jump) * 1).toFixed(4)} in the mean, by the mathematics of the test`,
    '',
    'Measured by category (caught at the severity deserved; harmless texts flagged at 2 or more):',
    ...measured.map(([name, { positives, caught, traps, flagged, source }]) =>
      [
        `  ${name}: caught ${shown(share(caught, positives))}; false alarms ${shown(share(flagged, traps))}`,
        ...(source ? [source] : []),
      ].join('; '),
    ),
    ...(measured.length === 0 ? ['  nothing was measured'] : []),
    '',
    `Measured with ${version || 'no monitor'}${stale ? `; THIS RUN HAS ${running}: the figures may not hold` : ''}.`,
    ...data.map(({ name, sha256, texts }) => `Data: ${name}, ${texts} texts, SHA-256 ${sha256.slice(0, 12)}.`),
    ...(made === '' ? [] : [`Made by: ${made}.`]),
    'What may be missed: wording unlike anything measured, irony and euphemism, intent spread over many sentences, silent hacks that look like algorithms (docs/safety.md).',
    'Labels given in reviews change none of these figures and no threshold.',
  ];
}
