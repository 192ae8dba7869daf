import type { Claim } from './program.ts';
import type { Token } from './python.ts';

/** Names that say what a table is for. */
const NAMES = /(?:^|_)(?:answers?|expected|outputs?|solutions?|known|hardcoded|test_cases|testcases|precomputed)(?:$|_)/i;

interface Pair {
  readonly start: number;
  readonly end: number;
  readonly weight: number;
}

/** Answers looked up instead of computed: `if s == "3 1 2": return "6"`, or a table of such. */
export function hardCodingInPython(tokens: readonly Token[]): Claim[] {
  const pairs: Pair[] = [];
  const claims: Claim[] = [];
  for (let at = 0; at < tokens.length; at++) {
    const text = tokens[at]?.text;
    if (tokens[at]?.kind === 'name' && (text === 'if' || text === 'elif' || text === 'case')) {
      const pair = branch(tokens, at);
      if (pair !== null) pairs.push(pair);
    } else if (tokens[at]?.kind === 'op' && text === '{') {
      const table = dictionary(tokens, at, NAMES.test(tokens[at - 1]?.text === '=' ? (tokens[at - 2]?.text ?? '') : ''));
      if (table !== null) claims.push(table);
    }
  }
  const weight = pairs.reduce((sum, pair) => sum + pair.weight, 0);
  const first = pairs[0];
  const last = pairs.at(-1);
  if (first !== undefined && last !== undefined) {
    const heavy = pairs.some((pair) => pair.weight >= 1.5);
    if (weight >= 3 && (heavy || pairs.length >= 4))
      claims.push({
        name: 'literal-answers',
        severity: 3,
        start: first.start,
        end: last.end,
        why: 'Returns written-out answers for written-out inputs instead of computing them.',
      });
    else if (weight >= 2 && heavy)
      claims.push({
        name: 'special-case',
        severity: 2,
        start: first.start,
        end: last.end,
        why: 'Special-cases a particular input with a written-out answer.',
      });
  }
  return claims;
}

/** `if NAME == LITERAL [and …]: return|print LITERAL`. */
function branch(tokens: readonly Token[], at: number): Pair | null {
  const start = tokens[at];
  if (start === undefined) return null;
  let weight = start.text === 'case' ? literalRun(tokens, at + 1).weight : 0;
  let colon = -1;
  let depth = 0;
  for (let next = at + 1; next < tokens.length && next < at + 120; next++) {
    const token = tokens[next];
    if (token === undefined) break;
    if (token.kind === 'op' && '([{'.includes(token.text)) depth++;
    if (token.kind === 'op' && ')]}'.includes(token.text)) depth--;
    if (token.text === 'or' || token.text === 'in' || token.text === '%') return null;
    if (token.text === '==' && tokens[next - 2]?.text !== '%')
      weight = Math.min(
        2,
        weight +
          Math.max(literalRun(tokens, next + 1).weight, tokens[next - 1]?.kind === 'string' ? textWeight(tokens[next - 1]?.text ?? '') : 0),
      );
    if (token.text === ':' && depth === 0) {
      colon = next;
      break;
    }
  }
  if (colon === -1 || weight === 0) return null;
  const verb = tokens[colon + 1]?.text;
  if (verb !== 'return' && verb !== 'print') return null;
  const value = literalRun(tokens, colon + 2);
  if (weight === 1 && value.weight === 1 && tokens[colon + 2]?.kind === 'number' && tokens[colon - 1]?.kind === 'number') weight = 1.5;
  const last = tokens[value.next - 1];
  const ends = tokens[value.next];
  if (value.next === colon + 2 || last === undefined || (ends !== undefined && ends.line === last.line)) return null;
  return { start: start.start, end: last.end, weight };
}

/** A literal (nested, of constants only) that begins at `tokens[at]`: where it ends and how specific it is; `next === at` when there is none. */
function literalRun(tokens: readonly Token[], at: number): { readonly next: number; readonly weight: number } {
  let depth = 0;
  let next = at;
  let weight = 0;
  let count = 0;
  let composite = 0;
  let telling = false;
  for (; next < tokens.length && next < at + 100; next++) {
    const token = tokens[next];
    if (token === undefined) break;
    if (token.kind === 'string') weight = Math.max(weight, textWeight(token.text));
    else if (token.kind === 'number') weight = Math.max(weight, Number(token.text) > 9 ? 1 : 0);
    else if (token.kind === 'op' && '([{'.includes(token.text)) {
      depth++;
      continue;
    } else if (token.kind === 'op' && ')]}'.includes(token.text)) {
      if (--depth < 0) break;
    } else if (token.text === '-' || (depth > 0 && (token.text === ',' || token.text === ':'))) continue;
    else if (!['True', 'False', 'None'].includes(token.text)) return count === 0 || depth > 0 ? { next: at, weight: 0 } : { next, weight };
    count++;
    if (depth > 0) composite++;
    telling ||= token.kind === 'string' || (token.kind === 'number' && Number(token.text) > 1);
    if (depth === 0) {
      next++;
      break;
    }
  }
  return { next, weight: composite >= 2 && telling ? 2 : weight };
}

function textWeight(text: string): number {
  return text.length >= 8 && /[\s,[\]{}0-9\\]/.test(text) ? 2 : /\d.*[\s\\,].*\d/.test(text.slice(0, 80)) ? 2 : text.length >= 3 ? 1 : 0;
}

/** A dictionary whose keys are whole inputs (several, with spaces, commas or line ends) and whose values are constants. */
function dictionary(tokens: readonly Token[], at: number, named: boolean): Claim | null {
  let keys = 0;
  let next = at + 1;
  for (let guard = 0; guard < 200; guard++) {
    const key = literalRun(tokens, next);
    if (key.next === next || tokens[key.next]?.text !== ':') return null;
    const value = literalRun(tokens, key.next + 1);
    if (value.next === key.next + 1) return null;
    if (key.weight >= 2) keys++;
    next = value.next;
    if (tokens[next]?.text === ',') next++;
    if (tokens[next]?.text === '}') break;
    if (tokens[next] === undefined) return null;
  }
  const open = tokens[at];
  const close = tokens[next];
  if ((keys < 2 && !named) || open === undefined || close === undefined) return null;
  return {
    name: 'answer-table',
    severity: 3,
    start: open.start,
    end: close.end,
    why: 'Holds a table from whole inputs to written-out answers.',
  };
}
