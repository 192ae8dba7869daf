import { bindings, keyLabel, SCREEN_KEYS, SCREEN_TITLES, SCREENS } from './keys.ts';
import type { Context } from './keys.ts';
import { metricPaths } from './select.ts';
import type { AppState } from './store.ts';

/** The command palette: everything that can be done here and now, by name. Pure. */
export interface Command {
  readonly name: string;
  /** Key that does the same; empty where there is none. */
  readonly key: string;
  readonly act:
    | { readonly kind: 'key'; readonly key: string }
    | { readonly kind: 'chart'; readonly path: string }
    | { readonly kind: 'step'; readonly step: number };
}

/** Movement is quicker done than named. */
const SILENT = new Set(['up', 'down', 'pageUp', 'pageDown', 'left', 'right', 'palette', 'screen', 'out']);
const MOST = 200;

function everything(state: AppState): Command[] {
  const contexts: readonly Context[] = [state.screen, 'screen', 'always'];
  const screens = SCREENS.map((screen): Command => {
    const key = SCREEN_KEYS[screen];
    return { name: `screen ${SCREEN_TITLES[screen]}`, key, act: { kind: 'key', key } };
  });
  const actions = contexts.flatMap((context) =>
    bindings()
      .filter((binding) => binding.contexts.includes(context) && !SILENT.has(binding.action))
      .map(({ keys, help }): Command => ({ name: help, key: keyLabel(keys[0]!), act: { kind: 'key', key: keys[0]! } })),
  );
  const metrics = metricPaths(state.view.steps).map((path): Command => ({ name: `chart ${path}`, key: '', act: { kind: 'chart', path } }));
  return [...actions, ...screens, ...metrics];
}

/** 0: all words stand in it as they are; 1: its letters do, in order; null: they do not. */
function match(name: string, text: string): number | null {
  const [hay, needle] = [name.toLowerCase(), text.toLowerCase()];
  if (needle.split(/\s+/).every((word) => hay.includes(word))) return hay.startsWith(needle) ? 0 : 1;
  let at = -1;
  for (const char of needle.replaceAll(' ', '')) {
    at = hay.indexOf(char, at + 1);
    if (at < 0) return null;
  }
  return 2;
}

/** Commands that fit the text, the best first; without a text those used before, newest first, then all. */
export function commandsFor(state: AppState, text: string): readonly Command[] {
  const all = everything(state);
  const wanted = text.trim();
  if (wanted === '') {
    const used = state.commands.flatMap((name) => all.find((command) => command.name === name) ?? []);
    return [...used, ...all.filter((command) => !used.includes(command))].slice(0, MOST);
  }
  const step: Command[] = /^\d{1,9}$/.test(wanted)
    ? [{ name: `thoughts of step ${Number(wanted)}`, key: '', act: { kind: 'step', step: Number(wanted) } }]
    : [];
  const fitting = all.flatMap((command) => {
    const rank = match(command.name, wanted);
    return rank === null ? [] : [{ command, rank }];
  });
  return [...step, ...fitting.sort((a, b) => a.rank - b.rank).map(({ command }) => command)].slice(0, MOST);
}

const REMEMBERED = 50;
export const remembered = (history: readonly string[], name: string): readonly string[] =>
  [name, ...history.filter((each) => each !== name)].slice(0, REMEMBERED);
