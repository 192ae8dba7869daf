const MIN = 64;
const MOST = 4;

/** Long unbroken runs of letters, digits, + / = that mix cases and digits as encoded bytes do. Linear. */
export function blobs(text: string): { start: number; end: number }[] {
  const found: { start: number; end: number }[] = [];
  let start = 0;
  for (let at = 0; at <= text.length; at++) {
    if (at < text.length && isBlobUnit(text.charCodeAt(at))) continue;
    if (at - start >= MIN && mixes(text, start, at)) found.push({ start, end: at });
    if (found.length >= MOST) break;
    start = at + 1;
  }
  return found;
}

function isBlobUnit(code: number): boolean {
  return (
    (code >= 48 && code <= 57) || (code >= 65 && code <= 90) || (code >= 97 && code <= 122) || code === 43 || code === 47 || code === 61
  );
}

/** Encoded bytes hold small and capital letters in similar shares and change case often; words, paths and numbers do not. */
function mixes(text: string, start: number, end: number): boolean {
  let small = 0;
  let capital = 0;
  let changes = 0;
  let before = 0;
  for (let at = start; at < end; at++) {
    const code = text.charCodeAt(at);
    const kind = code >= 97 ? 1 : code >= 65 ? 2 : 3;
    if (kind === 1) small++;
    if (kind === 2) capital++;
    if (kind !== before) changes++;
    before = kind;
  }
  const length = end - start;
  return small > length / 6 && capital > length / 6 && changes > length / 4;
}
