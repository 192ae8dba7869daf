import { escapeHtml } from './html.ts';

export interface Series {
  readonly label: string;
  /** [x, y], x ascending. */
  readonly points: readonly (readonly [number, number])[];
}

/** Colours that stay apart for the colour-blind (Okabe and Ito 2008); the dashes tell lines apart in print. */
const COLOURS = ['#0072b2', '#d55e00', '#009e73', '#cc79a7', '#e69f00', '#56b4e9'];
const DASHES = ['', '6 3', '2 3', '8 3 2 3', '1 4', '10 4'];
const WIDTH = 460;
const HEIGHT = 190;
const LEFT = 56;
const BOTTOM = 24;
const TOP = 10;
const RIGHT = 10;
/** More points than this are drawn as the least and the greatest of each column, so that a spike stays. */
const MOST = 600;

const short = (value: number): string =>
  value === 0 ? '0' : Math.abs(value) >= 1e5 || Math.abs(value) < 1e-3 ? value.toExponential(1) : String(Number(value.toPrecision(4)));

/** Least and greatest value of each of MOST / 2 columns, in order. */
function thin(points: Series['points']): Series['points'] {
  if (points.length <= MOST) return points;
  const width = Math.ceil(points.length / (MOST / 2));
  const out: (readonly [number, number])[] = [];
  for (let from = 0; from < points.length; from += width) {
    const column = points.slice(from, from + width);
    const sorted = [...column].sort((a, b) => a[1] - b[1]);
    const ends = [sorted[0]!, sorted.at(-1)!];
    out.push(...(ends[0]![0] <= ends[1]![0] ? ends : ends.reverse()));
  }
  return out;
}

/** A line chart as inline SVG, with a legend below; values that are not finite leave a gap. Null when no series has a value. */
export function chart(title: string, series: readonly Series[]): string | null {
  const finite = series
    .map(({ label, points }) => ({ label, points: thin(points.filter(([, y]) => Number.isFinite(y))) }))
    .filter(({ points }) => points.length > 0);
  if (finite.length === 0) return null;
  const all = finite.flatMap(({ points }) => points);
  const bounds = (at: 0 | 1): readonly [number, number] => {
    const values = all.map((point) => point[at]);
    const [low, high] = values.reduce(([a, b], value) => [Math.min(a, value), Math.max(b, value)], [Infinity, -Infinity]);
    return low === high ? [low! - 0.5, high! + 0.5] : [low!, high!];
  };
  const [left, right] = bounds(0);
  const [low, high] = bounds(1);
  const x = (value: number): string => (LEFT + ((value - left) / (right - left)) * (WIDTH - LEFT - RIGHT)).toFixed(1);
  const y = (value: number): string => (HEIGHT - BOTTOM - ((value - low) / (high - low)) * (HEIGHT - BOTTOM - TOP)).toFixed(1);
  const ticks = [low, (low + high) / 2, high]
    .map(
      (value) =>
        `<line class="grid" x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${y(value)}" y2="${y(value)}"/>` +
        `<text x="${LEFT - 6}" y="${y(value)}" dy="4" text-anchor="end">${short(value)}</text>`,
    )
    .join('');
  const steps =
    `<text x="${LEFT}" y="${HEIGHT - 6}">step ${short(Math.ceil(left))}</text>` +
    `<text x="${WIDTH - RIGHT}" y="${HEIGHT - 6}" text-anchor="end">${short(Math.floor(right))}</text>`;
  const lines = finite
    .map(({ points }, index) => {
      const style = `stroke="${COLOURS[index % COLOURS.length]}" stroke-dasharray="${DASHES[index % DASHES.length]}"`;
      const path = points.map(([px, py]) => `${x(px)},${y(py)}`).join(' ');
      const dot =
        points.length === 1
          ? `<circle cx="${x(points[0]![0])}" cy="${y(points[0]![1])}" r="3" fill="${COLOURS[index % COLOURS.length]}"/>`
          : '';
      return `<polyline class="line" ${style} points="${path}"/>${dot}`;
    })
    .join('');
  const legend = finite
    .map(({ label, points }, index) => {
      const swatch = `<svg width="26" height="8" aria-hidden="true"><line class="line" x1="0" x2="26" y1="4" y2="4" stroke="${COLOURS[index % COLOURS.length]}" stroke-dasharray="${DASHES[index % DASHES.length]}"/></svg>`;
      return `<span>${swatch} ${escapeHtml(label)} <b>${short(points.at(-1)![1])}</b></span>`;
    })
    .join(' ');
  const name = escapeHtml(title);
  return `<figure><figcaption>${name}</figcaption><svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${name}"><title>${name}</title>${ticks}${steps}${lines}</svg><div class="legend">${legend}</div></figure>`;
}
