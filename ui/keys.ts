/**
 * The one key map. It drives what a key does, the hints in the status bar, the help screen and docs/app.md.
 * Keys are named as `keyNames` (below) makes them from the terminal's input.
 */
export type ScreenName = 'run' | 'thoughts' | 'tasks' | 'safety' | 'charts' | 'runs' | 'models' | 'eval' | 'machine';
export const SCREENS: readonly ScreenName[] = ['run', 'thoughts', 'tasks', 'safety', 'charts', 'runs', 'models', 'eval', 'machine'];
export const SCREEN_KEYS: Readonly<Record<ScreenName, string>> = {
  run: '1',
  thoughts: '2',
  tasks: '3',
  safety: '4',
  charts: '5',
  runs: '6',
  models: '7',
  eval: '8',
  machine: '9',
};
export const SCREEN_TITLES: Readonly<Record<ScreenName, string>> = {
  run: 'Run',
  thoughts: 'Thoughts',
  tasks: 'Tasks',
  safety: 'Safety',
  charts: 'Charts',
  runs: 'Runs',
  models: 'Models',
  eval: 'Eval',
  machine: 'Machine',
};

/** Where a key counts. A dialog takes its own context alone (plus `always`); otherwise the screen's, then `screen`, then `always`. */
export type Context = 'always' | 'screen' | ScreenName | 'card' | 'quit' | 'help' | 'confirm' | 'prompt' | 'palette';

export type Action =
  | 'screen' | 'help' | 'pause' | 'resume' | 'quit' | 'out' | 'repaint'
  | 'up' | 'down' | 'pageUp' | 'pageDown' | 'top' | 'bottom' | 'open' | 'focus' | 'filter' | 'clear'
  | 'zoom' | 'left' | 'right' | 'live' | 'role' | 'type' | 'verdict' | 'flagged' | 'nextFlag' | 'previousFlag'
  | 'confirmed' | 'escalate' | 'dismiss' | 'undo' | 'all' | 'drill' | 'review' | 'figures'
  | 'leave' | 'stop' | 'choose' | 'confirm' | 'submit' | 'interrupt' | 'log' | 'zoomIn' | 'zoomOut' | 'mark' | 'openRun' | 'resumeRun'
  | 'exportRun' | 'blind' | 'auditLog' | 'chat' | 'judge' | 'step' | 'tries' | 'palette' | 'copy' | 'pager' | 'editor' | 'suspend'; // prettier-ignore

export interface Binding {
  readonly keys: readonly string[];
  readonly action: Action;
  readonly contexts: readonly Context[];
  /** One or two words for the status bar; absent when the bar need not show it. */
  readonly hint?: string;
  readonly help: string;
}

const LISTS: readonly Context[] = ['thoughts', 'tasks', 'safety', 'charts', 'runs', 'models', 'eval', 'run', 'help', 'card'];
const FILTERED: readonly Context[] = ['thoughts', 'tasks', 'safety', 'charts', 'runs', 'eval'];
const TEXTS: readonly Context[] = ['thoughts', 'tasks', 'safety'];

