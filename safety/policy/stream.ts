import type { Finding } from '../../src/core/finding.ts';
import type { Monitor, Severity } from '../types.ts';
import type { Decision } from './policy.ts';

/**
 * Reads a thought while it is generated and says when to stop. Only what is new is read, with a bounded overlap; a stop is
 * then decided on everything written so far, by all tiers, so that a thought is cut exactly when what stands there would pause
 * the run if it ended there. A thought that is not cut is read in full at its end: streaming never changes a verdict.
 */
export interface Streamer {
  /** `text` is all of the thought so far. `cut`: stop generating it. A monitor that throws lets it go on: the full reading will fail, and pause. */
  watch(id: string, text: string): 'cut' | 'go';
  /** Forgets the thoughts of the last step. */
  clear(): void;
}

export interface StreamOptions {
  /** Reads the new part: rules only, because it is asked often. */
  readonly quick: Monitor;
  /** Reads all of it before a cut. */
  readonly full: Monitor;
  /** Severity from which the full reading is asked. */
  readonly from: Severity;
  readonly decide: (findings: readonly Finding[]) => Decision;
}

interface Progress {
  /** Where reading goes on: a place between sentences, or as far back as `OVERLAP` allows. */
  from: number;
  /** Length of the text when it was last looked at. */
  seen: number;
  /** Length up to which the full reading has said no; it is asked again only when the text has grown by half. */
  refused: number;
}

/** New characters that are worth a look, and how far a look reaches back where no sentence ends. */
const CHUNK = 160;
const OVERLAP = 4000;
/** A rule looks at most this many sentences ahead and back (docs/safety.md). */
const SENTENCES = 3;
/** A finding is settled when this many words have followed its sentence: until then a disavowal may still come. */
const SETTLED_WORDS = 12;
const UNENDED_WORDS = 40;

export function createStreamer({ quick, full, from, decide }: StreamOptions): Streamer {
  const open = new Map<string, Progress>();
  const stops = (id: string, text: string, progress: Progress): boolean => {
    const part = text.slice(progress.from);
    const found = quick.scan({ id, thought: part }).findings;
    const settled = found.some((finding) => finding.severity >= from && isSettled(part, finding.end));
    if (!settled || text.length < progress.refused * 1.5) return false;
    const decision = decide(full.scan({ id, thought: text }).findings);
    if (decision.action === 'pause' && decision.grounds.some((finding) => isSettled(text, finding.end))) return true;
    progress.refused = text.length;
    return false;
  };
  return {
    watch(id, text) {
      const progress = open.get(id) ?? { from: 0, seen: 0, refused: 0 };
      open.set(id, progress);
      if (text.length - progress.seen < CHUNK) return 'go';
      progress.seen = text.length;
      try {
        if (stops(id, text, progress)) return 'cut';
      } catch {
        return 'go';
      }
      progress.from = Math.max(restart(text, progress.from), text.length - OVERLAP);
      return 'go';
    },
    clear: () => open.clear(),
  };
}

/** Nothing that may still be written can silence a finding that ends at `end`: its sentence and the beginning of the next are complete. */
function isSettled(text: string, end: number): boolean {
  let words = 0;
  let ended = false;
  let inside = false;
  for (let at = end; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (endsSentence(text, at, code)) {
      if (ended && words > 0) return true;
      ended = true;
      words = 0;
      inside = false;
      continue;
    }
    const wide = code >= 0x2e80;
    const word = wide || isWord(code);
    if (word && (wide || !inside)) words += wide ? 0.5 : 1;
    inside = word && !wide;
    if (words > (ended ? SETTLED_WORDS : UNENDED_WORDS)) return true;
  }
  return false;
}

/** Start of the sentence `SENTENCES` before the end, or `from` when there are fewer. */
function restart(text: string, from: number): number {
  let left = SENTENCES + 1;
  for (let at = text.length - 1; at > from; at--) if (endsSentence(text, at, text.charCodeAt(at)) && --left === 0) return at + 1;
  return from;
}

/** . ! ? line ends and their ideographic forms, where a new sentence may begin. */
function endsSentence(text: string, at: number, code: number): boolean {
  if (code === 0x3002 || code === 0xff01 || code === 0xff1f || code === 10) return true;
  return (code === 46 || code === 33 || code === 63) && (at + 1 >= text.length || text.charCodeAt(at + 1) <= 32);
}

const isWord = (code: number): boolean =>
  (code >= 48 && code <= 57) || (code >= 65 && code <= 90) || (code >= 97 && code <= 122) || code === 39 || code >= 0xc0;
