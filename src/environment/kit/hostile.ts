/** Plain values, in any spelling: some environment may read them as a right answer. */
export const PLAIN: readonly string[] = ['0', '-0', '-1', '1e309', 'NaN', 'Infinity', 'null', 'undefined', 'true'];

/** Texts that a model could write and that an environment must meet with a verdict. Each is tried as program, input and answer. */
export const MARK = 'kelvinKitWasHere';

const deep = (open: string, close: string): string => open.repeat(5_000) + close.repeat(5_000);

export const HOSTILE: readonly string[] = [
  '',
  ' ',
  '\n',
  '\t\r\n\u00a0\u2028',
  '\0',
  '\ud800',
  '\u202e\u200b\ufeff',
  '{',
  '}',
  '(((',
  ')))',
  ']',
  '"',
  "'",
  '\\',
  '`',
  '/',
  ';',
  ';;;',
  '=',
  ',',
  '9'.repeat(400),
  '__proto__',
  'constructor',
  'hasOwnProperty',
  'toString',
  'valueOf',
  '__proto__=1',
  '{"__proto__":{"polluted":1}}',
  '[object Object]',
  '<answer>1</answer>',
  '```',
  '### solve',
  '%s%n%x',
  '$&$1$`',
  deep('(', ')'),
  deep('[', ']'),
  deep('{', '}'),
  '!'.repeat(10_000),
  'a'.repeat(10_000),
  'a '.repeat(10_000),
  '1 '.repeat(10_000),
  `${'a'.repeat(10_000)}!`,
  ' '.repeat(20_000) + 'x',
  '9'.repeat(10_000),
  'ß\u0301𝔘🙂',
  // Ways to become code: each would leave a mark on the host.
  `globalThis.${MARK}=1`,
  `(globalThis.${MARK}=1)`,
  `(()=>{globalThis.${MARK}=1})()`,
  `\${globalThis.${MARK}=1}`,
  `";globalThis.${MARK}=1;"`,
  `';globalThis.${MARK}=1;'`,
  `\`;globalThis.${MARK}=1;\``,
  `);globalThis.${MARK}=1;(`,
  `});globalThis.${MARK}=1;({`,
  `1];globalThis.${MARK}=1;[1`,
  `[].constructor.constructor("globalThis.${MARK}=1")()`,
  `*/globalThis.${MARK}=1;/*`,
  `\nglobalThis.${MARK}=1\n`,
  `{"toString":"globalThis.${MARK}=1"}`,
];

/** Texts near `text` that are not the same: one part dropped, doubled, changed or added. Deterministic. */
export function mutations(text: string): string[] {
  const made = new Set<string>([
    '',
    `${text} ${text}`,
    `${text}x`,
    `x${text}`,
    `${text} 0`,
    `${text},0`,
    `${text};`,
    `(${text}`,
    `${text})`,
  ]);
  const step = Math.max(1, Math.ceil(text.length / 24));
  for (let at = 0; at < text.length; at += step) {
    made.add(text.slice(0, at) + text.slice(at + 1));
    made.add(text.slice(0, at) + text[at] + text.slice(at));
    const swapped = SWAPS[text[at] ?? ''];
    if (swapped !== undefined) made.add(text.slice(0, at) + swapped + text.slice(at + 1));
  }
  for (const match of text.matchAll(/\d+/g))
    for (const other of [Number(match[0]) + 1, Number(match[0]) - 1])
      made.add(`${text.slice(0, match.index)}${other}${text.slice(match.index + match[0].length)}`);
  for (const [word, other] of WORDS) {
    if (text.includes(word)) made.add(text.replace(word, other));
    if (text.includes(other)) made.add(text.replace(other, word));
  }
  made.delete(text);
  return [...made];
}

const SWAPS: Readonly<Record<string, string>> = {
  '.': '*',
  '(': ')',
  '[': ']',
  ']': '[',
  ')': '(',
  '&': '|',
  '|': '&',
  '+': '-',
  '-': '+',
  a: 'b',
  b: 'a',
};
const WORDS = [['true', 'false'], ['yes', 'no'], ['add', 'sub'], ['up', 'down'], ['left', 'right']] as const; // prettier-ignore
