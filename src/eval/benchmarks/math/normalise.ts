/**
 * Mathematical answers as published and as models write them, brought to one way of writing: LaTeX without layout, units
 * and wrappers. Pure text work, linear in the text; what it means is decided in compare.ts.
 */

/** Longer answers are no answers. */
export const MOST_CHARS = 1_000;

const UNITS =
  'degrees?|degs?|dollars?|cents?|units?|sq(?:uare)?|cubic|inch(?:es)?|feet|foot|ft|yards?|miles?|mph|kmh|km|cm|mm|nm|meters?|metres?|kg|kilograms?|' +
  'grams?|mg|pounds?|lbs?|ounces?|liters?|litres?|ml|hours?|hrs?|minutes?|mins?|seconds?|secs?|days?|weeks?|months?|years?|people|students|' +
  'ways|points?|percent|erg|ergs|joules?|watts?|newtons?|volts?|ohms?|amperes?|kelvins?|pc|Mpc|eV|keV|MeV|GeV|Hz|kHz|MHz|GHz|rad|radians?|am|pm';
/** Symbols of units that are also names of variables count only as `\text{…}` or `\mathrm{…}`. */
const TRAILING_UNIT = new RegExp(
  `(?<=[\\d})\\]])\\s*(?:(?:${UNITS})(?:\\s*\\^\\s*\\{?-?\\d+\\}?)?(?:\\s+|$|(?=[/.])))+(?:/\\s*(?:${UNITS})(?:\\^\\{?-?\\d+\\}?)?)?\\.?$`,
  'i',
);

/** The contents of `\text{…}` and the like, where they are a word of the answer (`\text{east}`) and not its unit. */
function unwrapText(text: string): string {
  const wrapper = /\\(?:text|textbf|textit|textrm|mathrm|mathbf|mathit|mathsf|mbox|operatorname)\s*\{([^{}]*)\}/g;
  return text.replace(wrapper, (_match, inside: string, at: number) => {
    const before = text.slice(0, at).trim();
    const word = inside.trim();
    if (/^(?:and|or)$/i.test(word)) return ',';
    // After a number it says what was counted.
    return /[\d})\]]$/.test(before) && !/^\(?[A-Z]\)?$/.test(word) ? ' ' : ` ${word} `;
  });
}

/** Removes a pair of commands around balanced braces: `\boxed{…}`. */
function unbox(text: string): string {
  const match = /^\\(?:boxed|fbox)\s*\{([\s\S]*)\}$/.exec(text);
  return match ? (match[1] ?? '') : text;
}

/** `\frac12`, `\frac1{2}`, `\sqrt2` with their braces. */
function braced(text: string): string {
  const argument = String.raw`(\{(?:[^{}]|\{(?:[^{}]|\{[^{}]*\})*\})*\}|\\[a-zA-Z]+|[^\s\\{}])`;
  const wrap = (part: string): string => (part.startsWith('{') ? part : `{${part}}`);
  return text
    .replace(new RegExp(String.raw`\\frac\s*${argument}\s*${argument}`, 'g'), (_m, a: string, b: string) => `\\frac${wrap(a)}${wrap(b)}`)
    .replace(/\\sqrt\s*([^\s\\{}[])/g, '\\sqrt{$1}');
}

/** One way of writing an answer. */
export function normalise(answer: string): string {
  let text = answer.trim().slice(0, MOST_CHARS);
  text = text
    .replace(/^\$+|\$+$/g, '')
    .replace(/^\\\(|\\\)$|^\\\[|\\\]$/g, '')
    .trim();
  text = unbox(text)
    .replace(/\u2212|\u2013/g, '-')
    .replace(/\u00d7/g, '\\times ')
    .replace(/\u03c0/g, '\\pi ')
    .replace(/\u221e/g, '\\infty ')
    .replace(/\u221a\s*(\d+)/g, '\\sqrt{$1}')
    .replace(/\u00b0/g, '^\\circ')
    .replace(/\\\$|\$/g, '')
    .replace(/\\(?:[dtc]frac)/g, '\\frac')
    .replace(/\\(?:left|right|big|Big|bigg|Bigg|displaystyle|textstyle|limits)(?![a-zA-Z])/g, '')
    // A negative space binds what stands around it: 1,\! 000.
    .replace(/\\!\s*/g, '')
    .replace(/(?<!\\)\\(?:[,;:! ]|quad|qquad|hspace\{[^{}]*\}|hfill)/g, ' ')
    .replace(/~/g, ' ')
    .replace(/\\(?:approx|simeq)(?![a-zA-Z])/g, '=');
  text = unwrapText(text)
    .replace(/\^\s*\{?\s*\\circ\s*\}?/g, '')
    .replace(/\\degree(?![a-zA-Z])/g, '')
    .replace(/\\?%/g, '')
    .replace(/\\(?:lbrace|\{)/g, '\\{')
    .replace(/\\(?:rbrace|\})/g, '\\}')
    // Thousands: 12,345 and 12{,}345 and 12\,345 (a space by now).
    .replace(/(\d)\{,\}(?=\d{3})/g, '$1')
    .replace(/(?<![\d.])\d{1,3}(?:,\d{3})+(?!\d)(?![^()[\]{}]*[)\]}])/g, (number) => number.replace(/,/g, ''))
    .replace(/(?<![\d.])\d{1,3}(?: \d{3})+(?!\d)/g, (number) => number.replace(/ /g, ''));
  text = braced(text).replace(/(^|[^\d])\.(\d)/g, '$10.$2');
  text = text.trim().replace(TRAILING_UNIT, '').trim();
  return text
    .replace(/[.\s]+$/, '')
    .replace(/\s+/g, ' ')
    .trim();
}

/** For words: letters and digits alone. */
export const asWord = (text: string): string =>
  text
    .toLowerCase()
    .replace(/\\[a-z]+/g, '')
    .replace(/[^a-z0-9]/g, '');
