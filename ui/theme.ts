/**
 * What a thing means on the screen; a theme says how that looks. Only the 16 colours of the terminal's own palette
 * are used, so a user's light or dark scheme stays in charge. Meaning never hangs on colour alone.
 */
export type Tone = 'muted' | 'strong' | 'good' | 'warn' | 'bad' | 'accent' | 'deduction' | 'abduction' | 'induction' | 'flag' | 'plain';

export interface Style {
  readonly color?: string;
  readonly bold?: boolean;
  readonly dimColor?: boolean;
  readonly underline?: boolean;
}

export interface Glyphs {
  readonly dot: string;
  readonly done: string;
  readonly now: string;
  readonly todo: string;
  readonly warn: string;
  readonly ok: string;
  readonly cross: string;
  readonly arrow: string;
  readonly minus: string;
  readonly sep: string;
  readonly ellipsis: string;
  readonly select: string;
  readonly full: string;
  readonly empty: string;
  readonly cursor: string;
  readonly border: Border;
  readonly alert: Border;
}

export interface Border {
  readonly topLeft: string;
  readonly top: string;
  readonly topRight: string;
  readonly left: string;
  readonly right: string;
  readonly bottomLeft: string;
  readonly bottom: string;
  readonly bottomRight: string;
}

const border = (s: string): Border => {
  const [topLeft, top, topRight, left, right, bottomLeft, bottom, bottomRight] = [...s] as [
    string,
    string,
    string,
    string,
    string,
    string,
    string,
    string,
  ];
  return { topLeft, top, topRight, left, right, bottomLeft, bottom, bottomRight };
};

const UNICODE: Glyphs = {
  dot: '●', done: '✓', now: '▸', todo: '·', warn: '▲', ok: '✓', cross: '✗', arrow: '→', minus: '−', sep: '·', ellipsis: '…', select: '▸', full: '█', empty: '░', cursor: '▏',
  border: border('╭─╮││╰─╯'),
  alert: border('╔═╗║║╚═╝'),
}; // prettier-ignore
const ASCII: Glyphs = {
  dot: '*', done: '+', now: '>', todo: '.', warn: '!', ok: '+', cross: 'x', arrow: '->', minus: '-', sep: '|', ellipsis: '~', select: '>', full: '#', empty: '.', cursor: '_',
  border: border('+-+||+-+'),
  alert: border('#=#||#=#'),
}; // prettier-ignore

export type ThemeName = 'dark' | 'light' | 'mono';
export interface Theme {
  readonly name: ThemeName;
  readonly ascii: boolean;
  readonly glyphs: Glyphs;
  readonly styles: Readonly<Record<Tone, Style>>;
  /** Whether the terminal knows colours, bold and the like at all. */
  readonly attributes: boolean;
}

// Task types differ in lightness as well as in hue (cyan, yellow, magenta; blue, red, magenta on white): they stay apart with red-green blindness.
const STYLES: Readonly<Record<ThemeName, Readonly<Record<Tone, Style>>>> = {
  dark: {
    plain: {}, muted: { color: 'gray' }, strong: { bold: true }, good: { color: 'green' }, warn: { color: 'yellow', bold: true }, bad: { color: 'redBright', bold: true },
    accent: { color: 'cyan' }, deduction: { color: 'cyan' }, abduction: { color: 'yellow' }, induction: { color: 'magenta' }, flag: { color: 'redBright', bold: true },
  },
  light: {
    plain: {}, muted: { color: 'gray' }, strong: { bold: true }, good: { color: 'green' }, warn: { color: 'magenta', bold: true }, bad: { color: 'red', bold: true },
    accent: { color: 'blue' }, deduction: { color: 'blue' }, abduction: { color: 'red' }, induction: { color: 'magenta' }, flag: { color: 'red', bold: true },
  },
  mono: {
    plain: {}, muted: { dimColor: true }, strong: { bold: true }, good: {}, warn: { bold: true }, bad: { bold: true },
    accent: { bold: true }, deduction: {}, abduction: { underline: true }, induction: { bold: true }, flag: { bold: true, underline: true },
  },
}; // prettier-ignore

export interface ThemeOptions {
  readonly name?: ThemeName | undefined;
  readonly ascii?: boolean | undefined;
}

type Env = Readonly<Record<string, string | undefined>>;

function encodingIsUtf8(env: Env, platform: NodeJS.Platform): boolean {
  const locale = env['LC_ALL'] || env['LC_CTYPE'] || env['LANG'];
  if (locale) return /utf-?8/i.test(locale);
  return platform === 'darwin' || (platform === 'win32' && Boolean(env['WT_SESSION'] ?? env['TERM_PROGRAM']));
}

/** COLORFGBG is `foreground;background`; 7 and 15 are the light backgrounds of the 16 colours. */
const isLight = (env: Env): boolean => ['7', '15'].includes(env['COLORFGBG']?.split(';').at(-1) ?? '');

/** Whether the terminal itself has to be asked for its background: nothing else says it, and it can answer. */
export const asksBackground = (env: Env, options: ThemeOptions = {}): boolean =>
  options.name === undefined &&
  !env['NO_COLOR'] &&
  !env['COLORFGBG'] &&
  !Object.hasOwn(STYLES, env['KELVIN_THEME'] ?? '') &&
  !['dumb', 'linux', ''].includes(env['TERM'] ?? '');

/**
 * Reads NO_COLOR, TERM, the locale, COLORFGBG and the app's own KELVIN_THEME (`dark|light|mono`) and KELVIN_ASCII
 * (`1|0`). Options win over the environment, except that NO_COLOR always means no colour.
 */
export function detectTheme(env: Env, platform: NodeJS.Platform, options: ThemeOptions = {}): Theme {
  const asked = options.name ?? (Object.hasOwn(STYLES, env['KELVIN_THEME'] ?? '') ? (env['KELVIN_THEME'] as ThemeName) : undefined);
  const colourless = Boolean(env['NO_COLOR']) || env['TERM'] === 'dumb';
  const name = colourless ? 'mono' : (asked ?? (isLight(env) ? 'light' : 'dark'));
  const wanted = options.ascii ?? (env['KELVIN_ASCII'] ? env['KELVIN_ASCII'] !== '0' : undefined);
  const ascii = wanted ?? (env['TERM'] === 'linux' || env['TERM'] === 'dumb' || !encodingIsUtf8(env, platform));
  return { name, ascii, glyphs: ascii ? ASCII : UNICODE, styles: STYLES[name], attributes: env['TERM'] !== 'dumb' };
}
