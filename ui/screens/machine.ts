import type { EngineInfo } from '../../src/core/types.ts';
import { above, beside, panel } from '../blocks.ts';
import type { Block } from '../blocks.ts';
import { chart, short } from '../chart.ts';
import { bodyRows } from '../layout.ts';
import { health, latest, parameters, percent } from '../select.ts';
import type { AppState } from '../store.ts';
import { fit, inline, pad, truncate } from '../text.ts';
import type { Line, Span } from '../text.ts';
import type { Theme } from '../theme.ts';

/** Screen 9: processor, memory, engine, sandbox, queues, and where the seconds of a step go. */

const gib = (bytes: number): string => (bytes < 2 ** 30 ? `${(bytes / 2 ** 20).toFixed(0)} MiB` : `${(bytes / 2 ** 30).toFixed(1)} GiB`);

function bar(share: number, width: number, theme: Theme): Span[] {
  const full = Math.round(Math.max(0, Math.min(1, Number.isFinite(share) ? share : 0)) * width);
  return [
    { text: theme.glyphs.full.repeat(full), tone: share > 0.9 ? 'warn' : 'accent' },
    { text: theme.glyphs.empty.repeat(Math.max(0, width - full)), tone: 'muted' },
  ];
}

const row = (label: string, value: string, width: number, theme: Theme): Line =>
  fit(
    [
      { text: pad(label, Math.min(16, width >> 1)), tone: 'muted' },
      { text: truncate(inline(value, theme.ascii), width - Math.min(16, width >> 1), theme.glyphs.ellipsis) },
    ],
    width,
  );

export function processorLines({ machine, theme }: AppState, width: number, height: number): Line[] {
  if (machine.cpu.length === 0) return [[{ text: 'measuring for a second', tone: 'muted' }]];
  const most = Math.max(1, Math.min(machine.cores.length, Math.floor(height / 2)));
  const shown = machine.cores.slice(0, most);
  const rest = machine.cores.length - shown.length;
  const cores = shown.map((share, index): Line => [
    { text: pad(`core ${index}`, 8), tone: 'muted' },
    ...bar(share, Math.max(4, width - 16), theme),
    { text: pad(percent(share), 8, 'right') },
  ]);
  const more: Line[] = rest > 0 ? [[{ text: `and ${rest} more cores`, tone: 'muted' }]] : [];
  const left = height - cores.length - more.length;
  const graph =
    left < 3
      ? []
      : chart([{ values: machine.cpu, tone: 'accent', label: 'cpu' }], width, left, theme, {
          low: 0,
          high: 1,
          domain: 60,
          format: (value) => `${Math.round(value * 100)}%`,
        });
  return [...cores, ...more, ...graph];
}

export function memoryLines({ machine, status, view, theme }: AppState, width: number, height: number): Line[] {
  const used = machine.used.at(-1) ?? NaN;
  const rss = status?.rssMb ?? latest(view.steps, 'memory/rss_mb');
  const lines: Line[] = [
    [
      { text: pad('machine', 8), tone: 'muted' },
      ...bar(used / machine.total, Math.max(4, width - 30), theme),
      { text: pad(`${gib(used)} of ${gib(machine.total)}`, 22, 'right') },
    ],
    row('run process', Number.isFinite(rss) ? gib(rss * 1e6) : '-', width, theme),
  ];
  const left = height - lines.length;
  if (left >= 3 && machine.used.length > 1)
    lines.push(
      ...chart([{ values: machine.used, tone: 'accent', label: 'memory' }], width, left, theme, {
        low: 0,
        high: machine.total,
        domain: 60,
        format: gib,
      }),
    );
  return lines;
}

/** A value of the configuration, whatever version wrote it. */
function setting(config: unknown, path: string): string {
  let at: unknown = config;
  for (const key of path.split('.')) at = typeof at === 'object' && at !== null ? (at as Record<string, unknown>)[key] : undefined;
  return at === undefined || at === null ? '-' : typeof at === 'object' ? JSON.stringify(at) : String(at);
}

/** Size and trained share; the architecture where there is room. */
function modelText({ architecture, parameters: all, trainable }: EngineInfo, width: number): string {
  const size = `${parameters(all)}, ${trainable === all ? 'all' : parameters(trainable)} trained`;
  return width < 44 ? size : `${architecture} ${size}`;
}

export function engineLines({ view, status, theme }: AppState, width: number): Line[] {
  const { info, config } = view;
  const of = (path: string): string => setting(config, path);
  const threads = of('engine.threads');
  const speed = status?.tokensPerSecond || latest(view.steps, 'throughput/tokens_per_second');
  return [
    row('engine', info ? `${info.backend}, ${info.mode}` : 'not open yet', width, theme),
    row('model', info ? modelText(info, width) : '-', width, theme),
    row('context', info ? `${info.contextLength} tokens` : '-', width, theme),
    row('tokens/s', short(speed), width, theme),
    row('threads', threads === '0' ? 'all cores, at most 8' : threads, width, theme),
    row('in parallel', `${of('engine.parallel')} sequences`, width, theme),
    row('one graph', `${of('engine.tokenBudget')} tokens, ${of('engine.compute')}`, width, theme),
    row('checkpointing', of('engine.checkpointing'), width, theme),
  ];
}

