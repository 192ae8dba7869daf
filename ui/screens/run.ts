import { COMPARED } from '../../src/core/collapse.ts';
import type { CollapseLevel } from '../../src/core/collapse.ts';
import type { Phase } from '../../src/core/events.ts';
import type { RunView } from '../../src/core/fold.ts';
import { riskOf } from '../../src/core/health.ts';
import { above, beside, panel, space } from '../blocks.ts';
import type { Block } from '../blocks.ts';
import { chart, extent, short } from '../chart.ts';
import type { Series } from '../chart.ts';
import { bodyRows } from '../layout.ts';
import { byType, heldout, latest, values } from '../select.ts';
import type { AppState } from '../store.ts';
import { fit, lineWidth, pad, sanitise, truncate, wrap } from '../text.ts';
import type { Line, Span } from '../text.ts';
import type { Theme, Tone } from '../theme.ts';

/** Screen 1: is it learning, is it healthy, where is it now. */

interface ChartSpec {
  readonly title: string;
  readonly series: (steps: RunView['steps']) => Series[];
  /** Fractions share the axis 0 … 1, so that panels compare at a glance. */
  readonly low?: number;
  readonly high?: number;
  readonly format: (value: number) => string;
}

const whole = (value: number): string => (Number.isFinite(value) ? `${Math.round(value * 100)}%` : '-');
const one = (path: string, tone: Tone, label: string) => (steps: RunView['steps']) =>
  [{ values: values(steps, path), tone, label }].filter((s) => s.values.some(Number.isFinite));
const types = (prefix: string) => (steps: RunView['steps']) => byType(steps, prefix);

/** In order of importance: a small terminal shows the first ones. */
export const CHARTS: readonly ChartSpec[] = [
  { title: 'solve accuracy', series: types('accuracy/solve'), low: 0, high: 1, format: whole },
  { title: 'learnability', series: types('learnability'), low: 0, format: short },
  { title: 'valid proposals', series: types('valid/propose'), low: 0, high: 1, format: whole },
  { title: 'solve reward', series: types('reward/solve'), format: short },
  { title: 'thought length', series: types('length/solve'), format: short },
  { title: 'tokens/s', series: one('throughput/tokens_per_second', 'accent', 'tok/s'), low: 0, format: short },
  { title: 'seconds a step', series: one('time/step', 'accent', 's'), low: 0, format: short },
  { title: 'well-formed answers', series: types('format/solve'), low: 0, high: 1, format: whole },
  { title: 'propose reward', series: types('reward/propose'), format: short },
  { title: 'entropy', series: one('entropy', 'accent', 'nats'), format: short },
  { title: 'gradient norm', series: one('optim/grad_norm', 'accent', 'norm'), low: 0, format: short },
  { title: 'task buffer', series: types('buffer'), low: 0, format: short },
  { title: 'mismatch KL', series: one('mismatch/kl', 'accent', 'nats'), format: short },
  { title: 'memory', series: one('memory/rss_mb', 'accent', 'MB'), low: 0, format: short },
];

/** A run does not fill its charts before this many steps. */
const YOUNG = 12;

function legend(series: readonly Series[], spec: ChartSpec, width: number): Line {
  const spans = (label: (s: Series) => string, gap: string): Line =>
    series.flatMap((s, index): Span[] => [
      { text: `${index === 0 ? '' : gap}${label(s)} `, tone: 'muted' },
      { text: spec.format(s.values.findLast(Number.isFinite) ?? NaN), tone: s.tone },
    ]);
  const long = spans((s) => s.label, '  ');
  return lineWidth(long) <= width
    ? long
    : fit(
        spans((s) => s.label[0]!.toUpperCase(), ' '),
        width,
      );
}

export function chartLines(spec: ChartSpec, steps: RunView['steps'], width: number, height: number, theme: Theme): Line[] {
  const series = spec.series(steps);
  if (!extent(series)) return [[{ text: 'after the first step', tone: 'muted' }]];
  // Fixed bounds give way to values beyond them: nothing is drawn where it is not.
  const [least, most] = extent(series)!;
  const low = spec.low === undefined ? undefined : Math.min(spec.low, least);
  const high = spec.high === undefined ? undefined : Math.max(spec.high, most);
  return [legend(series, spec, width), ...chart(series, width, height - 1, theme, { low, high, domain: YOUNG, format: spec.format })];
}

