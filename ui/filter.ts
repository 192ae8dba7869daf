import { SIGNS, signsOf } from '../src/core/emergence.ts';
import type { SignKind } from '../src/core/emergence.ts';

/**
 * The `/` filter: words to look for, upper or lower case alike. What is a regular expression is also tried as one, so that both
 * `f(x)` and `f\(.\)` find what they say; `!` in front turns it round; `sign:trial` and the like find ways of thinking (src/core/emergence.ts).
 */
export interface Filter {
  readonly test: (text: string) => boolean;
  readonly negated: boolean;
  /** Each text must be asked: no index of words answers this. */
  readonly asked: boolean;
  /** Without the `!`, lower case. */
  readonly words: string;
  /** null: the words are no regular expression of their own. */
  readonly pattern: RegExp | null;
}

/** An expression looks at no more of a text than this; plain words at all of it. */
const REACH = 20_000;
const SPECIAL = /[\\^$.|?*+()[\]{}]/;
/** A repeated group that repeats something inside can take for ever; it stays plain words. */
const EXPLOSIVE = /\((?:[^()\\]|\\.)*(?:[+*}]|\|)(?:[^()\\]|\\.)*\)\s*[+*{]/;

const compiled = new Map<string, Filter>();

const SIGN = /^sign:(.+)$/;

/** Asks thought and answer for a way of thinking; null where the words ask for none. */
function signOf(words: string): ((text: string) => boolean) | null {
  const kind = SIGNS.find((one) => one === SIGN.exec(words)?.[1]) as SignKind | undefined;
  if (kind === undefined) return null;
  // A comment looks the same in the languages whose marks differ: either will do.
  return (text) =>
    (['javascript', 'python'] as const).some((language) => signsOf(kind, { thought: text, program: text }, language).length > 0);
}

function patternOf(words: string): RegExp | null {
  if (!SPECIAL.test(words) || EXPLOSIVE.test(words)) return null;
  try {
    return new RegExp(words, 'iu');
  } catch {
    return null;
  }
}

export function filterOf(text: string): Filter {
  const known = compiled.get(text);
  if (known) return known;
  const negated = text.startsWith('!');
  const raw = negated ? text.slice(1) : text;
  const words = raw.toLowerCase();
  const pattern = patternOf(raw);
  const sign = signOf(words);
  const found = (value: string): boolean => value.toLowerCase().includes(words) || (pattern?.test(value.slice(0, REACH)) ?? false);
  const hit = sign === null ? found : (value: string) => sign(value.slice(0, REACH));
  const asked = negated || pattern !== null || sign !== null;
  const filter: Filter = { negated, asked, words, pattern, test: words === '' ? () => true : (value) => hit(value) !== negated };
  if (compiled.size > 100) compiled.clear();
  compiled.set(text, filter);
  return filter;
}
