import type { Cell, Look } from './cells.ts';
import { cellsOf } from './cells.ts';

/**
 * A frame as an SVG picture that looks the same everywhere: charts (braille), borders and bars are drawn as strokes, so no font has
 * to hold them, and every run of letters is put on its column. No scripts, links, styles or fonts from elsewhere.
 */
const WIDTH = 10;
const HEIGHT = 20;
const MARGIN = 10;

interface Palette {
  readonly paper: string;
  readonly ink: string;
  /** The 16 colours of a terminal. */
  readonly colors: readonly string[];
}

const PALETTES: Readonly<Record<'dark' | 'light', Palette>> = {
  dark: {
    paper: '#10141c', ink: '#d7dce5',
    colors: ['#3a4150', '#ff6b6b', '#7bd88f', '#f2c55c', '#6ea8fe', '#d79bff', '#5ad4e6', '#d7dce5', '#7d8798', '#ff8585', '#98e6a8', '#ffd97a', '#93c0ff', '#e4b9ff', '#83e4f2', '#ffffff'],
  },
  light: {
    paper: '#ffffff', ink: '#1f2530',
    colors: ['#1f2530', '#b3261e', '#1a7f37', '#8a6100', '#0b57d0', '#8b2fc9', '#00707f', '#5b6472', '#6b7280', '#c5362c', '#238a44', '#9a6d00', '#1f6feb', '#9a44d6', '#007f90', '#1f2530'],
  },
}; // prettier-ignore

/** Strokes of a cell's character, from the cell's upper left corner. */
const STROKES: Readonly<Record<string, string>> = {
  '─': 'm0 10h10', '│': 'm5 0v20', '╭': 'm5 20v-5q0 -5 5 -5', '╮': 'm0 10q5 0 5 5v5', '╰': 'm5 0v5q0 5 5 5', '╯': 'm0 10q5 0 5 -5v-5',
  '┤': 'm5 0v20m0 -10h-5', '├': 'm5 0v20m0 -10h5', '┴': 'm0 10h10m-5 0v-10', '┬': 'm0 10h10m-5 0v10', '┼': 'm0 10h10m-5 -10v20', '└': 'm5 0v10h5',
  '═': 'm0 8h10m-10 4h10', '║': 'm3 0v20m4 -20v20', '╔': 'm3 20v-12h7m-3 12v-8h3', '╗': 'm0 8h7v12m-7 -8h3v8', '╚': 'm3 0v12h7m-3 -12v8h3', '╝': 'm0 12h7v-12m-7 8h3v-8',
}; // prettier-ignore

const DOT_X = [3, 8] as const;
const DOT_Y = [3, 8, 13, 18] as const;
const BITS = [
  [0x01, 0x02, 0x04, 0x40],
  [0x08, 0x10, 0x20, 0x80],
] as const;

/** The dots of a braille character as strokes; dots that stand over each other become one. */
function brailleStrokes(bits: number, x: number, y: number): string {
  let out = '';
  BITS.forEach((column, side) => {
    for (let from = 0; from < 4; from++) {
      if (!(bits & column[from]!)) continue;
      let to = from;
      while (to < 3 && bits & column[to + 1]!) to++;
      out += `M${x + DOT_X[side]!} ${y + DOT_Y[from]!}v${DOT_Y[to]! - DOT_Y[from]!}`;
      from = to;
    }
  });
  return out;
}

const escape = (text: string): string =>
  text
    .toWellFormed()
    .replaceAll(/\p{Cc}/gu, '\ufffd')
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;');

const isLetter = (cell: Cell | undefined): boolean => {
  const code = cell?.text.codePointAt(0) ?? 0;
  return code > 0x20 && code < 0x250;
};

interface Box {
  readonly x: number;
  readonly y: number;
  width: number;
  readonly height: number;
  readonly color: string;
  readonly opacity: number;
}

class Canvas {
  readonly #palette: Palette;
  readonly #paths = new Map<string, string[]>();
  readonly #dots = new Map<string, string[]>();
  readonly #boxes: Box[] = [];
  readonly #texts: string[] = [];

  constructor(palette: Palette) {
    this.#palette = palette;
  }

