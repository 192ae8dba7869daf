import { Box } from 'ink';
import { cardLines, cardWidth, figureLines, helpLines, helpWidth } from '../dialogs.ts';
import { bodyRows, clampScroll } from '../layout.ts';
import { pauseFinding } from '../select.ts';
import type { AppState } from '../store.ts';
import { pad, wrap } from '../text.ts';
import type { Line } from '../text.ts';
import { Panel } from './Panel.tsx';

/** What covers the screen: help, questions, the evidence card. */

function Centred({
  state,
  children,
  width,
  height,
}: {
  readonly state: AppState;
  readonly children: React.ReactNode;
  readonly width: number;
  readonly height: number;
}) {
  const rows = bodyRows(state);
  return (
    <Box
      height={rows}
      width={state.size.columns}
      paddingTop={Math.max(0, Math.floor((rows - height) / 2))}
      paddingLeft={Math.max(0, Math.floor((state.size.columns - width) / 2))}
    >
      {children}
    </Box>
  );
}

export function Help({
  state,
  scroll,
  figures = false,
}: {
  readonly state: AppState;
  readonly scroll: number;
  readonly figures?: boolean;
}) {
  const width = helpWidth(state);
  const height = bodyRows(state);
  const lines = figures ? figureLines(state) : helpLines(state);
  const from = clampScroll(scroll, lines.length, height - 2);
  return (
    <Centred state={state} width={width} height={height}>
      <Panel
        title={figures ? 'What was measured of the monitor' : 'Keys'}
        note={`${from + 1}-${Math.min(lines.length, from + height - 2)} of ${lines.length}`}
        width={width}
        height={height}
        focused
        theme={state.theme}
        lines={lines.slice(from)}
      />
    </Centred>
  );
}

function Question({ state, title, lines }: { readonly state: AppState; readonly title: string; readonly lines: readonly Line[] }) {
  const width = 64;
  return (
    <Centred state={state} width={width} height={lines.length + 2}>
      <Panel title={title} width={width} height={lines.length + 2} focused theme={state.theme} lines={lines} />
    </Centred>
  );
}

const choice = (key: string, text: string): Line => [{ text: pad(key, 12), tone: 'accent' }, { text }];

export const Quit = ({ state }: { readonly state: AppState }) => (
  <Question
    state={state}
    title="Quit?"
    lines={[
      choice('l or Enter', 'close the window, leave the run running'),
      choice('s', 'stop the run (it writes a checkpoint first)'),
      choice('c or Esc', 'stay'),
    ]}
  />
);

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

export const Confirm = ({ state, what }: { readonly state: AppState; readonly what: keyof typeof CONFIRM }) => (
  <Question
    state={state}
    title={CONFIRM[what].title}
    lines={[...wrap([{ text: CONFIRM[what].text }], 60), [], choice('y', CONFIRM[what].yes), choice('n or Esc', 'do not')]}
  />
);

export function Card({ state }: { readonly state: AppState }) {
  const width = cardWidth(state);
  const lines = cardLines(state);
  const height = Math.min(bodyRows(state), lines.length + 2);
  const from = clampScroll(state.cardScroll, lines.length, height - 2);
  const item = pauseFinding(state);
  const title = item ? `PAUSED: severity ${item.finding.severity}, ${item.finding.category}` : `PAUSED: ${state.view.pause?.cause ?? ''}`;
  const note = lines.length > height - 2 ? `${from + 1}-${from + height - 2} of ${lines.length}` : '';
  return (
    <Centred state={state} width={width} height={height}>
      <Panel title={title} note={note} width={width} height={height} alert theme={state.theme} lines={lines.slice(from)} />
    </Centred>
  );
}
