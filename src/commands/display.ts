import { Option } from 'commander';
import type { Command } from 'commander';
import { UsageError } from './exits.ts';

/** How a run is shown: the app; lines for people; the same with the time before each; one JSON event a line; not at all. */
const DISPLAYS = ['full', 'plain', 'log', 'json', 'none'] as const;
export type DisplayName = (typeof DISPLAYS)[number];
/** Those that need no terminal. */
export type Display = Exclude<DisplayName, 'full'>;

export interface DisplayFlags {
  readonly display?: DisplayName;
  readonly headless?: boolean;
  readonly json?: boolean;
}

export const displayOption = (command: Command): Command =>
  command.addOption(new Option('--display <how>', 'how it is shown (default: full in a terminal, else plain)').choices(DISPLAYS));

interface Around {
  readonly terminal: boolean;
  readonly env: Readonly<Record<string, string | undefined>>;
}
const here = (): Around => ({ terminal: Boolean(process.stdin.isTTY && process.stdout.isTTY), env: process.env });

/**
 * The display that the flags ask for: `--json` and `--headless` are short for json and plain. Without any: the app in a terminal, unless
 * a screen reader is announced (`INK_SCREEN_READER`), for a screen that is drawn anew all the time cannot be read aloud; else plain lines.
 */
export function displayOf(flags: DisplayFlags, { terminal, env }: Around = here()): DisplayName {
  const short = flags.json ? 'json' : flags.headless ? 'plain' : undefined;
  if (flags.display !== undefined && short !== undefined && flags.display !== short)
    throw new UsageError(`--display ${flags.display} and --${flags.json ? 'json' : 'headless'} say two things; give one of them.`);
  const asked = flags.display ?? short;
  if (asked === 'full' && !terminal)
    throw new UsageError('--display full needs a terminal. Without one: --display plain, log, json or none.');
  if (asked !== undefined) return asked;
  return terminal && env['INK_SCREEN_READER'] !== 'true' ? 'full' : 'plain';
}

/** As `displayOf` for a command that has no app. */
export function linesOf(flags: DisplayFlags): Display {
  const display = displayOf(flags, { terminal: false, env: {} });
  if (display === 'full') throw new UsageError('--display full is not for this command.');
  return display;
}
