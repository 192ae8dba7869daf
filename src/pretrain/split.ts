/**
 * The three parts of the generator's programs. A program belongs to exactly one by the hash of its canonical form:
 * `heldout` (figures that are reported), `tune` (settings are chosen on it), `train` (everything else). Pre-training
 * and self-play use `train` only.
 */
export type Split = 'train' | 'heldout' | 'tune';

const PARTS = 16;

/**
 * The program without white space and with its one-letter variables renamed by order of appearance, so that a held-out
 * program stays held out when only its spacing, its last semicolon or its names change. Strings are kept.
 */
export function canonicalProgram(source: string): string {
  const names = new Map<string, string>();
  return source
    .replace(/"[^"\n]*"|'[^'\n]*'|\.?[A-Za-z_$][\w$]*|\s+/g, (word) => {
      if (/^\s/.test(word)) return '';
      if (!/^[A-Za-z]$/.test(word) || word === 'f') return word;
      const known = names.get(word) ?? `v${names.size}`;
      names.set(word, known);
      return known;
    })
    .replaceAll(';}', '}');
}

export function splitOf(source: string): Split {
  const part = hash(canonicalProgram(source)) % PARTS;
  return part === 0 ? 'heldout' : part === 1 ? 'tune' : 'train';
}

/** True for a program that neither pre-training nor self-play may see. */
export const isHeldOut = (source: string): boolean => splitOf(source) !== 'train';

/** What self-play must not see: the held-out programs are JavaScript, and another language has none. */
export const heldOutIn = (language: string): ((source: string) => boolean) => (language === 'javascript' ? isHeldOut : () => false);

/** FNV-1a over UTF-16 units with murmur3's final mixing, 32 bits. */
function hash(text: string): number {
  let value = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) value = Math.imul(value ^ text.charCodeAt(i), 0x01000193);
  value = Math.imul(value ^ (value >>> 16), 0x85ebca6b);
  value = Math.imul(value ^ (value >>> 13), 0xc2b2ae35);
  return (value ^ (value >>> 16)) >>> 0;
}
