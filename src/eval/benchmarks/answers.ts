import type { StopReason } from '../../core/types.ts';
import type { AssertCheck, ReferenceCheck } from './problem.ts';

/**
 * What a completion answers. The format of Absolute Zero (`<think>…</think><answer>…</answer>`) is asked for, but models
 * that were never trained on it are graded for what they say: a fenced program, a boxed result, a last line. As in the
 * evaluation of the paper, form is not what a benchmark measures.
 */

/** The part of a completion that answers: inside the last `<answer>`, else after the thought, else all of it. */
function answerPart(completion: string): string {
  const open = completion.lastIndexOf('<answer>');
  if (open >= 0) return completion.slice(open + 8).split('</answer>')[0] ?? '';
  const close = completion.lastIndexOf('</think>');
  return close >= 0 ? completion.slice(close + 8) : completion;
}

const FENCE = /```[^\S\n]*([\w+-]*)[^\n]*\n([\s\S]*?)(?:```|$)/g;

/** Contents of the fenced blocks, in order; of those with one of the labels where there are any. */
function blocks(text: string, labels: readonly string[]): string[] {
  const found = [...text.matchAll(FENCE)].map(([, label = '', body = '']) => ({ label: label.toLowerCase(), body }));
  const wanted = found.filter(({ label }) => labels.includes(label));
  return (wanted.length > 0 ? wanted : found).map(({ body }) => body.replace(/\s+$/, ''));
}

/** The program in a completion: its last fenced block that defines the entry, else its last block, else the text itself. */
export function codeOf(completion: string, entry: string | null = null): string {
  const part = answerPart(completion);
  const found = blocks(part, ['python', 'py', 'python3']);
  const defining = entry === null ? [] : found.filter((block) => defines(block, entry));
  return defining.at(-1) ?? found.at(-1) ?? part.replace(/^\n+|\s+$/g, '');
}

const escaped = (text: string): string => text.replace(/[^\w]/g, '\\$&');
const defines = (code: string, entry: string): boolean =>
  new RegExp(`^(?:async )?def ${escaped(entry)}\\b|^${escaped(entry)} *=`, 'm').test(code);

/**
 * The whole program to judge. An answer that defines the entry itself gets what stands before the entry in the published
 * prompt (imports and helpers); any other one is the body that the prompt asks for.
 */
export function programOf(completion: string, check: AssertCheck | ReferenceCheck): string {
  const { prefix, entry } = check;
  const code = codeOf(completion, entry);
  if (entry === null || prefix === '') return code;
  if (!defines(code, entry)) return prefix + (/^\s/.test(code) ? code : indented(code));
  const at = prefix.search(new RegExp(`^(?:async )?def ${escaped(entry)}\\b`, 'm'));
  return `${at > 0 ? prefix.slice(0, at) : ''}\n${code}`;
}

const indented = (code: string): string =>
  code
    .split('\n')
    .map((line) => (line.trim() === '' ? line : `    ${line}`))
    .join('\n');

/** The last fenced block, else the last line that holds something; a literal over several lines is taken whole. */
function lastText(completion: string): string {
  const part = answerPart(completion);
  const whole = (blocks(part, ['output', 'input', 'python']).at(-1) ?? part).trim();
  const text = /^[[({]/.test(whole) ? whole : lastLine(whole);
  return text.replace(/^`+|`+$/g, '').trim();
}

const ASSERTION = /^(?:assert\s+)?[A-Za-z_]\w*\((.*)\)\s*==\s*(.*)$/s;

/** A Python value: also from `f(…) == value`. */
export const valueOf = (completion: string): string => {
  const text = lastText(completion);
  return (ASSERTION.exec(text)?.[2] ?? text).trim();
};

/** The arguments in `f(…)`, `assert f(…) == …` or a bare list. */
export const argumentsOf = (completion: string): string => {
  const text = lastText(completion);
  return (ASSERTION.exec(text)?.[1] ?? /^f\((.*)\)$/s.exec(text)?.[1] ?? text).trim();
};

/** The mathematical result: the last `\boxed{…}`, the answer part, or what follows "answer is"; null when it is none of these. */
export function mathOf(completion: string, stopReason: StopReason): string | null {
  const part = answerPart(completion);
  const box = boxed(part) || boxed(completion);
  if (box) return box;
  if (completion.includes('<answer>') && part.trim() !== '') return lastLine(part);
  const said = [...part.matchAll(/\b(?:answer|result)\s*(?:is|:|=)\s*:?([^\n]+)/gi)].at(-1)?.[1];
  // `19 apples` says 19.
  if (said !== undefined)
    return said
      .replace(/^\s*\$?(-?\d[\d,]*(?:\.\d+)?)\s+[a-z][a-z ]*\.?\s*$/i, '$1')
      .trim()
      .replace(/\.$/, '');
  // A completion that was cut has not come to its result.
  if (stopReason !== 'stop') return null;
  const numbers = part.match(/-?\$?\d[\d,]*(?:\.\d+)?(?:\/\d+)?/g);
  return numbers?.at(-1)?.replace(/[$,]/g, '') ?? (part.trim() === '' ? null : lastLine(part));
}

const lastLine = (text: string): string => text.trim().split('\n').at(-1)?.trim() ?? '';

/** Contents of the last `\boxed{…}` (or `\fbox`), braces matched; null without one. */
export function boxed(text: string): string | null {
  const at = Math.max(text.lastIndexOf('\\boxed'), text.lastIndexOf('\\fbox'));
  if (at < 0) return null;
  const rest = text.slice(at).replace(/^\\(?:boxed|fbox)\s*/, '');
  if (!rest.startsWith('{')) return /^\S+/.exec(rest)?.[0]?.replace(/[$.]+$/, '') ?? null;
  let depth = 0;
  for (let i = 0; i < rest.length; i++) {
    if (rest[i] === '\\') i++;
    else if (rest[i] === '{') depth++;
    else if (rest[i] === '}' && --depth === 0) return rest.slice(1, i).trim();
  }
  return null;
}

/** Names that only an answer uses that looks into its own test. */
const FRAMES = /\b(?:f_back|f_locals|f_globals|f_builtins|tb_frame|gi_frame|cr_frame|ag_frame|_getframe|_current_frames)\b/;

/** Why a program is not run, or null. */
export const refusal = (program: string): string | null => {
  const name = FRAMES.exec(program)?.[0];
  return name === undefined ? null : `The program looks into the frames of its test (${name}).`;
};