  #colors(look: Look): { readonly front: string; readonly back: string | null } {
    const { colors, ink, paper } = this.#palette;
    const front = look.color === null ? ink : colors[look.color]!;
    const back = look.background === null ? null : colors[look.background]!;
    return look.inverse ? { front: back ?? paper, back: front } : { front, back };
  }

  row(cells: readonly Cell[], y: number): void {
    let run: Cell[] = [];
    const flush = (): void => {
      if (run.length > 0) this.#text(run, y);
      run = [];
    };
    cells.forEach((cell, index) => {
      const { front, back } = this.#colors(cell.look);
      const x = MARGIN + cell.column * WIDTH;
      if (back) this.#box(x, y, cell.width, back);
      const code = cell.text.codePointAt(0)!;
      const strokes = STROKES[cell.text];
      // A run of letters has one look and no gap wider than one blank: it stays on its columns in any font.
      const joins = run.at(-1)?.look === cell.look && (isLetter(cell) || (cell.text === ' ' && isLetter(cells[index + 1])));
      if (!joins) flush();
      if (joins || isLetter(cell)) run.push(cell);
      else if (code >= 0x2800 && code <= 0x28ff) this.#add(this.#dots, front, brailleStrokes(code - 0x2800, x, y));
      else if (strokes) this.#add(this.#paths, front, `M${x} ${y}${strokes}`);
      else if (cell.text === '█' || cell.text === '░') this.#box(x, y + 4, cell.width, front, cell.text === '░' ? 0.25 : 1, HEIGHT - 8);
      else if (cell.text.trim() !== '') this.#text([cell], y);
    });
    flush();
  }

  #add(map: Map<string, string[]>, color: string, path: string): void {
    const list = map.get(color);
    if (list) list.push(path);
    else map.set(color, [path]);
  }

  #box(x: number, y: number, columns: number, color: string, opacity = 1, height = HEIGHT): void {
    const last = this.#boxes.at(-1);
    const goesOn = last && last.x + last.width === x && last.y === y && last.color === color && last.opacity === opacity;
    // One box for neighbours: two would show a seam.
    if (goesOn) last.width += columns * WIDTH;
    else this.#boxes.push({ x, y, width: columns * WIDTH, height, color, opacity });
  }

  #text(cells: readonly Cell[], y: number): void {
    const first = cells[0]!;
    const columns = cells.reduce((sum, cell) => sum + cell.width, 0);
    const { look } = first;
    const bold = look.bold ? ' font-weight="700"' : '';
    const dim = look.dim ? ' fill-opacity="0.6"' : '';
    const line = look.underline ? ' text-decoration="underline"' : '';
    const text = escape(cells.map((cell) => cell.text).join(''));
    this.#texts.push(
      `<text x="${MARGIN + first.column * WIDTH}" y="${y + 15}" textLength="${columns * WIDTH}" lengthAdjust="spacingAndGlyphs" fill="${this.#colors(look).front}"${bold}${dim}${line}>${text}</text>`,
    );
  }

  toString(): string {
    const paths = [...this.#paths].map(([color, list]) => `<path d="${list.join('')}" stroke="${color}" stroke-width="1.3"/>`);
    const dots = [...this.#dots].map(
      ([color, list]) => `<path d="${list.join('')}" stroke="${color}" stroke-width="2.6" stroke-linecap="round"/>`,
    );
    return [
      ...this.#boxes.map(
        ({ x, y, width, height, color, opacity }) =>
          `<rect x="${x}" y="${y}" width="${width}" height="${height}" fill="${color}"${opacity === 1 ? '' : ` fill-opacity="${opacity}"`}/>`,
      ),
      `<g fill="none">${[...paths, ...dots].join('\n')}</g>`,
      `<g xml:space="preserve">${this.#texts.join('\n')}</g>`,
    ].join('\n');
  }
}

/** @param frame one drawn screen, text with SGR sequences. `title` is read aloud by screen readers. */
export function svgOf(
  frame: string,
  size: { readonly columns: number; readonly rows: number },
  theme: 'dark' | 'light',
  title: string,
): string {
  const palette = PALETTES[theme];
  const canvas = new Canvas(palette);
  cellsOf(frame)
    .slice(0, size.rows)
    .forEach((row, y) => canvas.row(row, MARGIN + y * HEIGHT));
  const [width, height] = [size.columns * WIDTH + 2 * MARGIN, size.rows * HEIGHT + 2 * MARGIN];
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" role="img" font-family="ui-monospace, 'JetBrains Mono', 'DejaVu Sans Mono', Menlo, Consolas, monospace" font-size="16">`,
    `<title>${escape(title)}</title>`,
    `<rect width="${width}" height="${height}" rx="8" fill="${palette.paper}"/>`,
    canvas.toString(),
    '</svg>\n',
  ].join('\n');
}
