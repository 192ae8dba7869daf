/**
 * Hostile text made inert, for every way out: screen, plain lines, JSON, Markdown. Nothing that a model wrote may move a
 * cursor, change a colour, reorder a line, hide, or become a link.
 */

const PLAIN = /^[\x20-\x7e\n]*$/;
// Format, private, unassigned, surrogate, separators, enclosing marks, variation selectors and Hangul fillers draw nothing or draw differently in every terminal.
const HIDDEN =
  /[\p{Cf}\p{Co}\p{Cn}\p{Zl}\p{Zp}\p{Me}]|[\u{FE00}-\u{FE0F}]|[\u{E0100}-\u{E01EF}]|\u034F|\u115F|\u1160|\u17B4|\u17B5|[\u180B-\u180F]|\u3164|\uFFA0/u;
const MARK = /\p{M}/u;
/** Combining marks kept on one character; more than any living script needs would smear over the neighbouring lines. */
const MAX_MARKS = 3;

const escapeOf = (point: number): string => `<U+${point.toString(16).toUpperCase().padStart(4, '0')}>`;

function control(point: number, ascii: boolean): string {
  if (point === 0x09) return '  ';
  if (point > 0x7f) return `<${point.toString(16).toUpperCase()}>`;
  if (ascii) return point === 0x7f ? '^?' : `^${String.fromCharCode(point + 64)}`;
  return String.fromCodePoint(point === 0x7f ? 0x2421 : 0x2400 + point);
}

function pictograph(point: number): string | null {
  if (point >= 0x1f1e6 && point <= 0x1f1ff) return `[${String.fromCharCode(point - 0x1f1e6 + 65)}]`;
  return point >= 0x1f3fb && point <= 0x1f3ff ? '▪' : null;
}

/**
 * Makes hostile text inert and its width certain. Line feeds survive; a tab becomes two spaces; controls become
 * their pictures (`␛`, or `^[` in ASCII); invisible and reordering characters become `<U+202E>`.
 */
export function sanitise(text: string, ascii = false): string {
  if (PLAIN.test(text)) return text;
  let out = '';
  let marks = 0;
  let previous = '';
  for (const char of text) {
    const point = char.codePointAt(0)!;
    const isMark = point > 0x2ff && MARK.test(char);
    marks = isMark ? marks + 1 : 0;
    const before = previous;
    previous = char;
    if (point === 0x0a || (point >= 0x20 && point < 0x7f)) out += char;
    else if (point < 0xa0) out += control(point, ascii);
    else if (point >= 0xd800 && point <= 0xdfff) out += ascii ? '?' : '\uFFFD';
    // The presentation selector after an emoji only chooses its colours; its width differs between terminals.
    else if ((point === 0xfe0f || point === 0xfe0e) && /\p{Extended_Pictographic}/u.test(before)) continue;
    else if (HIDDEN.test(char)) out += escapeOf(point);
    else if (/\p{Zs}/u.test(char)) out += ' ';
    else if (marks > MAX_MARKS) out += marks === MAX_MARKS + 1 ? (ascii ? '?' : '…') : '';
    else if (isMark && (before === '' || before === '\n')) out += ascii ? '?' : `◌${char}`;
    else out += ascii ? '?' : (pictograph(point) ?? char);
  }
  return out;
}

/** One line of sanitised text: line feeds are shown, too. */
export const inline = (text: string, ascii = false): string => sanitise(text, ascii).replaceAll('\n', ascii ? ' ' : '⏎');

/** What a terminal or an editor may obey or hide, beyond the C0 controls that JSON escapes itself. */
const RISKY = new RegExp(`[\\u007f-\\u009f]|${HIDDEN.source}`, 'gu');

const escapeUnits = (char: string): string =>
  Array.from({ length: char.length }, (_, at) => `\\u${char.charCodeAt(at).toString(16).padStart(4, '0')}`).join('');

/** JSON of a value on one line, the same value when read back; characters that a terminal could obey or hide are escaped (`\u202e`). */
export const jsonLine = (value: unknown): string => JSON.stringify(value).replace(RISKY, escapeUnits);

const entity = (char: string): string => `&#${char.charCodeAt(0)};`;

/** Text for one line of a Markdown document: sanitised, and no character of it is markup, HTML, a link or an address. */
export function markdown(text: string): string {
  return inline(text)
    .replaceAll(/[&<>[\]()`*_\\|{}~$@!]/g, entity)
    .replaceAll(/:(?=\/\/)|(?<=\b(?:https?|ftp|mailto|xmpp)):|(?<=[\p{L}\p{N}])\.(?=[\p{L}])|(?<=^\s*\d+)\./giu, entity)
    .replaceAll(/^\s*[-+#=]/g, (start) => start.slice(0, -1) + entity(start.slice(-1)));
}

/** Text as an indented code block of Markdown: shown as it is, after sanitising; it cannot end the block. */
export const markdownBlock = (text: string): string =>
  sanitise(text)
    .split('\n')
    .map((line) => `    ${line}`)
    .join('\n');