export const BINDINGS: readonly Binding[] = [
  { keys: ['j', 'down'], action: 'down', contexts: LISTS, hint: 'move', help: 'down one row (in a detail pane: scroll)' },
  { keys: ['k', 'up'], action: 'up', contexts: LISTS, help: 'up one row' },
  { keys: ['pagedown', 'ctrl+d', ' '], action: 'pageDown', contexts: LISTS, help: 'down one page' },
  { keys: ['pageup', 'ctrl+u'], action: 'pageUp', contexts: LISTS, help: 'up one page' },
  { keys: ['g', 'home'], action: 'top', contexts: LISTS, help: 'to the first row (the newest)' },
  { keys: ['G', 'end'], action: 'bottom', contexts: LISTS, help: 'to the last row' },
  {
    keys: ['enter'],
    action: 'open',
    contexts: ['thoughts', 'tasks', 'safety', 'charts'],
    hint: 'open',
    help: 'into the detail pane; on a chart: the rollouts of that step',
  },
  {
    keys: ['tab', 'shift+tab'],
    action: 'focus',
    contexts: ['thoughts', 'tasks', 'safety', 'runs', 'eval'],
    hint: 'pane',
    help: 'to the other pane',
  },
  { keys: ['l'], action: 'live', contexts: ['thoughts'], hint: 'live/past', help: 'switch between live thoughts and past rollouts' },
  {
    keys: ['/'],
    action: 'filter',
    contexts: FILTERED,
    hint: 'filter',
    help: 'filter by words or a regular expression; ! in front turns it round',
  },
  { keys: ['o'], action: 'role', contexts: ['thoughts'], hint: 'role', help: 'filter by role: all, propose, solve' },
  { keys: ['t'], action: 'type', contexts: ['thoughts', 'tasks'], hint: 'type', help: 'filter by task type' },
  { keys: ['v'], action: 'verdict', contexts: ['thoughts'], hint: 'verdict', help: 'filter by verdict: all, passable, wrong, malformed' },
  { keys: ['f'], action: 'flagged', contexts: ['thoughts'], hint: 'flagged', help: 'only thoughts that the monitor flagged' },
  { keys: ['s'], action: 'step', contexts: ['thoughts'], help: 'filter by step: asks which' },
  { keys: ['x'], action: 'clear', contexts: FILTERED, help: 'drop all filters and marks' },
  { keys: ['w'], action: 'tries', contexts: ['tasks'], hint: 'tries', help: 'the thoughts that tried to solve this task' },
  { keys: ['Y'], action: 'copy', contexts: [...TEXTS, 'charts', 'runs'], help: 'copy what is chosen to the clipboard (OSC 52)' },
  { keys: ['V'], action: 'pager', contexts: TEXTS, help: 'the whole text in $PAGER' },
  { keys: ['O'], action: 'editor', contexts: TEXTS, help: 'a copy of the whole text in $EDITOR' },
  { keys: ['n'], action: 'nextFlag', contexts: ['thoughts', 'safety'], help: 'to the next flagged span' },
  { keys: ['N'], action: 'previousFlag', contexts: ['thoughts', 'safety'], help: 'to the previous flagged span' },
  {
    keys: ['c', 'a'],
    action: 'confirmed',
    contexts: ['safety', 'card'],
    hint: 'confirm',
    help: 'confirm the finding: it is what it says',
  },
  {
    keys: ['E'],
    action: 'escalate',
    contexts: ['safety', 'card'],
    hint: 'escalate',
    help: 'escalate the finding: it is real, and somebody else must see it; asks for the reason',
  },
  {
    keys: ['d'],
    action: 'dismiss',
    contexts: ['safety', 'card'],
    hint: 'dismiss',
    help: 'dismiss the finding as a false alarm; asks for the reason',
  },
  { keys: ['u'], action: 'undo', contexts: ['safety'], help: 'take your own label back' },
  { keys: ['e'], action: 'all', contexts: ['safety'], hint: 'open/all', help: 'show open findings only, or all' },
  {
    keys: ['m'],
    action: 'figures',
    contexts: ['safety'],
    hint: 'measured',
    help: 'what was measured of the monitor, and what the reviews say of it',
  },
  {
    keys: ['b'],
    action: 'blind',
    contexts: ['safety'],
    hint: 'blind',
    help: 'blind review: thoughts and controls without what the monitor said (kelvin review --blind); this window comes back after it',
  },
  {
    keys: ['A'],
    action: 'auditLog',
    contexts: ['safety'],
    help: 'the audit log in $PAGER (kelvin audit): what was decided, by whom and why',
  },
  { keys: ['D'], action: 'drill', contexts: ['safety'], help: 'drill: inject an alarming thought and see the run stop; asks first' },
  { keys: ['enter'], action: 'review', contexts: ['card'], hint: 'review', help: 'open the finding on the Safety screen' },
  { keys: ['z'], action: 'zoom', contexts: ['run'], hint: 'zoom', help: 'one chart over the whole screen; again: all charts' },
  { keys: ['h', 'left'], action: 'left', contexts: ['run', 'charts'], help: 'cursor left; on Run: the chart before' },
  { keys: ['l', 'right'], action: 'right', contexts: ['run', 'charts'], hint: 'cursor', help: 'cursor right; on Run: the next chart' },
  { keys: ['enter'], action: 'choose', contexts: ['models'], hint: 'fetch', help: 'fetch the model; one that is here: how to train it' },
  {
    keys: ['t'],
    action: 'chat',
    contexts: ['models', 'runs'],
    hint: 'try',
    help: 'try a prompt on the model, or on what the run has learned (kelvin chat)',
  },
  {
    keys: ['J'],
    action: 'judge',
    contexts: ['models'],
    hint: 'judge',
    help: 'make this model the judge of a run: copies the setting, which goes with kelvin train or resume',
  },
  { keys: ['y'], action: 'log', contexts: ['charts'], hint: 'log', help: 'logarithmic axis' },
  { keys: ['+', '='], action: 'zoomIn', contexts: ['charts'], hint: 'zoom', help: 'half as many steps, around the cursor' },
  { keys: ['-'], action: 'zoomOut', contexts: ['charts'], help: 'twice as many steps' },
  { keys: ['enter'], action: 'openRun', contexts: ['runs'], hint: 'open', help: 'show this run in the window' },
  {
    keys: ['m'],
    action: 'mark',
    contexts: ['runs'],
    hint: 'compare',
    help: 'mark the run: its settings and results stand beside those of the chosen one, its curves lie over Charts',
  },
  { keys: ['R'], action: 'resumeRun', contexts: ['runs'], hint: 'resume', help: 'give a run without a process one again; asks first' },
  { keys: ['X'], action: 'exportRun', contexts: ['runs'], help: 'write what the run has learned as a file (kelvin export)' },
  {
    keys: Object.values(SCREEN_KEYS),
    action: 'screen',
    contexts: ['screen', 'card', 'help'],
    help: `the screens: ${SCREENS.map((screen) => `${SCREEN_KEYS[screen]} ${SCREEN_TITLES[screen]}`).join(', ')}`,
  },
  { keys: ['p'], action: 'pause', contexts: ['screen'], hint: 'pause', help: 'pause the run before its next optimiser step' },
  {
    keys: ['r'],
    action: 'resume',
    contexts: ['screen', 'card'],
    hint: 'resume',
    help: 'resume a paused run; the reason goes into the audit log',
  },
  { keys: [':', 'ctrl+p'], action: 'palette', contexts: ['screen'], hint: 'command', help: 'every command, metric and step by name' },
  { keys: ['?'], action: 'help', contexts: ['screen', 'card', 'help'], hint: 'help', help: 'this help' },
  { keys: ['q'], action: 'quit', contexts: ['screen', 'card'], hint: 'quit', help: 'quit: asks whether the run goes on or stops' },
  { keys: ['q'], action: 'out', contexts: ['help'], help: 'close the help' },
  {
    keys: ['esc'],
    action: 'out',
    contexts: ['screen', 'card', 'help', 'quit', 'confirm', 'prompt', 'palette'],
    help: 'one layer out: dialog, zoom, pane, filter',
  },
  { keys: ['l', 'enter'], action: 'leave', contexts: ['quit'], hint: 'leave it running', help: 'close the window, the run goes on' },
  { keys: ['s'], action: 'stop', contexts: ['quit'], hint: 'stop it', help: 'stop the run with a checkpoint, then close' },
  { keys: ['c', 'n', 'q'], action: 'out', contexts: ['quit'], hint: 'cancel', help: 'stay' },
  { keys: ['y'], action: 'confirm', contexts: ['confirm'], hint: 'yes', help: 'do it' },
  { keys: ['n', 'q'], action: 'out', contexts: ['confirm'], hint: 'no', help: 'do not' },
  { keys: ['enter'], action: 'submit', contexts: ['prompt', 'palette'], hint: 'do it', help: 'send the text' },
  { keys: ['up', 'ctrl+p'], action: 'up', contexts: ['palette'], help: 'the command above' },
  { keys: ['down', 'ctrl+n'], action: 'down', contexts: ['palette'], help: 'the command below' },
  {
    keys: ['ctrl+z'],
    action: 'suspend',
    contexts: ['always'],
    help: 'put the window aside; fg brings it back, and the run goes on meanwhile',
  },
  { keys: ['ctrl+l'], action: 'repaint', contexts: ['always'], help: 'repaint the screen' },
  { keys: ['ctrl+c'], action: 'interrupt', contexts: ['always'], help: 'the quit question; a second time: close, the run goes on' },
];