const PHASES: readonly Phase[] = ['propose', 'validate', 'solve', 'verify', 'gate', 'update', 'checkpoint'];

export function progressBar(fraction: number, width: number, theme: Theme): Line {
  const full = Math.round(Math.max(0, Math.min(1, fraction)) * width);
  return [
    { text: theme.glyphs.full.repeat(full), tone: 'accent' },
    { text: theme.glyphs.empty.repeat(width - full), tone: 'muted' },
  ];
}

const RISK_TONE: Readonly<Record<CollapseLevel, Tone>> = { low: 'good', raised: 'warn', high: 'bad' };

/** How near self-play is to collapsing (src/core/collapse.ts); nothing until there are steps to compare. */
function riskSpans(steps: RunView['steps']): Line {
  if (steps.length < COMPARED) return [];
  const { risk, level } = riskOf(steps);
  return [
    { text: 'collapse risk ', tone: 'muted' },
    { text: `${risk.toFixed(2)} ${level}`, tone: RISK_TONE[level] },
  ];
}

export function phaseLines(state: AppState, width: number): Line[] {
  const { view, status, theme } = state;
  const live =
    status && status.phase !== null && view.ended === null ? { name: status.phase, done: status.done, total: status.total } : view.phase;
  const rate = status ? `${short(status.tokensPerSecond)} tokens/s` : '';
  const foot: Line = [...(rate === '' ? [] : [{ text: `${rate}  `, tone: 'muted' as const }]), ...riskSpans(view.steps)];
  if (!live)
    return [
      [{ text: view.ended ? `The run has ${view.ended === 'finished' ? 'finished' : 'ended'}.` : 'between steps', tone: 'muted' }],
      ...(foot.length === 0 ? [] : [foot]),
    ];
  const at = PHASES.indexOf(live.name);
  const count = `${live.done}/${live.total}`;
  const bar = Math.max(4, width - 12 - count.length - 1);
  const strip = PHASES.flatMap((phase, index): Span[] => [
    at < 0 || index > at
      ? { text: `${theme.glyphs.todo}${phase} `, tone: 'muted' }
      : index < at
        ? { text: `${theme.glyphs.done}${phase} `, tone: 'good' }
        : { text: `${theme.glyphs.now}${phase} `, tone: 'accent' },
  ]);
  return [
    [
      { text: pad(live.name, 11), tone: 'strong' },
      ...progressBar(live.total > 0 ? live.done / live.total : 0, bar, theme),
      { text: ` ${count}` },
    ],
    ...wrap(strip, width),
    ...(foot.length === 0 ? [] : [foot]),
  ];
}

export function heldoutLines(state: AppState, width: number): Line[] {
  const rows = heldout(state.view.evals);
  const { arrow } = state.theme.glyphs;
  if (rows.length === 0) return [[{ text: 'measured before the first update', tone: 'muted' }]];
  return rows.map(({ path, before, now }): Line => {
    const [mode = '', type = ''] = path.split('/').slice(1);
    const room = Math.max(10, Math.min(26, width - 22));
    const name = room < 24 ? `${mode} ${type.slice(0, 3)}` : `${mode.replace('temp1', 'temperature 1')} ${type}`;
    const label = pad(truncate(name.trimEnd(), room), room);
    const change = (now - before) * 100;
    if (!Number.isFinite(now))
      return [
        { text: `${label} ` },
        { text: `${(before * 100).toFixed(1)} %`, tone: 'strong' },
        { text: width - room < 26 ? '  at first' : '  before training', tone: 'muted' },
      ];
    return [
      { text: `${label} ${(before * 100).toFixed(1)} ${arrow} ` },
      { text: `${(now * 100).toFixed(1)} %`, tone: 'strong' },
      { text: `  ${change < 0 ? '' : '+'}${change.toFixed(1)}`, tone: change < 0 ? 'warn' : 'good' },
    ];
  });
}

