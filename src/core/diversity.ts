import { similarity } from './novelty.ts';
import type { Metrics } from './types.ts';

/**
 * `diversity/distinct`: share of different programs among `programs` (normalised); `diversity/distance`: mean of 1 − Jaccard similarity
 * of their token shingles over pairs. Absent where there are not two.
 */
export function diversity(programs: readonly string[]): Metrics {
  if (programs.length < 2) return {};
  const distances: number[] = [];
  for (let i = 0; i < programs.length; i++)
    for (let j = 1; j <= Math.min(PARTNERS, programs.length - 1); j++)
      distances.push(1 - similarity(programs[i] as string, programs[(i + j) % programs.length] as string));
  return {
    'diversity/distinct': new Set(programs).size / programs.length,
    'diversity/distance': distances.reduce((sum, one) => sum + one, 0) / distances.length,
  };
}

/** Each program is compared with so many others, so that a large batch costs no square. */
const PARTNERS = 8;

/**
 * Repetition penalty of R-Zero (Eq. 5): for each program the share of the batch that it resembles, itself included, as a number in
 * (0, 1]; 0 where it resembles no other. Two programs resemble each other from `alike` on (Jaccard of token shingles).
 */
export function repetition(programs: readonly string[], alike = 0.8): number[] {
  return programs.map((one, i) => {
    const others = programs.filter((other, j) => j !== i && (other === one || similarity(other, one) >= alike)).length;
    return others === 0 ? 0 : (others + 1) / programs.length;
  });
}
