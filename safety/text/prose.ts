const SHORT = 4096;

/**
 * Cheap first pass: could this text hold words at all? Traces such as `b=[1,2];c=3 ok` have no run of three letters and
 * no letters spelled apart, and are not read further. Longer texts are always read.
 */
export function hasProse(text: string): boolean {
  if (text.length > SHORT) return true;
  let run = 0;
  let apart = 0;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code >= 0x80) return true;
    const letter = (code | 32) >= 97 && (code | 32) <= 122;
    if (letter) {
      run++;
      if (run >= 3) return true;
      continue;
    }
    if (run > 0) apart = run === 1 ? apart + 1 : 0;
    if (apart >= 4) return true;
    run = 0;
  }
  return run === 1 && apart >= 3;
}
