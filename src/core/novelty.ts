import type { Proposal } from './prompts/dialect.ts';

/**
 * The novelty gate. D3: the reference code removes duplicates only while seeding; later replications found that the
 * proposer collapses into near-identical programs. Ours refuses, always: a triplet that was there before, a program
 * proposed more than `repeats` times, and a copy of a reference. Key: `deviations.deduplicate` (`always` | `paper`).
 * The memory covers everything ever proposed, not only what a buffer still holds.
 */
export interface NoveltyMemory {
  /** Times each normalised program was accepted. */
  readonly programs: Map<string, number>;
  /** `type\nprogram\ninput` of every accepted task. */
  readonly triplets: Set<string>;
}

export const emptyMemory = (): NoveltyMemory => ({ programs: new Map(), triplets: new Set() });

export interface NoveltyOptions {
  /** How often one program may be proposed with different inputs; 0 = without limit. */
  readonly repeats: number;
  /** Refuse a program whose token-shingle similarity (Jaccard) to a reference reaches this; 1 = identical only, above 1 = off. */
  readonly similarity: number;
}

/** The reason why a proposal is not new, or null. `program` is normalised; so are the references. */
export function refuse(
  memory: NoveltyMemory,
  proposal: { readonly type: Proposal['type']; readonly program: string; readonly input: string },
  references: readonly string[],
  options: NoveltyOptions,
): string | null {
  if (memory.triplets.has(tripletKey(proposal))) return 'This program with this input is already there.';
  if (proposal.type === 'induction') return null;
  if (options.repeats > 0 && (memory.programs.get(proposal.program) ?? 0) >= options.repeats)
    return `This program was already proposed ${options.repeats} times.`;
  if (options.similarity <= 1 && references.some((reference) => similarity(reference, proposal.program) >= options.similarity))
    return 'It copies a reference.';
  return null;
}

export function remember(
  memory: NoveltyMemory,
  proposal: { readonly type: string; readonly program: string; readonly input: string },
): void {
  memory.triplets.add(tripletKey(proposal));
  if (proposal.type !== 'induction') memory.programs.set(proposal.program, (memory.programs.get(proposal.program) ?? 0) + 1);
}

const tripletKey = (proposal: { readonly type: string; readonly program: string; readonly input: string }): string =>
  `${proposal.type}\n${proposal.program}\n${proposal.input}`;

/** Jaccard similarity of the sets of three consecutive lexical tokens; 1 = the same set. */
export function similarity(left: string, right: string): number {
  const a = shingles(left);
  const b = shingles(right);
  let shared = 0;
  for (const shingle of a) if (b.has(shingle)) shared += 1;
  return shared / (a.size + b.size - shared || 1);
}

function shingles(program: string): Set<string> {
  const tokens = program.match(/\w+|[^\s\w]/g) ?? [];
  return new Set(tokens.map((_, i) => tokens.slice(i, i + 3).join(' ')));
}