export function sandboxLines({ view, status, theme }: AppState, width: number): Line[] {
  const of = (path: string): string => setting(view.config, path);
  const stats = status?.sandbox;
  const told: Line[] = stats
    ? [
        row('executions', `${stats.executions}, ${short(stats.perSecond)} a second`, width, theme),
        row('median, p99', `${stats.p50Ms.toFixed(1)}, ${stats.p99Ms.toFixed(1)} ms`, width, theme),
        row('renewed', `${stats.recycles} worn, ${stats.kills} ended`, width, theme),
        ...(stats.rssMb > 0 ? [row('memory', gib(stats.rssMb * 1e6), width, theme)] : []),
      ]
    : [];
  // Formulas, plans and the like are interpreted in the run process, by steps.
  if (!['javascript', 'python'].includes(of('language')))
    return [...told, row('language', of('language'), width, theme), row('step limit', `${of('environment.fuel')} × 10`, width, theme)];
  return [
    ...told,
    row('language', of('language'), width, theme),
    row('workers', of('environment.workers'), width, theme),
    row('time limit', `${of('environment.timeoutMs')} ms`, width, theme),
    row('memory limit', `${of('environment.memoryMb')} MB`, width, theme),
  ];
}

export function queueLines(state: AppState, width: number): Line[] {
  const { view, status, live, theme } = state;
  const { read, generated, lag } = health(state);
  const at = view.ended === null ? (status?.phase ? { ...status, name: status.phase } : view.phase) : null;
  const open = view.flagged.filter(({ label, finding }) => label === 'new' && finding.severity >= 2).length;
  const share = Math.max(4, width - 34);
  return [
    [
      { text: pad(at?.name ?? (view.ended === null ? 'between steps' : view.ended), 16), tone: 'muted' },
      ...bar(at && at.total > 0 ? at.done / at.total : 0, share, theme),
      { text: pad(at ? `${at.done}/${at.total}` : '', 12, 'right') },
    ],
    row('being written', `${live.length} thoughts`, width, theme),
    row('to be read', width < 44 ? `${lag} of ${generated}` : `${lag} of ${generated} thoughts wait, ${read} read`, width, theme),
    row('to be reviewed', `${open} findings`, width, theme),
  ];
}

/** Mean seconds of the phases over the newest steps. */
export function timeLines({ view, theme }: AppState, width: number): Line[] {
  const newest = view.steps.slice(-10);
  const names = [
    ...new Set(newest.flatMap(([, metrics]) => Object.keys(metrics).filter((path) => path.startsWith('time/') && path !== 'time/step'))),
  ];
  const mean = (path: string): number => newest.reduce((sum, [, metrics]) => sum + (metrics[path] ?? 0), 0) / Math.max(1, newest.length);
  const whole = mean('time/step');
  if (newest.length === 0) return [[{ text: 'after the first step', tone: 'muted' }]];
  const rows = names.map((path) => ({ name: path.slice(5), seconds: mean(path) })).sort((a, b) => b.seconds - a.seconds);
  return [
    row('a step takes', `${whole.toFixed(2)} s, mean of ${newest.length}`, width, theme),
    ...rows.map(({ name, seconds }): Line => [
      { text: pad(inline(name, theme.ascii), 12), tone: 'muted' },
      ...bar(whole > 0 ? seconds / whole : 0, Math.max(4, width - 22), theme),
      { text: pad(`${seconds.toFixed(2)} s`, 10, 'right') },
    ]),
  ];
}

export function machineScreen(state: AppState): Block {
  const { theme, machine } = state;
  const width = state.size.columns;
  const height = bodyRows(state);
  const top = Math.max(6, Math.floor(height * 0.42));
  const low = height - top;
  const half = Math.ceil(low / 2);
  const left = Math.ceil(width / 2);
  const right = width - left;
  const pane = (title: string, w: number, h: number, lines: (width: number, height: number) => readonly Line[], note = ''): Block =>
    panel({ title, note, width: w, height: h, theme, lines: lines(w - 4, h - 2) });
  const queues = (w: number, h: number): Block => pane('queues', w, h, (room) => queueLines(state, room));
  const seconds = (w: number, h: number): Block => pane('where the time goes', w, h, (room) => timeLines(state, room));
  const sandbox = (w: number, h: number): Block => pane('sandbox', w, h, (room) => sandboxLines(state, room));
  const engine = (w: number, h: number): Block =>
    pane('engine', w, h, (room) => engineLines(state, room), state.view.info ? inline(state.view.info.backend, theme.ascii) : '');
  const load = machine.load > 0 ? `load ${machine.load.toFixed(1)} on ${machine.cores.length} cores` : '';
  const upper = beside(
    pane('processor', left, top, (w, h) => processorLines(state, w, h), load),
    pane('memory', right, top, (w, h) => memoryLines(state, w, h)),
  );
  if (width < 110)
    return above(
      upper,
      beside(above(engine(left, half), queues(left, low - half)), above(seconds(right, half), sandbox(right, low - half))),
    );
  const third = Math.ceil(width / 3);
  const middle = Math.floor(width / 3);
  return above(
    upper,
    beside(engine(third, low), above(sandbox(middle, half), queues(middle, low - half)), seconds(width - third - middle, low)),
  );
}
