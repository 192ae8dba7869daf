import { escapeHtml } from '../export/html.ts';
import { curve } from './result.ts';
import type { CurvePoint, Group } from './result.ts';

/** Colours that stay apart for the colour-blind (Okabe and Ito 2008, and Paul Tol's muted set); dashes tell lines apart in print. */
const COLOURS = ['#0072b2', '#d55e00', '#009e73', '#cc79a7', '#b8860b', '#56b4e9', '#332288', '#882255'];
const DASHES = ['', '7 3', '2 3', '8 3 2 3', '1 4', '11 4', '4 2', '6 2 1 2'];
const PANEL = { width: 520, height: 260, left: 52, right: 14, top: 34, bottom: 34 };
const LINE = 18;

export interface Panel {
  readonly title: string;
  /** A metric that is a fraction. */
  readonly path: string;
}

/** Curves of each configuration, mean over seeds with a bar of one standard error each way; one panel a metric. Standalone SVG. */
export function curvesSvg(groups: readonly Group[], panels: readonly Panel[]): string {
  const { width, height } = PANEL;
  const legend = groups.map(({ label }, i) => legendLine(label, i, panels.length * height + 8 + LINE * i)).join('');
  const total = panels.length * height + LINE * groups.length + 20;
  const body = panels.map((panel, i) => `<g transform="translate(0 ${i * height})">${drawPanel(groups, panel)}</g>`).join('');
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${total}" width="${width}" height="${total}" font-family="sans-serif" font-size="11"><rect width="100%" height="100%" fill="#fff"/>${body}${legend}</svg>\n`;
}

const stroke = (index: number): string =>
  `stroke="${COLOURS[index % COLOURS.length]}" stroke-dasharray="${DASHES[index % DASHES.length]}" stroke-width="1.8" fill="none"`;

const legendLine = (label: string, index: number, y: number): string =>
  `<line x1="${PANEL.left}" x2="${PANEL.left + 34}" y1="${y}" y2="${y}" ${stroke(index)}/><text x="${PANEL.left + 42}" y="${y + 4}">${escapeHtml(label)}</text>`;

function drawPanel(groups: readonly Group[], { title, path }: Panel): string {
  const { width, height, left, right, top, bottom } = PANEL;
  const curves = groups.map((group) => curve(group, path));
  const points = curves.flat();
  const heading = `<text x="${left}" y="18" font-weight="bold">${escapeHtml(title)}</text>`;
  if (points.length === 0) return `${heading}<text x="${left}" y="${height / 2}">no evaluation yet</text>`;
  const last = Math.max(1, ...points.map(([step]) => step));
  const ends = points.flatMap(([, { mean, error }]) => [mean - (error ?? 0), mean + (error ?? 0)]);
  const low = Math.floor(20 * Math.min(...ends)) / 20;
  const high = Math.max(low + 0.05, Math.ceil(20 * Math.max(...ends)) / 20);
  const x = (step: number): number => left + (step / last) * (width - left - right);
  const y = (value: number): number => height - bottom - ((value - low) / (high - low)) * (height - bottom - top);
  const ticks = Array.from({ length: 5 }, (_, i) => low + (i * (high - low)) / 4)
    .map(
      (value) =>
        `<line x1="${left}" x2="${width - right}" y1="${y(value).toFixed(1)}" y2="${y(value).toFixed(1)}" stroke="#ddd"/>` +
        `<text x="${left - 6}" y="${(y(value) + 4).toFixed(1)}" text-anchor="end">${(100 * value).toFixed(1)} %</text>`,
    )
    .join('');
  const steps = [...new Set(points.map(([step]) => step))]
    .map((step) => `<text x="${x(step).toFixed(1)}" y="${height - bottom + 16}" text-anchor="middle">${step}</text>`)
    .join('');
  const lines = curves.map((line, i) => drawLine(line, i, x, y)).join('');
  return `${heading}${ticks}${steps}${lines}`;
}

function drawLine(points: readonly CurvePoint[], index: number, x: (step: number) => number, y: (value: number) => number): string {
  const colour = COLOURS[index % COLOURS.length];
  const path = points.map(([step, { mean }]) => `${x(step).toFixed(1)},${y(mean).toFixed(1)}`).join(' ');
  const bars = points
    .filter(([, { error }]) => error !== null && error > 0)
    .map(([step, { mean, error }]) => {
      const [a, b] = [y(mean - (error ?? 0)).toFixed(1), y(mean + (error ?? 0)).toFixed(1)];
      return `<line x1="${x(step).toFixed(1)}" x2="${x(step).toFixed(1)}" y1="${a}" y2="${b}" stroke="${colour}" stroke-width="1"/>`;
    })
    .join('');
  return `<polyline points="${path}" ${stroke(index)}/>${bars}`;
}
