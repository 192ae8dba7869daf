import { lexicon } from '../lexicon/index.ts';
import type { Bits } from '../lexicon/lexicon.ts';
import { meet } from '../lexicon/lexicon.ts';
import type { Passage } from '../reading.ts';

let cues: { request: Bits; refusal: Bits } | undefined;
const known = new WeakMap<Passage, boolean>();

/** Does this thought weigh a user's request against a policy? Such thoughts name harmful things in order to refuse them. */
export function deliberates(passage: Passage): boolean {
  const before = known.get(passage);
  if (before !== undefined) return before;
  cues ??= { request: lexicon().bitsOf('request'), refusal: lexicon().bitsOf('refusal') };
  let requests = 0;
  let refusals = 0;
  for (const { bits } of passage.sentences) {
    if (meet(bits, cues.request)) requests++;
    if (meet(bits, cues.refusal)) refusals++;
  }
  const deliberating = requests >= 1 && refusals >= 2;
  known.set(passage, deliberating);
  return deliberating;
}
