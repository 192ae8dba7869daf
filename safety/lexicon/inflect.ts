/** English word forms for the lexicon's notation: `evade~` is a verb with its forms, `human+` a noun with its plural, `überwach*` any word that begins so. */
const IRREGULAR: Readonly<Record<string, readonly string[]>> = {
  be: ['am', 'is', 'are', 'was', 'were', 'been', 'being'],
  become: ['became', 'becoming'],
  bind: ['bound'],
  break: ['broke', 'broken'],
  bring: ['brought'],
  build: ['built'],
  buy: ['bought'],
  come: ['came', 'coming'],
  cut: ['cutting'],
  do: ['does', 'did', 'done'],
  feed: ['fed'],
  fight: ['fought'],
  find: ['found'],
  get: ['got', 'gotten', 'getting'],
  give: ['gave', 'given', 'giving'],
  go: ['goes', 'went', 'gone'],
  have: ['has', 'had', 'having'],
  hide: ['hid', 'hidden', 'hiding'],
  hold: ['held'],
  keep: ['kept'],
  know: ['knew', 'known'],
  leave: ['left', 'leaving'],
  let: ['letting'],
  lie: ['lied', 'lying'],
  lose: ['lost', 'losing'],
  make: ['made', 'making'],
  mislead: ['misled'],
  overcome: ['overcame'],
  override: ['overrode', 'overridden', 'overriding'],
  overtake: ['overtook', 'overtaken'],
  overthrow: ['overthrew', 'overthrown'],
  overwrite: ['overwrote', 'overwritten', 'overwriting'],
  put: ['putting'],
  read: ['reading'],
  rewrite: ['rewrote', 'rewritten', 'rewriting'],
  run: ['ran', 'running'],
  see: ['saw', 'seen'],
  seek: ['sought'],
  sell: ['sold'],
  send: ['sent'],
  set: ['setting'],
  shut: ['shutting'],
  slay: ['slew', 'slain'],
  sneak: ['snuck'],
  spend: ['spent'],
  spread: ['spreading'],
  steal: ['stole', 'stolen'],
  strike: ['struck', 'striking'],
  take: ['took', 'taken', 'taking'],
  teach: ['taught'],
  tell: ['told'],
  think: ['thought'],
  throw: ['threw', 'thrown'],
  undo: ['undoes', 'undid', 'undone'],
  win: ['won', 'winning'],
  withhold: ['withheld'],
  write: ['wrote', 'written', 'writing'],
};

function verbForms(base: string): string[] {
  const e = base.endsWith('e');
  const stem = e && !base.endsWith('ee') ? base.slice(0, -1) : base;
  const y = /[^aeiou]y$/.test(base);
  const last = base.slice(-1);
  const forms = [base, y ? `${base.slice(0, -1)}ies` : /(?:s|x|z|ch|sh|o)$/.test(base) ? `${base}es` : `${base}s`, `${stem}ing`];
  forms.push(y ? `${base.slice(0, -1)}ied` : e ? `${base}d` : `${base}ed`);
  // Both spellings of doubled consonants: a form nobody writes costs nothing.
  if (/[^aeiou][aeiou][bdgklmnprt]$/.test(base)) forms.push(`${base}${last}ed`, `${base}${last}ing`);
  if (base.endsWith('ise')) forms.push(...verbForms(`${base.slice(0, -3)}ize`));
  forms.push(...(IRREGULAR[base] ?? []));
  return forms;
}

function nounForms(base: string): string[] {
  if (/[^aeiou]y$/.test(base)) return [base, `${base.slice(0, -1)}ies`];
  return [base, /(?:s|x|z|ch|sh)$/.test(base) ? `${base}es` : `${base}s`];
}

/** `cut~ off` → `cut off`, `cuts off`, …; words without a mark stand for themselves. The `*` of a prefix stays. */
export function expand(entry: string): string[] {
  let forms = [''];
  for (const word of entry.split(/\s+/)) {
    const alternatives = word.endsWith('~') ? verbForms(word.slice(0, -1)) : word.endsWith('+') ? nounForms(word.slice(0, -1)) : [word];
    forms = forms.flatMap((head) => alternatives.map((tail) => (head === '' ? tail : `${head} ${tail}`)));
  }
  return forms;
}
