import { mark } from './text.ts';
import type { Span } from './text.ts';
import type { Tone } from './theme.ts';

/** Colours for programs of the model: a tokeniser that is never wrong enough to matter and cannot fail on nonsense. */
type Mark = Parameters<typeof mark>[1][number];

const WORDS = {
  javascript:
    'async|await|break|case|catch|class|const|continue|default|delete|do|else|export|extends|false|finally|for|function|if|import|in|instanceof|let|new|null|of|return|static|super|switch|this|throw|true|try|typeof|undefined|var|void|while|yield',
  python:
    'and|as|assert|async|await|break|class|continue|def|del|elif|else|except|False|finally|for|from|global|if|import|in|is|lambda|None|nonlocal|not|or|pass|raise|return|True|try|while|with|yield',
} as const;
const COMMENTS = { javascript: String.raw`\/\/[^\n]*|\/\*[\s\S]*?(?:\*\/|$)`, python: String.raw`#[^\n]*` } as const;
const STRINGS = {
  javascript: String.raw`"(?:\\.|[^"\\\n])*"?|'(?:\\.|[^'\\\n])*'?|\x60(?:\\[\s\S]|[^\x60\\])*\x60?`,
  python: String.raw`"""[\s\S]*?(?:"""|$)|'''[\s\S]*?(?:'''|$)|"(?:\\.|[^"\\\n])*"?|'(?:\\.|[^'\\\n])*'?`,
} as const;

const tokens = (language: keyof typeof WORDS): RegExp =>
  new RegExp(
    `(?<comment>${COMMENTS[language]})|(?<string>${STRINGS[language]})|(?<number>\\b\\d[\\w.]*)|\\b(?<word>${WORDS[language]})\\b`,
    'g',
  );
const TOKENS = { javascript: tokens('javascript'), python: tokens('python') };
/** Formulas, plans and what other environments bring: numbers and a few words that mean something in many of them. */
const PLAIN = /(?<number>\b\d[\w.]*)|\b(?<word>repeat|until|while|if|else|and|or|xor|not|implies|iff|true|false)\b/g;
const CODE = /\b(?:function|def|lambda|class|const|let|var|return|import)\b|=>/;
const PYTHON = /^\s*(?:def |from \w|import \w|class \w+.*:\s*$|@\w)/m;
const TONES: readonly (readonly [string, Tone])[] = [
  ['comment', 'muted'],
  ['string', 'good'],
  ['number', 'abduction'],
  ['word', 'accent'],
];

const tokensOf = (code: string): RegExp => (PYTHON.test(code) ? TOKENS.python : CODE.test(code) ? TOKENS.javascript : PLAIN);

/** An input as the call of `f` that it is where programs are code, else as it stands. */
export const callOf = (program: string, input: string): string => (PYTHON.test(program) || CODE.test(program) ? `f(${input})` : input);

/** A program as spans, sanitised, with `marks` (over its raw offsets) on top of the colours. */
export function codeSpans(code: string, marks: readonly Mark[], ascii: boolean): Span[] {
  const spans: Span[] = [];
  const put = (from: number, to: number, tone?: Tone): void => {
    if (to <= from) return;
    const inside = marks.filter((m) => m.start < to && m.end > from).map((m) => ({ ...m, start: m.start - from, end: m.end - from }));
    spans.push(...mark(code.slice(from, to), inside, ascii, tone));
  };
  let at = 0;
  for (const match of code.matchAll(tokensOf(code))) {
    const end = match.index + match[0].length;
    put(at, match.index);
    put(match.index, end, TONES.find(([name]) => match.groups?.[name] !== undefined)?.[1]);
    at = end;
  }
  put(at, code.length);
  return spans;
}
