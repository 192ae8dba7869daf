import { Box } from 'ink';
import { findingLines, section, sideLines, thoughtLines } from '../detail.ts';
import { helpSections } from '../keys.ts';
import { bodyRows, clampScroll } from '../layout.ts';
import { findingsOf, pauseFinding } from '../select.ts';
import type { AppState } from '../store.ts';
import { fill, inline, pad, wrap } from '../text.ts';
import type { Line } from '../text.ts';
import type { RolloutRecord } from '../../src/core/events.ts';
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

export function helpLines(state: AppState, width: number): Line[] {
  const { theme } = state;
  return helpSections().flatMap(({ title, rows }): Line[] => [
    section(title, width, theme),
    ...rows.flatMap(({ keys, help }) => {
      const lines = wrap([{ text: help }], width - 21);
      return lines.map((line, index): Line => [{ text: pad(index === 0 ? `  ${keys}` : '', 21), tone: 'accent' }, ...line]);
    }),
    [],
  ]);
}

export function Help({ state, scroll }: { readonly state: AppState; readonly scroll: number }) {
  const width = Math.min(100, state.size.columns);
  const height = bodyRows(state);
  const lines = helpLines(state, width - 4);
  const from = clampScroll(scroll, lines.length, height - 2);
  return (
    <Centred state={state} width={width} height={height}>
      <Panel
        title="Keys"
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

export const Confirm = ({ state }: { readonly state: AppState }) => (
  <Question
    state={state}
    title="Drill?"
    lines={[
      ...wrap(
        [
          {
            text: 'An alarming thought is injected into the running step. The run must pause before its next update, and a person resumes it with a reason.',
          },
        ],
        60,
      ),
      [],
      choice('y', 'inject it'),
      choice('n or Esc', 'do not'),
    ]}
  />
);

/** The card of a pause that the monitor ordered: what was found, the words, and what a person can do. */
export function cardLines(state: AppState, record: RolloutRecord | null, width: number): Line[] {
  const { theme, view } = state;
  const item = pauseFinding(state);
  const found = item ? findingsOf(view.flagged, item.rolloutId) : [];
  const cause =
    view.pause?.cause === 'finding'
      ? 'The monitor stopped the run before its next update.'
      : 'The run stopped because its thoughts could not be read or recorded.';
  const head: Line[] = [
    ...wrap(
      [{ text: cause, tone: 'strong' }, { text: ` Step ${view.pause?.step ?? '?'}: ${inline(view.pause?.reason ?? '', theme.ascii)}` }],
      width,
    ),
    ...(item ? findingLines(item, theme, width) : []),
    ...wrap(
      [{ text: 'It stays paused until a person resumes it with a reason. The finding changes no reward and no update.', tone: 'muted' }],
      width,
    ),
  ];
  if (!record) return head;
  if (width < 100) return [...head, ...thoughtLines(record, found, theme, width), ...sideLines(record, found, theme, width)];
  // Room enough: the thought on the left, what it led to on the right.
  const left = Math.ceil((width - 2) / 2);
  const thought = thoughtLines(record, found, theme, left);
  const side = sideLines(record, found, theme, width - left - 2);
  const rows = Array.from({ length: Math.max(thought.length, side.length) }, (_, at): Line => [
    ...fill(thought[at] ?? [], left),
    { text: '  ' },
    ...(side[at] ?? []),
  ]);
  return [...head, ...rows];
}

export function Card({ state, record }: { readonly state: AppState; readonly record: RolloutRecord | null }) {
  const width = Math.min(160, state.size.columns);
  const lines = cardLines(state, record, width - 4);
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
