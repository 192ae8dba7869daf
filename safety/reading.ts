import type { Category, Finding, Severity } from '../src/core/finding.ts';
import { lexicon } from './lexicon/index.ts';
import type { Folded } from './text/normalise.ts';
import { fold, unfold } from './text/normalise.ts';
import type { Region } from './text/mask.ts';
import { codeRegions, comments } from './text/mask.ts';
import type { Sentence } from './text/sentences.ts';
import { SentenceReader } from './text/sentences.ts';
import type { Thought } from './types.ts';
import { hasProse } from './text/prose.ts';

export type Where = Finding['where'];

/** One text of a thought, folded and cut into sentences once for all detectors. */
export interface Passage {
  readonly where: Where;
  readonly text: string;
  readonly folded: Folded;
  /** Code, in folded offsets. */
  readonly regions: readonly Region[];
  readonly sentences: readonly Sentence[];
  /** Folded offsets of words spelled with spaces that carry concepts. */
  readonly spelled: readonly { readonly start: number; readonly end: number }[];
}

/** What detectors scan. */
export interface Reading {
  readonly thought: Thought;
  /** Prose: the thought, the answer, and the comments of the program; without texts that hold no words. */
  readonly passages: readonly Passage[];
  readonly program: string;
}

export function read(thought: Thought): Reading {
  const passages: Passage[] = [];
  addPassage(passages, 'thought', thought.thought);
  if (thought.answer !== undefined && thought.answer !== thought.program) addPassage(passages, 'answer', thought.answer);
  const program = thought.program ?? '';
  if (program !== '') addComments(passages, program);
  return { thought, passages, program };
}

/** A finding with its exact span in the original text. */
export function finding(
  passage: Passage,
  span: { start: number; end: number },
  claim: { category: Category; severity: Severity; detector: string; why: string; certain?: boolean },
): Finding {
  const { start, end } = unfold(passage.folded, span.start, span.end, passage.text);
  return { ...claim, where: passage.where, start, end, quote: passage.text.slice(start, end) };
}

function addPassage(passages: Passage[], where: Where, text: string): void {
  if (hasProse(text)) passages.push(passage(where, text, codeRegions(text)));
}

function addComments(passages: Passage[], program: string): void {
  const prose = comments(program, 0, program.length);
  if (prose.length === 0) return;
  const regions: Region[] = [];
  let from = 0;
  for (const comment of prose) {
    if (comment.start > from) regions.push({ start: from, end: comment.start, kind: 'block' });
    from = comment.end;
  }
  if (from < program.length) regions.push({ start: from, end: program.length, kind: 'block' });
  passages.push(passage('program', program, regions));
}

function passage(where: Where, text: string, regions: readonly Region[]): Passage {
  const folded = fold(text);
  const mapped = folded.map === null ? regions : refold(regions, folded.map);
  const reader = new SentenceReader(lexicon(), { folded: folded.text, cased: folded.cased, regions: mapped });
  return { where, text, folded, regions: mapped, sentences: reader.read(), spelled: reader.spelled };
}

/** Regions of the original in folded offsets; one pass over both. */
function refold(regions: readonly Region[], map: Int32Array): Region[] {
  const out: Region[] = [];
  let at = 0;
  const seek = (offset: number): number => {
    while (at < map.length - 1 && (map[at] ?? 0) < offset) at++;
    return at;
  };
  for (const region of regions) out.push({ start: seek(region.start), end: seek(region.end), kind: region.kind });
  return out;
}
