/** Deterministic generator of small integers (mulberry32). */
export function seeded(seed: number): (below: number) => number {
  let state = seed >>> 0;
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296) * below);
  };
}

/** Slots of the templates, from lines `@H one|two`. */
export function readMacros(text: string): ReadonlyMap<string, string> {
  const macros = new Map<string, string>();
  for (const line of text.split('\n')) {
    const space = line.indexOf(' ');
    if (line.startsWith('@') && space > 0) macros.set(line.slice(0, space), line.slice(space + 1));
  }
  return macros;
}

/** Lines of a template file without comments, slots put in. `{a|b}` chooses one; choices may nest. */
export function readTemplates(text: string, macros: ReadonlyMap<string, string>): string[] {
  return text
    .split('\n')
    .filter((line) => line.trim() !== '' && !line.startsWith('#'))
    .map((line) => line.replaceAll(/\{?@[A-Z]\}?/g, (slot) => withSlot(slot, macros)));
}

/** A slot alone is a choice of its own; inside a choice (`{@H|them}`) its alternatives join the others. */
function withSlot(slot: string, macros: ReadonlyMap<string, string>): string {
  const name = slot.replaceAll(/[{}]/g, '');
  const alternatives = macros.get(name);
  if (alternatives === undefined) throw new Error(`The templates use the slot ${name}, which macros.txt does not define.`);
  return `${slot.startsWith('{') ? '{' : ''}{${alternatives}}${slot.endsWith('}') ? '}' : ''}`;
}

/** One text of a template; the innermost choices first. */
export function expand(template: string, draw: (below: number) => number): string {
  let text = template;
  for (;;) {
    const end = text.indexOf('}');
    if (end === -1) return text.replaceAll(/\s+/g, ' ').trim();
    const start = text.lastIndexOf('{', end);
    if (start === -1) throw new Error(`A template closes a choice that it does not open: ${template}`);
    const choices = text.slice(start + 1, end).split('|');
    text = text.slice(0, start) + (choices[draw(choices.length)] ?? '') + text.slice(end + 1);
  }
}

/** At most `most` different texts of a template. */
export function variants(template: string, most: number, draw: (below: number) => number): string[] {
  const texts = new Set<string>();
  for (let tries = 0; tries < most; tries++) texts.add(expand(template, draw));
  return [...texts];
}
