import { widthOf } from '../text.ts';

/**
 * A drawn frame as cells: what is written for one screen is text with colours (SGR sequences) and line feeds, nothing else.
 * Sequences of any other kind would be a fault of ours; they are dropped.
 */
export interface Look {
  /** 0 … 15, the terminal's palette; null: the default colour. */
  readonly color: number | null;
  readonly background: number | null;
  readonly bold: boolean;
  readonly dim: boolean;
  readonly underline: boolean;
  readonly inverse: boolean;
}

export interface Cell {
  /** One grapheme. */
  readonly text: string;
  readonly column: number;
  /** Columns it takes: 1 or 2. */
  readonly width: number;
  readonly look: Look;
}

export const PLAIN_LOOK: Look = { color: null, background: null, bold: false, dim: false, underline: false, inverse: false };

function apply(look: Look, code: number): Look {
  if (code === 0) return PLAIN_LOOK;
  if (code === 1) return { ...look, bold: true };
  if (code === 2) return { ...look, dim: true };
  if (code === 22) return { ...look, bold: false, dim: false };
  if (code === 4) return { ...look, underline: true };
  if (code === 24) return { ...look, underline: false };
  if (code === 7) return { ...look, inverse: true };
  if (code === 27) return { ...look, inverse: false };
  if (code >= 30 && code <= 37) return { ...look, color: code - 30 };
  if (code >= 90 && code <= 97) return { ...look, color: code - 82 };
  if (code === 39) return { ...look, color: null };
  if (code >= 40 && code <= 47) return { ...look, background: code - 40 };
  if (code === 49) return { ...look, background: null };
  return look;
}

// eslint-disable-next-line no-control-regex
const SEQUENCE = /\x1b\[([\d;:<=>?]*)[ -/]*([@-~])|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|\x1b./g;

/** Rows of cells of a frame; a cell's column counts from 0. */
export function cellsOf(frame: string): Cell[][] {
  const graphemes = new Intl.Segmenter();
  let look = PLAIN_LOOK;
  return frame.split('\n').map((line) => {
    const row: Cell[] = [];
    let column = 0;
    const put = (text: string): void => {
      for (const { segment } of graphemes.segment(text)) {
        const width = Math.min(2, widthOf(segment));
        if (width === 0) continue;
        row.push({ text: segment, column, width, look });
        column += width;
      }
    };
    let at = 0;
    for (const match of line.matchAll(SEQUENCE)) {
      put(line.slice(at, match.index));
      at = match.index + match[0].length;
      if (match[2] === 'm') for (const code of (match[1] || '0').split(';')) look = apply(look, Number(code));
    }
    put(line.slice(at));
    return row;
  });
}

/** The frame without its colours. */
export const plainText = (frame: string): string =>
  cellsOf(frame)
    .map((row) =>
      row
        .map((cell) => cell.text)
        .join('')
        .trimEnd(),
    )
    .join('\n');
