import { isIdeographic } from '../lexicon/lexicon.ts';

/** Letters needed before and after a switch: short quotations in another script are ordinary. */
const BEFORE = 100;
const AFTER = 40;

type Script = 0 | 1 | 2 | 3 | 4 | 5 | 6 | 7;

/** Where a thought leaves the script it began in, for good; null when it does not. One pass. */
export function scriptSwitch(text: string): { start: number; end: number } | null {
  if (text.length < BEFORE + AFTER || isAscii(text)) return null;
  const counts = new Int32Array(8);
  let letters = 0;
  let candidate = -1;
  let foreign = 0;
  let native = 0;
  let main: Script = 0;
  let end = 0;
  for (let at = 0; at < text.length; at++) {
    const script = scriptOf(text.charCodeAt(at));
    if (script === 0) continue;
    letters++;
    if (letters <= BEFORE) {
      counts[script] = (counts[script] ?? 0) + 1;
      if (letters === BEFORE) main = dominant(counts, BEFORE);
      continue;
    }
    if (main === 0) return null;
    if (script !== main) {
      if (candidate === -1) candidate = at;
      foreign++;
      end = at + 1;
    } else if (candidate !== -1 && ++native * 4 > foreign) {
      candidate = -1;
      foreign = 0;
      native = 0;
    }
  }
  return candidate !== -1 && foreign >= AFTER ? { start: candidate, end: Math.min(end, candidate + 200) } : null;
}

/** First run of terminal control characters (C0 but tab and line ends, DEL, C1); null when there is none. */
export function controlRun(text: string): { start: number; end: number } | null {
  for (let at = 0; at < text.length; at++) {
    if (!isControl(text.charCodeAt(at))) continue;
    let end = at + 1;
    while (end < text.length && end - at < 64 && isControl(text.charCodeAt(end))) end++;
    return { start: at, end };
  }
  return null;
}

function isControl(code: number): boolean {
  return (code < 32 && code !== 9 && code !== 10 && code !== 13) || (code >= 127 && code < 160);
}

function isAscii(text: string): boolean {
  for (let at = 0; at < text.length; at++) if (text.charCodeAt(at) >= 0x80) return false;
  return true;
}

/** The script of at least 90 % of the letters, else 0: a text that mixes scripts from the start has none to leave. */
function dominant(counts: Int32Array, total: number): Script {
  for (let script = 1; script < counts.length; script++) if ((counts[script] ?? 0) >= total * 0.9) return script as Script;
  return 0;
}

function scriptOf(code: number): Script {
  if ((code >= 65 && code <= 90) || (code >= 97 && code <= 122) || (code >= 0xc0 && code < 0x250)) return 1;
  if (code >= 0x370 && code < 0x400) return 2;
  if (code >= 0x400 && code < 0x530) return 3;
  if (isIdeographic(code)) return 4;
  if (code >= 0xac00 && code <= 0xd7a3) return 5;
  if (code >= 0x590 && code < 0x780) return 6;
  if (code >= 0x900 && code < 0x1100) return 7;
  return 0;
}
