import type { RunSummary } from '../src/record/folder.ts';
import { short } from './chart.ts';
import { section } from './detail.ts';
import { panes } from './layout.ts';
import type { LoadedRun } from './runs.ts';
import { differences, selectedRun } from './runs.ts';
import { heldout, latest, parameters } from './select.ts';
import type { AppState } from './store.ts';
import { fit, inline, pad, truncate, wrap } from './text.ts';
import type { Line } from './text.ts';
import type { Theme } from './theme.ts';

/** One run, or several side by side, as lines. Pure. */

/** What two runs are compared by; those that neither has are left out. */
const PATHS = [
  'accuracy/solve/deduction', 'accuracy/solve/abduction', 'accuracy/solve/induction', 'valid/propose/deduction', 'valid/propose/abduction', 'valid/propose/induction',
  'learnability/deduction', 'learnability/abduction', 'learnability/induction', 'entropy', 'optim/grad_norm', 'time/step', 'throughput/tokens_per_second', 'memory/rss_mb',
]; // prettier-ignore

const NAME = 29;

const column = (text: string, width: number, theme: Theme): string =>
  pad(truncate(inline(text, theme.ascii), width - 1, theme.glyphs.ellipsis), width);

function table(head: readonly string[], rows: readonly (readonly string[])[], width: number, theme: Theme): Line[] {
  const each = Math.max(8, Math.floor((width - NAME) / Math.max(1, head.length - 1)));
  const line = (cells: readonly string[]): string => cells.map((cell, index) => column(cell, index === 0 ? NAME : each, theme)).join('');
  return [
    fit([{ text: line(head), tone: 'muted' }], width),
    ...rows.map((row): Line =>
      fit(
        [
          { text: column(row[0] ?? '', NAME, theme), tone: 'muted' },
          {
            text: row
              .slice(1)
              .map((cell) => column(cell, each, theme))
              .join(''),
          },
        ],
        width,
      ),
    ),
  ];
}

/** Held-out accuracies and the newest metrics of several runs, a column each. */
export function resultLines(runs: readonly (readonly [name: string, run: LoadedRun])[], width: number, theme: Theme): Line[] {
  const arrow = ` ${theme.glyphs.arrow} `;
  const share = (value: number): string => (Number.isFinite(value) ? (value * 100).toFixed(1) : '-');
  const paths = [...new Set(runs.flatMap(([, { view }]) => heldout(view.evals).map(({ path }) => path)))];
  const evals = paths.map((path) => [
    `${path.replace('heldout/', '')}, %`,
    ...runs.map(([, { view }]) => {
      const found = heldout(view.evals).find((row) => row.path === path);
      return found ? `${share(found.before)}${Number.isFinite(found.now) ? arrow + share(found.now) : ''}` : '-';
    }),
  ]);
  const metrics = PATHS.map((path) => [path, ...runs.map(([, { view }]) => short(latest(view.steps, path)))]).filter((row) =>
    row.slice(1).some((cell) => cell !== '-'),
  );
  const findings = ['findings S2/S3/S4', ...runs.map(([, { view: { counts } }]) => counts.findings.slice(2).join('/'))]; // prettier-ignore
  return table(['', ...runs.map(([name]) => name)], [...evals, ...metrics, findings], width, theme);
}

function factLines(run: RunSummary, loaded: LoadedRun | undefined, state: AppState, width: number): Line[] {
  const { theme } = state;
  const safe = (text: string): string => inline(text, theme.ascii);
  const facts: [string, string][] = [
    ['configuration', run.config],
    ['started', run.started.replace('T', ' ').slice(0, 16)],
    ['process', run.pid === null ? 'none' : String(run.pid)],
  ];
  if (loaded?.view.info)
    facts.push([
      'model',
      `${loaded.view.info.model.split(/[\\/]/).at(-1) ?? ''}, ${parameters(loaded.view.info.parameters)}, ${loaded.view.info.mode}`,
    ]);
  const lines = facts.map(([name, value]): Line => fit([{ text: pad(name, 15), tone: 'muted' }, { text: safe(value) }], width));
  const hint = {
    crashed: 'The process is gone and the journal is whole: R resumes it.',
    paused: 'It waits for a person: Enter opens it.',
    stopped: 'R lets it go on.',
  }[run.state as string];
  const waiting: Line[] = hint ? [[{ text: hint, tone: 'warn' }]] : [];
  const problem: Line[] = run.problem ? wrap([{ text: safe(run.problem), tone: 'bad' }], width) : [];
  return [...lines, ...waiting, ...problem];
}

/** Where a run comes from: the model or adapter it began with, and each time a process took it up. */
function lineageLines(run: RunSummary, loaded: LoadedRun, state: AppState, width: number): Line[] {
  const { theme } = state;
  const { model, adapter } = (loaded.view.config ?? {}) as { readonly model?: unknown; readonly adapter?: unknown };
  const source = typeof adapter === 'string' ? adapter : typeof model === 'string' ? model : '';
  const parent = state.runs.rows?.find(
    (other) => other.dir !== run.dir && (source.startsWith(`${other.dir}/`) || source.startsWith(other.name)),
  );
  const from = parent ? `${parent.name} (${source})` : source || 'an unknown model';
  const forked = run.parent
    ? [`forked from ${run.parent.run} at step ${run.parent.step}`, ...run.parent.changes.map((change) => `  ${change}`)]
    : [];
  const origin = [...forked, `from ${from}`].flatMap((line) => wrap([{ text: inline(line, theme.ascii) }], width));
  const takes = loaded.starts.map(({ step, at, resumed }): Line => [
    { text: `${theme.glyphs.arrow} ${resumed ? 'resumed' : 'started'} at step ${step}` },
    { text: `  ${new Date(at).toISOString().replace('T', ' ').slice(0, 16)}`, tone: 'muted' },
  ]);
  return [section('lineage', width, theme), ...origin, ...takes];
}

export function runsDetail(state: AppState, width: number): Line[] {
  const { runs, theme } = state;
  const run = selectedRun(runs);
  if (!run) return [];
  const loaded = runs.loaded.get(run.dir);
  const lines = factLines(run, loaded, state, width);
  if (!loaded) return lines;
  const others = runs.marked.filter((dir) => dir !== run.dir).flatMap((dir) => {
    const other = runs.loaded.get(dir);
    return other ? [[runs.rows?.find((row) => row.dir === dir)?.name ?? dir, other] as const] : [];
  }); // prettier-ignore
  const compared = others.flatMap(([name, other]): Line[] => {
    const rows = differences(loaded.view.config, other.view.config);
    return [
      section(truncate(`settings that differ from ${inline(name, theme.ascii)}`, width - 6), width, theme),
      ...(rows.length === 0
        ? [[{ text: 'none', tone: 'muted' as const }]]
        : table(['', 'this run', inline(name, theme.ascii)], rows, width, theme)),
    ];
  });
  return [
    ...lines,
    section(others.length > 0 ? 'results side by side' : 'results', width, theme),
    ...resultLines([[others.length > 0 ? 'this run' : 'newest', loaded], ...others], width, theme),
    ...compared,
    ...lineageLines(run, loaded, state, width),
  ];
}

/** Inner size of the detail: the third column is no use here. */
export function runsPane(state: AppState): { readonly width: number; readonly height: number } {
  const layout = panes(state, state.runs.focus);
  return { width: layout.detail.width + (layout.side?.width ?? 0), height: layout.detail.height };
}
