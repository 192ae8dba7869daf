import { z } from 'zod';
import { nearest } from '../src/core/nearest.ts';
import { BINDINGS, helpSections } from './keys.ts';
import type { Binding } from './keys.ts';

/**
 * A person's own keys: `{ "pause": ["P"], "charts.log": "L" }`, an action or CONTEXT.ACTION with its key or keys. Strict: a file that
 * says something unknown or gives one key two meanings is refused with the place and what to do.
 */
export class KeymapError extends Error {
  override readonly name = 'ConfigError';
}

const schema = z.record(z.string(), z.union([z.string(), z.array(z.string()).min(1)]));

const NAMED = new Set(['up', 'down', 'left', 'right', 'pageup', 'pagedown', 'home', 'end', 'enter', 'esc', 'tab', 'shift+tab', 'backspace', 'delete', 'space']); // prettier-ignore
/** Keys that terminals and lines being typed cannot do without. */
const FIXED = new Set(['ctrl+c', 'esc']);

const keyOf = (name: string): string => (name === 'space' ? ' ' : name);

function problemOf(key: string): string | null {
  if (FIXED.has(key)) return 'it always leads out';
  if (NAMED.has(key) || /^ctrl\+[a-z]$/.test(key)) return null;
  if ([...new Intl.Segmenter().segment(key)].length === 1 && !/[\p{C}\p{Z}\d]/u.test(key)) return null;
  return /^\d$/.test(key) ? 'digits are the screens' : `keys are one character, ctrl+LETTER, or one of ${[...NAMED].join(', ')}`;
}

/** The key map with the changes of a file. @param text JSON; `file` names it in errors. @throws KeymapError */
export function keymapOf(text: string, file: string): readonly Binding[] {
  const fail = (what: string): never => {
    throw new KeymapError(`${file}: ${what}`);
  };
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    return fail(`it is no JSON (${error instanceof Error ? error.message : String(error)}).`);
  }
  const parsed = schema.safeParse(json);
  if (!parsed.success)
    return fail('it takes an object such as { "pause": ["P"], "charts.log": "L" }: actions with a key or a list of keys.');
  let map: readonly Binding[] = BINDINGS;
  for (const [name, value] of Object.entries(parsed.data)) {
    const [context, action] = name.includes('.') ? (name.split('.', 2) as [string, string]) : [null, name];
    const all = BINDINGS.filter((binding) => binding.action === action);
    const first = all.filter((binding) => binding.contexts[0] === context);
    const meant =
      context === null ? all : first.length > 0 ? first : all.filter((binding) => binding.contexts.some((each) => each === context));
    if (meant.length === 0 || action === 'screen') {
      const names = [...new Set(BINDINGS.map((binding) => binding.action))].filter((each) => each !== 'screen');
      const near = nearest(action, names);
      return fail(`there is no action "${name}" to give a key.${near ? ` Did you mean "${near}"?` : ''} docs/app.md lists them.`);
    }
    if (meant.length > 1)
      return fail(
        `"${name}" stands in several places; write one of ${meant.map((binding) => `"${binding.contexts[0] ?? ''}.${action}"`).join(', ')}.`,
      );
    const keys = [value].flat();
    for (const key of keys) {
      const problem = problemOf(key);
      if (problem) return fail(`"${key}" (for "${name}") cannot be used: ${problem}.`);
    }
    map = map.map((binding) => (binding === meant[0] ? { ...binding, keys: keys.map(keyOf) } : binding));
  }
  const taken = new Map<string, string>();
  for (const { keys, contexts, action } of map)
    for (const key of keys)
      for (const context of contexts) {
        const before = taken.get(`${context} ${key}`);
        if (before !== undefined && before !== action)
          return fail(`"${key}" would mean both "${before}" and "${action}" in ${context}. Give one of them another key.`);
        taken.set(`${context} ${key}`, action);
      }
  return map;
}

/** The tables of docs/app.md. */
export function keyTables(): string {
  return helpSections()
    .filter(({ rows }) => rows.length > 0)
    .map(({ title, rows }) => {
      const lines = rows.map(({ keys, help, action }) => `| ${keys.split(' ').map((key) => `\`${key}\``).join(' ')} | ${help} | \`${action}\` |`); // prettier-ignore
      return `### ${title}\n\n| key | does | action |\n| --- | --- | --- |\n${lines.join('\n')}\n`;
    })
    .join('\n');
}
