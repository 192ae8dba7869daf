import type { Rng } from '../core/rng.ts';
import type { Datum } from '../core/types.ts';
import { supervisedDatum } from '../core/datum.ts';
import { encodeDocument, randomDocument } from './documents.ts';
import type { DocumentOptions } from './documents.ts';
import type { Vocabulary } from './vocabulary.ts';

export interface DocumentBatch {
  /** Data of similar length together: short rows cost less attention. */
  readonly groups: readonly (readonly Datum[])[];
  /** Positions trained on, prompts included. */
  readonly tokens: number;
}

const GROUP_LENGTHS = [64, 128];

/** At least `tokens` tokens of fresh documents, none longer than `context`. */
export function documentBatch(
  options: DocumentOptions,
  tokens: number,
  context: number,
  vocabulary: Vocabulary,
  random: Rng,
): DocumentBatch {
  const data: Datum[] = [];
  let count = 0;
  while (count < tokens) {
    const { ids, weights } = encodeDocument(randomDocument(options, random), vocabulary);
    if (ids.length > context) continue;
    data.push(supervisedDatum(ids, weights));
    count += ids.length - 1;
  }
  const bounds = [...GROUP_LENGTHS.filter((length) => length < context), context];
  const groups = bounds.map((bound, i) => data.filter((d) => d.targets.length < bound && d.targets.length >= (bounds[i - 1] ?? 0)));
  return { groups: groups.filter((group) => group.length > 0), tokens: count };
}
