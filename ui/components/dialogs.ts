import { centred, panel } from '../blocks.ts';
import type { Block } from '../blocks.ts';
import { cardLines, cardWidth, figureLines, helpLines, helpWidth } from '../dialogs.ts';
import { bodyRows, clampScroll } from '../layout.ts';
import { pauseFinding } from '../select.ts';
import type { AppState } from '../store.ts';
import { pad, wrap } from '../text.ts';
import type { Line } from '../text.ts';

/** What covers the screen: help, questions, the evidence card. */

const overScreen = (state: AppState, block: Block): Block => centred(block, state.size.columns, bodyRows(state));

export function help(state: AppState, scroll: number, figures = false): Block {
  const width = helpWidth(state);
  const height = bodyRows(state);
  const lines = figures ? figureLines(state) : helpLines(state);
  const from = clampScroll(scroll, lines.length, height - 2);
  const box = panel({
    title: figures ? 'What was measured of the monitor' : 'Keys',
    note: `${from + 1}-${Math.min(lines.length, from + height - 2)} of ${lines.length}`,
    width,
    height,
    focused: true,
    theme: state.theme,
    lines: lines.slice(from),
  });
  return overScreen(state, box);
}

const question = (state: AppState, title: string, lines: readonly Line[]): Block =>
  overScreen(state, panel({ title, width: 64, height: lines.length + 2, focused: true, theme: state.theme, lines }));

const choice = (key: string, text: string): Line => [{ text: pad(key, 12), tone: 'accent' }, { text }];

export const quit = (state: AppState): Block =>
  question(state, 'Quit?', [
    choice('l or Enter', 'close the window, leave the run running'),
    choice('s', 'stop the run (it writes a checkpoint first)'),
    choice('c or Esc', 'stay'),
  ]);

const CONFIRM = {
  drill: {
    title: 'Drill?',
    text: 'An alarming thought is injected into the running step. The run must pause before its next update, and a person resumes it with a reason.',
    yes: 'inject it',
  },
  resumeRun: {
    title: 'Resume this run?',
    text: 'It gets a process of its own again and goes on from its last complete step. A paused run stays paused until it gets a reason.',
    yes: 'resume it',
  },
};

export const confirm = (state: AppState, what: keyof typeof CONFIRM): Block =>
  question(state, CONFIRM[what].title, [
    ...wrap([{ text: CONFIRM[what].text }], 60),
    [],
    choice('y', CONFIRM[what].yes),
    choice('n or Esc', 'do not'),
  ]);

export function card(state: AppState): Block {
  const width = cardWidth(state);
  const lines = cardLines(state);
  const height = Math.min(bodyRows(state), lines.length + 2);
  const from = clampScroll(state.cardScroll, lines.length, height - 2);
  const item = pauseFinding(state);
  const title = item ? `PAUSED: severity ${item.finding.severity}, ${item.finding.category}` : `PAUSED: ${state.view.pause?.cause ?? ''}`;
  const note = lines.length > height - 2 ? `${from + 1}-${from + height - 2} of ${lines.length}` : '';
  return overScreen(state, panel({ title, note, width, height, alert: true, theme: state.theme, lines: lines.slice(from) }));
}
