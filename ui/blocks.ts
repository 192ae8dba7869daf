import { fill, truncate, widthOf } from './text.ts';
import type { Line, Span } from './text.ts';
import type { Theme, Tone } from './theme.ts';

/** A rectangle of text: each line takes the block's whole width. A screen is blocks beside and above each other. */
export type Block = readonly Line[];

export interface PanelProps {
  readonly title: string;
  /** Shown at the right end of the title row, dropped when it does not fit. */
  readonly note?: string | undefined;
  readonly width: number;
  readonly height: number;
  readonly focused?: boolean | undefined;
  readonly alert?: boolean | undefined;
  readonly theme: Theme;
  readonly lines: readonly Line[];
}

const repeated = (line: Line, times: number): Line[] => Array.from({ length: Math.max(0, times) }, () => line);

const blank = (columns: number): Line => (columns > 0 ? [{ text: ' '.repeat(columns) }] : []);

/** A bordered pane with its title in the border and one blank column on either side. Titles are sanitised by the caller. */
export function panel({ title, note = '', width, height, focused = false, alert = false, theme, lines }: PanelProps): Block {
  const border = alert ? theme.glyphs.alert : theme.glyphs.border;
  const tone: Tone = alert ? 'bad' : focused ? 'accent' : 'muted';
  const shown = truncate(title, width - 6, theme.glyphs.ellipsis);
  const room = width - widthOf(shown) - 6;
  const right = note !== '' && widthOf(note) + 3 <= room ? ` ${note} ${border.top}` : '';
  const head: Line = [
    { text: `${border.topLeft}${border.top} `, tone },
    { text: shown, tone: focused || alert ? tone : 'plain', bold: true },
    { text: ` ${border.top.repeat(Math.max(0, room + 1 - widthOf(right)))}`, tone },
    ...(right === '' ? [] : [{ text: right, tone: 'muted' } satisfies Span]),
    { text: border.topRight, tone },
  ];
  const before: Line = [{ text: border.left, tone }, { text: ' ' }];
  const after: Line = [{ text: ' ' }, { text: border.right, tone }];
  const rows = Math.max(0, height - 2);
  const empty: Line = [{ text: border.left, tone }, ...blank(width - 2), { text: border.right, tone }];
  const foot: Line = [{ text: `${border.bottomLeft}${border.bottom.repeat(Math.max(0, width - 2))}${border.bottomRight}`, tone }];
  const body = lines.slice(0, rows).map((line): Line => [...before, ...fill(line, width - 4), ...after]);
  return [head, ...body, ...repeated(empty, rows - body.length), foot].slice(0, Math.max(0, height));
}

export const space = (width: number, height: number): Block => repeated(blank(width), height);

/** Blocks of one height, from left to right. */
export const beside = (...blocks: readonly Block[]): Block =>
  blocks.length === 1 ? blocks[0]! : (blocks[0] ?? []).map((_, row) => blocks.flatMap((block) => block[row] ?? []));

export const above = (...blocks: readonly Block[]): Block => blocks.flat();

/** The block in the middle of a rectangle; `high`: at its upper edge. */
export function centred(block: Block, width: number, height: number, high = false): Block {
  const own = block.reduce(
    (most, line) =>
      Math.max(
        most,
        line.reduce((sum, span) => sum + widthOf(span.text), 0),
      ),
    0,
  );
  const left = blank(Math.floor((width - own) / 2));
  const top = high ? 0 : Math.max(0, Math.floor((height - block.length) / 2));
  const rows = block.map((line) => fill([...left, ...line], width));
  return above(space(width, top), rows, space(width, height - top - rows.length)).slice(0, height);
}
