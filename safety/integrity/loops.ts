/** Repetitions of the same unit that make a loop, and characters it must cover. */
const REPEATS = 6;
const COVERED = 60;
const TAIL = 4096;
const WINDOW = 1024;

/** The stretch of a text that repeats one unit at least six times over at least 60 characters; null when there is none. Linear. */
export function loopIn(text: string): { start: number; end: number } | null {
  if (text.length < COVERED) return null;
  const trimmed = text.trimEnd();
  const tail = Math.max(0, trimmed.length - TAIL);
  const inTail = periodicSuffix(trimmed, tail);
  if (inTail !== null) return inTail;
  // A loop in the middle long enough to fill a window is found by the window's own period.
  for (let start = 0; start + WINDOW <= tail; start += WINDOW / 2) {
    const length = periodicPrefix(trimmed, start, start + WINDOW);
    if (length >= WINDOW / 2) return { start, end: start + length };
  }
  return null;
}

/** Longest suffix of text[from…] whose smallest period repeats often enough; the unit may be cut at the very end. */
function periodicSuffix(text: string, from: number): { start: number; end: number } | null {
  const length = longestPeriodic(text.length - from, (at) => text.charCodeAt(text.length - 1 - at));
  return length >= COVERED ? { start: text.length - length, end: text.length } : null;
}

function periodicPrefix(text: string, start: number, end: number): number {
  return longestPeriodic(end - start, (at) => text.charCodeAt(start + at));
}

/** Length of the longest prefix that repeats its smallest period at least `REPEATS` times (prefix function of Knuth, Morris and Pratt). */
function longestPeriodic(length: number, unit: (at: number) => number): number {
  const border = new Int32Array(length);
  let best = 0;
  for (let at = 1, held = 0; at < length; at++) {
    while (held > 0 && unit(at) !== unit(held)) held = border[held - 1] ?? 0;
    if (unit(at) === unit(held)) held++;
    border[at] = held;
    const period = at + 1 - held;
    if ((at + 1) / period >= REPEATS) best = at + 1;
  }
  return best;
}
