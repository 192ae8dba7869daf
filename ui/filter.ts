/**
 * The `/` filter: words to look for, upper or lower case alike. What is a regular expression is also tried as one, so that both
 * `f(x)` and `f\(.\)` find what they say; `!` in front turns it round.
 */
export interface Filter {
  readonly test: (text: string) => boolean;
  readonly negated: boolean;
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

function patternOf(words: string): RegExp | null {
  if (!SPECIAL.test(words) || EXPLOSIVE.test(words)) return null;
  try {
    return new RegExp(words, 'iu');
  } catch {
    return null;
  }
}

export function filterOf(text: string): Filter {
  const found = compiled.get(text);
  if (found) return found;
  const negated = text.startsWith('!');
  const raw = negated ? text.slice(1) : text;
  const words = raw.toLowerCase();
  const pattern = patternOf(raw);
  const hit = (value: string): boolean => value.toLowerCase().includes(words) || (pattern?.test(value.slice(0, REACH)) ?? false);
  const filter: Filter = { negated, words, pattern, test: words === '' ? () => true : (value) => hit(value) !== negated };
  if (compiled.size > 100) compiled.clear();
  compiled.set(text, filter);
  return filter;
}