let active: readonly Binding[] = BINDINGS;

/** The map in force: BINDINGS, with what a person's keys.json changes (ui/keymap.ts). */
export const bindings = (): readonly Binding[] => active;
export function setBindings(map: readonly Binding[]): void {
  active = map;
}

/** The binding of a key in the first context that knows it. */
export function lookup(contexts: readonly Context[], key: string): Binding | null {
  for (const context of contexts) {
    const found = active.find((binding) => binding.contexts.includes(context) && binding.keys.includes(key));
    if (found) return found;
  }
  return null;
}

const SHOWN: Readonly<Record<string, string>> = {
  ' ': 'Space', up: 'Up', down: 'Down', left: 'Left', right: 'Right', pageup: 'PgUp', pagedown: 'PgDn', home: 'Home', end: 'End',
  enter: 'Enter', esc: 'Esc', tab: 'Tab', 'shift+tab': 'Shift-Tab',
}; // prettier-ignore

/** A key as people read it: `PgDn`, `Ctrl-L`, `j`. */
export const keyLabel = (key: string): string => SHOWN[key] ?? (key.startsWith('ctrl+') ? `Ctrl-${key.slice(5).toUpperCase()}` : key);

/** Hints of the status bar for these contexts, most specific first, each key once. */
export function hints(contexts: readonly Context[]): { readonly key: string; readonly hint: string; readonly action: Action }[] {
  const seen = new Set<string>();
  const out: { key: string; hint: string; action: Action }[] = [];
  for (const context of contexts) {
    for (const binding of active) {
      const key = binding.keys[0]!;
      if (!binding.hint || !binding.contexts.includes(context) || seen.has(key)) continue;
      seen.add(key);
      out.push({ key: keyLabel(key), hint: binding.hint, action: binding.action });
    }
  }
  return out;
}

