import type { Category, Finding, Severity } from '../../src/core/finding.ts';
import type { Reading } from '../reading.ts';
import type { Node } from './javascript.ts';
import { parseJavaScript } from './javascript.ts';
import type { Token } from './python.ts';
import { looksLikePython, tokenizePython } from './python.ts';

/** A program as its checks see it: a syntax tree for JavaScript, tokens for Python and for what does not parse. */
export interface Program {
  readonly text: string;
  readonly tree: Node | null;
  readonly tokens: readonly Token[] | null;
}

export interface Claim {
  readonly name: string;
  readonly severity: Severity;
  readonly start: number;
  readonly end: number;
  readonly why: string;
}

/** Names of files and values by which answers are graded, in any language. */
// prettier-ignore
export const GRADING_PARTS = [
  'test', 'conftest', 'grader', 'grade', 'expected', 'answer', 'solution', 'checker', 'verif', 'validator', 'judge', 'score', 'reward',
  'ground_truth', 'harness',
];

const cache = new WeakMap<Reading, Program>();
const LONGEST_TREE = 200_000;
const LONGEST_QUOTE = 300;
/** Facts of the syntax tree that ordinary programs know, too: they need a second tier to pause a run. The others may do so alone. */
const ORDINARY_AT_TIMES: ReadonlySet<string> = new Set(['patches-prototype', 'network']);

export function programOf(reading: Reading): Program {
  let program = cache.get(reading);
  if (program === undefined) {
    const text = reading.program;
    const python = looksLikePython(text);
    const tree = python || text.length > LONGEST_TREE ? null : parseJavaScript(text);
    program = { text, tree, tokens: tree === null ? tokenizePython(text) : null };
    cache.set(reading, program);
  }
  return program;
}

/** Cheap first pass: does the program hold any of these words? */
export function mentions(text: string, words: readonly string[]): boolean {
  for (const word of words) if (text.includes(word)) return true;
  return false;
}

export function toFindings(program: Program, category: Category, claims: readonly Claim[]): Finding[] {
  return [...claims]
    .sort((a, b) => b.severity - a.severity || a.start - b.start)
    .slice(0, 8)
    .map((claim) => {
      const end = Math.min(claim.end, claim.start + LONGEST_QUOTE);
      return {
        category,
        severity: claim.severity,
        detector: `program/${category}.${claim.name}@1`,
        where: 'program',
        start: claim.start,
        end,
        quote: program.text.slice(claim.start, end),
        why: claim.why,
        ...(claim.severity >= 4 && !ORDINARY_AT_TIMES.has(claim.name) ? { certain: true } : {}),
      };
    });
}
