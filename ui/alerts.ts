/** How a decision that waits is made known outside the window. Fixed words: nothing that a model wrote. */
export const ALERTS = ['bell', 'notify', 'title'] as const;
export type Alert = (typeof ALERTS)[number];

export class AlertsError extends Error {
  override readonly name = 'ConfigError';
}

type Env = Readonly<Record<string, string | undefined>>;

/** `KELVIN_ALERTS`: `all` (the default), `none`, or some of `bell,notify,title`. @throws AlertsError */
export function alertsOf(env: Env): ReadonlySet<Alert> {
  const text = env['KELVIN_ALERTS']?.trim() || 'all';
  if (text === 'all') return new Set(ALERTS);
  if (text === 'none') return new Set();
  const words = text.split(',').map((word) => word.trim());
  const known = words.flatMap((word) => ALERTS.find((alert) => alert === word) ?? []);
  if (known.length < words.length) throw new AlertsError(`KELVIN_ALERTS=${text}: it takes all, none, or some of ${ALERTS.join(',')}.`);
  return new Set(known);
}

const NOTIFY = '\x1b]9;Kelvin: a run is paused and waits for you\x07';
const title = (text: string): string => `\x1b]2;${text}\x07`;
export const SAVE_TITLE = '\x1b[22;2t';
export const RESTORE_TITLE = '\x1b[23;2t';

/** tmux hands a sequence on to its own terminal only in this wrapping (and when `allow-passthrough` is on). */
const through = (sequence: string, env: Env): string =>
  env['TMUX'] ? `\x1bPtmux;${sequence.replaceAll('\x1b', '\x1b\x1b')}\x1b\\` : sequence;

export interface Alerts {
  readonly begin: string;
  /** A decision waits. */
  readonly raise: string;
  /** It was taken. */
  readonly settle: string;
  readonly end: string;
}

/** What is written to the terminal; all empty where nobody looks at one. */
export function alertSequences(wanted: ReadonlySet<Alert>, tty: boolean, env: Env): Alerts {
  const when = (alert: Alert, text: string): string => (tty && wanted.has(alert) ? text : '');
  return {
    begin: when('title', SAVE_TITLE + title('kelvin')),
    raise: when('bell', '\x07') + when('notify', through(NOTIFY, env)) + when('title', title('kelvin: paused, a decision waits')),
    settle: when('title', title('kelvin')),
    end: when('title', RESTORE_TITLE),
  };
}
