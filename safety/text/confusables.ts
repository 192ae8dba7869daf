/** Letters of other scripts that look like Latin ones. Applied only to words that mix scripts: a Russian or Greek word stays itself. */
const LOOKALIKES: Readonly<Record<string, string>> = {
  а: 'a',
  в: 'b',
  е: 'e',
  ё: 'e',
  к: 'k',
  м: 'm',
  н: 'h',
  о: 'o',
  р: 'p',
  с: 'c',
  т: 't',
  у: 'y',
  х: 'x',
  і: 'i',
  ї: 'i',
  ј: 'j',
  ѕ: 's',
  һ: 'h',
  ԁ: 'd',
  ԛ: 'q',
  ԝ: 'w',
  г: 'r',
  п: 'n',
  α: 'a',
  β: 'b',
  ε: 'e',
  η: 'n',
  ι: 'i',
  κ: 'k',
  ν: 'v',
  ο: 'o',
  ρ: 'p',
  τ: 't',
  υ: 'u',
  χ: 'x',
  ω: 'w',
  γ: 'y',
  σ: 'o',
  ѵ: 'v',
  ı: 'i',
  ɡ: 'g',
  ɑ: 'a',
  ʀ: 'r',
  ɪ: 'i',
  ɴ: 'n',
  ʜ: 'h',
};

const LEET: Readonly<Record<string, string>> = {
  '0': 'o',
  '1': 'i',
  '3': 'e',
  '4': 'a',
  '5': 's',
  '7': 't',
  '8': 'b',
  '9': 'g',
  '@': 'a',
  $: 's',
  '!': 'i',
};

/** Latin reading of a word that mixes scripts; the word itself when it does not. */
export function latinised(word: string): string {
  let latin = false;
  let other = false;
  for (let at = 0; at < word.length; at++) {
    const code = word.charCodeAt(at);
    if (code >= 0x61 && code <= 0x7a) latin = true;
    else if (code >= 0x80) other = true;
  }
  if (!latin || !other) return word;
  let out = '';
  for (const character of word) out += LOOKALIKES[character] ?? character;
  return out;
}

/** Plain readings of a word written with digits for letters (`h4ck`), none when it has no such digits. `1` may be i or l. */
export function unleeted(word: string): readonly string[] {
  let digits = 0;
  let letters = 0;
  for (let at = 0; at < word.length; at++) {
    const code = word.charCodeAt(at);
    if (code >= 0x61 && code <= 0x7a) letters++;
    else if (LEET[word[at] ?? ''] !== undefined) digits++;
  }
  if (digits === 0 || letters < 2) return [];
  let asI = '';
  for (const character of word) asI += LEET[character] ?? character;
  if (!word.includes('1')) return [asI];
  let asL = '';
  for (const character of word) asL += character === '1' ? 'l' : (LEET[character] ?? character);
  return [asI, asL];
}