/** Columns and rows of charts for a space, and how high the foot is. */
export function grid(width: number, height: number): { readonly columns: number; readonly rows: number; readonly foot: number } {
  const columns = Math.max(1, Math.min(5, Math.floor(width / (width < 120 ? 26 : 38))));
  const foot = height >= 40 ? 8 : height >= 28 ? 6 : 5;
  const most = Math.ceil(CHARTS.length / columns);
  return { columns, rows: Math.max(1, Math.min(most, Math.floor((height - foot) / (height >= 40 ? 10 : height >= 30 ? 9 : 7)))), foot };
}

/** Cuts `total` into `parts` that differ by at most one. */
export const share = (total: number, parts: number): number[] =>
  Array.from({ length: parts }, (_, i) => Math.floor(((i + 1) * total) / parts) - Math.floor((i * total) / parts));

const drawn = new WeakMap<RunView['steps'], Map<string, Block>>();

/** A chart in its frame; drawn once for the same steps, size and theme. */
function chartPanel(spec: ChartSpec, { theme, view: { steps } }: AppState, width: number, height: number, focused: boolean): Block {
  let known = drawn.get(steps);
  if (!known) drawn.set(steps, (known = new Map()));
  const key = `${spec.title}/${width}/${height}/${focused}/${theme.name}/${theme.ascii}`;
  let block = known.get(key);
  if (!block) {
    const lines = chartLines(spec, steps, width - 4, height - 2, theme);
    known.set(key, (block = panel({ title: spec.title, width, height, theme, focused, lines })));
  }
  return block;
}

export function runScreen(state: AppState): Block {
  const { size, theme, view } = state;
  const width = size.columns;
  const height = bodyRows(state);
  const at = Math.min(state.run.chart, CHARTS.length - 1);
  if (state.run.zoom) return chartPanel(CHARTS[at]!, state, width, height, true);
  const { columns, rows, foot } = grid(width, height);
  // The chosen chart is always in sight: rows above it scroll away.
  const firstRow = Math.max(0, Math.floor(at / columns) - rows + 1);
  // Wide terminals have room for the words that are being written.
  const [left, middle] =
    width < 150 ? [Math.ceil(width / 2), 0] : [Math.min(64, Math.floor(width / 3)), width - 2 * Math.min(64, Math.floor(width / 3))];
  const right = width - left - middle;
  const charts = share(height - foot, rows).map((h, row) =>
    beside(
      ...share(width, columns).map((w, column) => {
        const index = (firstRow + row) * columns + column;
        const spec = CHARTS[index];
        return spec ? chartPanel(spec, state, w, h, index === at) : space(w, h);
      }),
    ),
  );
  const footer = [
    panel({ title: 'this step', note: lossNote(view.steps), width: left, height: foot, theme, lines: phaseLines(state, left - 4) }),
    ...(middle > 0
      ? [
          panel({
            title: 'thinking now',
            note: streamNote(state),
            width: middle,
            height: foot,
            theme,
            lines: liveLines(state, middle - 4, foot - 2),
          }),
        ]
      : []),
    panel({
      title: 'held-out accuracy',
      note: heldoutNote(view, foot - 2),
      width: right,
      height: foot,
      theme,
      lines: heldoutLines(state, right - 4),
    }),
  ];
  return above(...charts, beside(...footer));
}

/** Which evaluation it is, or where the rows are that have no room here. */
function heldoutNote({ evals }: RunView, rows: number): string {
  const { length } = heldout(evals);
  if (length > rows) return `${rows} of ${length}, key 8`;
  return evals.length > 1 ? `step ${evals.at(-1)![0]}` : '';
}

function streamNote({ live, followed }: AppState): string {
  const stream = live.find(({ key }) => key === followed);
  return stream ? `${stream.role} ${stream.taskType}` : '';
}

/** The end of the thought that grew last. */
function liveLines({ live, followed, theme }: AppState, width: number, height: number): Line[] {
  const stream = live.find(({ key }) => key === followed);
  if (!stream) return [[{ text: 'nothing is being written', tone: 'muted' }]];
  return wrap([{ text: sanitise(stream.text.slice(-width * height), theme.ascii) }], width).slice(-height);
}

function lossNote(steps: RunView['steps']): string {
  const norm = latest(steps, 'optim/grad_norm');
  return Number.isFinite(norm) ? `grad norm ${short(norm)}` : '';
}
