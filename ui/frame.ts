import { above, centred } from './blocks.ts';
import type { Block } from './blocks.ts';
import { header, statusBar } from './components/chrome.ts';
import { card, confirm, help, quit } from './components/dialogs.ts';
import { palette } from './components/palette.ts';
import type { ScreenName } from './keys.ts';
import { MIN_COLUMNS, MIN_ROWS, tooSmall, usableRows } from './layout.ts';
import { chartsScreen } from './screens/charts.ts';
import { evalScreen } from './screens/eval.ts';
import { machineScreen } from './screens/machine.ts';
import { modelsScreen } from './screens/models.ts';
import { runScreen } from './screens/run.ts';
import { runsScreen } from './screens/runs.ts';
import { safetyScreen } from './screens/safety.ts';
import { tasksScreen } from './screens/tasks.ts';
import { thoughtsScreen } from './screens/thoughts.ts';
import { cardOpen } from './select.ts';
import type { AppState } from './store.ts';
import { truncate } from './text.ts';

const SCREEN: Readonly<Record<ScreenName, (state: AppState) => Block>> = {
  run: runScreen,
  thoughts: thoughtsScreen,
  tasks: tasksScreen,
  safety: safetyScreen,
  charts: chartsScreen,
  runs: runsScreen,
  models: modelsScreen,
  eval: evalScreen,
  machine: machineScreen,
};

function body(state: AppState): Block {
  const { modal } = state;
  if (modal?.kind === 'help' || modal?.kind === 'figures') return help(state, modal.scroll, modal.kind === 'figures');
  if (modal?.kind === 'quit') return quit(state);
  if (modal?.kind === 'palette') return palette(state, modal);
  if (modal?.kind === 'confirm') return confirm(state, modal.what);
  if (cardOpen(state)) return card(state);
  return SCREEN[state.screen](state);
}

function apology({ size: { columns, rows }, modal, theme }: AppState): Block {
  const texts = [
    `This window is ${columns} x ${rows}.`,
    `Kelvin needs ${MIN_COLUMNS} x ${MIN_ROWS}: make it larger.`,
    modal?.kind === 'quit' ? 'Quit? l leaves the run running, s stops it.' : 'The run goes on. q quits.',
  ];
  const lines = texts.flatMap((text) => centred([[{ text: truncate(text, columns, theme.glyphs.ellipsis) }]], columns, 1));
  return centred(lines, columns, Math.max(1, rows));
}

/** One whole screen, from the state alone: a line for each row of the terminal. */
export const frameOf = (state: AppState): Block =>
  tooSmall(state.size) ? apology(state) : above(header(state), body(state), statusBar(state)).slice(0, usableRows(state));