export interface HelpSection {
  readonly title: string;
  readonly rows: readonly { readonly keys: string; readonly help: string; readonly action: Action }[];
}

const SECTIONS: readonly (readonly [string, readonly Context[]])[] = [
  ['Everywhere', ['screen', 'always']],
  ['Lists and text', ['help']],
  ['Run', ['run']],
  ['Thoughts', ['thoughts']],
  ['Tasks', ['tasks']],
  ['Safety', ['safety', 'card']],
  ['Charts', ['charts']],
  ['Runs', ['runs']],
  ['Models', ['models']],
  ['Eval', ['eval']],
  ['Quit question', ['quit']],
];

/** The whole map, by place; a binding stands in the first place that has it. */
export function helpSections(): HelpSection[] {
  const seen = new Set<Binding>();
  return SECTIONS.map(([title, contexts]) => ({
    title,
    rows: active
      .filter((binding) => {
        if (seen.has(binding) || !binding.contexts.some((context) => contexts.includes(context))) return false;
        seen.add(binding);
        return true;
      })
      .map((binding) => ({ keys: binding.keys.map(keyLabel).join(' '), help: binding.help, action: binding.action })),
  }));
}

/** The parts of Ink's key object that matter here. */
export interface RawKey {
  readonly [name: string]: unknown;
}

const NAMED: readonly (readonly [string, string])[] = [
  ['upArrow', 'up'], ['downArrow', 'down'], ['leftArrow', 'left'], ['rightArrow', 'right'], ['pageUp', 'pageup'], ['pageDown', 'pagedown'],
  ['home', 'home'], ['end', 'end'], ['return', 'enter'], ['escape', 'esc'], ['backspace', 'backspace'], ['delete', 'delete'],
]; // prettier-ignore

/** Names of the keys in one input event. Fast typing arrives as one event of several characters; leftovers of unknown escape sequences and Alt chords name nothing. */
export function keyNames(input: string, key: RawKey): string[] {
  if (key['eventType'] === 'release') return [];
  const named = NAMED.find(([flag]) => key[flag] === true);
  if (named) return [named[1]];
  if (key['tab'] === true) return [key['shift'] === true ? 'shift+tab' : 'tab'];
  if (key['ctrl'] === true) return /^[a-z]$/.test(input) ? [`ctrl+${input}`] : [];
  // A terminal that answers late (colours, its name) presses no keys.
  if (/^\]\d+;|^\[\?[\d;]*c/.test(input)) return [];
  if (key['meta'] === true || /^(\[[\d;:<=>?]*[ -/]*[@-~]|O[A-Za-z])$/.test(input)) return [];
  return [...input].flatMap((char) => (char === '\r' || char === '\n' ? ['enter'] : char < ' ' || char === '\x7f' ? [] : [char]));
}
