import { findingLines, section, sideLines, thoughtLines } from './detail.ts';
import { reviewLines } from '../src/core/review.ts';
import { helpSections } from './keys.ts';
import { bodyRows } from './layout.ts';
import { findingsOf, pauseFinding } from './select.ts';
import type { AppState } from './store.ts';
import { fill, inline, pad, wrap } from './text.ts';
import type { Line } from './text.ts';
import type { Theme } from './theme.ts';

const STOPPED = 'The monitor stopped the run before its next update.';

/** Text of the help and of the evidence card, and their sizes; drawing and scrolling share them. */

export const helpWidth = (state: AppState): number => Math.min(100, state.size.columns);
export const cardWidth = (state: AppState): number => Math.min(160, state.size.columns);
/** Text rows of a dialog as high as the body. */
export const dialogRows = (state: AppState): number => bodyRows(state) - 2;

export function helpLines(state: AppState): Line[] {
  const width = helpWidth(state) - 4;
  const { theme } = state;
  return [...tourLines(width, theme), ...helpRows(width, theme)];
}

const TOUR = [
  '1 Run shows whether it learns; z enlarges a chart. 2 Thoughts shows what the model writes, live; l goes back in time.',
  '3 Tasks are what it invented. 5 Charts draws any figure: move the cursor, Enter lists the thoughts of that step.',
  '4 Safety is what the monitor found. When a run pauses, a card shows the words; r lets it go on, with your reason.',
  ': finds every command by name, / filters every list, Esc leads out, q leaves and the run goes on if you like.',
];

function tourLines(width: number, theme: Theme): Line[] {
  return [section('in twenty seconds', width, theme), ...TOUR.flatMap((text) => wrap([{ text }], width)), []];
}

function helpRows(width: number, theme: Theme): Line[] {
  return helpSections()
    .filter(({ rows }) => rows.length > 0)
    .flatMap(({ title, rows }): Line[] => [
      section(title, width, theme),
      ...rows.flatMap(({ keys, help }) => {
        const lines = wrap([{ text: help }], width - 21);
        return lines.map((line, index): Line => [{ text: pad(index === 0 ? `  ${keys}` : '', 21), tone: 'accent' }, ...line]);
      }),
      [],
    ]);
}

/** What was measured of the monitor, and what people have said of its findings so far. */
export function figureLines(state: AppState): Line[] {
  const width = helpWidth(state) - 4;
  const { view, theme } = state;
  const text = (line: string): Line[] => wrap([{ text: inline(line, theme.ascii) }], width);
  const measured = state.figures?.(view) ?? ['This window was not told what was measured: kelvin monitor policy shows it.'];
  const earned = reviewLines(view);
  return [
    ...measured.flatMap(text),
    [],
    section('from the reviews of this run', width, theme),
    ...(earned.length === 0 ? ['Nothing yet: labels of findings, and kelvin review --blind, earn precision and recall.'] : earned).flatMap(
      text,
    ),
  ];
}

/** The card of a pause that the monitor ordered: what was found, the words, and what a person can do. */
export function cardLines(state: AppState): Line[] {
  const { theme, view, cardRecord: record } = state;
  const width = cardWidth(state) - 4;
  const item = pauseFinding(state);
  const found = item ? findingsOf(view.flagged, item.rolloutId) : [];
  const cause =
    { finding: STOPPED, jump: STOPPED, user: '' }[view.pause?.cause as string] ??
    'The run stopped because its thoughts could not be read or recorded.';
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
